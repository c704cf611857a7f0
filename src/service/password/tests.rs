//! The rules of passwords against an exact clock, through the whole house on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use super::super::tests::{DOMAIN, login, on_both, subject, validate};
use crate::model::token::Scope;
use crate::store;
use crate::testing::{Answered, House};

const DAY: i64 = 86_400;

async fn change(house: &House, id: &str, original: &str, password: &str) -> Answered {
    let body = json!({"user": {"original_password": original, "password": password}});
    house.ask("POST", &format!("/v3/users/{id}/password"), &[], Some(&body)).await
}

async fn patch(house: &House, id: &str, user: Value) -> Answered {
    let admin = house.token("admin", Scope::System);
    let body = json!({ "user": user });
    house.ask("PATCH", &format!("/v3/users/{id}"), &[("x-auth-token", &admin)], Some(&body)).await
}

/// Ann's password is set anew, so that the rules of this house hold for it.
async fn reset(house: &House, password: &str) {
    assert_eq!(patch(house, "ann", json!({ "password": password })).await.status, 200);
}

async fn ends(house: &House) -> Value {
    let admin = house.token("admin", Scope::System);
    let answer = house.ask("GET", "/v3/users/ann", &[("x-auth-token", &admin)], None).await;
    answer.body["user"]["password_expires_at"].clone()
}

async fn stored(house: &House) -> usize {
    store::password::recent(&mut house.app.store.read().await.unwrap(), "ann", 100).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_changes_their_password_and_their_tokens_end() {
    on_both(&[], async |house| {
        let old = subject(&login(house, "ann", "right").await);
        let answer = change(house, "ann", "right", "new one").await;
        assert_eq!((answer.status, &answer.body), (204, &Value::Null));
        assert_eq!(validate(house, &old, "").await, 404);
        assert_eq!(login(house, "ann", "right").await.status, 401);
        let new = login(house, "ann", "new one").await;
        assert_eq!(new.status, 201);
        assert_eq!(validate(house, &subject(&new), "").await, 200);
        assert_eq!(stored(house).await, 1, "without a history only the current one is kept");
        let admin = house.token("admin", Scope::System);
        let path = "/v3/archstone/audit?action=user.change_password";
        let trail = house.ask("GET", path, &[("x-auth-token", &admin)], None).await.body;
        let event = &trail["audit_events"][0];
        assert_eq!((&event["outcome"], &event["user"]["id"]), (&json!("success"), &json!("ann")));
        assert!(!trail.to_string().contains("new one"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_enum_1_changes_that_fail_answer_the_same_and_count_towards_the_lock() {
    let settings = [("ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS", "3")];
    on_both(&settings, async |house| {
        let mut answers = vec![change(house, "nobody", "right", "new").await];
        answers.push(change(house, "ann", "wrong", "new").await);
        answers.push(change(house, "ann", "", "new").await);
        answers.push(login(house, "ann", "wrong").await);
        answers.push(change(house, "ann", "right", "new").await);
        assert_eq!(patch(house, "admin", json!({"enabled": false})).await.status, 200);
        answers.push(change(house, "admin", "right", "new").await);
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (401, &answers[0].body));
        }
        let mut tx = house.app.store.write().await.unwrap();
        store::user::clear_failures(&mut tx, "ann").await.unwrap();
        store::password::delete_all(&mut tx, "ann").await.unwrap();
        house.app.commit(tx).await.unwrap();
        let none = change(house, "ann", "right", "new").await;
        assert_eq!((none.status, &none.body), (401, &answers[0].body));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_to_the_same_or_to_no_password_is_refused_whoever_is_named() {
    on_both(&[], async |house| {
        for id in ["ann", "nobody"] {
            assert_eq!(change(house, id, "same", "same").await.status, 400);
            assert_eq!(change(house, id, "right", "").await.status, 400);
        }
        assert_eq!(change(house, "ann", "right", &"x".repeat(4_097)).await.status, 400);
        assert_eq!(login(house, "ann", "right").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_password_is_changed_by_administrators_only() {
    on_both(&[], async |house| {
        assert_eq!(patch(house, "ann", json!({"options": {"lock_password": true}})).await.status, 200);
        assert_eq!(change(house, "ann", "wrong", "new").await.status, 401, "who cannot prove it does not learn it");
        let answer = change(house, "ann", "right", "new").await;
        assert_eq!(answer.status, 400);
        assert!(answer.message().contains("password policy disallowing password changes"), "{answer:?}");
        reset(house, "by admin").await;
        assert_eq!(login(house, "ann", "by admin").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_differs_from_the_last_ones() {
    let settings = [("ARCHSTONE_SECURITY_COMPLIANCE__UNIQUE_LAST_PASSWORD_COUNT", "3")];
    on_both(&settings, async |house| {
        for (original, password, expected) in [
            ("right", "p2", 204),
            ("p2", "right", 400),
            ("p2", "p3", 204),
            ("p3", "right", 400),
            ("p3", "p2", 400),
            ("p3", "p4", 204),
            // p4, p3 and p2 are the last three now.
            ("p4", "p2", 400),
            ("p4", "right", 204),
        ] {
            let answer = change(house, "ann", original, password).await;
            assert_eq!(answer.status, expected, "{original} to {password}: {answer:?}");
            if expected == 400 {
                assert!(answer.message().starts_with("The new password cannot be identical to a previous password."));
            }
        }
        assert_eq!(stored(house).await, 3);
        reset(house, "right").await;
        assert_eq!(stored(house).await, 3, "history does not bind administrators, and is kept short for them too");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_its_user_chose_is_kept_for_the_minimum_age() {
    let settings = [("ARCHSTONE_SECURITY_COMPLIANCE__MINIMUM_PASSWORD_AGE", "2")];
    on_both(&settings, async |house| {
        house.clock.advance(1);
        assert_eq!(change(house, "ann", "right", "p2").await.status, 204, "an administrator set the first one");
        house.clock.advance(DAY - 1);
        let early = change(house, "ann", "p2", "p3").await;
        assert_eq!(early.status, 400);
        assert!(early.message().contains("it must be used for 2 day(s)"), "{early:?}");
        assert!(early.message().contains("try again in 1 day(s)"), "{early:?}");
        house.clock.advance(DAY);
        assert_eq!(change(house, "ann", "p2", "p3").await.status, 400);
        house.clock.advance(1);
        let late = change(house, "ann", "p2", "p3").await;
        assert_eq!(late.status, 204, "{late:?}");
        reset(house, "p4").await;
        assert_eq!(change(house, "ann", "p4", "p5").await.status, 204, "after a reset at once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_ends_after_its_days_and_may_still_be_changed() {
    let settings = [("ARCHSTONE_SECURITY_COMPLIANCE__PASSWORD_EXPIRES_DAYS", "2")];
    on_both(&settings, async |house| {
        assert_eq!(ends(house).await, Value::Null, "one that was set before is not touched");
        reset(house, "p1").await;
        assert_eq!(ends(house).await, "2027-01-17T08:00:00.000000");
        house.clock.advance(2 * DAY - 1);
        let token = login(house, "ann", "p1").await;
        assert_eq!(token.body["token"]["user"]["password_expires_at"], "2027-01-17T08:00:00.000000");
        house.clock.advance(1);
        let ended = login(house, "ann", "p1").await;
        assert_eq!((ended.status, &ended.body), (401, &login(house, "ann", "wrong").await.body));
        assert_eq!(change(house, "ann", "wrong", "p2").await.status, 401);
        assert_eq!(change(house, "ann", "p1", "p2").await.status, 204);
        assert_eq!(ends(house).await, "2027-01-19T08:00:00.000000");
        assert_eq!(login(house, "ann", "p2").await.status, 201);
        // The option counts for a password that has an end, and one that is set with it has none.
        house.clock.advance(2 * DAY);
        let exempt = json!({"options": {"ignore_password_expiry": true}});
        assert_eq!(login(house, "ann", "p2").await.status, 401);
        assert_eq!(patch(house, "ann", exempt).await.status, 200);
        assert_eq!(login(house, "ann", "p2").await.status, 201);
        let late = change(house, "ann", "p2", "p3").await;
        assert_eq!(late.status, 204, "{late:?}");
        assert_eq!(ends(house).await, Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_from_an_administrator_must_be_changed_first() {
    let settings = [("ARCHSTONE_SECURITY_COMPLIANCE__CHANGE_PASSWORD_UPON_FIRST_USE", "true")];
    on_both(&settings, async |house| {
        let admin = house.token("admin", Scope::System);
        let body = json!({"user": {"name": "bob", "domain_id": DOMAIN, "password": "first"}});
        let made = house.ask("POST", "/v3/users", &[("x-auth-token", &admin)], Some(&body)).await;
        assert_eq!(made.body["user"]["password_expires_at"], "2027-01-15T08:00:00.000000");
        let bob = made.body["user"]["id"].as_str().unwrap();
        assert_eq!(change(house, bob, "first", "first").await.status, 400);
        assert_eq!(change(house, bob, "first", "second").await.status, 204);
        let unscoped = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": bob, "password": "second"}}}}});
        assert_eq!(house.ask("POST", "/v3/auth/tokens", &[], Some(&unscoped)).await.status, 201);

        reset(house, "first").await;
        assert_eq!(login(house, "ann", "first").await.status, 401);
        let exempt = json!({"options": {"ignore_change_password_upon_first_use": true}, "password": "again"});
        assert_eq!(patch(house, "ann", exempt).await.body["user"]["password_expires_at"], Value::Null);
        assert_eq!(login(house, "ann", "again").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_matches_the_pattern_whoever_sets_it() {
    let settings = [
        ("ARCHSTONE_SECURITY_COMPLIANCE__PASSWORD_REGEX", r"^(?=.*\d)(?=.*[a-z]).{4,}$"),
        ("ARCHSTONE_SECURITY_COMPLIANCE__PASSWORD_REGEX_DESCRIPTION", "a letter, a digit, four in all"),
    ];
    on_both(&settings, async |house| {
        let text = "The password does not match the requirements: a letter, a digit, four in all.";
        let admin = house.token("admin", Scope::System);
        let body = json!({"user": {"name": "bob", "domain_id": DOMAIN, "password": "weak"}});
        for refused in [
            house.ask("POST", "/v3/users", &[("x-auth-token", &admin)], Some(&body)).await,
            patch(house, "ann", json!({"password": "weak"})).await,
            change(house, "ann", "right", "weak").await,
        ] {
            assert_eq!((refused.status, refused.message()), (400, text));
        }
        assert_eq!(change(house, "ann", "wrong", "weak").await.status, 401);
        assert_eq!(change(house, "ann", "right", "strong 1").await.status, 204);
        assert_eq!(patch(house, "ann", json!({"password": null})).await.status, 200, "no password meets every rule");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_at_once_one_holds() {
    on_both(&[], async |house| {
        let (a, b) = tokio::join!(change(house, "ann", "right", "a"), change(house, "ann", "right", "b"));
        let mut both = [a.status, b.status];
        both.sort_unstable();
        assert_eq!(both, [204, 401]);
        let winner = if a.status == 204 { "a" } else { "b" };
        assert_eq!(login(house, "ann", winner).await.status, 201);
    })
    .await;
}
