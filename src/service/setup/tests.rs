//! Setting up an identity provider as a whole, through the whole house on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use super::super::tests::{DOMAIN, on_both};
use crate::model::grant::{Grant, Target};
use crate::model::token::Scope;
use crate::store;
use crate::store::tests::a_role;
use crate::testing::{Answered, House};

const BASE: &str = "/v3/OS-FEDERATION";

fn whole() -> Value {
    json!({
        "identity_provider": {"enabled": true, "remote_ids": ["https://op.example"]},
        "mapping": {"rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}]},
        "protocol": {"id": "openid", "remote_id_attribute": "HTTP_OIDC_ISS"},
        "connection": {"issuer": "https://op.example", "client_id": "archstone", "client_secret": "hush-hush"},
    })
}

/// The whole with one member of a part put in another's place, or taken out by null.
fn with(part: &str, member: &str, value: Value) -> Value {
    let mut body = whole();
    match value {
        Value::Null if member.is_empty() => drop(body.as_object_mut().unwrap().remove(part)),
        Value::Null => drop(body[part].as_object_mut().unwrap().remove(member)),
        value if member.is_empty() => body[part] = value,
        value => body[part][member] = value,
    }
    body
}

async fn put(house: &House, token: &str, id: &str, setup: &Value) -> Answered {
    let path = format!("{BASE}/identity_providers/{id}/setup");
    house.ask("PUT", &path, &[("x-auth-token", token)], Some(&json!({ "setup": setup }))).await
}

async fn get(house: &House, token: &str, path: &str) -> Answered {
    house.ask("GET", &format!("{BASE}/{path}"), &[("x-auth-token", token)], None).await
}

/// How many identity providers and mappings there are, and domains.
async fn stored(house: &House, token: &str) -> [usize; 3] {
    let count = |answer: &Answered, name: &str| answer.body[name].as_array().unwrap().len();
    let idps = get(house, token, "identity_providers").await;
    let mappings = get(house, token, "mappings").await;
    let domains = house.ask("GET", "/v3/domains", &[("x-auth-token", token)], None).await;
    [count(&idps, "identity_providers"), count(&mappings, "mappings"), count(&domains, "domains")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_parts_are_made_and_answered_as_by_their_own_routes() {
    on_both(&[], async |house| {
        let admin = house.token("admin", Scope::System);
        let made = put(house, &admin, "ACME", &whole()).await;
        assert_eq!(made.status, 201, "{made:?}");
        let setup = &made.body["setup"];
        for (part, path) in [
            ("identity_provider", "identity_providers/ACME"),
            ("mapping", "mappings/ACME"),
            ("protocol", "identity_providers/ACME/protocols/openid"),
            ("connection", "identity_providers/ACME/protocols/openid/connection"),
        ] {
            assert_eq!(get(house, &admin, path).await.body[part], setup[part], "{part}");
        }
        assert_eq!(setup["protocol"]["mapping_id"], "ACME");
        assert!(!made.body.to_string().contains("hush"));
        assert_eq!(put(house, &admin, "ACME", &whole()).await.status, 409);

        let mut small = with("mapping", "id", json!("other"));
        small["identity_provider"] = json!({});
        small.as_object_mut().unwrap().remove("connection");
        let made = put(house, &admin, "BETA", &small).await;
        assert_eq!((made.status, &made.body["setup"]["protocol"]["mapping_id"]), (201, &json!("other")));
        assert_eq!(made.body["setup"].get("connection"), None);
        small.as_object_mut().unwrap().remove("mapping");
        small["protocol"]["mapping_id"] = json!("other");
        let made = put(house, &admin, "GAMMA", &small).await;
        assert_eq!((made.status, made.body["setup"].get("mapping")), (201, None), "another's mapping");
        let users_exist = json!({"identity_provider": {"sso_type": "iam_user_sso"}, "protocol": {"id": "saml"}});
        let made = put(house, &admin, "DELTA", &users_exist).await;
        assert_eq!((made.status, &made.body["setup"]["protocol"]["mapping_id"]), (201, &Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_named_by_its_part_and_nothing_is_left_of_the_rest() {
    on_both(&[], async |house| {
        let admin = house.token("admin", Scope::System);
        let before = stored(house, &admin).await;
        let two = json!([{"local": [{"user": {"name": "{1}"}}], "remote": [{"type": "OIDC-sub"}]}]);
        for (body, told) in [
            (json!({}), "setup: 'identity_provider' is a required property"),
            (with("protocol", "", Value::Null), "setup: 'protocol' is a required property"),
            (with("more", "", json!({})), "'more'"),
            (with("mapping", "", json!([])), "setup.mapping: "),
            (with("identity_provider", "enabled", json!("yes")), "setup.identity_provider.enabled: "),
            (with("identity_provider", "id", json!("x")), "setup.identity_provider: "),
            (with("mapping", "", Value::Null), "setup.protocol: 'mapping_id' is a required property"),
            (with("mapping", "rules", Value::Null), "setup.mapping: 'rules' is a required property"),
            (with("mapping", "rules", two), "setup.mapping: rules[0].local[0]"),
            (with("mapping", "schema_version", json!("9")), "setup.mapping.schema_version: "),
            (with("mapping", "id", json!("")), "setup.mapping.id: "),
            (with("protocol", "id", Value::Null), "setup.protocol: 'id' is a required property"),
            (with("protocol", "id", json!("x".repeat(65))), "setup.protocol: String length exceeded."),
            (with("protocol", "mapping_id", json!("x")), "setup.protocol.mapping_id: "),
            (with("protocol", "remote_id_attribute", json!(1)), "setup.protocol.remote_id_attribute: "),
            (with("connection", "issuer", Value::Null), "setup.connection"),
            (with("connection", "client_secret", json!(1)), "setup.connection.client_secret: "),
        ] {
            let answer = put(house, &admin, "ACME", &body).await;
            assert_eq!(answer.status, 400, "{body}: {answer:?}");
            // A field stands in Keystone's own words.
            let said = answer.message().replace("Invalid input for field '", "").replace("': ", ": ");
            assert!(said.contains(told), "{told}: {said}");
        }
        assert_eq!(stored(house, &admin).await, before);

        // What the last part clashes with takes the first ones along.
        let mut tx = house.app.store.write().await.unwrap();
        let taken = store::tests::federation::a_mapping("ACME", None);
        store::mapping::insert(&mut tx, &taken).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let before = stored(house, &admin).await;
        assert_eq!(put(house, &admin, "ACME", &whole()).await.status, 409);
        let mut unknown = with("mapping", "", Value::Null);
        unknown["protocol"]["mapping_id"] = json!("nothing");
        let answer = put(house, &admin, "ACME", &unknown).await;
        assert_eq!(
            (answer.status, answer.message()),
            (400, "Invalid input for field 'setup.protocol': Invalid mapping id: nothing")
        );
        assert_eq!(stored(house, &admin).await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_security_administrator_sets_up_within_the_own_domain_and_others_not_at_all() {
    on_both(&[], async |house| {
        let mut tx = house.app.store.write().await.unwrap();
        store::role::insert(&mut tx, &a_role("secu_admin")).await.unwrap();
        let grant = Grant::of_user("ann", Target::Domain(DOMAIN.into()), "secu_admin");
        store::grant::insert(&mut tx, &grant).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let ann = house.token("ann", Scope::Domain(DOMAIN.into()));
        let mut body = with(
            "mapping",
            "rules",
            json!([
                {"local": [{"user": {"name": "{0}"}}, {"group": {"name": "staff"}}], "remote": [{"type": "OIDC-sub"}]},
            ]),
        );
        let made = put(house, &ann, "ACME", &body).await;
        assert_eq!((made.status, &made.body["setup"]["identity_provider"]["domain_id"]), (201, &json!(DOMAIN)));
        let mapping = store::mapping::get(&mut house.app.store.read().await.unwrap(), "ACME").await.unwrap().unwrap();
        assert_eq!(mapping.domain_id.as_deref(), Some(DOMAIN));
        body["identity_provider"]["domain_id"] = json!("default");
        assert_eq!(put(house, &ann, "BETA", &body).await.status, 403);
        let mut tx = house.app.store.write().await.unwrap();
        store::grant::delete(&mut tx, &grant).await.unwrap();
        house.app.commit(tx).await.unwrap();
        assert_eq!(put(house, &ann, "BETA", &whole()).await.status, 403);
    })
    .await;
}
