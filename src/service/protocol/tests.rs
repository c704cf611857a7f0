//! What a change of protocols, mappings and service providers does to tokens, through the whole house on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use super::super::tests::{DOMAIN, login, on_both, subject, validate};
use crate::model::federated_link::FederatedLink;
use crate::model::token::{Federated, Payload, Scope, new_audit_id};
use crate::store;
use crate::store::tests::an_idp;
use crate::store::tests::federation::{a_mapping, a_protocol};
use crate::testing::{Answered, House};

const IDP: &str = "/v3/OS-FEDERATION/identity_providers/ACME";

/// The identity provider ACME with the protocols `saml` and `oidc`, which use the mappings `m` and `n`.
async fn federate(house: &House) {
    let mut tx = house.app.store.write().await.unwrap();
    store::identity_provider::insert(&mut tx, &an_idp("ACME", DOMAIN, &[])).await.unwrap();
    for (mapping, protocol) in [("m", "saml"), ("n", "oidc")] {
        store::mapping::insert(&mut tx, &a_mapping(mapping, None)).await.unwrap();
        store::protocol::insert(&mut tx, &a_protocol("ACME", protocol, mapping)).await.unwrap();
    }
    house.app.commit(tx).await.unwrap();
}

/// A token of ann's that came by a protocol of ACME.
fn came_by(house: &House, protocol: &str) -> String {
    let now = house.app.now().whole_seconds();
    let payload = Payload {
        user_id: "ann".into(),
        methods: vec!["mapped".into()],
        issued_at: now,
        expires_at: now.plus_secs(3_600),
        audit_ids: vec![new_audit_id(&house.app.random)],
        scope: Scope::Unscoped,
        federated: Some(Federated { group_ids: vec![], idp_id: "ACME".into(), protocol_id: protocol.into() }),
        trust_id: None,
        app_cred_id: None,
        access_token_id: None,
        thumbprint: None,
    };
    house.app.keys.issue(&payload, &house.app.random).unwrap()
}

async fn ask(house: &House, method: &str, path: &str, body: Option<Value>) -> Answered {
    let admin = house.token("admin", Scope::System);
    house.ask(method, path, &[("x-auth-token", &admin)], body.as_ref()).await
}

/// Does something, and tells which of two remembered tokens, by `saml` and by `oidc`, are still valid after it.
async fn left_after(house: &House, method: &str, path: &str, body: Option<Value>) -> String {
    let tokens = ["saml", "oidc"].map(|p| (p, came_by(house, p)));
    for (_, token) in &tokens {
        assert_eq!(validate(house, token, "").await, 200);
    }
    let answer = ask(house, method, path, body).await;
    assert!(answer.status < 300, "{answer:?}");
    let mut left = Vec::new();
    for (protocol, token) in &tokens {
        if validate(house, token, "").await == 200 {
            left.push(*protocol);
        }
    }
    left.join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ks_fed_2_a_change_voids_the_tokens_that_came_by_the_protocols_it_concerns() {
    on_both(&[], async |house| {
        federate(house).await;
        let saml = &format!("{IDP}/protocols/saml");
        let other = |id: &str| json!({"protocol": {"mapping_id": id}});
        let rules = json!([{"local": [{"user": {"name": "x"}}], "remote": [{"type": "REMOTE_USER"}]}]);
        let same = a_mapping("m", None).document.rules;
        for (method, path, body, left) in [
            ("PATCH", saml, Some(other("m")), "saml oidc"),
            ("PATCH", saml, Some(other("n")), "oidc"),
            ("PATCH", saml, Some(other("m")), "oidc"),
            ("PATCH", saml, Some(json!({"protocol": {"mapping_id": "m", "remote_id_attribute": "iss"}})), "oidc"),
            ("PATCH", &"/v3/OS-FEDERATION/mappings/m".into(), Some(json!({"mapping": {"rules": same}})), "saml oidc"),
            ("PATCH", &"/v3/OS-FEDERATION/mappings/m".into(), Some(json!({"mapping": {"rules": rules}})), "oidc"),
            ("DELETE", saml, None, "oidc"),
        ] {
            assert_eq!(left_after(house, method, path, body).await, left, "{method} {path}");
            // A revocation reaches the second that it is made in.
            house.clock.advance(2);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ks_fed_2_a_deleted_protocols_tokens_stay_void_when_it_is_there_again() {
    on_both(&[], async |house| {
        federate(house).await;
        let token = came_by(house, "saml");
        let path = format!("{IDP}/protocols/saml");
        assert_eq!(ask(house, "DELETE", &path, None).await.status, 204);
        assert_eq!(validate(house, &token, "").await, 404);
        let body = json!({"protocol": {"mapping_id": "m"}});
        assert_eq!(ask(house, "PUT", &path, Some(body)).await.status, 201);
        assert_eq!(validate(house, &token, "").await, 404);
        house.clock.advance(1);
        assert_eq!(validate(house, &came_by(house, "saml"), "").await, 200);
        assert_eq!(validate(house, &came_by(house, "kerberos"), "").await, 404, "a protocol that never was");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_in_the_second_after_a_revocation_is_reached_by_another_of_the_same_second() {
    on_both(&[], async |house| {
        federate(house).await;
        let change = |id: &str| json!({"protocol": {"mapping_id": id}});
        let path = format!("{IDP}/protocols/saml");
        assert_eq!(ask(house, "PATCH", &path, Some(change("n"))).await.status, 200);
        let app = &house.app;
        let until = app.memory.protocol_revoked_until("ACME", Some("saml")).unwrap();
        assert_eq!(app.memory.protocol_revoked_until("ACME", Some("oidc")), None);
        // What a login of this second bears.
        let borne = until.whole_seconds().plus_secs(1);
        let hits = |event: &crate::model::revocation::RevocationEvent| event.issued_before >= borne.0;
        assert!(hits(&super::revocation::of_protocol(app, "ACME", "saml")));
        assert!(hits(&super::revocation::of_identity_provider(app, "ACME")));
        assert!(hits(&super::revocation::of_user(app, "ann")));
        assert!(hits(&super::revocation::of_link(app, "ann", "ACME", "saml")));
        assert!(!hits(&super::revocation::of_protocol(app, "ACME", "oidc")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_taken_away_voids_the_users_tokens_that_came_by_it() {
    on_both(&[], async |house| {
        federate(house).await;
        let links = ["oidc", "saml"].map(|p| FederatedLink {
            idp_id: "ACME".into(),
            protocol_id: p.into(),
            unique_id: "a".into(),
        });
        let mut tx = house.app.store.write().await.unwrap();
        store::federated_link::replace(&mut tx, "ann", &links).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let password = subject(&login(house, "ann", "right").await);
        let only = json!([{"idp_id": "ACME", "protocols": [{"protocol_id": "oidc", "unique_id": "a"}]}]);
        let body = Some(json!({"user": {"federated": only}}));
        assert_eq!(left_after(house, "PATCH", "/v3/users/ann", body.clone()).await, "oidc");
        house.clock.advance(1);
        assert_eq!(left_after(house, "PATCH", "/v3/users/ann", body).await, "saml oidc", "nothing new");
        assert_eq!(validate(house, &password, "").await, 200);
        let events = ask(house, "GET", "/v3/OS-REVOKE/events", None).await;
        let event = &events.body["events"][0];
        assert_eq!((&event["user_id"], &event["identity_provider_id"]), (&json!("ann"), &json!("ACME")));
        assert_eq!(event.get("protocol_id"), None, "what clients do not know is not shown");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enabled_service_providers_are_in_every_token_at_once_and_the_member_is_absent_without_any() {
    on_both(&[], async |house| {
        let admin = house.token("admin", Scope::System);
        let tokens = [subject(&login(house, "ann", "right").await), house.token("ann", Scope::Unscoped)];
        let shown = async |token: &str, query: &str| {
            let headers = [("x-auth-token", admin.as_str()), ("x-subject-token", token)];
            let answer = house.ask("GET", &format!("/v3/auth/tokens{query}"), &headers, None).await;
            assert_eq!(answer.status, 200);
            answer.body["token"].get("service_providers").cloned()
        };
        let path = "/v3/OS-FEDERATION/service_providers/sp";
        let urls = json!({"auth_url": "https://sp/auth", "sp_url": "https://sp/ecp"});
        let listed = json!([{"id": "sp", "auth_url": "https://sp/auth", "sp_url": "https://sp/ecp"}]);
        let set = |enabled: bool| Some(json!({"service_provider": {"enabled": enabled}}));
        for (method, body, expected) in [
            ("PUT", Some(json!({ "service_provider": urls })), None),
            ("PATCH", set(true), Some(&listed)),
            ("PATCH", set(false), None),
            ("PATCH", set(true), Some(&listed)),
            ("DELETE", None, None),
        ] {
            assert!(ask(house, method, path, body).await.status < 300);
            for token in &tokens {
                assert_eq!(shown(token, "").await.as_ref(), expected, "{method}");
                assert_eq!(shown(token, "?nocatalog").await.as_ref(), expected, "{method}");
            }
            assert_eq!(login(house, "ann", "right").await.body["token"].get("service_providers"), expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ks_map_an_identity_provider_of_a_domain_uses_mappings_of_that_domain_or_the_clouds() {
    on_both(&[], async |house| {
        federate(house).await;
        let mut tx = house.app.store.write().await.unwrap();
        let other = "00000000000040008000000000000002";
        store::domain::insert(&mut tx, &store::tests::a_domain(other)).await.unwrap();
        store::mapping::insert(&mut tx, &a_mapping("own", Some(DOMAIN))).await.unwrap();
        store::mapping::insert(&mut tx, &a_mapping("foreign", Some(other))).await.unwrap();
        store::role::insert(&mut tx, &store::tests::a_role("secu_admin")).await.unwrap();
        let target = crate::model::grant::Target::Domain(DOMAIN.into());
        let grant = crate::model::grant::Grant::of_user("ann", target, "secu_admin");
        store::grant::insert(&mut tx, &grant).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let (cloud, ann) = (house.token("admin", Scope::System), house.token("ann", Scope::Domain(DOMAIN.into())));
        for (token, mapping, expected) in [
            (&cloud, "own", 200),
            (&cloud, "m", 200),
            (&cloud, "foreign", 400),
            (&ann, "own", 200),
            (&ann, "m", 400),
            (&ann, "foreign", 400),
        ] {
            let body = json!({"protocol": {"mapping_id": mapping, "remote_id_attribute": "iss"}});
            let headers = [("x-auth-token", token.as_str())];
            let answer = house.ask("PATCH", &format!("{IDP}/protocols/saml"), &headers, Some(&body)).await;
            assert_eq!(answer.status, expected, "{mapping}: {answer:?}");
            if expected == 400 {
                assert!(answer.message().starts_with(&format!("Invalid mapping id: {mapping}")), "{answer:?}");
            }
        }
    })
    .await;
}
