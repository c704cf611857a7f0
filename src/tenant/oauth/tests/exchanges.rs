//! Tokens for tokens.

use serde_json::json;

use crate::service::oauth::access::TYP;
use crate::service::oauth::keys;
use crate::service::oauth::tests::{Scene, refusal, scenes, text};
use crate::testing::Answered;

const GRANT: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
const KIND: &str = "urn:ietf:params:oauth:token-type:access_token";

async fn exchange(scene: &Scene, token: &str, more: &[(&str, &str)]) -> Answered {
    let fields = [&[GRANT, ("subject_token", token), ("subject_token_type", KIND)], more].concat();
    scene.post("/oauth/token", &scene.other, &fields).await
}

/// A token of jane's that `web` has for calling `other`.
async fn subject(scene: &Scene) -> String {
    let mut authorization = scene.authorization(&scene.web, "openid things:read");
    authorization.facts.audience = vec!["app_other".into()];
    let code = scene.code_of(&authorization, Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into())).await;
    text(&scene.redeem(&scene.web, &code).await, "access_token").to_owned()
}

#[tokio::test]
async fn op_exch_1_a_service_calls_the_next_one_in_its_callers_name_and_gets_no_more() {
    for scene in scenes().await {
        scene.change(&scene.other, |a| a.settings.audiences = vec!["app_third".into()]).await;
        let token = subject(&scene).await;
        scene.house.clock.advance(600);
        let answer = exchange(&scene, &token, &[("audience", "app_third"), ("scope", "things:read")]).await;
        assert_eq!((answer.status, text(&answer, "issued_token_type")), (200, KIND), "{answer:?}");
        assert_eq!(answer.body["expires_in"], 3_000, "no longer than what it was made from");
        assert!(answer.body.get("refresh_token").is_none());
        let (app, tenant) = (&scene.house.app, &scene.tenant);
        let claims = keys::verify(app, tenant, text(&answer, "access_token"), TYP).await.unwrap();
        assert_eq!(
            (&claims["sub"], &claims["aud"], &claims["client_id"]),
            (&json!("jane"), &json!("app_third"), &json!("app_other"))
        );
        assert_eq!(claims["act"], json!({"sub": "app_other"}));
        // Once more, for itself: who acted before is within.
        let own = exchange(&scene, &token, &[]).await;
        let again = exchange(&scene, text(&own, "access_token"), &[]).await;
        let claims = keys::verify(app, tenant, text(&again, "access_token"), TYP).await.unwrap();
        assert_eq!(claims["act"], json!({"sub": "app_other", "act": {"sub": "app_other"}}));
        for (more, expected) in [
            (("scope", "things:write"), "invalid_scope"),
            (("audience", "app_web"), "invalid_target"),
            (("resource", "https://id.example/v3"), "invalid_target"),
            (("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"),
            (("actor_token", "x"), "invalid_request"),
        ] {
            assert_eq!(refusal(&exchange(&scene, &token, &[more]).await), (400, expected), "{more:?}");
        }
    }
}

#[tokio::test]
async fn op_exch_1_what_is_no_token_for_the_application_is_refused() {
    for scene in scenes().await {
        let token = subject(&scene).await;
        let not_for_it = scene.tokens(&scene.web, "openid").await;
        let id_token = text(&not_for_it, "id_token").to_owned();
        for wrong in ["unknown", "a.b.c", &token[1..], text(&not_for_it, "access_token"), &id_token] {
            assert_eq!(refusal(&exchange(&scene, wrong, &[]).await), (400, "invalid_grant"), "{wrong:.20}");
        }
        assert_eq!(refusal(&exchange(&scene, "", &[]).await), (400, "invalid_request"));
        let without = scene.post("/oauth/token", &scene.other, &[GRANT, ("subject_token_type", KIND)]).await;
        assert_eq!(refusal(&without), (400, "invalid_request"));
        // It falls with what it was made from.
        let made = exchange(&scene, &token, &[]).await;
        assert_eq!(scene.userinfo(text(&made, "access_token")).await.status, 200);
        let claims = keys::verify(&scene.house.app, &scene.tenant, &token, TYP).await.unwrap();
        let authorization = claims["grant_id"].as_str().unwrap().to_owned();
        scene
            .write(async |tx| {
                assert!(crate::service::oauth::revoke(&scene.house.app, tx, &authorization, "test").await.unwrap())
            })
            .await;
        assert_eq!(refusal(&scene.userinfo(text(&made, "access_token")).await), (401, "invalid_token"));
        assert_eq!(refusal(&exchange(&scene, &token, &[]).await), (400, "invalid_grant"));
    }
}
