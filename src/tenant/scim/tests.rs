//! SCIM through the whole house, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use crate::model::grant::{Grant, Target};
use crate::model::scim::{BULK, ERROR, PATCH};
use crate::model::tenant::Tenant;
use crate::model::token::Scope;
use crate::model::user::User;
use crate::store;
use crate::store::tests::{a_group, a_role, a_user};
use crate::testing::tenancy::{
    ACME, a_session, a_tenant, an_application, an_authorization, revoked_at, stored_session,
};
use crate::testing::{Answered, House, houses};

mod groups;
mod ownership;
mod searches;

const OTHER: &str = "00000000000040008000000000000bee";

/// A house with an administrator of the cloud, two tenants, and the SCIM token of the first.
struct Scene {
    house: House,
    admin: String,
    acme: Tenant,
    token: String,
}

impl Scene {
    async fn each(test: impl AsyncFn(Scene)) {
        for house in houses(&[("ARCHSTONE_TENANT__SCIM_PER_MINUTE", "0")]).await {
            eprintln!("on {}", house.database);
            let admin = house.administrator().await;
            let acme = a_tenant(&house, ACME, "acme").await;
            a_tenant(&house, OTHER, "other").await;
            let mut scene = Scene { house, admin, acme, token: String::new() };
            scene.token = scene.scim_token(ACME, json!({"name": "Directory"})).await.0;
            test(scene).await;
        }
    }

    /// Makes a SCIM token; the token and its id.
    async fn scim_token(&self, tenant_id: &str, body: Value) -> (String, String) {
        let path = format!("/api/v1/admin/tenants/{tenant_id}/scim-tokens");
        let made = self.house.ask("POST", &path, &[("x-auth-token", &self.admin)], Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        (made.body["token"].as_str().unwrap().to_owned(), made.body["id"].as_str().unwrap().to_owned())
    }

    async fn as_holder(
        &self,
        token: &str,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answered {
        let bearer = format!("Bearer {token}");
        let headers = [&[("authorization", bearer.as_str())], more].concat();
        self.house.ask(method, path, &headers, body).await
    }

    /// The directory asks at its tenant.
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answered {
        self.ask_with(method, path, &[], body).await
    }

    async fn ask_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answered {
        self.as_holder(&self.token, method, &at(path), headers, body.as_ref()).await
    }

    /// Makes a resource; its id.
    async fn make(&self, endpoint: &str, body: Value) -> String {
        let made = self.ask("POST", endpoint, Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["id"].as_str().unwrap().to_owned()
    }

    async fn user(&self, name: &str) -> String {
        self.make("/Users", json!({"userName": name, "externalId": format!("ext-{name}")})).await
    }

    async fn patch(&self, path: &str, operations: Value) -> Answered {
        self.ask("PATCH", path, Some(json!({"schemas": [PATCH], "Operations": operations}))).await
    }

    /// A user of the tenant whom nobody has made by SCIM, with a role on the tenant's domain if one is named.
    async fn local(&self, id: &str, role: Option<&str>) {
        let mut tx = self.house.app.store.write().await.unwrap();
        let user = User { name: id.into(), ..a_user(id, ACME) };
        store::user::insert(&mut tx, &user, self.house.app.now()).await.unwrap();
        if let Some(role) = role {
            if store::role::get(&mut tx, role).await.unwrap().is_none() {
                store::role::insert(&mut tx, &a_role(role)).await.unwrap();
            }
            store::grant::insert(&mut tx, &Grant::of_user(id, Target::Domain(ACME.into()), role)).await.unwrap();
        }
        self.house.app.commit(tx).await.unwrap();
    }
}

fn at(path: &str) -> String {
    format!("/api/v1/tenants/{ACME}/scim/v2{path}")
}

/// Holds a failure against what is expected: status and word.
fn assert_fault(answer: &Answered, status: u16, fault: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.body["schemas"], json!([ERROR]), "{}", answer.body);
    assert_eq!(answer.body["status"], status.to_string());
    assert_eq!(answer.body["scimType"].as_str().unwrap_or_default(), fault, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/scim+json");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_made_read_changed_and_deleted() {
    Scene::each(async |scene| {
        let said = json!({
            "schemas": [crate::model::scim::USER], "userName": "Ann", "externalId": "e1", "active": true,
            "name": {"givenName": "Ann", "familyName": "Lee"}, "emails": [{"value": "ann@a.example", "type": "work", "primary": true}],
            "password": "hush-hush", "roles": [{"value": "admin"}],
        });
        let made = scene.ask("POST", "/Users", Some(said)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let id = made.body["id"].as_str().unwrap();
        let place = format!("https://id.example{}", at(&format!("/Users/{id}")));
        assert_eq!((made.headers["location"].to_str().unwrap(), &made.body["meta"]["location"]), (place.as_str(), &json!(place)));
        assert_eq!(made.headers["etag"].to_str().unwrap(), made.body["meta"]["version"]);
        assert_eq!(made.headers["content-type"], "application/scim+json");
        assert!(made.body.get("password").is_none() && made.body.get("roles").is_none());
        // SCIM-8: no password came of it, and no role.
        let mut conn = scene.house.app.store.read().await.unwrap();
        assert!(store::password::recent(&mut conn, id, 1).await.unwrap().is_empty());
        assert!(!store::user::is_administrator(&mut conn, id).await.unwrap());
        let stored = store::user::get(&mut conn, id).await.unwrap().unwrap().user;
        assert_eq!((stored.name.as_str(), stored.domain_id.as_str(), stored.is_email_verified()), ("Ann", ACME, true));
        drop(conn);

        let one = format!("/Users/{id}");
        let read = scene.ask("GET", &one, None).await;
        assert_eq!(read.body, made.body);
        let version = read.headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(scene.ask_with("GET", &one, &[("if-none-match", &version)], None).await.status, 304);
        let stale = scene.ask_with("PUT", &one, &[("if-match", "W/\"1\"")], Some(json!({"userName": "x"}))).await;
        assert_fault(&stale, 412, "");
        let changed = scene.ask_with("PUT", &one, &[("if-match", &version)], Some(json!({"userName": "Bob", "title": "Boss"}))).await;
        assert_eq!((changed.status, &changed.body["userName"], &changed.body["externalId"]), (200, &json!("Bob"), &json!("e1")));
        assert!(changed.body.get("name").is_none() && changed.body.get("emails").is_none());
        assert_fault(&scene.ask_with("DELETE", &one, &[("if-match", &version)], None).await, 412, "");
        assert_eq!(scene.ask("DELETE", &one, None).await.status, 204);
        assert_fault(&scene.ask("GET", &one, None).await, 404, "");
        assert_fault(&scene.ask("DELETE", &one, None).await, 404, "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_unique_whatever_their_letter_case_and_external_ids_are_not() {
    Scene::each(async |scene| {
        let ann = scene.make("/Users", json!({"userName": "Ännchen", "externalId": "same"})).await;
        assert_fault(&scene.ask("POST", "/Users", Some(json!({"userName": "äNNCHEN"}))).await, 409, "uniqueness");
        let bob = scene.make("/Users", json!({"userName": "bob", "externalId": "same"})).await;
        assert_fault(
            &scene.ask("PUT", &format!("/Users/{bob}"), Some(json!({"userName": "ännchen"}))).await,
            409,
            "uniqueness",
        );
        let own = scene.ask("PUT", &format!("/Users/{ann}"), Some(json!({"userName": "ÄNNCHEN"}))).await;
        assert_eq!(own.status, 200, "{}", own.body);
        let group = json!({"displayName": "G"});
        scene.make("/Groups", group.clone()).await;
        assert_fault(&scene.ask("POST", "/Groups", Some(group)).await, 409, "uniqueness");
        // As long as it may be, in letters that take most room.
        let long = json!({
            "userName": "\u{1F600}".repeat(255), "externalId": "\u{1F600}".repeat(255),
            "displayName": "\u{1F600}".repeat(1_024), "emails": [{"value": "\u{1F600}".repeat(1_024)}, "\u{1F601}".repeat(1_024)],
        });
        scene.make("/Users", long).await;
        // Another tenant has names of its own.
        let (token, _) = scene.scim_token(OTHER, json!({"name": "d"})).await;
        let path = format!("/api/v1/tenants/{OTHER}/scim/v2/Users");
        assert_eq!(scene.as_holder(&token, "POST", &path, &[], Some(&json!({"userName": "bob"}))).await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scim_5_whoever_is_made_inactive_or_deleted_has_lost_sessions_and_tokens_at_once() {
    Scene::each(async |scene| {
        let house = &scene.house;
        an_application(house, &scene.acme, "shop", |_| {}).await;
        for (name, way) in [("ann", "patch"), ("bob", "put"), ("cid", "delete"), ("dan", "bulk")] {
            let id = scene.user(name).await;
            let session = a_session(house, &scene.acme, &format!("session-{name}"), &id, None).await;
            let given = an_authorization(house, &session, "shop", true).await;
            let token = house.token(&id, Scope::Unscoped);
            let mine = async || house.ask("GET", "/v3/auth/projects", &[("x-auth-token", &token)], None).await.status;
            assert_eq!(mine().await, 200);
            let one = format!("/Users/{id}");
            let done = match way {
                "patch" => scene.patch(&one, json!([{"op": "Replace", "path": "active", "value": "False"}])).await,
                "put" => scene.ask("PUT", &one, Some(json!({"userName": name, "active": false}))).await,
                "delete" => scene.ask("DELETE", &one, None).await,
                _ => {
                    let operation = json!({"method": "DELETE", "path": one});
                    scene.ask("POST", "/Bulk", Some(json!({"schemas": [BULK], "Operations": [operation]}))).await
                }
            };
            assert!(done.status < 300, "{way}: {}", done.body);
            assert_eq!(mine().await, 401, "{way}");
            if way == "patch" || way == "put" {
                assert!(stored_session(house, &session).await.terminated_at.is_some(), "{way}");
                assert!(revoked_at(house, &given).await.is_some(), "{way}");
                let again = scene.patch(&one, json!([{"op": "replace", "value": {"active": true}}])).await;
                assert_eq!((again.status, &again.body["active"]), (200, &json!(true)));
                assert_eq!(mine().await, 401, "a token that is void stays so");
            } else {
                let conn = &mut house.app.store.read().await.unwrap();
                assert!(store::user::get(conn, &id).await.unwrap().is_none());
                assert!(store::session::get(conn, ACME, &session.id).await.unwrap().is_none());
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adm_ten_1_a_token_opens_the_scim_of_its_tenant_and_nothing_else() {
    Scene::each(async |scene| {
        let ann = scene.user("ann").await;
        let (others, _) = scene.scim_token(OTHER, json!({"name": "d"})).await;
        let place = |tenant: &str, rest: &str| format!("/api/v1/tenants/{tenant}/scim/v2{rest}");
        let op = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
        let put = json!({"userName": "x"});
        for (method, rest, body) in [
            ("GET", "/Users".to_owned(), None),
            ("GET", format!("/Users/{ann}"), None),
            ("POST", "/Users".to_owned(), Some(&put)),
            ("PUT", format!("/Users/{ann}"), Some(&put)),
            ("PATCH", format!("/Users/{ann}"), Some(&op)),
            ("DELETE", format!("/Users/{ann}"), None),
            ("GET", "/Groups".to_owned(), None),
            ("GET", "/ServiceProviderConfig".to_owned(), None),
            ("POST", "/.search".to_owned(), Some(&put)),
        ] {
            let got = scene.as_holder(&others, method, &place(ACME, &rest), &[], body).await;
            assert_fault(&got, 404, "");
            let nobody = scene.house.ask(method, &place(ACME, &rest), &[], body).await;
            assert_fault(&nobody, 401, "");
            assert_eq!(nobody.headers["www-authenticate"], "Bearer");
        }
        // At its own, another tenant's user is not there.
        for (method, body) in [("GET", None), ("PUT", Some(&put)), ("PATCH", Some(&op)), ("DELETE", None)] {
            let got = scene.as_holder(&others, method, &place(OTHER, &format!("/Users/{ann}")), &[], body).await;
            assert_fault(&got, 404, "");
        }
        let group = json!({"displayName": "G", "members": [{"value": ann}]});
        let got = scene.as_holder(&others, "POST", &place(OTHER, "/Groups"), &[], Some(&group)).await;
        assert_fault(&got, 400, "invalidValue");
        for path in
            ["/v3/users", "/v3/auth/tokens", "/api/v1/admin/tenants", "/api/v1/sso/configurations", "/v3/auth/projects"]
        {
            assert_eq!(scene.as_holder(&scene.token, "GET", path, &[], None).await.status, 401, "{path}");
        }
        let tokens = format!("/api/v1/admin/tenants/{ACME}/scim-tokens");
        let more = json!({"name": "more"});
        assert_eq!(scene.as_holder(&scene.token, "POST", &tokens, &[], Some(&more)).await.status, 401);
        // Administrators come in as well: of the cloud, and of this domain, but of no other.
        assert_eq!(scene.as_holder(&scene.admin, "GET", &at("/Users"), &[], None).await.status, 200);
        scene.local("boss", Some("manager")).await;
        let boss = scene.house.token("boss", Scope::Domain(ACME.into()));
        assert_eq!(scene.as_holder(&boss, "GET", &at("/Users"), &[], None).await.status, 200);
        assert_eq!(scene.as_holder(&boss, "GET", &place(OTHER, "/Users"), &[], None).await.status, 404);
        scene.local("guest", Some("member")).await;
        let guest = scene.house.token("guest", Scope::Domain(ACME.into()));
        assert_fault(&scene.as_holder(&guest, "GET", &at("/Users"), &[], None).await, 403, "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adm_sec_1_a_token_is_shown_once_ends_and_is_deleted() {
    Scene::each(async |scene| {
        let tokens = format!("/api/v1/admin/tenants/{ACME}/scim-tokens");
        let (short, short_id) = scene.scim_token(ACME, json!({"name": "Short", "expires_in_secs": 60})).await;
        let (second, second_id) = scene.scim_token(ACME, json!({"name": "Second"})).await;
        let uses =
            async |token: &str| scene.as_holder(token, "GET", &at("/ServiceProviderConfig"), &[], None).await.status;
        assert_eq!((uses(&short).await, uses(&second).await, uses(&scene.token).await), (200, 200, 200));
        let listed = scene.house.ask("GET", &tokens, &[("x-auth-token", &scene.admin)], None).await;
        let text = listed.body.to_string();
        for token in [&short, &second, &scene.token] {
            assert!(!text.contains(token.as_str()) && !text.contains(&crate::secret::digest(token)), "{text}");
        }
        assert_eq!(
            (listed.body["total"].as_i64(), listed.body["items"][1]["last_used_at"].is_string()),
            (Some(3), true)
        );
        scene.house.clock.advance(60);
        assert_eq!((uses(&short).await, uses(&second).await), (401, 200));
        let admin = scene.house.token("root", Scope::System);
        let gone = async |id: &str| {
            let path = format!("{tokens}/{id}");
            scene.house.ask("DELETE", &path, &[("x-auth-token", &admin)], None).await.status
        };
        assert_eq!((gone(&second_id).await, gone(&second_id).await, gone(&short_id).await), (204, 404, 204));
        assert_eq!(uses(&second).await, 401);
        assert_eq!(uses(&format!("{}x", scene.token)).await, 401);
        let mut tx = scene.house.app.store.write().await.unwrap();
        let mut off = store::tenant::get(&mut tx, ACME).await.unwrap().unwrap();
        (off.active, off.version) = (false, off.version + 1);
        assert!(store::tenant::update(&mut tx, &off).await.unwrap());
        scene.house.app.commit(tx).await.unwrap();
        assert_eq!(uses(&scene.token).await, 401, "the tenant is switched off");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_is_worded_as_scim_has_it() {
    Scene::each(async |scene| {
        let ask = async |method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>| {
            scene.ask_with(method, path, headers, body).await
        };
        assert_fault(&ask("GET", "/Nothing", &[], None).await, 404, "");
        assert_fault(&ask("DELETE", "/Users", &[], None).await, 405, "");
        assert_fault(&ask("GET", "/Me", &[], None).await, 501, "");
        assert_fault(&ask("GET", "/Schemas/x", &[], None).await, 404, "");
        assert_fault(&ask("GET", "/Schemas?filter=x", &[], None).await, 403, "");
        assert_fault(&ask("POST", "/Users", &[], Some(json!({}))).await, 400, "invalidValue");
        assert_fault(&ask("POST", "/Users", &[], Some(json!([]))).await, 400, "invalidSyntax");
        assert_fault(&ask("GET", "/Users?filter=x", &[], None).await, 400, "invalidFilter");
        assert_fault(&ask("GET", "/Users?count=x", &[], None).await, 400, "invalidValue");
        assert_fault(&ask("GET", "/Users?sortBy=name.givenName", &[], None).await, 400, "invalidPath");
        assert_fault(&ask("GET", "/Users?attributes=a&excludedAttributes=b", &[], None).await, 400, "invalidValue");
        let large = json!({"userName": "x".repeat(crate::model::scim::MAX_BODY)});
        assert_fault(&ask("POST", "/Users", &[], Some(large)).await, 413, "");
        let form = scene
            .house
            .form(&at("/Users"), &[("authorization", &format!("Bearer {}", scene.token))], &[("a", "b")])
            .await;
        assert_fault(&form, 415, "");
        let config = ask("GET", "/ServiceProviderConfig", &[], None).await;
        assert_eq!((config.status, &config.body["bulk"]["maxOperations"]), (200, &json!(100)));
        let types = ask("GET", "/ResourceTypes", &[], None).await.body;
        assert_eq!((&types["totalResults"], &types["Resources"][0]["endpoint"]), (&json!(2), &json!("/Users")));
        assert_eq!(ask("GET", "/ResourceTypes/User", &[], None).await.body["name"], "User");
        assert_eq!(ask("GET", "/Schemas", &[], None).await.body["totalResults"], 3);
        let own = format!("/Schemas/{}", crate::model::scim::ENTERPRISE);
        assert_eq!(ask("GET", &own, &[], None).await.body["name"], "EnterpriseUser");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_asks_too_often_is_told_when_to_come_again() {
    for house in houses(&[("ARCHSTONE_TENANT__SCIM_PER_MINUTE", "2")]).await {
        let admin = house.administrator().await;
        a_tenant(&house, ACME, "acme").await;
        let ask = async || house.ask("GET", &at("/Users"), &[("x-auth-token", &admin)], None).await;
        assert_eq!((ask().await.status, ask().await.status), (200, 200));
        let third = ask().await;
        assert_fault(&third, 429, "");
        assert!(third.headers.contains_key("retry-after"));
    }
}
