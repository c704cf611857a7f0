//! How applications prove themselves, and how requests have to look.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::keys::signing::{Pair, generate};
use crate::model::application::{AuthMethod, GrantType};
use crate::model::tenant::SigningAlgorithm;
use crate::secret::digest;
use crate::service::oauth::tests::{ORIGIN, SECRET, Scene, basic, refusal, scenes, text};
use crate::store;
use crate::store::application::StoredSecret;
use crate::testing::Answered;

const ITSELF: (&str, &str) = ("grant_type", "client_credentials");
const TOKEN: &str = "/oauth/token";

async fn with(scene: &Scene, header: Option<&str>, fields: &[(&str, &str)]) -> Answered {
    let headers: Vec<(&str, &str)> = header.into_iter().map(|h| ("authorization", h)).collect();
    let fields = [&[ITSELF], fields].concat();
    scene.house.form(&scene.path(TOKEN), &headers, &fields).await
}

#[tokio::test]
async fn op_auth_1_to_5_a_secret_is_right_and_in_its_place() {
    for scene in scenes().await {
        // 4: percent-coding and a colon in the secret.
        assert_eq!(with(&scene, Some(&basic("app_web", SECRET)), &[]).await.status, 200);
        let posted = [("client_id", "app_web"), ("client_secret", SECRET)];
        assert_eq!(with(&scene, None, &posted).await.status, 200);
        assert_eq!(with(&scene, Some(&basic("app_web", SECRET)), &[("client_id", "app_web")]).await.status, 200);
        let uncoded = format!("Basic {}", STANDARD.encode(format!("app_web:{SECRET}")));
        let failures = [
            // 1: wrong, another's, none, of an application that there is not.
            with(&scene, Some(&basic("app_web", "wrong")), &[]).await,
            with(&scene, Some(&basic("app_web", "")), &[]).await,
            with(&scene, Some(&basic("app_none", SECRET)), &[]).await,
            with(&scene, Some(&basic("app_spa", SECRET)), &[]).await,
            with(&scene, Some(&uncoded), &[]).await,
            with(&scene, None, &[("client_id", "app_web"), ("client_secret", "wrong")]).await,
            with(&scene, None, &[("client_id", "app_web")]).await,
            with(&scene, None, &[("client_secret", SECRET)]).await,
            with(&scene, None, &[]).await,
            with(&scene, Some("Basic"), &[]).await,
            with(&scene, Some("Basic !"), &[]).await,
            with(&scene, Some("Bearer x"), &[("client_id", "app_web")]).await,
            with(&scene, Some(&basic("app_web", SECRET)), &[("client_id", "app_other")]).await,
            // 2: in the query.
            scene.house.form(&format!("{}?client_id=app_web&client_secret=x", scene.path(TOKEN)), &[], &[ITSELF]).await,
        ];
        for (at, failure) in failures.iter().enumerate() {
            assert_eq!(refusal(failure), (401, "invalid_client"), "{at}");
            assert_eq!(failure.headers["www-authenticate"], "Basic realm=\"oauth\"");
            assert_eq!(text(failure, "error_description"), "Client authentication failed.", "{at}: one answer for all");
        }
        // 3: both.
        let both = with(&scene, Some(&basic("app_web", SECRET)), &[("client_secret", SECRET)]).await;
        assert_eq!(refusal(&both), (400, "invalid_request"));
        scene.change(&scene.web, |a| a.enabled = false).await;
        assert_eq!(refusal(&with(&scene, Some(&basic("app_web", SECRET)), &[]).await), (401, "invalid_client"));
    }
}

#[tokio::test]
async fn a_secret_may_be_replaced_while_the_old_one_still_works_for_a_while() {
    for scene in scenes().await {
        let now = scene.house.app.now();
        let secret = |id: &str, text: &str, ends: Option<i64>| StoredSecret {
            id: id.into(),
            digest: digest(text),
            created_at: now,
            expires_at: ends.map(|secs| now.plus_secs(secs)),
        };
        scene
            .write(async |tx| {
                store::application::insert_secret(tx, &scene.web, &secret("s2", "new", None)).await.unwrap();
                store::application::insert_secret(tx, &scene.web, &secret("s3", "old", Some(60))).await.unwrap();
            })
            .await;
        for (text, status) in [(SECRET, 200), ("new", 200), ("old", 200), ("older", 401)] {
            assert_eq!(with(&scene, Some(&basic("app_web", text)), &[]).await.status, status, "{text}");
        }
        scene.house.clock.advance(60);
        assert_eq!(with(&scene, Some(&basic("app_web", "old")), &[]).await.status, 401);
    }
}

struct Signer {
    pair: Pair,
    kid: String,
}

impl Signer {
    async fn of(scene: &Scene) -> Self {
        let algorithm = SigningAlgorithm::Es256;
        let pair = Pair::read(algorithm, &generate(algorithm).unwrap()).unwrap();
        let (kid, jwk) = pair.public_jwk().unwrap();
        scene
            .change(&scene.other, |a| {
                a.settings.auth_method = AuthMethod::PrivateKeyJwt;
                a.settings.jwks = Some(json!({"keys": [jwk]}));
            })
            .await;
        Self { pair, kid }
    }

    fn assertion(&self, scene: &Scene, change: &Value) -> String {
        let now = scene.house.app.now().secs();
        let mut claims = json!({
            "iss": "app_other", "sub": "app_other", "aud": "https://id.example/api/v1/auth/tenants/acme",
            "iat": now, "exp": now + 120, "jti": scene.house.app.random.token(),
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.pair.sign(&self.kid, "JWT", &claims).unwrap()
    }
}

async fn asserting(scene: &Scene, assertion: &str) -> Answered {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    with(scene, None, &[("client_assertion_type", kind), ("client_assertion", assertion)]).await
}

#[tokio::test]
async fn op_auth_6_to_9_an_assertion_is_signed_for_us_short_and_used_once() {
    for scene in scenes().await {
        let signer = Signer::of(&scene).await;
        let now = scene.house.app.now().secs();
        let good = signer.assertion(&scene, &json!({}));
        assert_eq!(asserting(&scene, &good).await.status, 200);
        assert_eq!(refusal(&asserting(&scene, &good).await), (401, "invalid_client"), "8: the same once more");
        let endpoint = json!({"aud": ["https://id.example/api/v1/auth/tenants/acme/oauth/token"]});
        assert_eq!(asserting(&scene, &signer.assertion(&scene, &endpoint)).await.status, 200);
        for (at, wrong) in [
            // 7: for somebody else.
            json!({"aud": "https://id.example/api/v1/auth/tenants/other"}),
            json!({"aud": ["https://id.example/api/v1/auth/tenants/acme", "https://other.example"]}),
            json!({"aud": null}),
            // 9: for ten years, and others that do not hold.
            json!({"exp": now + 315_360_000}),
            json!({"exp": now - 61}),
            json!({"exp": "soon"}),
            json!({"exp": null}),
            json!({"nbf": now + 120}),
            json!({"iat": now + 120}),
            json!({"jti": null}),
            json!({"jti": "x".repeat(256)}),
            json!({"sub": "app_web"}),
            json!({"iss": "app_web"}),
            json!({"iss": "app_none", "sub": "app_none"}),
        ]
        .iter()
        .enumerate()
        {
            let answer = asserting(&scene, &signer.assertion(&scene, wrong)).await;
            assert_eq!(refusal(&answer), (401, "invalid_client"), "{at}: {wrong}");
        }
        // 6: not signed, and signed with the application's own secret or another key.
        let good = signer.assertion(&scene, &json!({}));
        let claims = good.split('.').nth(1).unwrap();
        let header = |alg: &str| URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": signer.kid}).to_string());
        let (none, hmac) = (format!("{}.{claims}.", header("none")), format!("{}.{claims}.AAAA", header("HS256")));
        let algorithm = SigningAlgorithm::Es256;
        let stranger =
            Signer { pair: Pair::read(algorithm, &generate(algorithm).unwrap()).unwrap(), kid: signer.kid.clone() };
        for wrong in [none, hmac, stranger.assertion(&scene, &json!({})), "x".to_owned()] {
            assert_eq!(refusal(&asserting(&scene, &wrong).await), (401, "invalid_client"));
        }
        // An application that signs has no secret, and another kind of assertion is none.
        assert_eq!(with(&scene, Some(&basic("app_other", SECRET)), &[]).await.status, 401);
        let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
        let fields = [("client_assertion_type", saml), ("client_assertion", good.as_str())];
        assert_eq!(with(&scene, None, &fields).await.status, 401);
        assert_eq!(asserting(&scene, &good).await.status, 200, "none of them used it up");
    }
}

#[tokio::test]
async fn an_application_acts_for_itself_with_what_it_may_have() {
    for scene in scenes().await {
        let header = basic("app_web", SECRET);
        let all = with(&scene, Some(&header), &[]).await;
        assert_eq!(text(&all, "scope"), "things:read things:write");
        assert!(all.body.get("refresh_token").is_none() && all.body.get("id_token").is_none());
        let one = with(&scene, Some(&header), &[("scope", "things:read")]).await;
        assert_eq!(text(&one, "scope"), "things:read");
        for scope in ["openid", "things:delete", "things:read email"] {
            assert_eq!(refusal(&with(&scene, Some(&header), &[("scope", scope)]).await), (400, "invalid_scope"));
        }
        let elsewhere = with(&scene, Some(&header), &[("resource", "https://id.example/v3")]).await;
        assert_eq!(refusal(&elsewhere), (400, "invalid_target"));
        assert_eq!(refusal(&scene.userinfo(text(&all, "access_token")).await), (403, "insufficient_scope"));
        assert_eq!(refusal(&with(&scene, None, &[("client_id", "app_spa")]).await), (400, "unauthorized_client"));
        scene.change(&scene.web, |a| a.settings.grant_types = vec![GrantType::AuthorizationCode]).await;
        assert_eq!(refusal(&with(&scene, Some(&header), &[]).await), (400, "unauthorized_client"));
    }
}

#[tokio::test]
async fn a_request_is_a_form_whose_parameters_stand_once() {
    for scene in scenes().await {
        let header = basic("app_web", SECRET);
        let post = async |fields: &[(&str, &str)]| scene.post(TOKEN, &scene.web, fields).await;
        assert_eq!(refusal(&post(&[]).await), (400, "invalid_request"));
        assert_eq!(refusal(&post(&[("grant_type", "password")]).await), (400, "unsupported_grant_type"));
        assert_eq!(refusal(&post(&[ITSELF, ITSELF]).await), (400, "invalid_request"));
        assert_eq!(refusal(&post(&[ITSELF, ("scope", "a"), ("scope", "b")]).await), (400, "invalid_request"));
        assert_eq!(post(&[ITSELF, ("colour", "red"), ("colour", "blue")]).await.status, 200, "nobody asked for these");
        assert_eq!(refusal(&post(&[("grant_type", "refresh_token")]).await), (400, "invalid_request"));
        let headers = [("authorization", header.as_str())];
        let body = json!({"grant_type": "client_credentials"});
        let as_json = scene.house.ask("POST", &scene.path(TOKEN), &headers, Some(&body)).await;
        assert_eq!(refusal(&as_json), (400, "invalid_request"));
        let nowhere = scene.house.form("/api/v1/auth/tenants/none/oauth/token", &headers, &[ITSELF]).await;
        assert_eq!(nowhere.status, 404);
        assert_eq!(scene.house.ask("GET", &scene.path(TOKEN), &[], None).await.status, 405);
    }
}

#[tokio::test]
async fn scripts_of_the_applications_origins_may_ask_and_no_others() {
    for scene in scenes().await {
        let header = basic("app_web", SECRET);
        let asks = [("origin", ORIGIN), ("access-control-request-method", "POST")];
        let answer = scene.house.ask("OPTIONS", &scene.path(TOKEN), &asks, None).await;
        assert_eq!((answer.status, answer.headers["access-control-allow-origin"].to_str().unwrap()), (204, ORIGIN));
        assert_eq!(answer.headers["access-control-allow-headers"], "Authorization, Content-Type");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        for (origin, status) in [(ORIGIN, 200), ("https://evil.example", 200), ("null", 200)] {
            let headers = [("origin", origin), ("authorization", header.as_str())];
            let answer = scene.house.form(&scene.path(TOKEN), &headers, &[ITSELF]).await;
            assert_eq!(answer.status, status);
            let allowed = answer.headers.get("access-control-allow-origin").map(|v| v.to_str().unwrap());
            assert_eq!(allowed, (origin == ORIGIN).then_some(ORIGIN), "{origin}");
            assert_eq!(answer.headers["vary"], "Origin");
        }
        // A failure can be read as well.
        let failed = scene.house.form(&scene.path(TOKEN), &[("origin", ORIGIN)], &[ITSELF]).await;
        assert_eq!((failed.status, failed.headers["access-control-allow-origin"].to_str().unwrap()), (401, ORIGIN));
        for application in [&scene.web, &scene.other, &scene.spa] {
            scene.change(application, |a| a.settings.allowed_origins.clear()).await;
        }
        let answer = scene.house.ask("OPTIONS", &scene.path(TOKEN), &asks, None).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}
