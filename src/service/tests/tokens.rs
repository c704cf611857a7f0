//! How long tokens live and what ends them.

use super::*;
use crate::model::token::{Federated, Payload, new_audit_id};
use crate::store::tests::federation::{a_mapping, a_protocol};

async fn rescope(house: &House, token: &str) -> Answered {
    let body = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": {"domain": {"id": DOMAIN}}}});
    house.ask("POST", "/v3/auth/tokens", &[], Some(&body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ks_tok_3_a_token_ends_to_the_second_and_may_be_asked_about_for_the_window() {
    on_both(&[], async |house| {
        let token = subject(&login(house, "ann", "right").await);
        house.clock.advance(3_599);
        assert_eq!(validate(house, &token, "").await, 200);
        house.clock.advance(1);
        assert_eq!(validate(house, &token, "").await, 404);
        assert_eq!(house.ask("GET", "/v3/auth/domains", &[("x-auth-token", &token)], None).await.status, 401);
        assert_eq!(validate(house, &token, "?allow_expired=1").await, 200);
        house.clock.advance(172_799);
        assert_eq!(validate(house, &token, "?allow_expired=1").await, 200);
        house.clock.advance(1);
        assert_eq!(validate(house, &token, "?allow_expired=1").await, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ks_tok_1_and_5_a_chain_of_rescopes_ends_with_its_first_token_and_dies_with_it() {
    on_both(&[], async |house| {
        let first = login(house, "ann", "right").await;
        let (end, root) = (first.body["token"]["expires_at"].clone(), first.body["token"]["audit_ids"][0].clone());
        let mut tokens = vec![subject(&first)];
        for _ in 0..20 {
            house.clock.advance(60);
            let next = rescope(house, tokens.last().unwrap()).await;
            assert_eq!(next.status, 201);
            assert_eq!(next.body["token"]["expires_at"], end);
            assert_eq!(next.body["token"]["audit_ids"][1], root);
            tokens.push(subject(&next));
        }
        let admin = house.token("admin", Scope::System);
        let headers = [("x-auth-token", admin.as_str()), ("x-subject-token", tokens[0].as_str())];
        assert_eq!(house.ask("DELETE", "/v3/auth/tokens", &headers, None).await.status, 204);
        for token in &tokens {
            assert_eq!(validate(house, token, "").await, 404);
            assert_eq!(rescope(house, token).await.status, 404);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ks_fed_2_a_disabled_identity_providers_tokens_stay_void_when_it_is_enabled_again() {
    on_both(&[], async |house| {
        let mut tx = house.app.store.write().await.unwrap();
        store::identity_provider::insert(&mut tx, &an_idp("ACME", DOMAIN, &[])).await.unwrap();
        store::mapping::insert(&mut tx, &a_mapping("m", None)).await.unwrap();
        store::protocol::insert(&mut tx, &a_protocol("ACME", "openid", "m")).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let now = house.app.now().whole_seconds();
        let payload = Payload {
            user_id: "ann".into(),
            methods: vec!["mapped".into()],
            issued_at: now,
            expires_at: now.plus_secs(3_600),
            audit_ids: vec![new_audit_id(&house.app.random)],
            scope: Scope::Unscoped,
            federated: Some(Federated { group_ids: vec![], idp_id: "ACME".into(), protocol_id: "openid".into() }),
            trust_id: None,
            app_cred_id: None,
            access_token_id: None,
            thumbprint: None,
        };
        let token = house.app.keys.issue(&payload, &house.app.random).unwrap();
        assert_eq!(validate(house, &token, "").await, 200);
        let admin = house.token("admin", Scope::System);
        let path = "/v3/OS-FEDERATION/identity_providers/ACME";
        for (enabled, expected) in [(false, 404), (true, 404)] {
            let body = json!({"identity_provider": {"enabled": enabled}});
            assert_eq!(house.ask("PATCH", path, &[("x-auth-token", &admin)], Some(&body)).await.status, 200);
            assert_eq!(validate(house, &token, "").await, expected);
            assert_eq!(rescope(house, &token).await.status, 404);
        }
    })
    .await;
}

/// Hashing slow enough to do something meanwhile.
const SLOW: [(&str, &str); 2] =
    [("ARCHSTONE_PASSWORD__ARGON2_MEMORY_KIB", "65536"), ("ARCHSTONE_PASSWORD__ARGON2_ITERATIONS", "4")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ks_tok_4_what_happens_while_a_password_is_hashed_is_not_missed() {
    for (method, path, body) in [
        ("PATCH", "/v3/users/ann", json!({"user": {"enabled": false}})),
        ("PATCH", "/v3/users/ann", json!({"user": {"password": "changed"}})),
        ("DELETE", "/v3/users/ann", Value::Null),
        ("PATCH", &format!("/v3/domains/{DOMAIN}"), json!({"domain": {"enabled": false}})),
    ] {
        let house = houses(&SLOW).await.remove(0);
        set_the_scene(&house).await;
        let admin = house.token("admin", Scope::System);
        let headers = [("x-auth-token", admin.as_str())];
        let change = async {
            // The login is being hashed by now, and will be for longer.
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
            house.ask(method, path, &headers, Some(&body).filter(|b| !b.is_null())).await
        };
        let (login, changed) = tokio::join!(login(&house, "ann", "right"), change);
        assert!(changed.status < 300, "{changed:?}");
        if login.status == 201 {
            let token = subject(&login);
            let used = house.ask("GET", "/v3/auth/domains", &[("x-auth-token", &token)], None).await;
            assert_eq!(used.status, 401, "{method} {path} {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_token_stays_one() {
    on_both(&[], async |house| {
        let token = house.token("admin", Scope::System);
        let ask = async |scope: Option<Value>| {
            let mut body = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}});
            if let Some(scope) = scope {
                body["auth"]["scope"] = scope;
            }
            house.ask("POST", "/v3/auth/tokens", &[], Some(&body)).await
        };
        assert_eq!(ask(None).await.body["token"]["system"], json!({"all": true}));
        assert_eq!(ask(Some(json!({"system": {"all": true}}))).await.status, 201);
        for scope in [json!({"domain": {"id": DOMAIN}}), json!({"project": {"id": "x"}}), json!("unscoped")] {
            assert_eq!(ask(Some(scope.clone())).await.status, 403, "{scope}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_missed_changes_starts_afresh_and_keeps_revocations() {
    on_both(&[], async |house| {
        let token = subject(&login(house, "ann", "right").await);
        let admin = house.token("admin", Scope::System);
        let headers = [("x-auth-token", admin.as_str()), ("x-subject-token", token.as_str())];
        assert_eq!(house.ask("DELETE", "/v3/auth/tokens", &headers, None).await.status, 204);
        // As after a long sleep: the counter has moved on and the rows are gone.
        let mut tx = house.app.store.write().await.unwrap();
        tx.note(crate::model::change::Change::All);
        tx.commit(house.app.now()).await.unwrap();
        let mut tx = house.app.store.write().await.unwrap();
        store::change::prune(&mut tx, house.app.now().plus_secs(1)).await.unwrap();
        tx.commit(house.app.now()).await.unwrap();
        crate::service::watch::catch_up(&house.app).await.unwrap();
        assert_eq!(validate(house, &token, "").await, 404);
        assert_eq!(validate(house, &subject(&login(house, "ann", "right").await), "").await, 200);
    })
    .await;
}
