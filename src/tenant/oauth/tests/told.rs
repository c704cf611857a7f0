//! Introspection and revocation.

use crate::service::oauth::tests::{refusal, scenes, text};

#[tokio::test]
async fn op_intro_1_an_application_learns_of_its_own_tokens_only() {
    for scene in scenes().await {
        let answer = scene.tokens(&scene.web, "openid things:read").await;
        let (access, refresh) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
        let told = scene.post("/oauth/introspect", &scene.web, &[("token", access)]).await;
        assert_eq!((told.status, told.body["active"].as_bool()), (200, Some(true)));
        assert_eq!(
            (text(&told, "sub"), text(&told, "client_id"), text(&told, "username")),
            ("jane", "app_web", "jane")
        );
        assert_eq!((text(&told, "scope"), text(&told, "token_type")), ("openid things:read", "Bearer"));
        let told = scene.post("/oauth/introspect", &scene.web, &[("token", refresh)]).await;
        assert_eq!((told.body["active"].as_bool(), text(&told, "client_id")), (Some(true), "app_web"));
        let inactive = serde_json::json!({"active": false});
        for token in [access, refresh, "nonsense", text(&answer, "id_token")] {
            let told = scene.post("/oauth/introspect", &scene.other, &[("token", token)]).await;
            assert_eq!((told.status, &told.body), (200, &inactive));
        }
        scene.change(&scene.other, |a| a.settings.may_introspect = true).await;
        let told = scene.post("/oauth/introspect", &scene.other, &[("token", access)]).await;
        assert_eq!(told.body["active"], true);
        // One without a credential may not ask at all.
        let fields = [("token", access), ("client_id", "app_spa")];
        let told = scene.house.form(&scene.path("/oauth/introspect"), &[], &fields).await;
        assert_eq!(refusal(&told), (401, "invalid_client"));
        assert_eq!(refusal(&scene.post("/oauth/introspect", &scene.web, &[]).await), (400, "invalid_request"));
        scene.house.clock.advance(3_600);
        let told = scene.post("/oauth/introspect", &scene.web, &[("token", access)]).await;
        assert_eq!(told.body, inactive);
    }
}

#[tokio::test]
async fn op_revoke_1_an_application_takes_back_its_own_tokens_only() {
    for scene in scenes().await {
        let answer = scene.tokens(&scene.web, "openid").await;
        let (access, refresh) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
        for token in [access, refresh, "nonsense"] {
            assert_eq!(scene.post("/oauth/revoke", &scene.other, &[("token", token)]).await.status, 200);
        }
        assert_eq!(scene.userinfo(access).await.status, 200, "that had no effect");
        // An access token goes alone.
        assert_eq!(scene.post("/oauth/revoke", &scene.web, &[("token", access)]).await.status, 200);
        assert_eq!(refusal(&scene.userinfo(access).await), (401, "invalid_token"));
        let next = scene.refresh(&scene.web, refresh, &[]).await;
        assert_eq!(scene.userinfo(text(&next, "access_token")).await.status, 200);
        // A refresh token takes with it all that came of the authorization.
        let answer = scene.post("/oauth/revoke", &scene.web, &[("token", text(&next, "refresh_token"))]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(refusal(&scene.userinfo(text(&next, "access_token")).await), (401, "invalid_token"));
        let again = scene.refresh(&scene.web, text(&next, "refresh_token"), &[]).await;
        assert_eq!(refusal(&again), (400, "invalid_grant"));
    }
}
