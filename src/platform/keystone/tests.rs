//! Tests of pushes to a Keystone and to an Archstone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod server;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::model::connection::Settings;
use crate::model::connection::saml::Saml;
use crate::model::platform::{CredentialKind, Product};
use crate::platform::tests::{CANARY, Said, Scene, attempt, plan, problem};
use server::{DOMAIN, Is, LOGOUT, There};

fn idp(plan: &Plan) -> String {
    format!("/OS-FEDERATION/identity_providers/archstone-{}", plan.remote_id)
}

#[tokio::test]
async fn a_push_makes_all_and_again_changes_nothing() {
    let there = There::new(Is::Keystone).await;
    let (scene, plan) = (there.scene(), plan());
    let pushed = Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap();
    let name = format!("archstone-{}", plan.remote_id);
    assert_eq!(pushed.client_id, name);
    assert!(name.len() <= 64);
    let way = format!("v3/OS-FEDERATION/identity_providers/{name}/protocols/openid/auth");
    assert_eq!(pushed.callback_url, Some(format!("{}/{way}", there.peer.url)));
    assert!(pushed.warnings.len() == 1 && pushed.warnings[0].contains("mod_auth_openidc"), "{:?}", pushed.warnings);

    let made = there.thing(&idp(&plan));
    assert_eq!(made["identity_provider"]["remote_ids"], json!(["https://idp.example"]));
    assert_eq!(made["identity_provider"]["description"], "Corporate SSO");
    assert_eq!(made["identity_provider"]["enabled"], true);
    let rules = there.thing(&format!("/OS-FEDERATION/mappings/{name}"))["mapping"]["rules"].clone();
    assert_eq!(
        rules[0],
        json!({
            "local": [{"user": {"id": "{0}", "name": "{1}", "email": "{2}"}}],
            "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-preferred_username"}, {"type": "OIDC-email"}],
        })
    );
    assert_eq!(
        rules[3],
        json!({"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-preferred_username"}]})
    );
    assert_eq!(
        rules[4],
        json!({
            "local": [{"group": {"name": "admins", "domain": {"id": DOMAIN}}}],
            "remote": [{"type": "OIDC-groups", "any_one_of": ["admins"]}],
        })
    );
    assert_eq!(rules.as_array().unwrap().len(), 6);
    assert_eq!(there.thing(&format!("{}/protocols/openid", idp(&plan)))["protocol"]["mapping_id"], name);
    let paths = there.paths();
    assert!(paths.contains(&format!("/domains/{DOMAIN}/groups/g1/roles/id-admin")), "{paths:?}");
    assert!(paths.contains(&format!("/domains/{DOMAIN}/groups/g2/roles/id-reader")), "{paths:?}");

    there.writes();
    assert_eq!(Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap(), pushed);
    assert_eq!(there.writes(), [] as [&str; 0]);
    assert_eq!(Keystone.inspect(&scene.site(), &plan).await.unwrap(), Found::Same);
}

#[tokio::test]
async fn a_push_finds_what_an_earlier_one_left_half_made() {
    // Whichever write is the last one before a crash, the next push makes the rest.
    for after in 0..8 {
        let left = Arc::new(std::sync::atomic::AtomicUsize::new(after));
        let counter = left.clone();
        let there = There::with(Is::Keystone, move |asked| {
            let writes = matches!(asked.method.as_str(), "PUT" | "PATCH" | "POST") && !asked.path.ends_with("/tokens");
            let order = std::sync::atomic::Ordering::SeqCst;
            let spent = writes && counter.fetch_update(order, order, |n| n.checked_sub(1)).is_err();
            spent.then(|| Said::text(503, CANARY))
        })
        .await;
        let (scene, plan) = (there.scene(), plan());
        let first = Keystone.push(&scene.site(), &plan, &attempt()).await;
        if after < 8 - 1 {
            problem(first, Trouble::Failed, "the platform failed by itself");
        }
        assert_eq!(there.peer.lines().last().map(String::as_str), Some(LOGOUT));
        left.store(usize::MAX, std::sync::atomic::Ordering::SeqCst);
        Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap();
        assert_eq!(Keystone.inspect(&scene.site(), &plan).await.unwrap(), Found::Same, "after {after}");
        assert_eq!(there.paths().iter().filter(|p| p.starts_with("/groups/")).count(), 2);
    }
}

#[tokio::test]
async fn a_changed_plan_changes_what_differs_and_takes_away_what_was_made() {
    let there = There::new(Is::Keystone).await;
    let (scene, mut plan) = (there.scene(), plan());
    // Somebody else's group of a mapped name.
    let theirs = json!({"group": {"id": "theirs", "name": "readers", "domain_id": DOMAIN, "description": "by hand"}});
    there.kept.lock().unwrap().things.insert("/groups/theirs".into(), theirs);
    let pushed = Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert!(pushed.warnings[0].contains("'readers' was there already"), "{:?}", pushed.warnings);

    plan.display_name = "Renamed".into();
    plan.group_mappings.remove(1);
    plan.group_mappings[0].role = "reader".into();
    let Found::Different(differs) = Keystone.inspect(&scene.site(), &plan).await.unwrap() else { panic!() };
    assert_eq!(differs, ["identity_provider.description", "mapping.rules", "group.admins.roles"]);
    there.writes();
    Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap();
    let name = format!("archstone-{}", plan.remote_id);
    assert_eq!(
        there.writes(),
        [
            format!("PATCH /v3{}", idp(&plan)),
            format!("PUT /v3/domains/{DOMAIN}/groups/g1/roles/id-reader"),
            format!("DELETE /v3/domains/{DOMAIN}/groups/g1/roles/id-admin"),
            format!("PATCH /v3/OS-FEDERATION/mappings/{name}"),
        ]
    );
    plan.group_mappings.clear();
    Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!(there.writes()[0], "DELETE /v3/groups/g1");
    assert!(there.paths().contains(&"/groups/theirs".to_owned()));
}

#[tokio::test]
async fn a_removal_takes_away_all_that_was_made_and_what_is_gone_is_gone() {
    let there = There::new(Is::Archstone).await;
    let (scene, plan) = (there.scene(), plan());
    Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap();
    let remote = Remote { remote_id: plan.remote_id.clone(), client_id: None, protocol: "oidc".into() };
    there.kept.lock().unwrap().things.remove(&format!("{}/protocols/openid/connection", idp(&plan)));
    Keystone.remove(&scene.site(), &remote, &attempt()).await.unwrap();
    assert_eq!(there.paths(), [] as [&str; 0]);
    assert_eq!(Keystone.inspect(&scene.site(), &plan).await.unwrap(), Found::Missing);
    Keystone.remove(&scene.site(), &remote, &attempt()).await.unwrap();
    assert_eq!(there.peer.lines().last().map(String::as_str), Some(LOGOUT));
}

#[tokio::test]
async fn another_archstone_gets_the_connection_and_signs_in_by_itself() {
    let there = There::new(Is::Archstone).await;
    let (scene, mut plan) = (there.scene(), plan());
    let pushed = Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap();
    let way = format!("v3/auth{}/protocols/openid/callback", idp(&plan));
    assert_eq!(pushed.callback_url, Some(format!("{}/{way}", there.peer.url)));
    assert_eq!(pushed.warnings, [] as [&str; 0]);
    let path = format!("{}/protocols/openid/connection", idp(&plan));
    let made = there.thing(&path)["connection"].clone();
    assert_eq!((&made["client_id"], &made["client_secret"]), (&json!("client"), &json!(CANARY)));
    assert_eq!((&made["kind"], &made["issuer"]), (&json!("oidc"), &json!("https://idp.example")));
    assert_eq!(made["scopes"], json!(["openid", "email", "profile"]));
    // What is this service's own stays here, and what is null is not said.
    assert!(made.get("redirect_uri").is_none() && made.get("jwks").is_none());
    crate::model::connection::Create::parse(&there.thing(&path)).unwrap();

    let Settings::Oidc(oidc) = &mut plan.settings else { panic!() };
    oidc.client_id = "other".into();
    plan.secret = None;
    let found = Keystone.inspect(&scene.site(), &plan).await.unwrap();
    assert_eq!(found, Found::Different(vec!["connection.client_id".into()]));
    there.writes();
    Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!(there.writes(), [format!("PUT /v3{path}"), format!("PATCH /v3{path}")]);
    assert_eq!(there.thing(&path)["connection"]["client_secret"], Value::Null);
    assert_eq!(Keystone.inspect(&scene.site(), &plan).await.unwrap(), Found::Same);
}

fn saml() -> Plan {
    let settings = Saml {
        idp_entity_id: Some("https://idp.example/saml".into()),
        idp_sso_url: Some("https://idp.example/sso".into()),
        idp_certificate: Some("-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n".into()),
        sp_entity_id: Some("https://here.example".into()),
        sign_requests: true,
        ..Saml::default()
    };
    Plan {
        settings: Settings::Saml(Box::new(settings)),
        issuer: "https://idp.example/saml".into(),
        attributes: [("username", "uid"), ("groups", "groups"), ("externalId", "__NAMEID__")]
            .map(|(field, name)| (field.to_owned(), name.to_owned()))
            .to_vec(),
        takes_groups: true,
        ..plan()
    }
}

#[tokio::test]
async fn saml_is_named_as_each_side_names_it_and_its_key_stays_here() {
    let there = There::new(Is::Archstone).await;
    let plan = saml();
    let pushed = Keystone.push(&there.scene().site(), &plan, &attempt()).await.unwrap();
    assert_eq!(pushed.callback_url, Some(format!("{}/v3-ext/auth/OS-FEDERATION/SSO/SAML2/POST", there.peer.url)));
    assert!(pushed.warnings[0].contains("signs no requests"));
    let made = there.thing(&format!("{}/protocols/saml2/connection", idp(&plan)));
    let made = made["connection"].as_object().unwrap();
    assert!(made.contains_key("idp_certificate"));
    for own in ["sp_entity_id", "sign_requests", "client_secret", "sp_certificate_pem"] {
        assert!(!made.contains_key(own), "{own}");
    }
    let rules = |there: &There| {
        let name = format!("archstone-{}", plan.remote_id);
        there.thing(&format!("/OS-FEDERATION/mappings/{name}"))["mapping"]["rules"].clone()
    };
    assert_eq!(rules(&there)[0]["remote"], json!([{"type": "__NAMEID__"}, {"type": "uid"}]));

    let there = There::new(Is::Keystone).await;
    let pushed = Keystone.push(&there.scene().site(), &plan, &attempt()).await.unwrap();
    assert!(pushed.callback_url.unwrap().ends_with("/protocols/saml2/auth/mellon/postResponse"));
    assert!(pushed.warnings[0].contains("mod_auth_mellon"));
    let made = rules(&there);
    assert_eq!(made[0]["remote"], json!([{"type": "MELLON_NAME_ID"}, {"type": "MELLON_uid"}]));
    assert_eq!(
        made[3],
        json!({
            "local": [{"groups": "{0}", "domain": {"id": DOMAIN}}], "remote": [{"type": "MELLON_groups"}],
        })
    );
}

#[tokio::test]
async fn options_say_otherwise() {
    let there = There::new(Is::Keystone).await;
    let scene = there.scene().options(|options| {
        options.endpoint = Some(format!("{}/v3/", there.peer.url));
        options.protocol_id = Some("mapped".into());
        options.claim_prefix = Some("HTTP_OIDC_".into());
        options.callback_url = Some("https://there.example/redirect".into());
    });
    let plan = plan();
    let pushed = Keystone.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!(pushed.callback_url.as_deref(), Some("https://there.example/redirect"));
    assert!(there.paths().contains(&format!("{}/protocols/mapped", idp(&plan))));
    let rules = there.thing(&format!("/OS-FEDERATION/mappings/archstone-{}", plan.remote_id));
    assert_eq!(rules["mapping"]["rules"][1]["remote"][1]["type"], "HTTP_OIDC_PREFERRED_USERNAME");

    for bad in ["..", "", "a/b", "a?b"] {
        let scene = there.scene().options(|options| options.protocol_id = Some(bad.into()));
        problem(Keystone.push(&scene.site(), &plan, &attempt()).await, Trouble::Refused, "'protocolId'");
    }
}

#[tokio::test]
async fn what_cannot_be_pushed_is_said_before_anything_is_made() {
    let there = There::new(Is::Keystone).await;
    let scene = there.scene();
    let mut directory = plan();
    directory.settings = Settings::Ldap(Box::default());
    problem(Keystone.push(&scene.site(), &directory, &attempt()).await, Trouble::Unsupported, "A directory cannot");
    let mut role = plan();
    role.group_mappings[1].role = "no-such-role".into();
    problem(Keystone.push(&scene.site(), &role, &attempt()).await, Trouble::Refused, "no role 'no-such-role'");
    assert_eq!(there.writes(), [] as [&str; 0]);
    // An identity provider of somebody else's has the issuer.
    let other = json!({"identity_provider": {"remote_ids": ["https://idp.example"]}});
    there.kept.lock().unwrap().things.insert("/OS-FEDERATION/identity_providers/other".into(), other);
    problem(Keystone.push(&scene.site(), &plan(), &attempt()).await, Trouble::Refused, "has the issuer");
}

#[tokio::test]
async fn a_key_is_made_by_password_rotated_and_revoked() {
    let there = There::new(Is::Keystone).await;
    let scene = there.scene();
    let wrong = Secret::from(CANARY);
    problem(
        Keystone.negotiate(&scene.site(), "admin", &wrong, "archstone-x").await,
        Trouble::Credential,
        "Signing in: ",
    );
    let password = Secret::from("pw");
    let key = Keystone.negotiate(&scene.site(), "admin", &password, "archstone-x").await.unwrap().unwrap();
    assert_eq!((key.id.as_str(), key.name.as_str()), ("k1", "archstone-x"));
    let asked = there.peer.asked();
    let signed_in = asked[asked.len() - 3].body();
    assert_eq!(signed_in["auth"]["scope"]["project"], json!({"name": "admin", "domain": {"name": "Default"}}));
    assert_eq!(asked[asked.len() - 2].body()["application_credential"]["unrestricted"], true);

    let secret = key.secret.expose_str().unwrap();
    let by_key = Scene::new(Product::Keystone, &there.peer.url, Some((&key.id, CredentialKind::Key, secret)));
    Keystone.check(&by_key.site()).await.unwrap();
    // The name is taken by the one in use.
    let next = Keystone.rotate(&by_key.site(), "archstone-x").await.unwrap();
    assert!(next.id == "k2" && next.name.starts_with("archstone-x-"), "{next:?}");
    Keystone.revoke(&by_key.site(), &key.id).await.unwrap();
    Keystone.revoke(&by_key.site(), &key.id).await.unwrap();
    assert_eq!(there.paths(), ["/users/u1/application_credentials/k2"]);
    assert_eq!(there.peer.lines().iter().filter(|line| *line == LOGOUT).count(), 5);
}

#[tokio::test]
async fn a_service_without_keys_is_told_from_one_that_restricts_them() {
    let there = There::new(Is::Archstone).await;
    let scene = there.scene();
    assert_eq!(Keystone.negotiate(&scene.site(), "admin", &Secret::from("pw"), "n").await.unwrap(), None);
    problem(Keystone.rotate(&scene.site(), "n").await, Trouble::Unsupported, "no application credentials");
    let there = There::with(Is::Keystone, |asked| {
        asked.path.contains("/application_credentials").then(|| Said::json(403, &json!({"error": {"message": CANARY}})))
    })
    .await;
    problem(Keystone.rotate(&there.scene().site(), "n").await, Trouble::Credential, "only if it is unrestricted");
    problem(Keystone.revoke(&there.scene().site(), "k").await, Trouble::Credential, "only if it is unrestricted");
}

#[tokio::test]
async fn a_session_that_cannot_be_read_is_given_back() {
    let there = There::with(Is::Keystone, |asked| {
        (asked.method == "POST").then(|| Said::text(201, "{}").with("x-subject-token", "t0ken"))
    })
    .await;
    problem(Keystone.check(&there.scene().site()).await, Trouble::Failed, "Signing in: ");
    assert_eq!(there.peer.lines(), ["POST /v3/auth/tokens", LOGOUT]);
}

#[test]
fn a_long_issuer_is_named_as_what_keystone_may_not_take() {
    let target = |is_archstone| Target::in_test(is_archstone);
    let plan = Plan { issuer: format!("https://{}", "x".repeat(60)), ..plan() };
    let refused = || exchange::refusal("Writing the identity provider", http::StatusCode::BAD_REQUEST);
    let told = |archstone: bool| objects::explained(refused(), &target(archstone), &plan).message;
    assert!(told(false).contains("The issuer has 68 characters") && !told(true).contains("68"));
}
