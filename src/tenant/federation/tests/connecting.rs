//! Connecting another way in with one's account, and taking it away again.

use serde_json::json;

use super::{FEDERATION, Returning, Scene, cookies_of, scenes};
use crate::store;
use crate::testing::tenancy::Seen;

const IDENTITIES: &str = "/auth/acme/identities";

impl Scene {
    /// Somebody signed in has come back from `op2`, which says that they are `sub`: the page that asks them, and their cookies.
    async fn asked(&self, cookies: &str, sub: &str) -> (Seen, String, String) {
        self.house.clock.advance(1);
        let returning = self.sent(&format!("{FEDERATION}/op2/authorize?purpose=link"), cookies, sub).await;
        let seen = self.back(&returning).await;
        assert_eq!(seen.status, 302, "{}", seen.text);
        let page = self.get(seen.location(), &returning.cookie).await;
        assert_eq!(page.status, 200, "{}", page.text);
        (page, seen.sent("login").unwrap(), returning.cookie)
    }

    async fn says_yes(&self, asked: &(Seen, String, String)) -> Seen {
        let (page, handle, cookies) = asked;
        let fields = [("login", handle.as_str()), ("csrf", &page.field("csrf").unwrap()), ("choice", "connect")];
        self.post("/auth/acme/confirm", cookies, &fields).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_signed_in_connects_another_way_in_and_takes_it_away_again() {
    scenes(async |scene| {
        scene.provider("op2").await;
        let (cookies, ann) = scene.signed_in("op", "ann").await;
        let asked = scene.asked(&cookies, "ann2").await;
        assert!(
            asked.0.text.contains("ann2@op.example") && asked.0.text.contains("a•••@op.example"),
            "{}",
            asked.0.text
        );
        let done = scene.says_yes(&asked).await;
        assert_eq!((done.status, done.location().ends_with(IDENTITIES)), (303, true), "{}", done.text);
        let page = scene.get(IDENTITIES, &cookies).await;
        assert!(page.text.contains("value=\"op\"") && page.text.contains("value=\"op2\""), "{}", page.text);
        scene.house.clock.advance(1);
        assert_eq!(scene.signed_in("op2", "ann2").await.1, ann, "it is one account");
        // A second time nothing is asked of the page that was answered.
        assert_eq!(scene.says_yes(&asked).await.status, 400);

        let csrf = page.field("csrf").unwrap();
        let wrong = scene.post(IDENTITIES, &cookies, &[("csrf", "x"), ("disconnect", "op2")]).await;
        assert_eq!(wrong.status, 403);
        let gone = scene.post(IDENTITIES, &cookies, &[("csrf", &csrf), ("disconnect", "op2")]).await;
        assert_eq!((gone.status, gone.location().ends_with(IDENTITIES)), (303, true), "{}", gone.text);
        let page = scene.get(IDENTITIES, &cookies).await;
        assert!(
            !page.text.contains("value=\"op2\"") && page.text.contains("/op2/authorize?purpose=link"),
            "{}",
            page.text
        );
        assert!(!page.text.contains("value=\"op\""), "the last way in cannot be taken away");
        let last = scene.post(IDENTITIES, &cookies, &[("csrf", &csrf), ("disconnect", "op")]).await;
        assert_eq!(last.status, 409, "{}", last.text);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_somebody_elses_is_connected_with_nobody() {
    scenes(async |scene| {
        scene.provider("op2").await;
        let (_, bob) = scene.signed_in("op2", "bob").await;
        scene.house.clock.advance(1);
        let (cookies, ann) = scene.signed_in("op", "ann").await;
        assert_ne!(ann, bob);
        let refused = scene.says_yes(&scene.asked(&cookies, "bob").await).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        // One of one's own is connected once; another of the same identity provider is not.
        assert_eq!(scene.says_yes(&scene.asked(&cookies, "ann2").await).await.status, 303);
        assert_eq!(scene.says_yes(&scene.asked(&cookies, "ann2").await).await.status, 303);
        assert_eq!(scene.says_yes(&scene.asked(&cookies, "ann3").await).await.status, 409);
        let mut conn = scene.house.app.store.read().await.unwrap();
        let links = store::user_link::list(&mut conn, &ann).await.unwrap();
        let names: Vec<(&str, &str)> = links.iter().map(|l| (l.idp_id.as_str(), l.unique_id.as_str())).collect();
        assert_eq!(names, [("op", "ann"), ("op2", "ann2")]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_connected_without_the_session_that_asked_for_it() {
    scenes(async |scene| {
        scene.provider("op2").await;
        let link = format!("{FEDERATION}/op2/authorize?purpose=link");
        let to_login = |seen: &Seen| (seen.status, seen.location().contains("/auth/acme/login"));
        assert_eq!(to_login(&scene.get(&link, "").await), (302, true), "nobody is signed in");
        let (cookies, ann) = scene.signed_in("op", "ann").await;
        for wrong in ["purpose=other", "purpose=link&client_id=app"] {
            assert_eq!(
                scene.get(&format!("{FEDERATION}/op2/authorize?{wrong}"), &cookies).await.status,
                400,
                "{wrong}"
            );
        }
        // Another session than that of the beginning, or none; another answer than that of this page.
        let (page, handle, all) = scene.asked(&cookies, "ann2").await;
        let csrf = page.field("csrf").unwrap();
        let attempt = all.replace(&cookies, "");
        let answer = async |cookies: &str, choice: &str| {
            let fields = [("login", handle.as_str()), ("csrf", csrf.as_str()), ("choice", choice), ("password", "x")];
            scene.post("/auth/acme/confirm", cookies, &fields).await.status
        };
        assert_eq!(answer(&attempt, "connect").await, 400);
        let (bobs, _) = scene.signed_in("op", "bob").await;
        assert_eq!(answer(&format!("{bobs}{attempt}"), "connect").await, 400);
        for other in ["link", "separate"] {
            assert_eq!(answer(&all, other).await, 400, "{other}");
        }
        assert_eq!(answer(&all, "cancel").await, 403);
        let mut conn = scene.house.app.store.read().await.unwrap();
        assert_eq!(store::user_link::list(&mut conn, &ann).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signed_in_a_while_ago_signs_in_anew_though_the_provider_remembers_them() {
    scenes(async |scene| {
        scene.provider("op2").await;
        let link = format!("{FEDERATION}/op2/authorize?purpose=link");
        let (cookies, _) = scene.signed_in("op", "ann").await;
        scene.house.clock.advance(300);
        let anew = async || {
            let seen = scene.get(&link, &cookies).await;
            assert_eq!((seen.status, seen.location().contains("/auth/acme/login")), (302, true), "{}", seen.text);
            let all = format!("{cookies}{}", cookies_of(&seen));
            let button = format!("{FEDERATION}/op/authorize?login={}", seen.sent("login").unwrap());
            let leaving = scene.get(&button, &all).await;
            assert_eq!(leaving.sent("prompt").as_deref(), Some("login"));
            let path = format!("{FEDERATION}/callback?code=c&state={}", leaving.sent("state").unwrap());
            Returning { cookie: all, path, nonce: leaving.sent("nonce").unwrap() }
        };
        let said = |ago: i64| json!({"sub": "ann", "email": "ann@op.example", "auth_time": scene.house.app.now().secs() - ago});
        // A provider that asked nobody all the same says so, and it does not count.
        for (ago, counts) in [(3_600, false), (1, true)] {
            let returning = anew().await;
            scene.says(&returning.nonce, &said(ago));
            let back = scene.back(&returning).await;
            assert_eq!((back.status, back.location().ends_with(IDENTITIES)), (302, true), "{}", back.text);
            let seen = scene.get(&link, &cookies_of(&back)).await;
            assert_eq!(seen.location().starts_with(&scene.op.issuer), counts, "{ago}: {}", seen.location());
        }
        // Who only wants to sign in is not asked twice.
        assert_eq!(scene.get(&format!("{FEDERATION}/op/authorize"), "").await.sent("prompt"), None);
    })
    .await;
}
