//! Sessions on both databases: how they end, and what ends with them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::app;
use crate::clock::Random;
use crate::model::job::{Filter, Job, Kind};
use crate::model::list::Window;
use crate::model::session::Upstream;
use crate::model::sign_in::{SignIn, Stage};
use crate::service::watch;
use crate::testing::tenancy::{
    ACME, a_person, a_session, a_tenant, an_application, an_authorization, cookie_of, revoked_at, stored_session,
};
use crate::testing::{House, houses};

async fn on_both(test: impl AsyncFn(&House, Tenant)) {
    for house in houses(&[]).await {
        eprintln!("on {}", house.database);
        let tenant = a_tenant(&house, ACME, "acme").await;
        a_person(&house, &tenant, "ann").await;
        test(&house, tenant).await;
    }
}

/// The session that a browser with this cookie header has.
async fn found(app: &App, tenant: &Tenant, header: &str) -> Option<Session> {
    let origin = Origin::new([b'r'; 40], None);
    let value = header.split_once('=').unwrap().1.to_owned();
    let name = session_cookie(tenant);
    let cookie = move |asked: &str| (asked == name).then(|| value.clone());
    current(app, tenant, &Visit { origin: &origin, user_agent: None, attempts: Vec::new(), cookie: &cookie })
        .await
        .unwrap()
}

async fn notices(house: &House) -> Vec<Job> {
    let filter = Filter { kind: Some(Kind::NotifyLogout.as_str().into()), ..Filter::default() };
    let mut conn = house.app.store.read().await.unwrap();
    store::job::list(&mut conn, &filter, Window { limit: 100, offset: 0 }).await.unwrap()
}

fn wants_notice(settings: &mut crate::model::application::Settings) {
    settings.backchannel_logout_uri = Some("https://app.example/backchannel".into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_session_ends_what_was_given_in_it_and_who_wants_to_know_is_told() {
    on_both(async |house, tenant| {
        an_application(house, &tenant, "told", wants_notice).await;
        an_application(house, &tenant, "gone-again", wants_notice).await;
        an_application(house, &tenant, "quiet", |_| {}).await;
        let session = a_session(house, &tenant, "s1", "ann", None).await;
        let other = a_session(house, &tenant, "s2", "ann", None).await;
        let ends = an_authorization(house, &session, "told", false).await;
        let stays = an_authorization(house, &session, "told", true).await;
        let quiet = an_authorization(house, &session, "quiet", false).await;
        let taken_back = an_authorization(house, &session, "gone-again", false).await;
        let others = an_authorization(house, &other, "told", false).await;
        let mut tx = house.app.store.write().await.unwrap();
        oauth::revoke(&house.app, &mut tx, &taken_back, "asked").await.unwrap();
        house.app.commit(tx).await.unwrap();

        let mut tx = house.app.store.write().await.unwrap();
        assert!(terminate(&house.app, &mut tx, &tenant, &session, reason::LOGOUT).await.unwrap());
        assert!(!terminate(&house.app, &mut tx, &tenant, &session, reason::REVOKED).await.unwrap());
        house.app.commit(tx).await.unwrap();

        let stored = stored_session(house, &session).await;
        assert_eq!(
            (stored.terminated_at, stored.terminated_reason.as_deref()),
            (Some(house.app.now()), Some("user_logout"))
        );
        assert!(revoked_at(house, &ends).await.is_some() && revoked_at(house, &quiet).await.is_some());
        assert!(revoked_at(house, &stays).await.is_none() && revoked_at(house, &others).await.is_none());
        let mut subjects: Vec<String> = notices(house).await.into_iter().map(|j| j.subject).collect();
        subjects.sort();
        assert_eq!(subjects, ["s1/gone-again", "s1/told"]);
        assert_eq!(stored_session(house, &other).await.terminated_at, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_fix_1_a_session_is_its_cookies_until_it_ends_or_nobody_has_used_it_for_long() {
    on_both(async |house, tenant| {
        let session = a_session(house, &tenant, "s1", "ann", None).await;
        let header = cookie_of(house, &tenant, &session);
        assert_eq!(found(&house.app, &tenant, &header).await.map(|s| s.id), Some("s1".into()));
        assert_eq!(found(&house.app, &tenant, "x=cookie-of-s2").await, None);
        assert_eq!(found(&house.app, &tenant, &format!("x={}", session.handle)).await, None);
        assert_eq!(found(&house.app, &tenant, "x=").await, None);
        let elsewhere = a_tenant(house, "00000000000040008000000000000ac4", "other").await;
        assert_eq!(found(&house.app, &elsewhere, &header).await, None);

        house.clock.advance(59);
        assert_eq!(found(&house.app, &tenant, &header).await.unwrap().last_seen, session.last_seen);
        house.clock.advance(1);
        let now = house.app.now();
        assert_eq!(found(&house.app, &tenant, &header).await.unwrap().last_seen, now);
        assert_eq!(stored_session(house, &session).await.last_seen, now);

        house.clock.advance(tenant.settings.session_idle_secs - 1);
        assert!(found(&house.app, &tenant, &header).await.is_some());
        house.clock.advance(tenant.settings.session_idle_secs);
        assert_eq!(found(&house.app, &tenant, &header).await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_rest_2_hints_for_logging_out_are_sealed_anew_with_the_master_key() {
    use crate::model::session::secret_id;
    use crate::secret::Sealer;
    use crate::service::secrets;
    on_both(async |house, tenant| {
        let (app, now) = (&house.app, house.app.now());
        let sealed = app.sealer.seal(&secret_id("s1"), b"hint", &app.random).unwrap();
        let upstream = Upstream {
            idp_id: "op".into(),
            protocol_id: "openid".into(),
            group_ids: vec![],
            issuer: "https://op.example".into(),
            subject: "ann".into(),
            sid: None,
            id_token: Some(sealed),
        };
        let session = a_session(house, &tenant, "s1", "ann", Some(upstream)).await;
        let file = app.config.resolve("master.key");
        Sealer::rotate(&file, &app.random).unwrap();
        let both = Sealer::from_file(&file).unwrap();
        let old = secrets::count_old(&app.store, &both, now).await.unwrap();
        assert_eq!(secrets::reseal(&app.store, &both, &app.random, now).await.unwrap(), old);
        assert_eq!(secrets::count_old(&app.store, &both, now).await.unwrap(), 0);
        Sealer::prune(&file).unwrap();
        let new = Sealer::from_file(&file).unwrap();
        let stored = stored_session(house, &session).await.upstream.unwrap().id_token.unwrap();
        assert_eq!(new.open(&secret_id("s1"), &stored).unwrap().expose(), b"hint");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_disabled_deleted_or_gets_another_password_is_signed_out_everywhere() {
    on_both(async |house, tenant| {
        let admin = house.administrator().await;
        let app = &house.app;
        an_application(house, &tenant, "told", wants_notice).await;
        let change = async |user: &str, body: serde_json::Value| {
            let path = format!("/v3/users/{user}");
            let answer = house.ask("PATCH", &path, &[("x-auth-token", &admin)], Some(&json!({"user": body}))).await;
            assert_eq!(answer.status, 200, "{}", answer.message());
        };
        for (n, body, why) in [
            (1, json!({"password": "another one"}), reason::PASSWORD),
            (2, json!({"enabled": false}), reason::DISABLED),
        ] {
            let session = a_session(house, &tenant, &format!("s{n}"), "ann", None).await;
            let (short, long) = (
                an_authorization(house, &session, "told", false).await,
                an_authorization(house, &session, "told", true).await,
            );
            // A new description changes nothing about who is signed in.
            change("ann", json!({"description": "x"})).await;
            assert_eq!(stored_session(house, &session).await.terminated_at, None);
            change("ann", body).await;
            let stored = stored_session(house, &session).await;
            assert_eq!(stored.terminated_reason.as_deref(), Some(why));
            assert!(revoked_at(house, &short).await.is_some() && revoked_at(house, &long).await.is_some());
            assert_eq!(found(app, &tenant, &cookie_of(house, &tenant, &session)).await, None);
            assert_eq!(notices(house).await.len(), n);
        }
        a_person(house, &tenant, "bob").await;
        let session = a_session(house, &tenant, "s3", "bob", None).await;
        an_authorization(house, &session, "told", false).await;
        let answer = house.ask("DELETE", "/v3/users/bob", &[("x-auth-token", &admin)], None).await;
        assert_eq!(answer.status, 204);
        let queued = notices(house).await;
        let job = queued.iter().find(|j| j.subject == "s3/told").unwrap();
        assert_eq!((&job.payload["user_id"], &job.payload["session_id"]), (&json!("bob"), &json!("s3")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_ended_at_its_next_use_when_what_it_rests_on_is_gone() {
    on_both(async |house, tenant| {
        let session = a_session(house, &tenant, "s1", "ann", None).await;
        let header = cookie_of(house, &tenant, &session);
        let mut tx = house.app.store.write().await.unwrap();
        let mut user = store::user::get(&mut tx, "ann").await.unwrap().unwrap().user;
        // Not by the service's own way: by whatever way.
        user.enabled = false;
        store::user::update(&mut tx, &user).await.unwrap();
        house.app.commit(tx).await.unwrap();
        assert_eq!(found(&house.app, &tenant, &header).await, None);
        assert_eq!(stored_session(house, &session).await.terminated_reason.as_deref(), Some(reason::DISABLED));

        a_person(house, &tenant, "bob").await;
        let upstream = Upstream {
            idp_id: "nowhere".into(),
            protocol_id: "openid".into(),
            group_ids: vec![],
            issuer: "https://op".into(),
            subject: "bob".into(),
            sid: None,
            id_token: None,
        };
        let session = a_session(house, &tenant, "s2", "bob", Some(upstream)).await;
        assert_eq!(found(&house.app, &tenant, &cookie_of(house, &tenant, &session)).await, None);
        assert_eq!(stored_session(house, &session).await.terminated_reason.as_deref(), Some(reason::PROVIDER));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rel_node_2_a_session_that_one_node_ends_is_ended_on_another() {
    on_both(async |house, tenant| {
        let other =
            app::build(house.app.config.clone(), house.clock.clone(), Arc::new(Random::system())).await.unwrap();
        let session = a_session(house, &tenant, "s1", "ann", None).await;
        let header = cookie_of(house, &tenant, &session);
        assert!(found(&other, &tenant, &header).await.is_some() && found(&house.app, &tenant, &header).await.is_some());
        let mut tx = other.store.write().await.unwrap();
        assert!(terminate(&other, &mut tx, &tenant, &session, reason::LOGOUT).await.unwrap());
        other.commit(tx).await.unwrap();
        assert_eq!(found(&house.app, &tenant, &header).await, None);
        let mut tx = house.app.store.write().await.unwrap();
        assert!(!terminate(&house.app, &mut tx, &tenant, &session, reason::LOGOUT).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_dos_1_sign_ins_that_nobody_goes_on_with_are_bounded() {
    for house in houses(&[("ARCHSTONE_TENANT__MAX_OPEN_SIGN_INS", "10")]).await {
        let tenant = a_tenant(&house, ACME, "acme").await;
        let now = house.app.now();
        let mut tx = house.app.store.write().await.unwrap();
        for n in 0..40_i64 {
            let it = SignIn {
                id: format!("{n:02}"),
                tenant_id: tenant.id.clone(),
                stage: if n < 5 {
                    Stage::Done
                } else if n % 2 == 0 {
                    Stage::Open
                } else {
                    Stage::Away
                },
                browser: "b".into(),
                request: None,
                upstream_state: None,
                idp_id: None,
                protocol_id: None,
                memo: None,
                found: None,
                user_id: None,
                session_id: None,
                device_id: None,
                created_at: now.plus_secs(n),
                expires_at: now.plus_secs(n + 600),
                purge_at: now.plus_secs(n + 86_400),
                first_step: None,
            };
            store::sign_in::insert(&mut tx, &it).await.unwrap();
        }
        house.app.commit(tx).await.unwrap();
        watch::thin_out_sign_ins(&house.app).await.unwrap();
        let mut left = Vec::new();
        for n in 0..40 {
            let mut conn = house.app.store.read().await.unwrap();
            if store::sign_in::get(&mut conn, &tenant.id, &format!("{n:02}")).await.unwrap().is_some() {
                left.push(n);
            }
        }
        // Those that have ended stay for their applications; of the others, the newest.
        assert_eq!(left, [0, 1, 2, 3, 4].into_iter().chain(30..40).collect::<Vec<_>>());
    }
}
