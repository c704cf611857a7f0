//! Connections through the whole house.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use serde_json::{Value, json};

use super::{At, Settings, ready};
use crate::model::domain::Domain;
use crate::model::grant::{Grant, Target};
use crate::model::token::Scope;
use crate::store;
use crate::store::tests::federation::{a_mapping, a_protocol};
use crate::store::tests::{a_domain, a_role, a_user, an_idp};
use crate::testing::provider::Key;
use crate::testing::{Answered, House, houses};

const OWN: &str = "00000000000040008000000000000001";
const OTHER: &str = "00000000000040008000000000000002";
const PATH: &str = "/v3/OS-FEDERATION/identity_providers/acme/protocols/openid/connection";
const CONFIG: &str = "/v3.0/OS-FEDERATION/identity-providers/acme/openid-connect-config";

/// A house with the identity provider `acme`, its protocol `openid`, an administrator, and security administrators of its
/// domain and of another.
struct Scene {
    house: House,
    admin: String,
    own: String,
    other: String,
}

impl Scene {
    async fn set(house: House) -> Self {
        let admin = house.administrator().await;
        let mut tx = house.app.store.write().await.unwrap();
        store::role::insert(&mut tx, &a_role("secu_admin")).await.unwrap();
        for (user, domain) in [("sa-own", OWN), ("sa-other", OTHER)] {
            let domain: Domain = a_domain(domain);
            store::domain::insert(&mut tx, &domain).await.unwrap();
            store::user::insert(&mut tx, &a_user(user, &domain.id), house.app.now()).await.unwrap();
            let grant = Grant::of_user(user, Target::Domain(domain.id), "secu_admin");
            store::grant::insert(&mut tx, &grant).await.unwrap();
        }
        store::identity_provider::insert(&mut tx, &an_idp("acme", OWN, &[])).await.unwrap();
        store::mapping::insert(&mut tx, &a_mapping("m", Some(OWN))).await.unwrap();
        store::protocol::insert(&mut tx, &a_protocol("acme", "openid", "m")).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let own = house.token("sa-own", Scope::Domain(OWN.into()));
        let other = house.token("sa-other", Scope::Domain(OTHER.into()));
        Self { house, admin, own, other }
    }

    async fn as_who(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answered {
        self.house.ask(method, path, &[("x-auth-token", token)], body.as_ref()).await
    }

    async fn ask(&self, method: &str, inner: Value) -> Answered {
        let body = (!inner.is_null()).then(|| json!({ "connection": inner }));
        self.as_who(&self.admin, method, PATH, body).await
    }

    async fn config(&self, method: &str, inner: Value) -> Answered {
        let body = (!inner.is_null()).then(|| json!({ "openid_connect_config": inner }));
        self.as_who(&self.own, method, CONFIG, body).await
    }

    /// The secret as it lies sealed.
    async fn secret(&self) -> Option<String> {
        let at = At { idp_id: "acme", protocol_id: "openid" };
        let mut conn = self.house.app.store.read().await.unwrap();
        let secret = super::secrets::get(&self.house.app, &mut conn, &at.secret_id()).await.unwrap();
        secret.map(|s| s.expose_str().unwrap().to_owned())
    }
}

async fn scenes() -> Vec<Scene> {
    let mut all = Vec::new();
    for house in houses(&[]).await {
        all.push(Scene::set(house).await);
    }
    all
}

fn base() -> Value {
    json!({"issuer": "https://op.example", "client_id": "me", "client_secret": "canary-4711"})
}

#[tokio::test]
async fn a_connection_is_made_shown_changed_and_deleted() {
    for scene in scenes().await {
        assert_eq!(scene.ask("GET", Value::Null).await.status, 404);
        let made = scene.ask("PUT", base()).await;
        assert_eq!(made.status, 201, "{made:?}");
        let shown = scene.ask("GET", Value::Null).await;
        assert_eq!((shown.status, &shown.body), (200, &made.body));
        let c = &shown.body["connection"];
        assert_eq!(
            (&c["kind"], &c["client_secret_set"], &c["issuer"]),
            (&json!("oidc"), &json!(true), &json!("https://op.example"))
        );
        assert_eq!(c["links"]["self"], format!("https://id.example{PATH}"));
        assert!(!shown.body.to_string().contains("canary"));
        assert_eq!(scene.secret().await.as_deref(), Some("canary-4711"));
        assert_eq!(scene.ask("PUT", base()).await.status, 409);

        let changed = scene.ask("PATCH", json!({"client_id": "you", "audiences": ["a"]})).await;
        let c = &changed.body["connection"];
        assert_eq!((changed.status, &c["client_id"], &c["client_secret_set"]), (200, &json!("you"), &json!(true)));
        assert_eq!(
            scene.ask("PATCH", json!({"client_secret": null})).await.body["connection"]["client_secret_set"],
            false
        );
        assert_eq!(scene.secret().await, None);
        assert_eq!(scene.ask("PATCH", json!({})).await.status, 400);
        assert_eq!(scene.ask("PATCH", json!({"kind": "saml"})).await.status, 400);

        assert_eq!(scene.ask("DELETE", Value::Null).await.status, 204);
        for method in ["GET", "DELETE"] {
            assert_eq!(scene.ask(method, Value::Null).await.status, 404, "{method}");
        }
        assert_eq!(scene.ask("PATCH", json!({"client_id": "x"})).await.status, 404);
    }
}

#[tokio::test]
async fn a_connection_needs_its_protocol_and_goes_with_it() {
    for scene in scenes().await {
        let elsewhere = PATH.replace("openid", "saml");
        let body = json!({"connection": base()});
        assert_eq!(scene.as_who(&scene.admin, "PUT", &elsewhere, Some(body.clone())).await.status, 404);
        let elsewhere = PATH.replace("acme", "nobody");
        assert_eq!(scene.as_who(&scene.admin, "PUT", &elsewhere, Some(body)).await.status, 404);
        let protocol = PATH.trim_end_matches("/connection");
        assert_eq!(scene.ask("PUT", base()).await.status, 201);
        assert_eq!(scene.as_who(&scene.admin, "DELETE", protocol, None).await.status, 204);
        assert_eq!((scene.ask("GET", Value::Null).await.status, scene.secret().await), (404, None));

        let protocol_body = json!({"protocol": {"mapping_id": "m"}});
        assert_eq!(scene.as_who(&scene.admin, "PUT", protocol, Some(protocol_body)).await.status, 201);
        assert_eq!(scene.ask("PUT", base()).await.status, 201);
        let idp = "/v3/OS-FEDERATION/identity_providers/acme";
        assert_eq!(scene.as_who(&scene.admin, "DELETE", idp, None).await.status, 204);
        assert_eq!(scene.secret().await, None);
    }
}

#[tokio::test]
async fn a_secret_is_dropped_when_its_way_changes_to_another_host() {
    for scene in scenes().await {
        assert_eq!(scene.ask("PUT", base()).await.status, 201);
        let patched = async |inner: Value| {
            let answer = scene.ask("PATCH", inner).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.body["connection"]["client_secret_set"].as_bool().unwrap()
        };
        assert!(patched(json!({"token_endpoint": "https://op.example/token"})).await);
        assert!(!patched(json!({"token_endpoint": "https://evil.example/token"})).await);
        assert_eq!(scene.secret().await, None);
        // It does not come back with the old host, only by being given again.
        assert!(!patched(json!({"token_endpoint": null})).await);
        assert!(patched(json!({"issuer": "https://new.example", "client_secret": "fresh"})).await);
        assert_eq!(scene.secret().await.as_deref(), Some("fresh"));
        assert!(!patched(json!({"issuer": "https://op.example"})).await);
    }
}

#[tokio::test]
async fn ssrf_1_to_12_15_and_16_urls_are_checked_when_they_are_saved() {
    for scene in scenes().await {
        for name in [
            "issuer",
            "discovery_url",
            "jwks_uri",
            "authorization_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
            "introspection_endpoint",
        ] {
            for url in [
                "https://127.0.0.1/x",
                "https://[::1]/x",
                "https://0.0.0.0/x",
                "https://localhost./x",
                "https://2130706433/x",
                "https://0x7f.1/x",
                "https://127.1/x",
                "https://[::ffff:127.0.0.1]/x",
                "https://169.254.169.254/x",
                "https://10.1.2.3/x",
                "https://[fd00::1]/x",
                "https://100.64.0.1/x",
                "file:///etc/passwd",
                "gopher://h/x",
                "ftp://h/x",
                "data:text/plain,x",
                "http://op.example/x",
                "https://user:pw@op.example/x",
                "https://op.example/x\r\nX: y",
                "https://op.example\\@evil.example/x",
                "https://op.example/#@evil.example",
                "https://op.example:22/x",
                "https://op.example:6379/x",
                "op.example",
            ] {
                let mut inner = base();
                inner[name] = json!(url);
                let answer = scene.ask("PUT", inner).await;
                assert_eq!(answer.status, 400, "{name} {url}: {answer:?}");
                assert!(answer.message().contains(&format!("'connection.{name}'")), "{answer:?}");
            }
        }
        let mut inner = base();
        inner["jwks"] = json!({"keys": [{"kty": "oct", "k": "AA"}]});
        let answer = scene.ask("PUT", inner).await;
        assert!(answer.status == 400 && answer.message().contains("'connection.jwks'"), "{answer:?}");
        assert_eq!(scene.ask("GET", Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn a_security_administrator_acts_within_their_domain() {
    for scene in scenes().await {
        let body = Some(json!({"connection": base()}));
        assert_eq!(scene.as_who(&scene.other, "PUT", PATH, body.clone()).await.status, 404);
        assert_eq!(scene.as_who(&scene.own, "PUT", PATH, body.clone()).await.status, 201);
        let patch = Some(json!({"connection": {"client_id": "x"}}));
        for (method, body) in [("GET", None), ("PATCH", patch), ("DELETE", None)] {
            assert_eq!(scene.as_who(&scene.other, method, PATH, body.clone()).await.status, 404, "{method}");
            assert!(scene.as_who(&scene.own, method, PATH, body).await.status < 300, "{method}");
        }
    }
}

#[tokio::test]
async fn who_manages_a_domain_does_not_say_what_a_mapping_of_the_cloud_reads() {
    for scene in scenes().await {
        let mut tx = scene.house.app.store.write().await.unwrap();
        store::mapping::insert(&mut tx, &a_mapping("cloud", None)).await.unwrap();
        store::protocol::update(&mut tx, &a_protocol("acme", "openid", "cloud")).await.unwrap();
        scene.house.app.commit(tx).await.unwrap();
        let body = Some(json!({"connection": base()}));
        assert_eq!(scene.as_who(&scene.own, "PUT", PATH, body).await.status, 403);
        assert_eq!(scene.ask("PUT", base()).await.status, 201);
        let patch = Some(json!({"connection": {"issuer": "https://evil.example"}}));
        for (method, body) in [("PATCH", patch), ("DELETE", None)] {
            assert_eq!(scene.as_who(&scene.own, method, PATH, body).await.status, 403, "{method}");
        }
        assert_eq!(scene.as_who(&scene.own, "GET", PATH, None).await.status, 200);
    }
}

fn config() -> Value {
    let keys = json!({"keys": [Key::new("k", "RS256").jwk()]});
    json!({
        "access_mode": "program_console", "idp_url": "https://op.example", "client_id": "client",
        "signing_key": keys.to_string(), "authorization_endpoint": "https://op.example/authorize",
        "scope": "openid", "response_type": "id_token", "response_mode": "form_post",
    })
}

#[tokio::test]
async fn huaweis_form_writes_the_connection_of_the_protocol_oidc_and_fails_in_its_own_words() {
    for scene in scenes().await {
        let missing = scene.config("GET", Value::Null).await;
        assert_eq!((missing.status, &missing.body["error_code"]), (404, &json!("IAM.0004")));
        assert!(missing.body.get("error").is_none());
        // The protocol may follow later.
        let made = scene.config("POST", config()).await;
        assert_eq!((made.status, &made.body["openid_connect_config"]["scope"]), (201, &json!("openid")), "{made:?}");
        let again = scene.config("POST", config()).await;
        assert_eq!((again.status, &again.body["error_code"]), (409, &json!("IAM.0005")));
        let next = scene.config("PUT", json!({"client_id": "other"})).await;
        assert_eq!((next.status, &next.body["openid_connect_config"]["client_id"]), (200, &json!("other")));
        assert_eq!(scene.config("GET", Value::Null).await.body, next.body);
        for (inner, name) in [
            (json!({"idp_url": "https://10.0.0.1/"}), "openid_connect_config.idp_url"),
            (json!({"signing_key": "{\"keys\":[]}"}), "openid_connect_config.signing_key"),
            (json!({"authorization_endpoint": "ftp://op.example/"}), "openid_connect_config.authorization_endpoint"),
            (json!({"odd": 1}), "'odd'"),
        ] {
            let refused = scene.config("PUT", inner).await;
            assert_eq!((refused.status, &refused.body["error_code"]), (400, &json!("IAM.0011")));
            assert!(refused.message().contains(name), "{refused:?}");
        }
        let nobody = scene.house.ask("GET", CONFIG, &[], None).await;
        assert_eq!((nobody.status, &nobody.body["error_code"]), (401, &json!("IAM.0001")));
        let foreign = scene.as_who(&scene.other, "GET", CONFIG, None).await;
        assert_eq!((foreign.status, &foreign.body["error_code"]), (404, &json!("IAM.0004")));
        // It is one connection, in either form.
        let shown = scene.as_who(&scene.own, "GET", &PATH.replace("openid", "oidc"), None).await;
        assert_eq!((shown.status, &shown.body["connection"]["response_type"]), (200, &json!("id_token")));
    }
}

#[tokio::test]
async fn a_ready_connection_is_remembered_until_the_identity_provider_changes() {
    for scene in scenes().await {
        let app = &scene.house.app;
        assert!(ready(app, "acme", "openid").await.unwrap().is_none());
        assert_eq!(scene.ask("PUT", base()).await.status, 201);
        // The feed tells this node of its own change once more.
        crate::service::watch::catch_up(app).await.unwrap();
        let first = ready(app, "acme", "openid").await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &ready(app, "acme", "openid").await.unwrap().unwrap()));
        assert!(!format!("{first:?}").contains("canary"));
        assert_eq!(scene.ask("PATCH", json!({"client_id": "x"})).await.status, 200);
        let second = ready(app, "acme", "openid").await.unwrap().unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        let Settings::Oidc(oidc) = &second.connection.settings else { unreachable!() };
        assert_eq!(oidc.client_id, "x");
        assert_eq!(scene.ask("DELETE", Value::Null).await.status, 204);
        assert!(ready(app, "acme", "openid").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_node_that_has_lost_the_feed_of_changes_asks_the_database() {
    for scene in scenes().await {
        let app = &scene.house.app;
        assert_eq!(scene.ask("PUT", base()).await.status, 201);
        app.feed.stop();
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        crate::service::watch::catch_up(app).await.unwrap();
        let first = ready(app, "acme", "openid").await.unwrap().unwrap();
        app.memory.set_current(false);
        let [one, two] = [(); 2].map(|()| ready(app, "acme", "openid"));
        let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
        assert!(!Arc::ptr_eq(&first, &one) && !Arc::ptr_eq(&one, &two));
    }
}

#[tokio::test]
async fn the_audit_trail_names_what_was_changed_and_no_secret() {
    for scene in scenes().await {
        assert_eq!(scene.ask("PUT", base()).await.status, 201);
        assert_eq!(scene.ask("PATCH", json!({"issuer": "https://new.example"})).await.status, 200);
        let trail = scene.as_who(&scene.admin, "GET", "/v3/archstone/audit", None).await;
        let text = trail.body.to_string();
        assert!(text.contains("connection.create") && text.contains("client_secret dropped"), "{text}");
        assert!(!text.contains("canary"));
    }
}

#[test]
fn secrets_of_ids_that_look_alike_lie_apart() {
    let id = |idp_id, protocol_id| At { idp_id, protocol_id }.secret_id();
    assert_eq!(id("acme", "oidc"), "connection/acme/oidc/client_secret");
    assert_ne!(id("a/b", "c"), id("a", "b/c"));
    let long = "ü".repeat(64);
    assert!(id(&long, &long).len() <= 255);
    assert_ne!(id(&long, "a"), id(&long, "b"));
}
