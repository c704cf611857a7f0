//! Logging out because an application or the person asks for it.

use super::*;
use crate::testing::tenancy::{an_authorization, revoked_at};

const BACK: &str = "https://app.example/bye";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_logout_1_an_application_that_shows_an_id_token_of_the_session_ends_it_and_gets_its_state_back() {
    places(async |place| {
        let session = place.session("s1").await;
        let token = place.id_token(&session, "app").await;
        let asked = [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", BACK), ("state", "a b&c")];
        let seen = place.get(Some(&session), &asked).await;
        assert_eq!((seen.status, seen.location()), (302, "https://app.example/bye?state=a+b%26c"));
        assert!(!place.is_live(&session).await);
        let stored = stored_session(&place.house, &session).await;
        assert_eq!(stored.terminated_reason.as_deref(), Some("user_logout"));
        let gone = seen.headers["set-cookie"].to_str().unwrap();
        assert!(gone.starts_with("__Host-sso.") && gone.contains("=; ") && gone.contains("Max-Age=0"), "{gone}");
        assert_eq!(seen.headers["cache-control"], "no-store");
        // Once more: nobody is signed in, and the application gets its person back all the same.
        let again = place.get(Some(&session), &asked).await;
        assert_eq!((again.status, again.location()), (302, "https://app.example/bye?state=a+b%26c"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_was_not_used_for_long_is_ended_all_the_same_with_what_it_gave() {
    places(async |place| {
        let session = place.session("s1").await;
        let given = an_authorization(&place.house, &session, "app", false).await;
        let token = place.id_token(&session, "app").await;
        place.house.clock.advance(place.acme.settings.session_idle_secs + 1);
        let asked = [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", BACK)];
        assert_eq!(place.get(Some(&session), &asked).await.location(), BACK);
        assert!(!place.is_live(&session).await && revoked_at(&place.house, &given).await.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_logout_2_nobody_is_sent_to_an_address_that_is_not_the_applications() {
    places(async |place| {
        for (n, uri) in [
            "https://evil.example/",
            "https://app.example/bye/",
            "https://app.example/bye?x",
            "https://app.example/bye#x",
            "HTTPS://app.example/bye",
            "https://other.example/bye",
            "//evil.example",
            "javascript:alert(1)",
            "https://app.example/cb",
        ]
        .into_iter()
        .enumerate()
        {
            let session = place.session(&format!("s{n}")).await;
            let token = place.id_token(&session, "app").await;
            let seen = place.get(Some(&session), &[("id_token_hint", &token), ("post_logout_redirect_uri", uri)]).await;
            assert_eq!((seen.status, seen.location()), (200, ""), "{uri}");
            assert!(!place.is_live(&session).await, "{uri}");
            assert!(!seen.text.contains("evil"), "{uri}");
            let nobody = place.get(None, &[("client_id", "app"), ("post_logout_redirect_uri", uri)]).await;
            assert_eq!((nobody.status, nobody.location()), (200, ""), "{uri}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_logout_3_without_an_id_token_of_that_session_the_person_is_asked() {
    places(async |place| {
        let session = place.session("s1").await;
        let foreign = place.session("s2").await;
        let of_other_session = place.id_token(&foreign, "app").await;
        let good = place.id_token(&session, "app").await;
        let mut forged = good.clone();
        forged.replace_range(forged.len() - 4.., "AAAA");
        let stranger = a_tenant(&place.house, "00000000000040008000000000000ac4", "stranger").await;
        let claims = json!({
            "iss": stranger.issuer(&place.house.app.public_url), "sub": "ann", "aud": "app", "sid": "s1", "at_hash": "x",
        });
        let of_stranger =
            keys::sign(&place.house.app, &stranger, SigningAlgorithm::Es256, "JWT", &claims).await.unwrap();
        let of_none = good.rsplit_once('.').unwrap().0.to_owned() + ".";
        for hint in ["", "x", &forged, &of_none, &of_other_session, &of_stranger] {
            let asked =
                [("id_token_hint", hint), ("client_id", "app"), ("post_logout_redirect_uri", BACK), ("state", "s")];
            let seen = place.get(Some(&session), &asked).await;
            assert_eq!((seen.status, seen.location()), (200, ""), "{hint}");
            assert!(place.is_live(&session).await && place.is_live(&foreign).await, "{hint}");
            assert!(seen.field("csrf").is_some(), "{}", seen.text);
        }
        // Whoever says yes goes where the application wants them.
        let seen = place.get(Some(&session), &[("client_id", "app"), ("post_logout_redirect_uri", BACK), ("state", "z")]).await;
        let fields = ["csrf", "client_id", "post_logout_redirect_uri", "state"].map(|n| (n, seen.field(n).unwrap()));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let done = place.post(Some(&session), &fields).await;
        assert_eq!((done.status, done.location()), (303, "https://app.example/bye?state=z"));
        assert!(!place.is_live(&session).await && place.is_live(&foreign).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_logout_4_an_id_token_and_a_client_id_that_disagree_are_refused() {
    places(async |place| {
        let session = place.session("s1").await;
        let token = place.id_token(&session, "app").await;
        let seen = place.get(Some(&session), &[("id_token_hint", &token), ("client_id", "other")]).await;
        assert_eq!(seen.status, 400);
        assert!(place.is_live(&session).await);
        for twice in ["client_id=app&client_id=app", "state=1&state=2"] {
            assert_eq!(place.ask(Some(&session), &format!("{LOGOUT}?{twice}"), None).await.status, 400, "{twice}");
        }
        let long = "x".repeat(4_097);
        assert_eq!(place.get(Some(&session), &[("state", &long)]).await.status, 400);
        assert_eq!(place.ask(None, "/api/v1/auth/tenants/nowhere/oauth/logout", None).await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_csrf_2_nobody_is_logged_out_by_another_site() {
    places(async |place| {
        let session = place.session("s1").await;
        let page = place.get(Some(&session), &[]).await;
        let csrf = page.field("csrf").unwrap();
        let foreign = place.session("s2").await;
        let of_foreign = place.get(Some(&foreign), &[]).await.field("csrf").unwrap();
        assert_ne!(csrf, of_foreign);
        for wrong in ["x", &of_foreign] {
            assert_eq!(place.post(Some(&session), &[("csrf", wrong)]).await.status, 403, "{wrong}");
        }
        // As a link it is no answer, and neither is a form that says nothing.
        assert_eq!(place.get(Some(&session), &[("csrf", &csrf)]).await.status, 200);
        assert_eq!(place.post(Some(&session), &[]).await.status, 200);
        let cookie = cookie_of(&place.house, &place.acme, &session);
        for header in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            let headers = [("cookie", cookie.as_str()), header];
            assert_eq!(place.house.browse(LOGOUT, &headers, Some(&[("csrf", &csrf)])).await.status, 403, "{header:?}");
        }
        assert!(place.is_live(&session).await);
        let done = place.post(Some(&session), &[("csrf", &csrf)]).await;
        assert_eq!((done.status, done.location()), (200, ""));
        assert!(!place.is_live(&session).await && place.is_live(&foreign).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_another_site_which_brings_no_cookie_is_asked_for_once_more() {
    places(async |place| {
        let session = place.session("s1").await;
        let token = place.id_token(&session, "app").await;
        let asked = [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", BACK), ("state", "s")];
        let seen = place.post(None, &asked).await;
        assert_eq!(seen.status, 303);
        assert!(place.is_live(&session).await);
        let again = place.ask(Some(&session), &format!("{LOGOUT}{}", seen.location()), None).await;
        assert_eq!((again.status, again.location()), (302, "https://app.example/bye?state=s"));
        assert!(!place.is_live(&session).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_are_told_in_json() {
    places(async |place| {
        let session = place.session("s1").await;
        let cookie = cookie_of(&place.house, &place.acme, &session);
        let headers = [("accept", "application/json"), ("cookie", cookie.as_str())];
        let asked = place.house.browse(LOGOUT, &headers, None).await.json();
        assert_eq!(asked["status"], "confirmation_required");
        let csrf = asked["form"]["csrf"].as_str().unwrap();
        let done = place.house.browse(LOGOUT, &headers, Some(&[("csrf", csrf)])).await;
        assert_eq!(done.json(), json!({"status": "signed_out", "identity_provider": null}));
        assert!(!place.is_live(&session).await);
        let path = format!("{LOGOUT}?client_id=app&post_logout_redirect_uri={BACK}");
        let done = place.house.browse(&path, &headers, None).await;
        assert_eq!((done.status, done.json()), (200, json!({"redirect_url": BACK})));
    })
    .await;
}
