//! Tests of pushes to a Keystone and to an Archstone: a server that keeps what it is given as both do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::model::connection::Settings;
use crate::model::connection::saml::Saml;
use crate::model::platform::{CredentialKind, Product};
use crate::platform::tests::{Asked, CANARY, Peer, Said, Scene, attempt, plan, problem};

const DOMAIN: &str = "d-of-idp";
const LOGOUT: &str = "DELETE /v3/auth/tokens";

/// What the server keeps: things by their paths.
#[derive(Default)]
struct Kept {
    things: BTreeMap<String, Value>,
    next: usize,
}

/// A server, and what it holds.
struct There {
    peer: Peer,
    kept: Arc<Mutex<Kept>>,
}

/// How the server is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Keystone,
    Archstone,
}

impl There {
    async fn new(is: Is) -> Self {
        Self::with(is, |_| None).await
    }

    /// One that first asks `special` for an answer.
    async fn with(is: Is, special: impl Fn(&Asked) -> Option<Said> + Send + Sync + 'static) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let held = kept.clone();
        let peer =
            Peer::new(move |asked| special(asked).unwrap_or_else(|| answer(is, &mut held.lock().unwrap(), asked)))
                .await;
        Self { peer, kept }
    }

    fn scene(&self) -> Scene {
        Scene::new(Product::Keystone, &self.peer.url, Some(("admin", CredentialKind::Password, "pw")))
    }

    fn thing(&self, path: &str) -> Value {
        self.kept.lock().unwrap().things.get(path).cloned().unwrap_or(Value::Null)
    }

    fn paths(&self) -> Vec<String> {
        self.kept.lock().unwrap().things.keys().cloned().collect()
    }

    /// What was written since the last look, without what signs in and out.
    fn writes(&self) -> Vec<String> {
        self.peer
            .lines()
            .into_iter()
            .filter(|line| !line.starts_with("GET ") && !line.contains("/auth/tokens"))
            .collect()
    }
}

fn answer(is: Is, kept: &mut Kept, asked: &Asked) -> Said {
    let path = asked.path.strip_prefix("/v3").unwrap_or_else(|| panic!("{}", asked.path));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let error = |status: u16| Said::json(status, &json!({"error": {"code": status, "message": CANARY}}));
    if (asked.method.as_str(), path) == ("POST", "/auth/tokens") {
        let identity = &asked.body()["auth"]["identity"];
        let known = identity["password"]["user"]["password"] == "pw"
            || identity["application_credential"]["secret"] == "made-secret";
        if !known {
            return error(401);
        }
        return Said::json(201, &json!({"token": {"user": {"id": "u1"}}})).with("x-subject-token", "t0ken");
    }
    if path.is_empty() {
        assert_eq!(asked.header("accept"), "application/json-home");
        let ours =
            "https://docs.openstack.org/api/openstack-identity/3/ext/OS-FEDERATION/1.0/rel/identity_provider_setup";
        let usual = "https://docs.openstack.org/api/openstack-identity/3/rel/users";
        let name = if is == Is::Archstone { ours } else { usual };
        return Said::json(200, &json!({"resources": {name: {"href": "/x"}}}));
    }
    if asked.header("x-auth-token") != "t0ken" {
        return error(401);
    }
    let body = asked.body();
    match (asked.method.as_str(), parts.as_slice()) {
        ("DELETE", ["auth", "tokens"]) => {
            assert_eq!(asked.header("x-subject-token"), "t0ken");
            Said::text(204, "")
        }
        ("GET", ["OS-FEDERATION", "identity_providers"]) => Said::json(200, &json!({"identity_providers": []})),
        ("GET", ["roles"]) => {
            let named = asked.parameter("name").unwrap();
            let one = ["admin", "reader"]
                .contains(&named.as_str())
                .then(|| json!({"id": format!("id-{named}"), "name": named}));
            let other = json!({"id": "x", "name": named, "domain_id": "elsewhere"});
            let all: Vec<Value> = [Some(other), one].into_iter().flatten().collect();
            Said::json(200, &json!({"roles": all, "links": {"next": null}}))
        }
        ("GET", ["groups"]) => {
            // Two pages, whose link names a foreign host.
            let all: Vec<Value> = kept
                .things
                .iter()
                .filter(|(p, _)| p.starts_with("/groups/"))
                .map(|(_, v)| v["group"].clone())
                .collect();
            let from =
                asked.parameter("marker").map_or(0, |m| all.iter().position(|g| g["id"] == m.as_str()).unwrap() + 1);
            let page: Vec<Value> = all.iter().skip(from).take(1).cloned().collect();
            let next = page.last().filter(|_| from + 1 < all.len());
            let next = next.map(|last| format!("http://127.0.0.2:9/v3/groups?marker={}", last["id"].as_str().unwrap()));
            Said::json(200, &json!({"groups": page, "links": {"next": next}}))
        }
        ("GET", ["role_assignments"]) => {
            let rows: Vec<Value> = kept
                .things
                .keys()
                .filter_map(|p| {
                    let parts: Vec<&str> = p.split('/').collect();
                    let ["", "domains", domain, "groups", group, "roles", role] = parts.as_slice() else { return None };
                    Some(json!({"group": {"id": group}, "role": {"id": role}, "scope": {"domain": {"id": domain}}}))
                })
                .collect();
            Said::json(200, &json!({"role_assignments": rows}))
        }
        ("GET", ["OS-FEDERATION", "identity_providers", idp, "protocols"]) => {
            let under = format!("/OS-FEDERATION/identity_providers/{idp}/protocols/");
            let all: Vec<Value> = kept
                .things
                .iter()
                .filter(|(p, _)| p.strip_prefix(&under).is_some_and(|rest| !rest.contains('/')))
                .map(|(_, v)| v["protocol"].clone())
                .collect();
            Said::json(200, &json!({"protocols": all}))
        }
        ("POST", ["groups"]) => {
            let taken =
                kept.things.values().any(|v| v["group"]["name"] == body["group"]["name"] && !v["group"].is_null());
            if taken {
                return error(409);
            }
            kept.next += 1;
            let id = format!("g{}", kept.next);
            let mut group = body.clone();
            group["group"]["id"] = json!(id);
            kept.things.insert(format!("/groups/{id}"), group.clone());
            Said::json(201, &group)
        }
        ("POST", ["users", "u1", "application_credentials"]) => {
            if is == Is::Archstone {
                return error(404);
            }
            let mut made = body["application_credential"].clone();
            let name = made["name"].as_str().unwrap().to_owned();
            if kept.things.values().any(|v| v["name"] == name.as_str()) {
                return error(409);
            }
            kept.next += 1;
            let id = format!("k{}", kept.next);
            kept.things.insert(format!("/users/u1/application_credentials/{id}"), made.clone());
            made["id"] = json!(id);
            made["secret"] = json!("made-secret");
            Said::json(201, &json!({"application_credential": made}))
        }
        ("GET", _) => kept.things.get(path).map_or_else(|| error(404), |v| Said::json(200, v)),
        ("PUT", ["domains", ..]) => {
            kept.things.insert(path.to_owned(), Value::Null);
            Said::text(204, "")
        }
        ("PUT", [.., "connection"]) if is == Is::Keystone => error(404),
        ("PUT", _) if kept.things.contains_key(path) => error(409),
        ("PUT" | "PATCH", _) => {
            let mut whole = kept.things.get(path).cloned().unwrap_or_else(|| json!({}));
            for (name, members) in body.as_object().unwrap() {
                for (member, value) in members.as_object().unwrap() {
                    whole[name][member] = value.clone();
                }
            }
            if path.starts_with("/OS-FEDERATION/identity_providers/") && parts.len() == 3 {
                let issuers = &whole["identity_provider"]["remote_ids"];
                let taken =
                    kept.things.iter().any(|(p, v)| p != path && v["identity_provider"]["remote_ids"] == *issuers);
                if taken && !issuers.is_null() {
                    return error(409);
                }
                whole["identity_provider"]["domain_id"] = json!(DOMAIN);
            }
            if let [.., "protocols", id] = parts.as_slice() {
                whole["protocol"]["id"] = json!(id);
            }
            kept.things.insert(path.to_owned(), whole.clone());
            // A connection shows no secret.
            if let Some(connection) = whole.get_mut("connection").and_then(Value::as_object_mut) {
                connection.remove("client_secret");
            }
            Said::json(if asked.method == "PUT" { 201 } else { 200 }, &whole)
        }
        ("DELETE", _) => {
            let had = kept.things.remove(path).is_some();
            if parts.first() == Some(&"groups") {
                let under = format!("/domains/{DOMAIN}{path}/");
                kept.things.retain(|p, _| !p.starts_with(&under));
            }
            if had { Said::text(204, "") } else { error(404) }
        }
        other => panic!("{other:?}"),
    }
}

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
