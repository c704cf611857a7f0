//! Tests of plans: ids that a platform takes, and digests that change with what is pushed.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::connection::oidc::Oidc;

fn plan() -> Plan {
    Plan {
        config_id: "c".into(),
        platform_id: "p".into(),
        remote_id: remote_id("c", "p"),
        display_name: "Corporate".into(),
        settings: Settings::Oidc(Box::new(Oidc { client_id: "id".into(), ..Oidc::default() })),
        secret: Some(Secret::from("canary")),
        issuer: "https://idp.example".into(),
        endpoints: Some(Endpoints { issuer: "https://idp.example".into(), ..Endpoints::default() }),
        metadata: None,
        attributes: vec![("username".into(), "preferred_username".into())],
        group_mappings: vec![GroupMapping { idp_group: "admins".into(), role: "admin".into() }],
        takes_groups: false,
        creates_users: true,
    }
}

#[test]
fn an_id_is_always_the_same_and_one_that_zstack_takes() {
    let id = remote_id("c", "p");
    assert_eq!(id, remote_id("c", "p"));
    assert_ne!(id, remote_id("p", "c"));
    assert_ne!(remote_id("ab", "c"), remote_id("a", "bc"));
    assert_eq!((id.len(), &id[12..13]), (32, "5"));
    assert!(
        id.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()) && "89ab".contains(&id[16..17]),
        "{id}"
    );
}

#[test]
fn a_digest_changes_with_whatever_is_pushed_and_tells_no_secret() {
    let first = plan();
    assert_eq!(first.digest(), plan().digest());
    let changes: [fn(&mut Plan); 10] = [
        |p| p.display_name.push('x'),
        |p| p.secret = Some(Secret::from("other")),
        |p| p.secret = None,
        |p| p.issuer.push('x'),
        |p| p.endpoints = None,
        |p| p.metadata = Some("<xml/>".into()),
        |p| p.attributes.clear(),
        |p| p.group_mappings.clear(),
        |p| p.takes_groups = true,
        |p| p.creates_users = false,
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut other = plan();
        change(&mut other);
        assert_ne!(other.digest(), first.digest(), "change {i}");
    }
    let bare = hex(&Sha256::digest("canary"));
    assert!(!first.digest().contains(&bare) && !format!("{first:?}").contains("canary"));
}

#[test]
fn an_attribute_is_found_by_its_field() {
    assert_eq!(plan().attribute("username"), Some("preferred_username"));
    assert_eq!(plan().attribute("email"), None);
}
