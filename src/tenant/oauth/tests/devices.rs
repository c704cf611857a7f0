//! Devices without a browser.

use crate::error::Error;
use crate::model::application::Application;
use crate::service::oauth::device::{by_id, decide, look};
use crate::service::oauth::tests::{Scene, refusal, scenes, text};
use crate::testing::Answered;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(scene: &Scene, fields: &[(&str, &str)]) -> Answered {
    scene.post("/oauth/device_authorization", &scene.web, fields).await
}

async fn poll(scene: &Scene, application: &Application, code: &str) -> Answered {
    scene.post("/oauth/token", application, &[("grant_type", GRANT), ("device_code", code)]).await
}

async fn decided(scene: &Scene, user_code: &str, allow: bool) {
    let waiting = look(&scene.house.app, &scene.tenant, user_code).await.unwrap();
    assert_eq!((waiting.client_id.as_str(), waiting.client_name.as_str()), ("app_web", "web"));
    assert_eq!(by_id(&scene.house.app, &scene.tenant, &waiting.device_id).await.unwrap(), waiting);
    scene
        .write(async |tx| {
            let (app, tenant) = (&scene.house.app, &scene.tenant);
            decide(app, tx, tenant, &waiting.device_id, &scene.session, allow).await.unwrap();
        })
        .await;
}

#[tokio::test]
async fn op_dev_1_a_device_code_is_its_applications_and_good_once() {
    for scene in scenes().await {
        let begun = begin(&scene, &[("scope", "openid email")]).await;
        assert_eq!(
            (begun.status, begun.body["interval"].as_i64(), begun.body["expires_in"].as_i64()),
            (200, Some(5), Some(600))
        );
        let (code, user_code) = (text(&begun, "device_code"), text(&begun, "user_code"));
        assert_eq!(text(&begun, "verification_uri"), "https://id.example/auth/acme/device");
        assert_eq!(refusal(&poll(&scene, &scene.other, code).await), (400, "invalid_grant"));
        assert_eq!(refusal(&poll(&scene, &scene.web, code).await), (400, "authorization_pending"));
        assert_eq!(refusal(&poll(&scene, &scene.web, code).await), (400, "slow_down"));
        scene.house.clock.advance(9);
        assert_eq!(refusal(&poll(&scene, &scene.web, code).await), (400, "slow_down"), "ten seconds by now");
        scene.house.clock.advance(15);
        assert_eq!(refusal(&poll(&scene, &scene.web, code).await), (400, "authorization_pending"));
        decided(&scene, &user_code.to_lowercase().replace('-', " "), true).await;
        assert_eq!(refusal(&poll(&scene, &scene.other, code).await), (400, "invalid_grant"));
        let answer = poll(&scene, &scene.web, code).await;
        assert_eq!((answer.status, text(&answer, "scope")), (200, "openid email"), "{answer:?}");
        assert_eq!(scene.userinfo(text(&answer, "access_token")).await.body["sub"], "jane");
        assert_eq!(scene.refresh(&scene.web, text(&answer, "refresh_token"), &[]).await.status, 200);
        assert_eq!(refusal(&poll(&scene, &scene.web, code).await), (400, "invalid_grant"));
        assert!(look(&scene.house.app, &scene.tenant, user_code).await.is_err(), "nobody waits for it any more");
    }
}

#[tokio::test]
async fn a_device_that_is_refused_or_waits_too_long_hears_so() {
    for scene in scenes().await {
        let (refused, late) = (begin(&scene, &[]).await, begin(&scene, &[]).await);
        decided(&scene, text(&refused, "user_code"), false).await;
        assert_eq!(refusal(&poll(&scene, &scene.web, text(&refused, "device_code")).await), (400, "access_denied"));
        let waiting = look(&scene.house.app, &scene.tenant, text(&late, "user_code")).await.unwrap();
        scene.house.clock.advance(600);
        assert_eq!(refusal(&poll(&scene, &scene.web, text(&late, "device_code")).await), (400, "expired_token"));
        let mut tx = scene.house.app.store.write().await.unwrap();
        let (app, tenant) = (&scene.house.app, &scene.tenant);
        let decided = decide(app, &mut tx, tenant, &waiting.device_id, &scene.session, true).await;
        assert!(matches!(decided, Err(Error::NotFound { .. })));
        drop(tx);
        assert_eq!(refusal(&begin(&scene, &[("scope", "everything")]).await), (400, "invalid_scope"));
        scene.change(&scene.web, |a| a.settings.grant_types.clear()).await;
        assert_eq!(refusal(&begin(&scene, &[]).await), (400, "unauthorized_client"));
    }
}

#[tokio::test]
async fn guessing_user_codes_is_bounded() {
    for scene in scenes().await {
        let (app, tenant) = (&scene.house.app, &scene.tenant);
        let begun = begin(&scene, &[]).await;
        for _ in 0..600 {
            assert_eq!(look(app, tenant, "nonsense").await.unwrap_err().status(), 404);
        }
        assert_eq!(look(app, tenant, text(&begun, "user_code")).await.unwrap_err().status(), 429);
        scene.house.clock.advance(60);
        look(app, tenant, text(&begun, "user_code")).await.unwrap();
    }
}
