//! Users through the whole house on both databases: identities at identity providers, filters, and who was away too long.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use super::super::tests::{DOMAIN, login, on_both, subject, validate};
use crate::model::token::Scope;
use crate::store;
use crate::store::tests::federation::{a_mapping, a_protocol};
use crate::store::tests::{a_domain, an_idp};
use crate::testing::{Answered, House};

const OTHER: &str = "00000000000040008000000000000002";
const DAY: i64 = 86_400;

async fn ask(house: &House, method: &str, path: &str, user: Option<Value>) -> Answered {
    let admin = house.token("admin", Scope::System);
    let body = user.map(|u| json!({ "user": u }));
    house.ask(method, path, &[("x-auth-token", &admin)], body.as_ref()).await
}

async fn make(house: &House, name: &str, more: Value) -> Answered {
    let mut user = json!({"name": name, "domain_id": DOMAIN});
    user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ask(house, "POST", "/v3/users", Some(user)).await
}

/// The names that a list shows.
async fn names(house: &House, query: &str) -> String {
    let answer = ask(house, "GET", &format!("/v3/users?{query}"), None).await;
    let users = answer.body["users"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone();
    let mut names: Vec<&str> = users.iter().map(|u| u["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.join(" ")
}

async fn add_identity_providers(house: &House) {
    let mut tx = house.app.store.write().await.unwrap();
    store::domain::insert(&mut tx, &a_domain(OTHER)).await.unwrap();
    store::identity_provider::insert(&mut tx, &an_idp("ACME", DOMAIN, &[])).await.unwrap();
    store::identity_provider::insert(&mut tx, &an_idp("BETA", OTHER, &[])).await.unwrap();
    store::mapping::insert(&mut tx, &a_mapping("m", None)).await.unwrap();
    for (idp, id) in [("ACME", "openid"), ("ACME", "saml2"), ("BETA", "openid"), ("BETA", "saml2")] {
        store::protocol::insert(&mut tx, &a_protocol(idp, id, "m")).await.unwrap();
    }
    house.app.commit(tx).await.unwrap();
}

fn at(idp: &str, protocols: &[(&str, &str)]) -> Value {
    let protocols: Vec<Value> = protocols.iter().map(|(p, u)| json!({"protocol_id": p, "unique_id": u})).collect();
    json!({"idp_id": idp, "protocols": protocols})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn federated_identities_are_written_with_the_user_and_shown_with_one_user() {
    on_both(&[], async |house| {
        add_identity_providers(house).await;
        let both = json!([at("BETA", &[("openid", "x")]), at("ACME", &[("saml2", "b"), ("openid", "b")])]);
        let made = make(house, "bob", json!({ "federated": both })).await;
        let shown = json!([at("ACME", &[("openid", "b"), ("saml2", "b")]), at("BETA", &[("openid", "x")])]);
        assert_eq!((made.status, &made.body["user"]["federated"]), (201, &shown));
        let path = format!("/v3/users/{}", made.body["user"]["id"].as_str().unwrap());
        assert_eq!(ask(house, "GET", &path, None).await.body["user"]["federated"], shown);
        let list = ask(house, "GET", "/v3/users?name=bob", None).await;
        assert_eq!(list.body["users"][0].get("federated"), None);
        let renamed = ask(house, "PATCH", &path, Some(json!({"name": "rob"}))).await;
        assert_eq!(renamed.body["user"]["federated"], shown);
        let gone = "/v3/OS-FEDERATION/identity_providers/BETA/protocols/openid";
        assert_eq!(ask(house, "DELETE", gone, None).await.status, 204);
        let same = ask(house, "PATCH", &path, Some(json!({ "federated": shown }))).await;
        assert_eq!((same.status, &same.body["user"]["federated"]), (200, &shown), "what was there may be sent back");
        let one = json!([at("ACME", &[("openid", "c")])]);
        assert_eq!(ask(house, "PATCH", &path, Some(json!({ "federated": one }))).await.body["user"]["federated"], one);
        let none = ask(house, "PATCH", &path, Some(json!({"federated": []}))).await;
        assert_eq!((none.status, none.body["user"].get("federated")), (200, None));
        assert_eq!(ask(house, "GET", "/v3/users/ann", None).await.body["user"].get("federated"), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_identity_is_one_users() {
    on_both(&[], async |house| {
        add_identity_providers(house).await;
        let mine = json!({"federated": [at("ACME", &[("openid", "b")])]});
        assert_eq!(make(house, "bob", mine).await.status, 201);
        for taken in [at("ACME", &[("openid", "b")]), at("ACME", &[("saml2", "b")])] {
            assert_eq!(make(house, "eve", json!({"federated": [taken]})).await.status, 409);
        }
        let twice = at("ACME", &[("openid", "z"), ("openid", "z")]);
        let answer = make(house, "eve", json!({"federated": [twice]})).await;
        let text = "Conflict occurred attempting to store federated_user - Duplicate entry.";
        assert_eq!((answer.status, answer.message()), (409, text));
        assert_eq!(names(house, "name=eve").await, "", "nothing is left of a user who could not be made whole");
        let (a, b) = tokio::join!(
            make(house, "one", json!({"federated": [at("BETA", &[("openid", "q")])]})),
            make(house, "two", json!({"federated": [at("BETA", &[("saml2", "q")])]}))
        );
        let mut both = [a.status, b.status];
        both.sort_unstable();
        assert_eq!(both, [201, 409]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_provider_must_be_there_and_within_the_tokens_domain() {
    on_both(&[], async |house| {
        add_identity_providers(house).await;
        let answer = make(house, "bob", json!({"federated": [at("NONE", &[("openid", "b")])]})).await;
        assert_eq!((answer.status, answer.message()), (400, "Could not find Identity Provider: NONE"));
        let answer = make(house, "bob", json!({"federated": [at("ACME", &[("kerberos", "b")])]})).await;
        let text = "Could not find federated protocol kerberos for Identity Provider: ACME.";
        assert_eq!((answer.status, answer.message()), (400, text));
        assert_eq!(names(house, "name=bob").await, "");
        // Whoever manages one domain does not say who another domain's people are.
        let grant = format!("/v3/domains/{DOMAIN}/users/ann/roles/admin");
        assert_eq!(ask(house, "PUT", &grant, None).await.status, 204);
        let token = subject(&login(house, "ann", "right").await);
        for (idp, expected) in [("ACME", 201), ("BETA", 400)] {
            let user = json!({"user": {"name": idp, "domain_id": DOMAIN, "federated": [at(idp, &[("openid", "v")])]}});
            let answer = house.ask("POST", "/v3/users", &[("x-auth-token", &token)], Some(&user)).await;
            assert_eq!(answer.status, expected, "{answer:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_found_by_their_identities_and_by_when_their_password_ends() {
    let settings = [("ARCHSTONE_SECURITY_COMPLIANCE__PASSWORD_EXPIRES_DAYS", "2")];
    on_both(&settings, async |house| {
        add_identity_providers(house).await;
        let two = json!([at("ACME", &[("openid", "b")]), at("BETA", &[("saml2", "x")])]);
        assert_eq!(make(house, "bob", json!({"federated": two, "password": "p"})).await.status, 201);
        let one = json!([at("ACME", &[("openid", "c")])]);
        assert_eq!(make(house, "cid", json!({"federated": one})).await.status, 201);
        for (query, found) in [
            ("idp_id=ACME", "bob cid"),
            ("idp_id=BETA", "bob"),
            ("idp_id=ACME&unique_id=c", "cid"),
            ("idp_id=ACME&protocol_id=saml2", ""),
            ("protocol_id=openid&name=bob", "bob"),
            ("unique_id=nobody", ""),
            ("password_expires_at=eq:2027-01-17T08:00:00Z", "bob"),
            ("password_expires_at=2027-01-17T08:00:00Z", "bob"),
            ("password_expires_at=neq:2027-01-17T08:00:00Z", ""),
            ("password_expires_at=lt:2027-01-17T08:00:00Z", ""),
            ("password_expires_at=lte:2027-01-17T08:00:00Z", "bob"),
            ("password_expires_at=gt:2027-01-17T08:00:00Z", ""),
            ("password_expires_at=gte:2027-01-17T08:00:00Z", "bob"),
        ] {
            assert_eq!(names(house, query).await, found, "{query}");
        }
        // Of several passwords the current one counts.
        let bob = ask(house, "GET", "/v3/users?name=bob", None).await.body["users"][0]["id"].clone();
        house.clock.advance(DAY);
        let path = format!("/v3/users/{}", bob.as_str().unwrap());
        assert_eq!(ask(house, "PATCH", &path, Some(json!({"password": "q"}))).await.status, 200);
        assert_eq!(names(house, "password_expires_at=lt:2027-01-18T08:00:00Z").await, "");
        for bad in ["soon", "lt:soon", "foo:2027-01-17T08:00:00Z"] {
            assert_eq!(
                ask(house, "GET", &format!("/v3/users?password_expires_at={bad}"), None).await.status,
                400,
                "{bad}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_too_long_is_disabled_until_enabled_again() {
    let settings = [
        ("ARCHSTONE_SECURITY_COMPLIANCE__DISABLE_USER_ACCOUNT_DAYS_INACTIVE", "3"),
        ("ARCHSTONE_TOKEN__EXPIRATION_SECS", "864000"),
    ];
    on_both(&settings, async |house| {
        let exempt = json!({"options": {"ignore_user_inactivity": true}});
        assert_eq!(ask(house, "PATCH", "/v3/users/admin", Some(exempt)).await.status, 200);
        let enabled = async || {
            let one = ask(house, "GET", "/v3/users/ann", None).await.body["user"]["enabled"].clone();
            assert_eq!(ask(house, "GET", "/v3/users?name=ann", None).await.body["users"][0]["enabled"], one);
            one
        };
        // The clock starts at 08:00; days are those of the calendar.
        house.clock.advance(2 * DAY + DAY / 2);
        assert_eq!(login(house, "ann", "right").await.status, 201, "never seen, but made two days ago");
        house.clock.advance(2 * DAY);
        let token = subject(&login(house, "ann", "right").await);
        house.clock.advance(2 * DAY + 4 * 3_600 - 1);
        assert_eq!(enabled().await, true);
        house.clock.advance(1);
        assert_eq!(enabled().await, false);
        let refused = login(house, "ann", "right").await;
        assert_eq!((refused.status, &refused.body), (401, &login(house, "ann", "wrong").await.body));
        let change = json!({"user": {"original_password": "right", "password": "new"}});
        assert_eq!(house.ask("POST", "/v3/users/ann/password", &[], Some(&change)).await.status, 401);
        assert_eq!(validate(house, &token, "").await, 404);

        let renamed = ask(house, "PATCH", "/v3/users/ann", Some(json!({"description": "away"}))).await;
        assert_eq!(renamed.body["user"]["enabled"], false, "another change does not bring them back");
        let back = ask(house, "PATCH", "/v3/users/ann", Some(json!({"enabled": true}))).await;
        assert_eq!(back.body["user"]["enabled"], true);
        assert_eq!(login(house, "ann", "right").await.status, 201);
        house.clock.advance(3 * DAY);
        assert_eq!(enabled().await, false);
        let exempt = json!({"options": {"ignore_user_inactivity": true}});
        assert_eq!(ask(house, "PATCH", "/v3/users/ann", Some(exempt)).await.body["user"]["enabled"], true);
        assert_eq!(login(house, "ann", "right").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enabling_lifts_a_lock() {
    let settings = [
        ("ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS", "2"),
        ("ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_DURATION", "0"),
    ];
    on_both(&settings, async |house| {
        for password in ["a", "b", "right"] {
            assert_eq!(login(house, "ann", password).await.status, 401);
        }
        assert_eq!(ask(house, "PATCH", "/v3/users/ann", Some(json!({"enabled": true}))).await.status, 200);
        assert_eq!(login(house, "ann", "right").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_a_user_is_checked() {
    on_both(&[], async |house| {
        let first = make(house, " bob ", json!({"description": null, "email": "b@x"})).await.body["user"].clone();
        assert_eq!(
            (&first["name"], &first["description"], &first["email"]),
            (&json!("bob"), &Value::Null, &json!("b@x"))
        );
        assert_eq!(first.get("default_project_id"), None);
        let again = make(house, "bob", json!({})).await;
        let text = format!(
            "Conflict occurred attempting to store user - Duplicate entry found with name bob at domain ID {DOMAIN}."
        );
        assert_eq!((again.status, again.message()), (409, text.as_str()));
        assert_eq!(make(house, "Bob", json!({})).await.status, 201, "letter case counts");
        let domain = make(house, "cid", json!({"default_project_id": DOMAIN})).await;
        let text = format!("User's default project ID cannot be a domain ID: {DOMAIN}");
        assert_eq!((domain.status, domain.message()), (400, text.as_str()));
        assert_eq!(make(house, "cid", json!({"default_project_id": "gone"})).await.status, 201);
        for bad in [json!({}), json!({"domain_id": OTHER}), json!({"id": "other"}), json!({"name": " "})] {
            assert_eq!(ask(house, "PATCH", "/v3/users/ann", Some(bad.clone())).await.status, 400, "{bad}");
        }
        let same = json!({"id": "ann", "domain_id": DOMAIN, "name": "ann"});
        assert_eq!(ask(house, "PATCH", "/v3/users/ann", Some(same)).await.status, 200);
    })
    .await;
}
