//! Logging out at the identity provider as well.

use super::*;

const BACK: &str = "https://app.example/bye";

fn path_of(url: &str) -> String {
    url.strip_prefix("https://id.example").unwrap_or_else(|| panic!("{url}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_that_is_always_wanted_the_browser_goes_there_and_comes_back_to_the_application() {
    places(async |place| {
        let key = Key::new("k", "ES256");
        let op = a_provider(&key).await;
        place.provider(&op, LogoutUpstream::Always).await;
        let session = place.session_from(&op, "s1", "ann@op", Some("sid")).await;
        let token = place.id_token(&session, "app").await;
        let asked = [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", BACK), ("state", "mine")];
        let away = place.get(Some(&session), &asked).await;
        assert_eq!(away.status, 302);
        assert!(away.location().starts_with(&format!("{}/bye?tenant=7&", op.issuer)), "{}", away.location());
        assert!(!place.is_live(&session).await, "here it has ended already");
        assert_eq!(away.sent("id_token_hint").as_deref(), Some("upstream.id.token"));
        assert_eq!(away.sent("client_id").as_deref(), Some("archstone"));
        let back = away.sent("post_logout_redirect_uri").unwrap();
        assert_eq!(back, "https://id.example/api/v1/auth/tenants/acme/federation/oidc/logout");
        let state = away.sent("state").unwrap();

        let path = format!("{}?state={state}", path_of(&back));
        assert_eq!(place.ask(None, &path_of(&back).replace("acme", "nowhere"), None).await.status, 404);
        let home = place.ask(None, &path, None).await;
        assert_eq!((home.status, home.location()), (302, "https://app.example/bye?state=mine"));
        // It counts once; afterwards, or with a state that nobody knows, one is simply logged out.
        for late in [path.clone(), format!("{path}x"), path_of(&back)] {
            let seen = place.ask(None, &late, None).await;
            assert_eq!((seen.status, seen.location()), (200, ""), "{late}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_offered_the_last_page_leads_there_and_shows_nothing_secret() {
    places(async |place| {
        let key = Key::new("k", "ES256");
        let op = a_provider(&key).await;
        place.provider(&op, LogoutUpstream::Offer).await;
        let session = place.session_from(&op, "s1", "ann@op", None).await;
        let token = place.id_token(&session, "app").await;
        let seen = place.get(Some(&session), &[("id_token_hint", &token)]).await;
        assert_eq!(seen.status, 200);
        assert!(!seen.text.contains("upstream.id.token") && !seen.text.contains("/bye?tenant"), "{}", seen.text);
        let link = seen.text.split("href=\"").find(|l| l.contains("leave=")).unwrap().split('"').next().unwrap();
        let away = place.ask(None, &path_of(link), None).await;
        assert!(away.location().starts_with(&format!("{}/bye?tenant=7&id_token_hint=", op.issuer)), "{away:?}");
        let state = away.sent("state").unwrap();
        let path = format!("/api/v1/auth/tenants/acme/federation/oidc/logout?state={state}");
        assert_eq!(place.ask(None, &path, None).await.status, 200);
        assert_eq!(place.ask(None, &path_of(link), None).await.location(), "", "the way is gone with it");

        // An application that waits for its person gets them back; a person who is asked may choose.
        let session = place.session_from(&op, "s2", "ann@op", None).await;
        let token = place.id_token(&session, "app").await;
        let asked = [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", BACK)];
        assert_eq!(place.get(Some(&session), &asked).await.location(), BACK);
        let session = place.session_from(&op, "s3", "ann@op", None).await;
        let page = place.get(Some(&session), &[("client_id", "app"), ("post_logout_redirect_uri", BACK)]).await;
        assert!(page.text.contains("name=\"upstream\""), "{}", page.text);
        let csrf = page.field("csrf").unwrap();
        let fields =
            [("csrf", csrf.as_str()), ("client_id", "app"), ("post_logout_redirect_uri", BACK), ("upstream", "1")];
        let away = place.post(Some(&session), &fields).await;
        assert_eq!(away.status, 303);
        let path = format!("/api/v1/auth/tenants/acme/federation/oidc/logout?state={}", away.sent("state").unwrap());
        house_later(&place, 599);
        assert_eq!(place.ask(None, &path, None).await.location(), BACK);
    })
    .await;
}

fn house_later(place: &Place, secs: i64) {
    place.house.clock.advance(secs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_is_kept_for_ten_minutes() {
    places(async |place| {
        let key = Key::new("k", "ES256");
        let op = a_provider(&key).await;
        place.provider(&op, LogoutUpstream::Always).await;
        let session = place.session_from(&op, "s1", "ann@op", None).await;
        let token = place.id_token(&session, "app").await;
        let asked = [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", BACK)];
        let state = place.get(Some(&session), &asked).await.sent("state").unwrap();
        house_later(&place, 600);
        let seen =
            place.ask(None, &format!("/api/v1/auth/tenants/acme/federation/oidc/logout?state={state}"), None).await;
        assert_eq!((seen.status, seen.location()), (200, ""));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_provider_that_is_away_or_has_no_such_place_keeps_nobody_signed_in() {
    places(async |place| {
        let key = Key::new("k", "ES256");
        let op = Provider::new(&[&key]).await;
        place.provider(&op, LogoutUpstream::Always).await;
        let session = place.session_from(&op, "s1", "ann@op", None).await;
        let token = place.id_token(&session, "app").await;
        let asked = [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", BACK)];
        assert_eq!(place.get(Some(&session), &asked).await.location(), BACK);
        assert!(!place.is_live(&session).await);
    })
    .await;
}
