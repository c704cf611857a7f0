//! Log-ins with a password: the lock after failures, imported hashes, new passwords, further factors.

use super::*;

async fn reasons(house: &House) -> Vec<String> {
    let admin = house.token("admin", Scope::System);
    let answer = house.ask("GET", "/v3/archstone/audit?action=auth.login", &[("x-auth-token", &admin)], None).await;
    let events = answer.body["audit_events"].as_array().unwrap().clone();
    events.iter().map(|e| e["reason"].as_str().unwrap_or("").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_lock_1_and_3_failures_lock_for_a_while_and_answer_the_same() {
    let settings = [
        ("ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS", "3"),
        ("ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_DURATION", "60"),
    ];
    on_both(&settings, async |house| {
        let wrong: Vec<Answered> =
            [login(house, "ann", "a").await, login(house, "ann", "b").await, login(house, "ann", "c").await].into();
        let locked = login(house, "ann", "right").await;
        let unknown = login(house, "nobody", "x").await;
        for answer in wrong.iter().chain([&locked, &unknown]) {
            assert_eq!((answer.status, &answer.body), (401, &wrong[0].body));
        }
        assert!(reasons(house).await.iter().any(|r| r.contains("locked out")));
        house.clock.advance(59);
        assert_eq!(login(house, "ann", "right").await.status, 401);
        house.clock.advance(1);
        assert_eq!(login(house, "ann", "d").await.status, 401, "one failure after the lock is the first again");
        assert_eq!(login(house, "ann", "right").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_lock_2_many_attempts_at_once_get_no_more_tries() {
    let settings = [("ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS", "3")];
    on_both(&settings, async |house| {
        let attempts = futures_util::future::join_all(
            (0..30).map(|i| async move { login(house, "ann", &format!("guess {i}")).await }),
        );
        assert!(attempts.await.iter().all(|a| a.status == 401));
        let tried = reasons(house).await.iter().filter(|r| *r == "wrong password").count();
        assert_eq!(tried, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_imported_hash_lets_its_user_in_and_is_replaced() {
    on_both(&[], async |house| {
        // bcrypt of "right" at cost 4.
        let imported = bcrypt::hash("right", 4).unwrap();
        let mut tx = house.app.store.write().await.unwrap();
        store::password::insert(&mut tx, "imported", "ann", &imported, house.app.now().plus_secs(1), None)
            .await
            .unwrap();
        house.app.commit(tx).await.unwrap();
        assert_eq!(login(house, "ann", "wrong").await.status, 401);
        assert_eq!(login(house, "ann", "right").await.status, 201);
        let state = store::user::login_state(&mut house.app.store.read().await.unwrap(), "ann").await.unwrap().unwrap();
        assert!(state.hash.unwrap().starts_with("$argon2id$"));
        assert_eq!(state.failed_count, 0);
        assert_eq!(login(house, "ann", "right").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_ends_old_tokens_and_old_passwords() {
    on_both(&[], async |house| {
        let old = subject(&login(house, "ann", "right").await);
        let admin = house.token("admin", Scope::System);
        let body = json!({"user": {"password": "changed"}});
        assert_eq!(house.ask("PATCH", "/v3/users/ann", &[("x-auth-token", &admin)], Some(&body)).await.status, 200);
        assert_eq!(validate(house, &old, "").await, 404);
        assert_eq!(login(house, "ann", "right").await.status, 401);
        house.clock.advance(1);
        let new = login(house, "ann", "changed").await;
        assert_eq!(new.status, 201);
        assert_eq!(validate(house, &subject(&new), "").await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_changed_several_times_in_one_second_each_end_the_tokens_before() {
    on_both(&[], async |house| {
        let admin = house.token("admin", Scope::System);
        let mut tokens = vec![subject(&login(house, "ann", "right").await)];
        for password in ["a1", "b2", "c3"] {
            let body = json!({"user": {"password": password}});
            assert_eq!(house.ask("PATCH", "/v3/users/ann", &[("x-auth-token", &admin)], Some(&body)).await.status, 200);
            for token in &tokens {
                assert_eq!(validate(house, token, "").await, 404, "after the change to {password}");
            }
            let fresh = login(house, "ann", password).await;
            assert_eq!(fresh.status, 201);
            tokens.push(subject(&fresh));
            assert_eq!(validate(house, tokens.last().unwrap(), "").await, 200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_of_multi_factor_authentication_are_asked() {
    on_both(&[], async |house| {
        let admin = house.token("admin", Scope::System);
        for (rules, expected) in
            [(json!([["password", "totp"]]), 401), (json!([["totp"], ["password"]]), 201), (json!([]), 201)]
        {
            let options = json!({"multi_factor_auth_enabled": true, "multi_factor_auth_rules": rules});
            let body = json!({"user": {"options": options}});
            assert_eq!(house.ask("PATCH", "/v3/users/ann", &[("x-auth-token", &admin)], Some(&body)).await.status, 200);
            assert_eq!(login(house, "ann", "right").await.status, expected);
        }
    })
    .await;
}
