//! Rules that need an exact clock, through the whole house on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use crate::model::fields::Extra;
use crate::model::grant::{Grant, Target};
use crate::model::token::{Federated, Payload, Scope, new_audit_id};
use crate::model::user::User;
use crate::store;
use crate::store::tests::federation::{a_mapping, a_protocol};
use crate::store::tests::{a_domain, a_role, an_idp};
use crate::testing::{Answered, House, houses};

pub(super) const DOMAIN: &str = "00000000000040008000000000000001";

/// A domain with the users `admin` (system administrator) and `ann`, whose password is `right`, a reader of the domain.
async fn set_the_scene(house: &House) {
    let now = house.app.now();
    let hash = house.app.hasher.hash("right".into()).await.unwrap();
    let mut tx = house.app.store.write().await.unwrap();
    store::domain::insert(&mut tx, &a_domain(DOMAIN)).await.unwrap();
    for role in ["admin", "reader"] {
        store::role::insert(&mut tx, &a_role(role)).await.unwrap();
    }
    for (id, target, role) in [("admin", Target::System, "admin"), ("ann", Target::Domain(DOMAIN.into()), "reader")] {
        let user = User {
            id: id.into(),
            domain_id: DOMAIN.into(),
            name: id.into(),
            enabled: true,
            default_project_id: None,
            extra: Extra::new(),
            options: Extra::new(),
            password_expires_at: None,
        };
        store::user::insert(&mut tx, &user, now).await.unwrap();
        store::password::insert(&mut tx, &format!("w-{id}"), id, &hash, now, None).await.unwrap();
        store::grant::insert(&mut tx, &Grant::of_user(id, target, role)).await.unwrap();
    }
    house.app.commit(tx).await.unwrap();
}

pub(super) async fn login(house: &House, name: &str, password: &str) -> Answered {
    let user = json!({"name": name, "domain": {"id": DOMAIN}, "password": password});
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"domain": {"id": DOMAIN}}}});
    house.ask("POST", "/v3/auth/tokens", &[], Some(&body)).await
}

pub(super) fn subject(answer: &Answered) -> String {
    answer.headers["x-subject-token"].to_str().unwrap().to_owned()
}

async fn rescope(house: &House, token: &str) -> Answered {
    let body = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": {"domain": {"id": DOMAIN}}}});
    house.ask("POST", "/v3/auth/tokens", &[], Some(&body)).await
}

pub(super) async fn validate(house: &House, token: &str, query: &str) -> u16 {
    let admin = house.token("admin", Scope::System);
    let headers = [("x-auth-token", admin.as_str()), ("x-subject-token", token)];
    house.ask("GET", &format!("/v3/auth/tokens{query}"), &headers, None).await.status
}

async fn reasons(house: &House) -> Vec<String> {
    let admin = house.token("admin", Scope::System);
    let answer = house.ask("GET", "/v3/archstone/audit?action=auth.login", &[("x-auth-token", &admin)], None).await;
    let events = answer.body["audit_events"].as_array().unwrap().clone();
    events.iter().map(|e| e["reason"].as_str().unwrap_or("").to_owned()).collect()
}

pub(super) async fn on_both(settings: &[(&str, &str)], test: impl AsyncFn(&House)) {
    for house in houses(settings).await {
        eprintln!("on {}", house.database);
        set_the_scene(&house).await;
        test(&house).await;
    }
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_recorded_too() {
    on_both(&[], async |house| {
        let token = subject(&login(house, "ann", "right").await);
        let body = json!({"identity_provider": {}});
        let path = "/v3/OS-FEDERATION/identity_providers/ACME";
        assert_eq!(house.ask("PUT", path, &[("x-auth-token", &token)], Some(&body)).await.status, 403);
        let admin = house.token("admin", Scope::System);
        let answer = house.ask("GET", "/v3/archstone/audit?outcome=failure", &[("x-auth-token", &admin)], None).await;
        let event = &answer.body["audit_events"][0];
        assert_eq!(event["action"], "identity_provider.create");
        assert_eq!((&event["user"]["name"], &event["target"]["id"]), (&json!("ann"), &json!("ACME")));
        assert!(event["request_id"].as_str().unwrap().starts_with("req-"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_rest_2_another_master_key_is_refused_and_resealing_moves_to_the_new_one() {
    use crate::secret::{Sealer, Secret};
    use crate::service::secrets;
    on_both(&[], async |house| {
        let (app, now) = (&house.app, house.app.now());
        let mut tx = app.store.write().await.unwrap();
        secrets::put(app, &mut tx, "row/1", &Secret::new("hush")).await.unwrap();
        app.commit(tx).await.unwrap();
        let file = app.config.resolve("master.key");
        Sealer::rotate(&file, &app.random).unwrap();
        let both = Sealer::from_file(&file).unwrap();
        secrets::check_master_key(&app.store, &both, &app.random, now).await.unwrap();
        assert_eq!(secrets::count_old(&app.store, &both).await.unwrap(), 2);
        assert_eq!(secrets::reseal(&app.store, &both, &app.random, now).await.unwrap(), 2);
        assert_eq!(secrets::reseal(&app.store, &both, &app.random, now).await.unwrap(), 0);
        assert_eq!(Sealer::prune(&file).unwrap().len(), 1);
        let new = Sealer::from_file(&file).unwrap();
        secrets::check_master_key(&app.store, &new, &app.random, now).await.unwrap();
        let sealed = store::sealed_secret::get(&mut app.store.read().await.unwrap(), "row/1").await.unwrap().unwrap();
        assert_eq!(new.open("row/1", &sealed).unwrap(), Secret::new("hush"));
        let error = secrets::check_master_key(&app.store, &app.sealer, &app.random, now).await.unwrap_err().to_string();
        assert!(error.contains("secrets.key_file"), "{error}");
        assert!(secrets::get(app, &mut app.store.read().await.unwrap(), "row/1").await.is_err(), "the old key alone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_seeds_request_answers_the_seeds_fields() {
    on_both(&[], async |house| {
        let mut tx = house.app.store.write().await.unwrap();
        store::role::insert(&mut tx, &a_role("secu_admin")).await.unwrap();
        let grant = Grant::of_user("ann", Target::Domain(DOMAIN.into()), "secu_admin");
        store::grant::insert(&mut tx, &grant).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let token = subject(&login(house, "ann", "right").await);
        let body = json!({"identity_provider": {"description": "Stores ACME identities.", "enabled": true}});
        let path = "/v3/OS-FEDERATION/identity_providers/ACME";
        let answer = house.ask("PUT", path, &[("x-auth-token", &token)], Some(&body)).await;
        assert_eq!(answer.status, 201);
        let idp: &Value = &answer.body["identity_provider"];
        let this = "https://id.example/v3/OS-FEDERATION/identity_providers/ACME";
        for (member, value) in [
            ("description", json!("Stores ACME identities.")),
            ("enabled", json!(true)),
            ("id", json!("ACME")),
            ("sso_type", json!("virtual_user_sso")),
            ("remote_ids", json!([])),
            ("links", json!({"self": this, "protocols": format!("{this}/protocols")})),
            ("domain_id", json!(DOMAIN)),
        ] {
            assert_eq!(idp[member], value, "{member}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_of_the_operators_own_stays_in_its_domain_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.yaml");
    std::fs::write(
        &file,
        "identity:list_identity_providers: role:reader\nidentity:update_identity_provider: role:reader\n",
    )
    .unwrap();
    let settings = [("ARCHSTONE_POLICY__FILE", file.to_str().unwrap())];
    on_both(&settings, async |house| {
        let other = "00000000000040008000000000000002";
        let mut tx = house.app.store.write().await.unwrap();
        store::domain::insert(&mut tx, &a_domain(other)).await.unwrap();
        store::identity_provider::insert(&mut tx, &an_idp("mine", DOMAIN, &[])).await.unwrap();
        store::identity_provider::insert(&mut tx, &an_idp("theirs", other, &[])).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let token = subject(&login(house, "ann", "right").await);
        let headers = [("x-auth-token", token.as_str())];
        let list = house.ask("GET", "/v3/OS-FEDERATION/identity_providers", &headers, None).await;
        let ids: Vec<&str> =
            list.body["identity_providers"].as_array().unwrap().iter().filter_map(|i| i["id"].as_str()).collect();
        assert_eq!(ids, ["mine"]);
        let body = json!({"identity_provider": {"enabled": false}});
        for (id, expected) in [("mine", 200), ("theirs", 404)] {
            let path = format!("/v3/OS-FEDERATION/identity_providers/{id}");
            assert_eq!(house.ask("PATCH", &path, &headers, Some(&body)).await.status, expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_of_one_user_are_all_kept() {
    on_both(&[], async |house| {
        let admin = house.token("admin", Scope::System);
        for _ in 0..10 {
            let patch = async |member: &str, value: Value| {
                let body = json!({"user": {member: value}});
                house.ask("PATCH", "/v3/users/ann", &[("x-auth-token", &admin)], Some(&body)).await.status
            };
            assert_eq!(patch("enabled", json!(true)).await, 200);
            let all = tokio::join!(
                patch("a", json!(1)),
                patch("enabled", json!(false)),
                patch("b", json!(2)),
                patch("c", json!(3))
            );
            assert_eq!(all, (200, 200, 200, 200));
            let user = house.ask("GET", "/v3/users/ann", &[("x-auth-token", &admin)], None).await.body;
            assert_eq!(user["user"]["enabled"], false, "{user}");
            assert_eq!((&user["user"]["a"], &user["user"]["c"]), (&json!(1), &json!(3)));
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
