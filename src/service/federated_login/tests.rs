//! Signing in through an identity provider, over a real socket, with a trusted web server in front that says who it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use crate::model::grant::{Actor, Grant, Target};
use crate::model::shadow_user;
use crate::store;
use crate::store::tests::{a_domain, a_group, a_project, a_role, a_user};
use crate::testing::{Answered, House, houses};

const SECRET: &str = "a-secret-of-at-least-thirty-two-characters";
const DOMAIN: &str = "00000000000040008000000000000001";
const OTHER: &str = "00000000000040008000000000000002";

/// A house with two domains, group `g` with role `member` on project `p`, and an identity provider `idp` of the first domain.
struct Place {
    house: House,
    admin: String,
}

async fn places(test: impl AsyncFn(Place)) {
    for house in houses(&[("ARCHSTONE_FEDERATION__TRUSTED_PROXY_SECRET", SECRET)]).await {
        let admin = house.administrator().await;
        let mut tx = house.app.store.write().await.unwrap();
        for domain in [DOMAIN, OTHER] {
            store::domain::insert(&mut tx, &a_domain(domain)).await.unwrap();
        }
        store::group::insert(&mut tx, &a_group("g", DOMAIN)).await.unwrap();
        store::group::insert(&mut tx, &a_group("foreign", OTHER)).await.unwrap();
        store::project::insert(&mut tx, &a_project("p", DOMAIN)).await.unwrap();
        store::role::insert(&mut tx, &a_role("member")).await.unwrap();
        store::user::insert(&mut tx, &a_user("local", DOMAIN), house.app.now()).await.unwrap();
        let grant =
            |actor| Grant { actor, target: Target::Project("p".into()), role_id: "member".into(), inherited: false };
        store::grant::insert(&mut tx, &grant(Actor::Group("g".into()))).await.unwrap();
        store::grant::insert(&mut tx, &grant(Actor::User("local".into()))).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let place = Place { house, admin };
        place.put("identity_providers/idp", json!({"identity_provider": {"enabled": true, "domain_id": DOMAIN}})).await;
        test(place).await;
    }
}

fn user_rule() -> Value {
    json!({"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "USER"}]})
}

fn groups_rule() -> Value {
    json!({"local": [{"groups": "{0}", "domain": {"id": DOMAIN}}], "remote": [{"type": "GROUPS"}]})
}

impl Place {
    async fn ask(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answered {
        self.house.ask(method, path, &[("X-Auth-Token", token)], body.as_ref()).await
    }

    async fn put(&self, path: &str, body: Value) {
        let answer = self.ask("PUT", &format!("/v3/OS-FEDERATION/{path}"), &self.admin, Some(body)).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.message());
    }

    async fn patch(&self, path: &str, body: Value) {
        let answer = self.ask("PATCH", path, &self.admin, Some(body)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.message());
    }

    /// Mapping `m` with these rules, and protocol `openid` by it.
    async fn mapped(&self, rules: Value) -> &Self {
        self.mapped_as(rules, "1.0").await
    }

    async fn mapped_as(&self, rules: Value, version: &str) -> &Self {
        self.put("mappings/m", json!({"mapping": {"rules": rules, "schema_version": version}})).await;
        self.put("identity_providers/idp/protocols/openid", json!({"protocol": {"mapping_id": "m"}})).await;
        self
    }

    async fn by(&self, idp: &str, protocol: &str, attributes: &[(&str, &str)]) -> Answered {
        let path = format!("/v3/OS-FEDERATION/identity_providers/{idp}/protocols/{protocol}/auth");
        let mut headers = vec![("X-Archstone-Proxy-Secret", SECRET)];
        headers.extend(attributes);
        self.house.ask("GET", &path, &headers, None).await
    }

    async fn sign_in(&self, attributes: &[(&str, &str)]) -> (String, Value) {
        let answer = self.by("idp", "openid", attributes).await;
        assert_eq!(answer.status, 201, "{} {:?}", answer.message(), self.logins("idp").await);
        (answer.headers["x-subject-token"].to_str().unwrap().to_owned(), answer.body["token"].clone())
    }

    async fn rescope(&self, token: &str, scope: Value) -> Answered {
        let identity = json!({"methods": ["token"], "token": {"id": token}});
        let body = json!({"auth": {"identity": identity, "scope": scope}});
        self.house.ask("POST", "/v3/auth/tokens", &[], Some(&body)).await
    }

    async fn status(&self, token: &str) -> u16 {
        let headers = [("X-Auth-Token", self.admin.as_str()), ("X-Subject-Token", token)];
        self.house.ask("GET", "/v3/auth/tokens", &headers, None).await.status
    }

    async fn logins(&self, idp: &str) -> Value {
        let path = format!("/v3/OS-FEDERATION/identity_providers/{idp}/logins");
        self.ask("GET", &path, &self.admin, None).await.body["logins"].clone()
    }
}

fn on_p() -> Value {
    json!({"project": {"id": "p"}})
}

#[tokio::test]
async fn a_federated_user_has_keystones_id_and_comes_back_as_the_same() {
    places(async |place| {
        let rule = json!({"local": [{"user": {"id": "{0}", "name": "{1}", "email": "{2}"}}],
                          "remote": [{"type": "SUB"}, {"type": "USER"}, {"type": "MAIL"}]});
        place.mapped(json!([rule])).await;
        let (_, token) = place.sign_in(&[("SUB", "a b@c"), ("USER", "Bob"), ("MAIL", "b@x")]).await;
        let id = shadow_user::id(DOMAIN, "a%20b%40c");
        let groups = json!({"groups": [], "identity_provider": {"id": "idp"}, "protocol": {"id": "openid"}});
        assert_eq!(token["user"], json!({"id": id, "name": "Bob", "domain": {"id": DOMAIN, "name": format!("name of {DOMAIN}")}, "OS-FEDERATION": groups}));
        assert_eq!(token["methods"], json!(["mapped"]));
        assert!(token.get("roles").is_none() && token.get("catalog").is_none() && token["project"].is_null());
        let (_, again) = place.sign_in(&[("SUB", "a b@c"), ("USER", "Robert"), ("MAIL", "r@x")]).await;
        assert_eq!((&again["user"]["id"], &again["user"]["name"]), (&json!(id), &json!("Robert")));
        let shown = place.ask("GET", &format!("/v3/users/{id}"), &place.admin, None).await.body;
        assert_eq!((&shown["user"]["name"], &shown["user"]["email"]), (&json!("Robert"), &json!("r@x")));
        assert_eq!(shown["user"]["federated"][0]["protocols"], json!([{"protocol_id": "openid", "unique_id": "a%20b%40c"}]));
    })
    .await;
}

#[tokio::test]
async fn groups_give_roles_for_as_long_as_they_are_asserted() {
    places(async |place| {
        place.mapped(json!([user_rule(), groups_rule()])).await;
        let member = [("USER", "bob"), ("GROUPS", "name of g;nobody knows this one")];
        let (unscoped, token) = place.sign_in(&member).await;
        assert_eq!(token["user"]["OS-FEDERATION"]["groups"], json!([{"id": "g", "name": "name of g"}]));
        let scoped = place.rescope(&unscoped, on_p()).await;
        assert_eq!(scoped.status, 201, "{}", scoped.message());
        assert_eq!(scoped.body["token"]["roles"], json!([{"id": "member", "name": "member"}]));
        assert_eq!(scoped.body["token"]["expires_at"], token["expires_at"]);
        assert_eq!(scoped.body["token"]["audit_ids"][1], token["audit_ids"][0]);
        assert!(scoped.body["token"]["user"]["OS-FEDERATION"].is_object());
        let scoped = scoped.headers["x-subject-token"].to_str().unwrap().to_owned();
        let projects = place.ask("GET", "/v3/OS-FEDERATION/projects", &unscoped, None).await.body;
        assert_eq!(projects["projects"][0]["id"], "p");
        assert_eq!(place.status(&scoped).await, 200);
        // The next log-in no longer says so: what an older one said counts no more.
        let (later, _) = place.sign_in(&[("USER", "bob")]).await;
        assert_eq!(place.status(&scoped).await, 404);
        for token in [&unscoped, &later] {
            assert_eq!(place.status(token).await, 200);
            assert_eq!(place.rescope(token, on_p()).await.status, 401);
        }
    })
    .await;
}

#[tokio::test]
async fn memberships_are_shown_until_they_end_and_can_be_taken_away() {
    places(async |place| {
        place
            .patch("/v3/OS-FEDERATION/identity_providers/idp", json!({"identity_provider": {"authorization_ttl": 5}}))
            .await;
        place.mapped(json!([user_rule(), groups_rule()])).await;
        let member = [("USER", "bob"), ("GROUPS", "name of g")];
        let (unscoped, token) = place.sign_in(&member).await;
        let user = token["user"]["id"].as_str().unwrap().to_owned();
        let groups = async || {
            let answer = place.ask("GET", &format!("/v3/users/{user}/groups"), &place.admin, None).await.body;
            answer["groups"].as_array().unwrap().iter().map(|g| g["membership_expires_at"].clone()).collect::<Vec<_>>()
        };
        let end = place.house.app.now().plus_secs(300).to_string();
        assert_eq!(groups().await, [json!(end.trim_end_matches('Z'))]);
        let listed =
            place.ask("GET", &format!("/v3/role_assignments?user.id={user}&effective"), &place.admin, None).await;
        assert_eq!(listed.body["role_assignments"].as_array().unwrap().len(), 1);
        place.house.clock.advance(301);
        assert!(groups().await.is_empty());
        let scoped = place.rescope(&unscoped, on_p()).await;
        assert_eq!(scoped.status, 201, "the token of that log-in still carries the group");
        let gone = place.ask("DELETE", &format!("/v3/groups/g/users/{user}"), &place.admin, None).await;
        assert_eq!(gone.status, 204);
        assert_eq!(place.status(scoped.headers["x-subject-token"].to_str().unwrap()).await, 404);
        assert_eq!(place.rescope(&unscoped, on_p()).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn projects_are_made_with_roles_and_version_3_takes_away_what_is_not_said_any_more() {
    places(async |place| {
        let rule = json!({"local": [{"user": {"name": "{0}"}}, {"projects": [{"name": "of {0}", "roles": [{"name": "member"}]}]}],
                          "remote": [{"type": "USER"}, {"type": "GROUPS", "any_one_of": ["in"]}]});
        let alone = json!({"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "USER"}, {"type": "GROUPS", "not_any_of": ["in"]}]});
        place.mapped_as(json!([rule, alone]), "3.0").await;
        let (unscoped, _) = place.sign_in(&[("USER", "bob"), ("GROUPS", "in")]).await;
        let projects = place.ask("GET", "/v3/auth/projects", &unscoped, None).await.body;
        assert_eq!((&projects["projects"][0]["name"], &projects["projects"][0]["domain_id"]), (&json!("of bob"), &json!(DOMAIN)));
        let again = place.sign_in(&[("USER", "bob"), ("GROUPS", "in")]).await.0;
        let count = |b: &Value| b["projects"].as_array().unwrap().len();
        assert_eq!(count(&place.ask("GET", "/v3/auth/projects", &again, None).await.body), 1);
        place.sign_in(&[("USER", "bob"), ("GROUPS", "out")]).await;
        assert_eq!(count(&place.ask("GET", "/v3/auth/projects", &again, None).await.body), 0);
    })
    .await;
}

#[tokio::test]
async fn a_local_user_gets_an_ordinary_token() {
    places(async |place| {
        let user = json!({"name": "{0}", "type": "local", "domain": {"id": DOMAIN}});
        place.mapped(json!([{"local": [{"user": user}], "remote": [{"type": "USER"}]}])).await;
        let (unscoped, token) = place.sign_in(&[("USER", "name of local")]).await;
        assert_eq!(token["user"]["id"], "local");
        assert!(token["user"].get("OS-FEDERATION").is_none() && token["user"].get("password_expires_at").is_some());
        assert_eq!(place.rescope(&unscoped, on_p()).await.status, 201);
        assert_eq!(place.by("idp", "openid", &[("USER", "nobody")]).await.status, 401);
        place.patch("/v3/users/local", json!({"user": {"enabled": false}})).await;
        assert_eq!(place.by("idp", "openid", &[("USER", "name of local")]).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn ks_fed_2_what_is_disabled_or_tightened_lets_nobody_in_and_voids_what_was_given() {
    places(async |place| {
        place.mapped(json!([user_rule()])).await;
        let bob = [("USER", "bob")];
        let (token, shown) = place.sign_in(&bob).await;
        let user = format!("/v3/users/{}", shown["user"]["id"].as_str().unwrap());
        place.patch(&user, json!({"user": {"enabled": false}})).await;
        assert_eq!((place.status(&token).await, place.by("idp", "openid", &bob).await.status), (404, 401));
        place.patch(&user, json!({"user": {"enabled": true}})).await;

        let (token, _) = place.sign_in(&bob).await;
        place.patch("/v3/OS-FEDERATION/mappings/m", json!({"mapping": {"rules": [user_rule(), groups_rule()]}})).await;
        assert_eq!(place.status(&token).await, 404);
        assert_eq!(place.rescope(&token, json!("unscoped")).await.status, 404);

        let (token, _) = place.sign_in(&bob).await;
        let idp = "/v3/OS-FEDERATION/identity_providers/idp";
        place.patch(idp, json!({"identity_provider": {"enabled": false}})).await;
        assert_eq!((place.status(&token).await, place.by("idp", "openid", &bob).await.status), (404, 403));
        place.patch(idp, json!({"identity_provider": {"enabled": true}})).await;
        assert_eq!(place.status(&token).await, 404);

        let (token, _) = place.sign_in(&bob).await;
        assert_eq!(place.ask("DELETE", &format!("{idp}/protocols/openid"), &place.admin, None).await.status, 204);
        assert_eq!((place.status(&token).await, place.by("idp", "openid", &bob).await.status), (404, 404));
        place.put("identity_providers/idp/protocols/openid", json!({"protocol": {"mapping_id": "m"}})).await;
        assert_eq!(place.status(&token).await, 404);
        assert_eq!(place.sign_in(&bob).await.1["user"]["id"], shown["user"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn who_comes_in_the_second_of_a_change_can_rescope_at_once() {
    places(async |place| {
        place.mapped(json!([user_rule()])).await;
        place.sign_in(&[("USER", "bob")]).await;
        place.patch("/v3/OS-FEDERATION/mappings/m", json!({"mapping": {"rules": [user_rule(), groups_rule()]}})).await;
        let (token, _) = place.sign_in(&[("USER", "bob"), ("GROUPS", "name of g")]).await;
        let scoped = place.rescope(&token, on_p()).await;
        assert_eq!(scoped.status, 201, "{}", scoped.message());
        assert_eq!(place.status(scoped.headers["x-subject-token"].to_str().unwrap()).await, 200);
    })
    .await;
}

#[tokio::test]
async fn ks_fed_1_remote_ids_decide_who_may_come_from_where() {
    places(async |place| {
        place.put("mappings/m", json!({"mapping": {"rules": [user_rule()]}})).await;
        let protocol = json!({"protocol": {"mapping_id": "m", "remote_id_attribute": "ISS"}});
        place.put("identity_providers/idp/protocols/openid", protocol).await;
        assert_eq!(place.by("idp", "openid", &[("USER", "bob")]).await.status, 201, "no remote ids: no check");
        place
            .patch(
                "/v3/OS-FEDERATION/identity_providers/idp",
                json!({"identity_provider": {"remote_ids": ["https://a;b"]}}),
            )
            .await;
        for (iss, expected) in
            [(None, 401), (Some("https://other"), 403), (Some("https://a"), 403), (Some("https://a;b"), 201)]
        {
            let mut attributes = vec![("USER", "bob")];
            attributes.extend(iss.map(|i| ("ISS", i)));
            assert_eq!(place.by("idp", "openid", &attributes).await.status, expected, "{iss:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn ks_fed_5_the_same_name_elsewhere_is_somebody_else() {
    places(async |place| {
        place.mapped(json!([user_rule()])).await;
        place.put("identity_providers/idp/protocols/saml2", json!({"protocol": {"mapping_id": "m"}})).await;
        for (idp, domain) in [("second", DOMAIN), ("third", OTHER)] {
            place
                .put(
                    &format!("identity_providers/{idp}"),
                    json!({"identity_provider": {"enabled": true, "domain_id": domain}}),
                )
                .await;
            place
                .put(&format!("identity_providers/{idp}/protocols/openid"), json!({"protocol": {"mapping_id": "m"}}))
                .await;
        }
        let who = async |idp: &str, protocol: &str| {
            let answer = place.by(idp, protocol, &[("USER", "name of local")]).await;
            assert_eq!(answer.status, 201, "{}", answer.message());
            answer.body["token"]["user"]["id"].as_str().unwrap().to_owned()
        };
        let first = who("idp", "openid").await;
        assert_eq!(first, shadow_user::id(DOMAIN, "name%20of%20local"));
        assert_eq!(who("idp", "saml2").await, first, "one person, whatever the protocol");
        let second = who("second", "openid").await;
        assert_eq!(second, shadow_user::id_beside(DOMAIN, "second", "name%20of%20local"));
        assert_eq!(who("second", "openid").await, second);
        assert_eq!(who("third", "openid").await, shadow_user::id(OTHER, "name%20of%20local"));
        // Unlinked by hand: the name alone does not give the account back.
        place.patch(&format!("/v3/users/{first}"), json!({"user": {"federated": []}})).await;
        let fresh = who("idp", "openid").await;
        assert_eq!(fresh, shadow_user::id_beside(DOMAIN, "idp", "name%20of%20local"));
        place.patch(&format!("/v3/users/{fresh}"), json!({"user": {"federated": []}})).await;
        assert_eq!(place.by("idp", "openid", &[("USER", "name of local")]).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn a_domain_may_say_that_its_identity_providers_mean_the_same_people() {
    places(async |place| {
        place.mapped(json!([user_rule()])).await;
        let second = json!({"identity_provider": {"enabled": true, "domain_id": DOMAIN}});
        place.put("identity_providers/second", second).await;
        place.put("identity_providers/second/protocols/openid", json!({"protocol": {"mapping_id": "m"}})).await;
        let options = json!({"domain": {"options": {"link_federated_users": true}}});
        place.patch(&format!("/v3/domains/{DOMAIN}"), options).await;
        let (_, first) = place.sign_in(&[("USER", "bob")]).await;
        let again = place.by("second", "openid", &[("USER", "bob")]).await;
        assert_eq!(again.body["token"]["user"]["id"], first["user"]["id"]);
        // Whoever only uses the name of somebody who is not vouched for is somebody else.
        let local = place.by("second", "openid", &[("USER", "name of local")]).await;
        assert_ne!(local.body["token"]["user"]["id"], "local");
    })
    .await;
}

#[tokio::test]
async fn users_go_with_the_only_identity_provider_that_vouches_for_them() {
    places(async |place| {
        place.mapped(json!([user_rule()])).await;
        let (token, shown) = place.sign_in(&[("USER", "bob")]).await;
        let user = format!("/v3/users/{}", shown["user"]["id"].as_str().unwrap());
        let gone = place.ask("DELETE", "/v3/OS-FEDERATION/identity_providers/idp", &place.admin, None).await;
        assert_eq!(gone.status, 204);
        assert_eq!(place.status(&token).await, 404);
        assert_eq!(place.ask("GET", &user, &place.admin, None).await.status, 404);
        assert_eq!(place.ask("GET", "/v3/users/local", &place.admin, None).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn ks_fed_4_web_hdr_2_header_fields_of_whoever_does_not_know_the_secret_say_nothing() {
    places(async |place| {
        place.mapped(json!([user_rule()])).await;
        let path = "/v3/OS-FEDERATION/identity_providers/idp/protocols/openid/auth";
        for headers in [
            vec![("USER", "bob")],
            vec![("USER", "bob"), ("X-Archstone-Proxy-Secret", "")],
            vec![("USER", "bob"), ("X-Archstone-Proxy-Secret", "a-secret-of-at-least-thirty-two-character")],
            vec![("USER", "bob"), ("X-Archstone-Proxy-Secret", SECRET), ("X-Archstone-Proxy-Secret", SECRET)],
            vec![("USER", "bob"), ("USER", "root"), ("X-Archstone-Proxy-Secret", SECRET)],
            vec![("X_USER", "bob"), ("X-Archstone-Proxy-Secret", SECRET)],
        ] {
            let answer = place.house.ask("GET", path, &headers, None).await;
            assert_eq!(answer.status, 401, "{headers:?}");
            assert_eq!(answer.message(), "The request you have made requires authentication.");
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_mapping_names_must_be_there() {
    places(async |place| {
        let with = |extra: Value| json!([user_rule(), {"local": [extra], "remote": [{"type": "USER"}]}]);
        place.mapped(json!([user_rule()])).await;
        let nowhere = json!({"name": "x", "domain": {"name": "nowhere"}});
        for rules in [
            with(json!({"group": {"id": "missing"}})),
            with(json!({"group": nowhere})),
            with(json!({"projects": [{"name": "x", "roles": [{"name": "missing"}]}]})),
            with(json!({"projects": [{"name": "x".repeat(65), "roles": []}]})),
            json!([{"local": [{"group": {"id": "g"}}], "remote": [{"type": "USER"}]}]),
            json!([{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "USER", "any_one_of": ["alice"]}, {"type": "USER"}]}]),
        ] {
            place.patch("/v3/OS-FEDERATION/mappings/m", json!({"mapping": {"rules": rules}})).await;
            assert_eq!(place.by("idp", "openid", &[("USER", "bob")]).await.status, 401, "{rules}");
        }
        let projects = place.ask("GET", "/v3/projects?name=x", &place.admin, None).await.body;
        assert_eq!(projects["projects"], json!([]), "nothing is left of a log-in that failed");
        let users = place.ask("GET", &format!("/v3/users?domain_id={DOMAIN}"), &place.admin, None).await.body;
        assert_eq!(users["users"].as_array().unwrap().len(), 1, "{users}");
    })
    .await;
}

#[tokio::test]
async fn no_federated_token_gets_system_scope() {
    places(async |place| {
        place.mapped(json!([user_rule()])).await;
        let (token, shown) = place.sign_in(&[("USER", "bob")]).await;
        let user = shown["user"]["id"].as_str().unwrap();
        let mut tx = place.house.app.store.write().await.unwrap();
        store::grant::insert(&mut tx, &Grant::of_user(user, Target::System, "member")).await.unwrap();
        place.house.app.commit(tx).await.unwrap();
        assert_eq!(place.rescope(&token, json!({"system": {"all": true}})).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn the_last_log_ins_tell_an_administrator_why_one_failed() {
    places(async |place| {
        let rule = json!({"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "USER"}, {"type": "TEAM", "any_one_of": ["ops"]}]});
        place.mapped(json!([rule])).await;
        place.by("idp", "openid", &[("USER", "bob"), ("TEAM", "dev")]).await;
        place.sign_in(&[("USER", "bob"), ("TEAM", "ops")]).await;
        let logins = place.logins("idp").await;
        let outcomes: Vec<_> = logins.as_array().unwrap().iter().map(|l| l["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes.len(), 2);
        let failed = logins.as_array().unwrap().iter().find(|l| l["outcome"] == "failure").unwrap();
        assert_eq!((&failed["protocol_id"], &failed["verified"]), (&json!("openid"), &json!(true)));
        assert!(failed["detail"].to_string().contains("TEAM"), "{failed}");
        assert!(failed["request_id"].as_str().unwrap().starts_with("req-"), "{failed}");
    })
    .await;
}
