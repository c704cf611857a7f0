//! Configuration and keys.

use crate::service::oauth::tests::scenes;

#[tokio::test]
async fn a_tenant_publishes_its_configuration_and_keys_for_anybody() {
    for scene in scenes().await {
        let path = scene.path("/.well-known/openid-configuration");
        let answer = scene.house.ask("GET", &path, &[("origin", "https://any.example")], None).await;
        assert_eq!(answer.status, 200);
        let issuer = "https://id.example/api/v1/auth/tenants/acme";
        assert_eq!(answer.body["issuer"], issuer);
        assert_eq!(answer.body["token_endpoint"], format!("{issuer}/oauth/token"));
        assert_eq!(answer.body["authorization_response_iss_parameter_supported"], true);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert_eq!(answer.headers["cache-control"], "public, max-age=300");
        let tag = answer.headers["etag"].to_str().unwrap();
        assert_eq!(scene.house.ask("GET", &path, &[("if-none-match", tag)], None).await.status, 304);
        let other = scene.house.ask("GET", &scene.path("/.well-known/oauth-authorization-server"), &[], None).await;
        assert_eq!(other.body, answer.body);
        let keys = scene.house.ask("GET", &scene.path("/.well-known/jwks.json"), &[], None).await;
        let keys = keys.body["keys"].as_array().unwrap().clone();
        let algorithms: Vec<&str> = keys.iter().map(|k| k["alg"].as_str().unwrap()).collect();
        assert_eq!((keys.len(), algorithms.contains(&"RS256"), algorithms.contains(&"ES256")), (2, true, true));
        let secret = ["d", "p", "q", "dp", "dq", "qi", "k"];
        assert!(keys.iter().all(|k| secret.iter().all(|name| k.get(name).is_none())), "public halves only");
        let preflight = scene.house.ask("OPTIONS", &path, &[("origin", "https://any.example")], None).await;
        assert_eq!((preflight.status, preflight.headers["access-control-allow-origin"].to_str().unwrap()), (204, "*"));
        let nowhere = scene.house.ask("GET", "/api/v1/auth/tenants/none/.well-known/jwks.json", &[], None).await;
        assert_eq!((nowhere.status, nowhere.body["detail"].as_str()), (404, Some("Tenant not found")));
    }
}

#[tokio::test]
async fn a_tenant_that_is_not_active_answers_nobody() {
    for scene in scenes().await {
        let tokens = scene.tokens(&scene.web, "openid").await;
        let mut tenant = scene.tenant.clone();
        tenant.active = false;
        tenant.version += 1;
        scene.write(async |tx| assert!(crate::store::tenant::update(tx, &tenant).await.unwrap())).await;
        let told = scene.userinfo(tokens.body["access_token"].as_str().unwrap()).await;
        assert_eq!((told.status, told.body["error"].as_str()), (403, Some("tenant_suspended")));
        let answer = scene.house.ask("GET", &scene.path("/.well-known/jwks.json"), &[], None).await;
        assert_eq!(answer.status, 403);
    }
}
