//! Configurations through the whole house.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use crate::testing::{Answered, House, houses};

const ALL: &str = "/api/v1/sso/configurations";
const QUIET: &[(&str, &str)] = &[("ARCHSTONE_SSO__BACKGROUND_TESTS", "false")];

struct Scene {
    house: House,
    admin: String,
}

impl Scene {
    async fn each(test: impl AsyncFn(Scene)) {
        for house in houses(QUIET).await {
            let admin = house.administrator().await;
            test(Scene { house, admin }).await;
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answered {
        let bearer = format!("Bearer {}", self.admin);
        self.house.ask(method, path, &[("authorization", &bearer)], body.as_ref()).await
    }

    async fn create(&self, body: Value) -> Value {
        let made = self.ask("POST", ALL, Some(body)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.body
    }
}

fn body(host: &str) -> Value {
    json!({
        "displayName": "Corporate SSO", "providerType": "OIDC", "protocol": "oidc",
        "oidcConfig": {"clientId": "c", "clientSecret": "canary-secret",
            "wellKnownUrl": format!("https://{host}/.well-known/openid-configuration")},
    })
}

fn path(made: &Value) -> String {
    format!("{ALL}/{}", made["uuid"].as_str().unwrap())
}

#[tokio::test]
async fn a_configuration_is_made_read_changed_and_deleted() {
    Scene::each(async |scene| {
        let made = scene.create(body("idp.example.com")).await;
        assert_eq!(made["issuer"], "https://idp.example.com");
        assert_eq!(made["oidcConfig"]["clientSecret"], "******");
        assert_eq!((&made["status"], &made["source"]), (&json!("pending"), &json!("manual")));
        let read = scene.ask("GET", &path(&made), None).await;
        assert_eq!((read.body.clone(), read.headers["etag"].to_str().unwrap()), (made.clone(), "\"1\""));
        let listed = scene.ask("GET", &format!("{ALL}?limit=1"), None).await.body;
        assert_eq!(listed, json!({"items": [made], "total": 1, "limit": 1, "offset": 0}));

        let changed = scene.ask("PUT", &path(&made), Some(json!({"displayName": "Other"}))).await;
        assert_eq!((changed.status, &changed.body["displayName"]), (200, &json!("Other")));
        assert_eq!(changed.headers["etag"], "\"2\"");
        let same = scene.ask("PATCH", &path(&made), Some(changed.body.clone())).await;
        assert_eq!((same.headers["etag"].to_str().unwrap(), &same.body), ("\"2\"", &changed.body));

        assert_eq!(scene.ask("DELETE", &path(&made), None).await.body, json!({}));
        assert_eq!(scene.ask("GET", &path(&made), None).await.body["error"]["code"], "SSO.1002");
        assert_eq!(scene.ask("GET", ALL, None).await.body["total"], 0);
        let left = scene.ask("GET", "/v3/domains", None).await.body;
        assert_eq!(left["domains"].as_array().unwrap().len(), 1, "its domain went with it");
    })
    .await;
}

#[tokio::test]
async fn the_keystone_face_shows_it_and_changes_nothing_of_it() {
    Scene::each(async |scene| {
        let made = scene.create(body("idp.example.com")).await;
        let id = made["uuid"].as_str().unwrap();
        let idp = format!("/v3/OS-FEDERATION/identity_providers/{id}");
        let shown = scene.ask("GET", &idp, None).await.body;
        assert_eq!(shown["identity_provider"]["remote_ids"], json!(["https://idp.example.com"]));
        assert_eq!(shown["identity_provider"]["description"], "Corporate SSO");
        let mapping = format!("/v3/OS-FEDERATION/mappings/{id}");
        assert_eq!(scene.ask("GET", &mapping, None).await.status, 200);
        let rules = json!([{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "X"}]}]);
        for (method, path, body) in [
            ("PATCH", idp.clone(), Some(json!({"identity_provider": {"enabled": false}}))),
            ("DELETE", idp.clone(), None),
            ("PUT", format!("{idp}/protocols/other"), Some(json!({"protocol": {"mapping_id": id}}))),
            ("PATCH", format!("{idp}/protocols/oidc"), Some(json!({"protocol": {"mapping_id": id}}))),
            ("DELETE", format!("{idp}/protocols/oidc"), None),
            ("PATCH", format!("{idp}/protocols/oidc/connection"), Some(json!({"connection": {"client_id": "x"}}))),
            ("DELETE", format!("{idp}/protocols/oidc/connection"), None),
            ("PATCH", mapping.clone(), Some(json!({"mapping": {"rules": rules}}))),
            ("DELETE", mapping.clone(), None),
        ] {
            let refused = scene.ask(method, &path, body).await;
            assert_eq!(refused.status, 403, "{method} {path}: {}", refused.body);
            assert!(refused.message().contains("/api/v1/sso/configurations/"), "{}", refused.message());
        }
        assert_eq!(scene.ask("GET", &super::tests::path(&made), None).await.body, made);
    })
    .await;
}

#[tokio::test]
async fn an_identity_provider_of_the_keystone_face_appears_and_can_be_completed() {
    Scene::each(async |scene| {
        let idp = "/v3/OS-FEDERATION/identity_providers/ACME";
        scene.ask("PUT", idp, Some(json!({"identity_provider": {"enabled": true, "description": "Acme"}}))).await;
        let path = format!("{ALL}/ACME");
        let shown = scene.ask("GET", &path, None).await.body;
        assert_eq!(
            (&shown["source"], &shown["displayName"], &shown["issuer"]),
            (&json!("federation"), &json!("Acme"), &Value::Null)
        );
        let done = scene.ask("PUT", &path, Some(json!({"oidcConfig": body("idp.example.com")["oidcConfig"]}))).await;
        assert_eq!((done.status, &done.body["providerType"]), (200, &json!("OIDC")), "{}", done.body);
        assert_eq!(scene.ask("GET", &format!("{idp}/protocols/oidc"), None).await.status, 200);
        let patched = scene.ask("PATCH", idp, Some(json!({"identity_provider": {"enabled": false}}))).await;
        assert_eq!(patched.status, 200);
        assert_eq!(scene.ask("GET", &path, None).await.body["status"], "disabled");
        assert_eq!(scene.ask("DELETE", idp, None).await.status, 204);
        assert_eq!(scene.ask("GET", &path, None).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn issuers_are_unique_in_whatever_form() {
    Scene::each(async |scene| {
        scene.create(body("idp.example.com")).await;
        let second = scene.create(body("other.example.com")).await;
        for host in ["idp.example.com", "IDP.example.com", "idp.example.com:443"] {
            assert_eq!(scene.ask("POST", ALL, Some(body(host))).await.body["error"]["code"], "SSO.1003", "{host}");
        }
        let moved = json!({"oidcConfig": {"clientSecret": "again",
            "wellKnownUrl": "https://idp.example.com/.well-known/openid-configuration"}});
        assert_eq!(scene.ask("PUT", &path(&second), Some(moved)).await.status, 409);
        assert_eq!(scene.ask("GET", &path(&second), None).await.body, second);
    })
    .await;
}

#[tokio::test]
async fn two_administrators_at_once_lose_nothing() {
    Scene::each(async |scene| {
        let made = scene.create(body("idp.example.com")).await;
        let bearer = format!("Bearer {}", scene.admin);
        let put = async |tag: &str, name: &str| {
            let body = json!({"displayName": name});
            let headers = [("authorization", bearer.as_str()), ("if-match", tag)];
            scene.house.ask("PUT", &path(&made), &headers, Some(&body)).await.status
        };
        assert_eq!(put("\"1\"", "first").await, 200);
        assert_eq!(put("\"1\"", "second").await, 412);
        assert_eq!(put("W/\"2\"", "second").await, 412);
        assert_eq!(put("*", "second").await, 200);
        assert_eq!(put("\"2\", \"3\"", "third").await, 200);
        let both = tokio::join!(put("\"4\"", "a"), put("\"4\"", "b"));
        assert!(matches!(both, (200, 412) | (412, 200)), "{both:?}");
    })
    .await;
}

#[tokio::test]
async fn group_mappings_give_roles_on_the_users_domain() {
    Scene::each(async |scene| {
        scene.ask("POST", "/v3/roles", Some(json!({"role": {"name": "member"}}))).await;
        let mut wanted = body("idp.example.com");
        wanted["groupMappings"] =
            json!([{"idpGroup": "staff", "zcfRole": "member"}, {"idpGroup": "boss", "zcfRole": "admin"}]);
        let made = scene.create(wanted.clone()).await;
        assert_eq!(made["groupMappings"], wanted["groupMappings"]);
        let granted = async || {
            let all = scene.ask("GET", "/v3/role_assignments?include_names", None).await.body;
            let mut names: Vec<(String, String)> = all["role_assignments"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|a| Some((a["group"]["name"].as_str()?.to_owned(), a["role"]["name"].as_str()?.to_owned())))
                .collect();
            names.sort();
            names
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(granted().await, [pair("boss", "admin"), pair("staff", "member")]);
        let fewer = json!({"groupMappings": [{"idpGroup": "staff", "zcfRole": "member"}]});
        assert_eq!(scene.ask("PUT", &path(&made), Some(fewer)).await.status, 200);
        assert_eq!(granted().await, [pair("staff", "member")]);
        let unknown = json!({"groupMappings": [{"idpGroup": "staff", "zcfRole": "nobody"}]});
        let refused = scene.ask("PUT", &path(&made), Some(unknown)).await;
        assert_eq!((refused.status, &refused.body["error"]["details"]), (400, &json!("groupMappings.0.zcfRole")));
        assert_eq!(scene.ask("DELETE", &path(&made), None).await.status, 200);
        assert!(granted().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_deletion_that_waits_signs_nobody_in_and_can_be_called_off() {
    Scene::each(async |scene| {
        let made = scene.create(body("idp.example.com")).await;
        let later = format!("{}?options.propagationPolicy=Background&options.gracePeriodSeconds=60", path(&made));
        assert_eq!(scene.ask("DELETE", &later, None).await.body, json!({}));
        let shown = scene.ask("GET", &path(&made), None).await.body;
        assert_eq!((&shown["status"], &shown["enabled"]), (&json!("deleting"), &json!(false)));
        assert_eq!(scene.ask("PUT", &path(&made), Some(json!({"displayName": "x"}))).await.status, 409);
        let jobs = scene.ask("GET", "/api/v1/sso/jobs?kind=sso.delete", None).await.body;
        let job = jobs["items"][0]["uuid"].as_str().unwrap();
        assert_eq!(scene.ask("POST", &format!("/api/v1/sso/jobs/{job}/cancel"), None).await.status, 200);
        let shown = scene.ask("GET", &path(&made), None).await.body;
        assert_eq!((&shown["status"], &shown["enabled"]), (&json!("pending"), &json!(true)));
    })
    .await;
}

#[tokio::test]
async fn http_codes_of_this_face_are_its_own() {
    Scene::each(async |scene| {
        let none = scene.house.ask("GET", ALL, &[], None).await;
        assert_eq!((none.status, &none.body["error"]["code"]), (401, &json!("AUTH.1001")));
        assert_eq!(none.headers["www-authenticate"], "Bearer");
        assert_eq!(scene.ask("GET", "/api/v1/nothing", None).await.body["error"]["code"], "SSO.1002");
        let wrong = scene.ask("POST", "/api/v1/sso/configurations/x", None).await;
        assert_eq!(
            (wrong.status, wrong.headers["allow"].to_str().unwrap()),
            (405, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
        );
        let bearer = format!("Bearer {}", scene.admin);
        let form = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
        assert_eq!(scene.house.ask("POST", ALL, &form, Some(&body("x.example"))).await.status, 415);
    })
    .await;
}

#[tokio::test]
async fn a_deletion_that_will_never_be_done_is_taken_back() {
    Scene::each(async |scene| {
        let made = scene.create(body("idp.example.com")).await;
        let later = format!("{}?options.propagationPolicy=Background", path(&made));
        assert_eq!(scene.ask("DELETE", &later, None).await.status, 200);
        assert_eq!(scene.ask("GET", &path(&made), None).await.body["status"], "deleting");
        let hopeless = async |_, _, _| Err(crate::error::Error::invalid("there is no way to do it"));
        let worker = tokio::spawn(crate::service::jobs::run_with(scene.house.app.clone(), hopeless));
        for _ in 0..500 {
            if scene.ask("GET", &path(&made), None).await.body["status"] == "pending" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let shown = scene.ask("GET", &path(&made), None).await.body;
        assert_eq!((&shown["status"], &shown["enabled"]), (&json!("pending"), &json!(true)));
        let jobs = scene.ask("GET", "/api/v1/sso/jobs?kind=sso.delete", None).await.body;
        assert_eq!(
            (&jobs["items"][0]["state"], &jobs["items"][0]["error"]),
            (&json!("failed"), &json!("there is no way to do it"))
        );
        worker.abort();
    })
    .await;
}

#[tokio::test]
async fn what_was_made_of_its_words_goes_with_an_identity_provider_that_the_keystone_face_deletes() {
    Scene::each(async |scene| {
        scene.ask("POST", "/v3/roles", Some(json!({"role": {"name": "member"}}))).await;
        let idp = "/v3/OS-FEDERATION/identity_providers/ACME";
        for _ in 0..2 {
            let made = scene.ask("PUT", idp, Some(json!({"identity_provider": {"enabled": true}}))).await;
            assert_eq!(made.status, 201, "{}", made.body);
            let completed = json!({"oidcConfig": body("idp.example.com")["oidcConfig"],
                                   "groupMappings": [{"idpGroup": "staff", "zcfRole": "member"}]});
            let done = scene.ask("PUT", &format!("{ALL}/ACME"), Some(completed)).await;
            assert_eq!(done.status, 200, "{}", done.body);
            assert_eq!(scene.ask("GET", "/v3/OS-FEDERATION/mappings/ACME", None).await.status, 200);
            assert_eq!(scene.ask("DELETE", idp, None).await.status, 204);
            assert_eq!(scene.ask("GET", "/v3/OS-FEDERATION/mappings/ACME", None).await.status, 404);
            assert_eq!(scene.ask("GET", "/v3/groups?name=staff", None).await.body["groups"], json!([]));
        }
    })
    .await;
}

#[tokio::test]
async fn sec_log_1_a_probe_leaves_no_password_of_its_url_behind() {
    Scene::each(async |scene| {
        let probe = json!({"issuer": "https://user:canary-pw@idp.example.com/canary-path"});
        assert_eq!(scene.ask("POST", "/api/v1/sso/probe", Some(probe)).await.status, 400);
        let events = scene.ask("GET", "/v3/archstone/audit?action=sso_configuration.probe", None).await.body;
        assert_eq!(events["audit_events"][0]["detail"], "host=idp.example.com result=failure");
        assert!(!events.to_string().contains("canary"), "{events}");
    })
    .await;
}

#[tokio::test]
async fn another_secret_is_a_change_though_nothing_shows_it() {
    Scene::each(async |scene| {
        let made = scene.create(body("idp.example.com")).await;
        let put = async |secret: Value| {
            let body = json!({"oidcConfig": {"clientSecret": secret}});
            scene.ask("PUT", &path(&made), Some(body)).await.headers["etag"].to_str().unwrap().to_owned()
        };
        assert_eq!(put(json!("******")).await, "\"1\"");
        assert_eq!(put(json!("another")).await, "\"2\"");
        assert_eq!(put(Value::Null).await, "\"3\"");
        let events = scene.ask("GET", "/v3/archstone/audit?action=sso_configuration.update", None).await.body;
        assert_eq!(events["audit_events"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_protocol_that_the_keystone_face_has_deleted_comes_back_with_the_connection() {
    Scene::each(async |scene| {
        let idp = "/v3/OS-FEDERATION/identity_providers/ACME";
        let protocol = format!("{idp}/protocols/oidc");
        scene.ask("PUT", idp, Some(json!({"identity_provider": {"enabled": true}}))).await;
        let connection = || Some(json!({"oidcConfig": body("idp.example.com")["oidcConfig"]}));
        for _ in 0..2 {
            let done = scene.ask("PUT", &format!("{ALL}/ACME"), connection()).await;
            assert_eq!((done.status, &done.body["issuer"]), (200, &json!("https://idp.example.com")), "{}", done.body);
            assert_eq!(scene.ask("GET", &protocol, None).await.body["protocol"]["mapping_id"], "ACME");
            assert_eq!(scene.ask("DELETE", &protocol, None).await.status, 204);
            let left = scene.ask("GET", &format!("{ALL}/ACME"), None).await.body;
            let gone = ["providerType", "oidcConfig", "issuer", "lastTestAt"].map(|member| left[member].clone());
            assert_eq!((gone, &left["status"]), ([(); 4].map(|()| Value::Null), &json!("pending")));
        }
    })
    .await;
}
