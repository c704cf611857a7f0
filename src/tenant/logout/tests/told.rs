//! Told by the identity provider, and telling applications.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::app;
use crate::clock::Random;
use crate::model::job::{Filter, Job, Kind, State};
use crate::model::list::Window;
use crate::service::jobs;
use crate::testing::provider::Canned;
use crate::testing::tenancy::{an_authorization, revoked_at};

const PATH: &str = "/api/v1/auth/tenants/acme/backchannel-logout";

fn claims(place: &Place, op: &Provider, jti: &str) -> Value {
    let now = place.house.app.now().secs();
    json!({
        "iss": op.issuer, "aud": "archstone", "iat": now, "exp": now + 120, "jti": jti,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sub": "ann@op",
    })
}

async fn tell(place: &Place, token: &str) -> Seen {
    place.house.browse(PATH, &[], Some(&[("logout_token", token)])).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_logout_5_a_provider_ends_the_session_that_it_names_or_all_of_a_person() {
    places(async |place| {
        let key = Key::new("k", "RS256");
        let op = a_provider(&key).await;
        place.provider(&op, LogoutUpstream::Never).await;
        let named = place.session_from(&op, "s1", "ann@op", Some("one")).await;
        let given = an_authorization(&place.house, &named, "app", false).await;
        let second = place.session_from(&op, "s2", "ann@op", Some("two")).await;
        let nameless = place.session_from(&op, "s3", "ann@op", None).await;
        let bobs = place.session_from(&op, "s4", "bob@op", Some("four")).await;
        let local = place.session("s5").await;

        let mut by_sid = claims(&place, &op, "1");
        by_sid["sid"] = json!("one");
        by_sid.as_object_mut().unwrap().remove("sub");
        let seen = tell(&place, &key.token(&by_sid)).await;
        assert_eq!((seen.status, seen.text.as_str()), (200, ""));
        assert_eq!(seen.headers["cache-control"], "no-store");
        assert!(!place.is_live(&named).await && place.is_live(&second).await && place.is_live(&nameless).await);
        assert_eq!(stored_session(&place.house, &named).await.terminated_reason.as_deref(), Some("upstream_logout"));
        assert!(revoked_at(&place.house, &given).await.is_some());

        // With both, one of that person which was never named may be the one.
        let mut both = claims(&place, &op, "2");
        both["sid"] = json!("four");
        assert_eq!(tell(&place, &key.token(&both)).await.status, 200);
        assert!(place.is_live(&bobs).await, "the session is not that person's");
        assert!(!place.is_live(&nameless).await && place.is_live(&second).await);

        assert_eq!(tell(&place, &key.token(&claims(&place, &op, "3"))).await.status, 200);
        assert!(!place.is_live(&second).await && place.is_live(&bobs).await && place.is_live(&local).await);
        // Nobody is left: that is no failure.
        assert_eq!(tell(&place, &key.token(&claims(&place, &op, "4"))).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_logout_6_what_is_no_logout_token_of_a_provider_of_the_tenant_ends_nothing() {
    places(async |place| {
        let (key, stranger) = (Key::new("k", "RS256"), Key::new("k", "RS256"));
        let op = a_provider(&key).await;
        place.provider(&op, LogoutUpstream::Never).await;
        let session = place.session_from(&op, "s1", "ann@op", Some("one")).await;
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut claims = claims(&place, &op, "x");
            change(&mut claims);
            key.token(&claims)
        };
        let header = json!({"alg": "none", "typ": "logout+jwt"});
        let unsigned = format!("{}.", crate::testing::provider::unsigned(&header, &claims(&place, &op, "x")));
        for (what, token) in [
            ("another's key", stranger.token(&claims(&place, &op, "x"))),
            ("no signature", unsigned),
            ("nonsense", "x.y.z".to_owned()),
            ("another issuer", changed(&|c| c["iss"] = json!("https://op.example"))),
            ("another audience", changed(&|c| c["aud"] = json!("you"))),
            ("a nonce", changed(&|c| c["nonce"] = json!("n"))),
            ("no event", changed(&|c| c["events"] = json!({}))),
            ("too old", changed(&|c| c["iat"] = json!(1_799_999_600))),
            ("expired", changed(&|c| c["exp"] = json!(1_799_999_900))),
            ("an access token", {
                let mut header = key.header();
                header["typ"] = json!("at+jwt");
                key.token_with(&header, &claims(&place, &op, "x"))
            }),
        ] {
            let seen = tell(&place, &token).await;
            assert_eq!(seen.status, 400, "{what}");
            let body = seen.json();
            assert_eq!(body["error"], "invalid_request", "{what}");
            assert_eq!(body["error_description"], "The logout token is not valid.", "{what}");
        }
        assert!(place.is_live(&session).await);
        let missing = place.house.browse(PATH, &[], Some(&[("logout_token", "")])).await;
        let expected =
            json!({"detail": [{"type": "missing", "loc": ["body", "logout_token"], "msg": "Field required"}]});
        assert_eq!((missing.status, missing.json()), (422, expected));
        let twice = place.house.browse(PATH, &[], Some(&[("logout_token", "a"), ("logout_token", "b")])).await;
        assert_eq!(twice.status, 400);
        let elsewhere = "/api/v1/auth/tenants/nowhere/backchannel-logout";
        assert_eq!(place.house.browse(elsewhere, &[], Some(&[("logout_token", "a")])).await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rel_node_3_a_logout_token_is_taken_once_by_all_nodes_together() {
    places(async |place| {
        let key = Key::new("k", "ES256");
        let op = a_provider(&key).await;
        place.provider(&op, LogoutUpstream::Never).await;
        let house = &place.house;
        let other =
            app::build(house.app.config.clone(), house.clock.clone(), Arc::new(Random::system())).await.unwrap();
        let token = key.token(&claims(&place, &op, "once"));
        let origin = crate::service::caller::Origin::new([b'r'; 40], None);
        let receive = |app: Arc<crate::service::App>| {
            let (token, origin, acme) = (token.clone(), origin.clone(), place.acme.clone());
            async move { crate::service::logout::told::receive(&app, &origin, &acme, &token).await.is_ok() }
        };
        let (a, b) = tokio::join!(receive(house.app.clone()), receive(other));
        assert!(a != b, "exactly one takes it: {a} {b}");
    })
    .await;
}

async fn until(place: &Place, subject: &str, done: impl Fn(&Job) -> bool) -> Job {
    for _ in 0..500 {
        let filter =
            Filter { kind: Some(Kind::NotifyLogout.as_str().into()), subject: Some(subject.into()), state: None };
        let mut conn = place.house.app.store.read().await.unwrap();
        let found = store::job::list(&mut conn, &filter, Window { limit: 1, offset: 0 }).await.unwrap().pop();
        drop(conn);
        match found {
            Some(job) if done(&job) => return job,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("{subject} does not come to its end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_are_told_with_a_fresh_token_until_they_have_heard_or_three_times() {
    places(async |place| {
        let key = Key::new("k", "ES256");
        // Two applications' servers, which are no providers.
        let (hears, deaf) = (Provider::new(&[&key]).await, Provider::new(&[&key]).await);
        hears.answer("/bc", Canned::text(200, ""));
        deaf.answer("/bc", Canned::redirect(&format!("{}/bc", hears.issuer)));
        for (id, server) in [("hears", &hears), ("deaf", &deaf)] {
            let uri = format!("{}/bc", server.issuer);
            an_application(&place.house, &place.acme, id, |s| s.backchannel_logout_uri = Some(uri)).await;
        }
        let session = place.session("s1").await;
        for id in ["hears", "deaf"] {
            an_authorization(&place.house, &session, id, false).await;
        }
        let token = place.id_token(&session, "app").await;
        place.get(Some(&session), &[("id_token_hint", &token)]).await;
        tokio::spawn(jobs::run(place.house.app.clone()));

        until(&place, "s1/hears", |j| j.state == State::Succeeded).await;
        let asked = hears.asked("/bc");
        assert_eq!(asked.len(), 1, "a redirect of the other's was followed");
        let sent = asked[0].form["logout_token"].clone();
        let claims = keys::verify(&place.house.app, &place.acme, &sent, "logout+jwt").await.unwrap();
        let now = place.house.app.now().secs();
        assert_eq!(claims["aud"], "hears");
        assert_eq!((&claims["sub"], &claims["sid"]), (&json!("ann"), &json!("s1")));
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 120)));
        assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
        assert!(!claims.contains_key("nonce") && claims["jti"].as_str().unwrap().len() > 20);
        // It is no ID token: it must not end a session as a hint.
        assert!(crate::service::oauth::hint::id_token_hint(&place.house.app, &place.acme, &sent).await.is_err());

        for attempt in 1..=3 {
            let job =
                until(&place, "s1/deaf", |j| j.attempts == attempt && j.error.is_some() && j.state != State::Running)
                    .await;
            assert_eq!(job.error.as_deref(), Some("The application answered 302."));
            place.house.clock.advance(60);
            place.house.app.jobs.wake();
            if attempt == 3 {
                assert_eq!(job.state, State::Failed);
            }
        }
        assert_eq!(deaf.asked("/bc").len(), 3);
    })
    .await;
}
