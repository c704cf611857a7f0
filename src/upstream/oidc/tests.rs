//! Log-ins at an OpenID provider on loopback, and what must not get through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bearer;
mod keys;

use std::collections::HashMap;

use serde_json::json;
use url::Url;

use super::*;
use crate::clock::Random;
use crate::config;
use crate::model::connection::Connection;
use crate::secret::Secret;
use crate::testing::provider::{Canned, Key, Provider, unsigned};

const NOW: i64 = 1_800_000_000;
const CALLBACK: &str = "https://id.example/callback";

/// A provider with a key, and a connection to it.
struct Scene {
    provider: Provider,
    key: Key,
    oidc: Oidc,
    ready: Ready,
    now: Timestamp,
    random: Random,
}

fn egress() -> Arc<Egress> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = config::Egress {
        allow: vec!["127.0.0.1/32".into()],
        schemes: vec!["http".into()],
        ports: vec![],
        max_body_bytes: 65_536,
        total_timeout_secs: 2,
        ..config::Egress::default()
    };
    Arc::new(Egress::new(&config).unwrap())
}

fn ready(wanted: Wanted, secret: Option<&str>) -> Ready {
    let connection = Connection {
        idp_id: "idp".into(),
        protocol_id: "oidc".into(),
        settings: Settings::Oidc(Box::new(wanted)),
        updated_at: Timestamp(0),
    };
    Ready::new(connection, secret.map(Secret::from)).unwrap()
}

impl Scene {
    async fn new() -> Self {
        Self::with("ES256", Some("s:cret"), |_| {}).await
    }

    async fn with(alg: &'static str, secret: Option<&str>, change: impl FnOnce(&mut Wanted)) -> Self {
        let key = Key::new("k1", alg);
        let provider = Provider::new(&[&key]).await;
        let mut wanted = Wanted {
            issuer: Some(provider.issuer.clone()),
            client_id: "arch stone".into(),
            fetch_userinfo: false,
            ..Wanted::default()
        };
        change(&mut wanted);
        let ready = ready(wanted, secret);
        let now = Timestamp::from_secs(NOW);
        Self { provider, key, oidc: Oidc::new(egress()), ready, now, random: Random::seeded(1) }
    }

    fn ask(&self) -> Ask<'_> {
        Ask::new(&self.ready, self.now, &self.random).with_browser(CALLBACK, "the state")
    }

    /// A login up to where the browser is sent: the parameters it brings there, and the memo.
    async fn begun(&self) -> (HashMap<String, String>, super::super::Memo) {
        let begun = self.oidc.begin(&self.ask()).await.unwrap();
        let Begin::Redirect { url } = begun.begin else { panic!() };
        (Url::parse(&url).unwrap().query_pairs().into_owned().collect(), begun.memo)
    }

    /// Claims that are right.
    fn claims(&self, nonce: &str) -> Value {
        let now = self.now.secs();
        json!({"iss": self.provider.issuer, "aud": "arch stone", "sub": "alice", "nonce": nonce, "iat": now, "exp": now + 300})
    }

    fn give(&self, id_token: &str) {
        let tokens = json!({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token});
        self.provider.answer("/token", Canned::json(200, &tokens));
    }

    /// A whole login for which the provider gives the ID token that `make` makes of right claims.
    async fn login(&self, make: impl FnOnce(&Key, Value) -> String) -> Result<Identity> {
        let (sent, memo) = self.begun().await;
        self.give(&make(&self.key, self.claims(&sent["nonce"])));
        self.oidc.finish(&self.ask(), &memo, &answer(&[("code", "c0de"), ("state", "the state")])).await
    }

    /// The same with other claims.
    async fn login_with(&self, change: impl FnOnce(&mut Value)) -> Result<Identity> {
        self.login(|key, mut claims| {
            change(&mut claims);
            key.token(&claims)
        })
        .await
    }
}

fn answer(parameters: &[(&str, &str)]) -> Answer {
    Answer::Query(parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
}

/// That a login was refused, and why.
#[track_caller]
fn refused_for(outcome: Result<Identity>, reason: &str) {
    match outcome {
        Err(Error::Unauthorized { reason: told }) => assert!(told.contains(reason), "{told}"),
        other => panic!("{reason}: {other:?}"),
    }
}

#[tokio::test]
async fn a_browser_logs_in_with_state_nonce_and_pkce() {
    let scene = Scene::with("ES256", Some("s:cret"), |wanted| wanted.fetch_userinfo = true).await;
    let told = json!({"sub": "alice", "email": "a@example", "iss": "ignored"});
    scene.provider.answer("/userinfo", Canned::json(200, &told));
    let (sent, memo) = scene.begun().await;
    assert_eq!((&*sent["response_type"], &*sent["client_id"]), ("code", "arch stone"));
    assert_eq!((&*sent["scope"], &*sent["redirect_uri"]), ("openid email profile", CALLBACK));
    assert_eq!((&*sent["state"], &*sent["code_challenge_method"]), ("the state", "S256"));
    assert!(!sent.contains_key("response_mode"));

    scene.give(&scene.key.token(&scene.claims(&sent["nonce"])));
    // Any node can go on from the memo.
    let memo = super::super::Memo::from_text(&memo.to_text().unwrap()).unwrap();
    assert_eq!(format!("{memo:?}"), "Memo(***)");
    let oidc = Oidc::new(egress());
    let got = oidc.finish(&scene.ask(), &memo, &answer(&[("code", "c0de"), ("state", "the state")])).await.unwrap();
    assert_eq!((got.issuer.as_str(), got.subject.as_str()), (scene.provider.issuer.as_str(), "alice"));
    assert_eq!((got.proof, got.expires_at), (Proof::IdToken, Some(Timestamp::from_secs(NOW + 300))));
    assert_eq!((&got.claims["email"], &got.claims["iss"]), (&json!("a@example"), &json!(scene.provider.issuer)));

    let asked = scene.provider.asked("/token").remove(0);
    assert_eq!(
        asked.authorization,
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("arch+stone:s%3Acret"))
    );
    assert_eq!((&*asked.form["grant_type"], &*asked.form["code"]), ("authorization_code", "c0de"));
    assert_eq!(asked.form["redirect_uri"], CALLBACK);
    assert!(!asked.form.contains_key("client_secret"));
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, asked.form["code_verifier"].as_bytes());
    assert_eq!(URL_SAFE_NO_PAD.encode(hash), sent["code_challenge"]);
    assert_eq!(scene.provider.asked("/userinfo")[0].authorization, "Bearer opaque");
}

#[tokio::test]
async fn the_client_authenticates_as_the_connection_says() {
    use crate::model::connection::oidc::AuthMethod;
    for (method, secret, authorized, in_form) in [
        (AuthMethod::Basic, Some("x"), true, false),
        (AuthMethod::Post, Some("x"), false, true),
        (AuthMethod::None, None, false, false),
        (AuthMethod::Basic, None, false, false),
        // A secret is not sent to a provider that is told to know none.
        (AuthMethod::None, Some("x"), false, false),
    ] {
        let scene = Scene::with("EdDSA", secret, |wanted| wanted.token_endpoint_auth_method = method).await;
        scene.login_with(|_| {}).await.unwrap();
        let asked = scene.provider.asked("/token").remove(0);
        assert_eq!(asked.authorization.starts_with("Basic "), authorized, "{method:?}");
        assert_eq!(asked.form.contains_key("client_secret"), in_form, "{method:?}");
        assert_eq!(asked.form.contains_key("client_id"), !authorized, "{method:?}");
    }
}

#[tokio::test]
async fn every_trusted_algorithm_verifies() {
    for alg in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
        let scene = Scene::with(alg, Some("x"), |_| {}).await;
        scene.login_with(|_| {}).await.unwrap_or_else(|e| panic!("{alg}: {e}"));
        scene.login(|key, claims| format!("{}x", key.token(&claims).rsplit_once('.').unwrap().0)).await.unwrap_err();
    }
    for alg in ["RS384", "RS512", "PS384", "PS512"] {
        let scene = Scene::with(alg, Some("x"), |_| {}).await;
        refused_for(scene.login_with(|_| {}).await, "does not trust the algorithm");
        let scene = Scene::with(alg, Some("x"), |wanted| wanted.algorithms = Algorithm::ALL.to_vec()).await;
        scene.login_with(|_| {}).await.unwrap_or_else(|e| panic!("{alg}: {e}"));
    }
}

#[tokio::test]
async fn an_id_token_with_a_wrong_claim_is_refused() {
    let scene = Scene::new().await;
    let set = |name: &'static str, value: Value| move |claims: &mut Value| claims[name] = value;
    refused_for(scene.login_with(set("iss", json!("https://evil.example"))).await, "the issuer is");
    refused_for(scene.login_with(set("aud", json!("other"))).await, "another audience");
    refused_for(scene.login_with(set("aud", json!(["arch stone", "other"]))).await, "no 'azp'");
    refused_for(scene.login_with(set("azp", json!("other"))).await, "another client");
    refused_for(scene.login_with(set("nonce", json!("other"))).await, "another login's");
    refused_for(scene.login_with(set("nonce", Value::Null)).await, "no nonce");
    refused_for(scene.login_with(set("exp", json!(NOW - 60))).await, "expired");
    refused_for(scene.login_with(set("exp", Value::Null)).await, "no 'exp'");
    refused_for(scene.login_with(set("iat", json!(NOW + 61))).await, "in the future");
    refused_for(scene.login_with(set("iat", Value::Null)).await, "no 'iat'");
    refused_for(scene.login_with(set("nbf", json!(NOW + 61))).await, "not valid yet");
    refused_for(scene.login_with(set("sub", json!(""))).await, "no 'sub'");
    refused_for(scene.login_with(set("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"))).await, "'at_hash' does not fit");
    refused_for(scene.login_with(set("c_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"))).await, "'c_hash' does not fit");
    refused_for(scene.login_with(set("events", json!({}))).await, "logout");
    // Claims that are only passed on may be written in any way.
    let odd = set("email_verified", json!("true"));
    assert_eq!(scene.login_with(odd).await.unwrap().claims["email_verified"], "true");
    let at_hash = {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"opaque");
        URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
    };
    assert_eq!(scene.login_with(set("at_hash", json!(at_hash))).await.unwrap().subject, "alice");
}

#[tokio::test]
async fn a_forged_signature_is_refused() {
    let scene = Scene::with("RS256", Some("x"), |_| {}).await;
    let none = |_: &Key, claims: Value| format!("{}.", unsigned(&json!({"alg": "none", "kid": "k1"}), &claims));
    refused_for(scene.login(none).await, "'none' is not trusted");
    // Key confusion: the public key, in each form it may be known in, as an HMAC secret.
    let jwk = scene.key.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    for secret in [jwk.to_string().into_bytes(), modulus, b"x".to_vec()] {
        let confused = |_: &Key, claims: Value| {
            let signed = unsigned(&json!({"alg": "HS256", "kid": "k1", "typ": "JWT"}), &claims);
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes())))
        };
        assert!(matches!(scene.login(confused).await, Err(Error::Unauthorized { .. })));
    }
    let stranger = Key::new("k1", "RS256");
    refused_for(scene.login(|_, claims| stranger.token(&claims)).await, "the signature is wrong");

    let scene = Scene::new().await;
    for zero in [vec![0_u8; 64], vec![0; 63], vec![]] {
        let psychic = |key: &Key, claims: Value| {
            format!("{}.{}", unsigned(&key.header(), &claims), URL_SAFE_NO_PAD.encode(&zero))
        };
        refused_for(scene.login(psychic).await, "the signature is wrong");
    }
    refused_for(
        scene.login(|key, claims| key.token_with(&json!({"alg": "ES256", "typ": "at+jwt"}), &claims)).await,
        "access token",
    );
    let own_key = |_: &Key, claims: Value| {
        let header = json!({"alg": "ES256", "kid": "evil", "jwk": stranger.jwk(), "jku": "http://127.0.0.1/jwks"});
        Key::new("evil", "ES256").token_with(&header, &claims)
    };
    refused_for(scene.login(own_key).await, "no such key");
}

#[tokio::test]
async fn userinfo_about_somebody_else_is_refused() {
    let scene = Scene::with("ES256", Some("x"), |wanted| wanted.fetch_userinfo = true).await;
    scene.provider.answer("/userinfo", Canned::json(200, &json!({"sub": "mallory"})));
    refused_for(scene.login_with(|_| {}).await, "somebody else");
    scene.provider.answer("/userinfo", Canned::json(200, &json!({"email": "a@example"})));
    refused_for(scene.login_with(|_| {}).await, "no 'sub'");
    scene.provider.answer("/userinfo", Canned::json(401, &json!({})));
    refused_for(scene.login_with(|_| {}).await, "userinfo endpoint answered 401");
    let signed = |claims: Value| Canned {
        headers: vec![("content-type", "application/jwt".into())],
        ..Canned { status: 200, headers: vec![], body: scene.key.token(&claims) }
    };
    let issuer = &scene.provider.issuer;
    scene.provider.answer("/userinfo", signed(json!({"sub": "alice", "iss": issuer, "aud": "arch stone", "x": 1})));
    assert_eq!(scene.login_with(|_| {}).await.unwrap().claims["x"], 1);
    scene.provider.answer("/userinfo", signed(json!({"sub": "alice", "iss": issuer, "aud": "other"})));
    refused_for(scene.login_with(|_| {}).await, "another audience");
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused_and_must_name_it_where_that_is_advertised() {
    let scene = Scene::new().await;
    let issuer = scene.provider.issuer.clone();
    let finish = async |parameters: &[(&str, &str)]| {
        let (sent, memo) = scene.begun().await;
        scene.give(&scene.key.token(&scene.claims(&sent["nonce"])));
        scene.oidc.finish(&scene.ask(), &memo, &answer(parameters)).await
    };
    assert!(finish(&[("code", "c"), ("iss", &issuer)]).await.is_ok());
    refused_for(finish(&[("code", "c"), ("iss", "https://evil.example")]).await, "another issuer");
    refused_for(finish(&[("error", "access_denied"), ("iss", "https://evil.example")]).await, "another issuer");
    assert_eq!(scene.provider.asked("/token").len(), 1);

    let scene = Scene::new().await;
    scene.provider.describe(|d| d["authorization_response_iss_parameter_supported"] = json!(true));
    let (_, memo) = scene.begun().await;
    refused_for(scene.oidc.finish(&scene.ask(), &memo, &answer(&[("code", "c")])).await, "does not name its issuer");
    // A connection that was changed in mid login is another provider's.
    let other = Scene::new().await;
    refused_for(other.oidc.finish(&other.ask(), &memo, &answer(&[("code", "c")])).await, "has changed");
}

#[tokio::test]
async fn errors_and_nonsense_in_the_answer_are_refused() {
    let scene = Scene::new().await;
    let (_, memo) = scene.begun().await;
    let finish = async |parameters: &[(&str, &str)]| scene.oidc.finish(&scene.ask(), &memo, &answer(parameters)).await;
    let told = finish(&[("error", "access_denied"), ("error_description", "no\r\nway")]).await;
    refused_for(told, r"access_denied (no\r\nway)");
    refused_for(finish(&[]).await, "no code");
    refused_for(finish(&[("code", "a"), ("code", "b")]).await, "'code' twice");
    refused_for(finish(&[("id_token", "a.b.c")]).await, "no code");
    assert!(scene.provider.asked("/token").is_empty());

    let refusal = json!({"error": "invalid_grant", "error_description": "used before"});
    scene.provider.answer("/token", Canned::json(400, &refusal));
    refused_for(finish(&[("code", "c")]).await, "refused the code: invalid_grant (used before)");
    scene.provider.answer("/token", Canned::json(200, &json!({"access_token": "canary", "token_type": "Bearer"})));
    refused_for(finish(&[("code", "c")]).await, "no ID token");
    scene.provider.answer("/token", Canned::json(200, &json!({"access_token": "canary"})));
    let unread = finish(&[("code", "c")]).await.unwrap_err().to_string();
    assert!(!unread.contains("canary"), "{unread}");
    scene.provider.answer("/token", Canned::json(503, &json!({"error": "busy"})));
    assert!(matches!(finish(&[("code", "c")]).await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn no_redirect_is_followed_with_a_credential_and_no_large_answer_is_taken() {
    let scene = Scene::with("ES256", Some("x"), |wanted| wanted.fetch_userinfo = true).await;
    let elsewhere = Provider::new(&[&scene.key]).await;
    let away = |path: &str| Canned::redirect(&format!("{}{path}", elsewhere.issuer));
    elsewhere.answer("/userinfo", Canned::json(200, &json!({"sub": "alice"})));
    scene.provider.answer("/userinfo", away("/userinfo"));
    assert!(matches!(scene.login_with(|_| {}).await, Err(Error::Unavailable { .. })));
    scene.provider.answer("/userinfo", Canned::json(200, &json!({"sub": "alice", "x": "y".repeat(70_000)})));
    assert!(matches!(scene.login_with(|_| {}).await, Err(Error::Unavailable { .. })));
    let (_, memo) = scene.begun().await;
    scene.provider.answer("/token", away("/token"));
    assert!(scene.oidc.finish(&scene.ask(), &memo, &answer(&[("code", "c")])).await.is_err());

    let scene = Scene::new().await;
    scene.provider.answer("/jwks", away("/jwks"));
    assert!(matches!(scene.login_with(|_| {}).await, Err(Error::Unavailable { .. })));
    for path in ["/token", "/userinfo", "/jwks"] {
        assert!(elsewhere.asked(path).is_empty(), "{path}");
    }
}

#[tokio::test]
async fn ssrf_17_a_configuration_that_names_a_private_host_is_refused() {
    for endpoint in
        ["jwks_uri", "token_endpoint", "userinfo_endpoint", "introspection_endpoint", "authorization_endpoint"]
    {
        for url in
            ["http://10.0.0.1/x", "http://169.254.169.254/x", "http://[::1]/x", "file:///etc/passwd", "gopher://h/x"]
        {
            let scene = Scene::new().await;
            scene.provider.describe(|d| d[endpoint] = json!(url));
            let refused = scene.oidc.begin(&scene.ask()).await.unwrap_err();
            assert!(refused.to_string().contains("may not be asked"), "{endpoint} {url}: {refused}");
        }
    }
    // A name is checked where it is used.
    let scene = Scene::new().await;
    scene.provider.describe(|d| d["jwks_uri"] = json!("http://localhost.example.invalid/x"));
    assert!(matches!(scene.login_with(|_| {}).await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn the_configuration_must_be_that_of_the_issuer() {
    for issuer in ["https://evil.example", "", "HTTP://127.0.0.1"] {
        let scene = Scene::new().await;
        scene.provider.describe(|d| d["issuer"] = json!(issuer));
        let refused = scene.oidc.begin(&scene.ask()).await.unwrap_err();
        assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
    }
    // Without an issuer in the connection the usual form of the URL tells it, with or without a slash at its end.
    for slash in ["", "/"] {
        let scene = Scene::new().await;
        let issuer = format!("{}{slash}", scene.provider.issuer);
        scene.provider.describe(|d| d["issuer"] = json!(issuer));
        let discovery_url = Some(format!("{}/.well-known/openid-configuration", scene.provider.issuer));
        let wanted = Wanted { issuer: None, discovery_url, ..settings(&scene.ready).unwrap().clone() };
        let scene = Scene { ready: ready(wanted, Some("x")), ..scene };
        assert_eq!(scene.login_with(|claims| claims["iss"] = json!(issuer)).await.unwrap().issuer, issuer);
        assert!(scene.login_with(|claims| claims["iss"] = json!("x")).await.is_err());
    }
}

#[tokio::test]
async fn an_id_token_that_comes_with_the_browser_needs_no_word_with_the_provider() {
    let key = Key::new("k1", "RS256");
    let wanted = |mode| Wanted {
        issuer: Some("https://op.example".into()),
        client_id: "arch stone".into(),
        jwks: Some(json!({"keys": [key.jwk()]}).to_string()),
        authorization_endpoint: Some("https://op.example/authorize".into()),
        response_type: ResponseType::IdToken,
        response_mode: mode,
        scopes: vec!["openid".into()],
        ..Wanted::default()
    };
    let (oidc, random) = (Oidc::new(egress()), Random::seeded(1));
    let ready_one = ready(wanted(ResponseMode::FormPost), None);
    let ask = Ask::new(&ready_one, Timestamp::from_secs(NOW), &random).with_browser(CALLBACK, "s");
    let begun = oidc.begin(&ask).await.unwrap();
    let Begin::Redirect { url } = begun.begin else { panic!() };
    let sent: HashMap<String, String> = Url::parse(&url).unwrap().query_pairs().into_owned().collect();
    assert_eq!(
        (&*sent["response_type"], &*sent["response_mode"], &*sent["scope"]),
        ("id_token", "form_post", "openid")
    );
    assert!(!sent.contains_key("code_challenge"));
    let claims = |nonce: &str| json!({"iss": "https://op.example", "aud": "arch stone", "sub": "bob", "nonce": nonce, "iat": NOW, "exp": NOW + 60});
    let form = |token: String| Answer::Form(vec![("id_token".into(), token)]);
    let got = oidc.finish(&ask, &begun.memo, &form(key.token(&claims(&sent["nonce"])))).await.unwrap();
    assert_eq!(got.subject, "bob");
    refused_for(oidc.finish(&ask, &begun.memo, &form(key.token(&claims("x")))).await, "another login's");
    refused_for(oidc.finish(&ask, &begun.memo, &Answer::Form(vec![])).await, "no ID token");

    let program = Wanted { access_mode: AccessMode::Program, ..wanted(ResponseMode::FormPost) };
    let ready = ready(program, None);
    let ask = Ask::new(&ready, Timestamp::from_secs(NOW), &random).with_browser(CALLBACK, "s");
    assert!(matches!(oidc.begin(&ask).await, Err(Error::Unauthorized { .. })));
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_unavailable() {
    let scene = Scene::new().await;
    scene.provider.answer("/.well-known/openid-configuration", Canned::json(500, &json!({})));
    assert!(matches!(scene.oidc.begin(&scene.ask()).await, Err(Error::Unavailable { .. })));
    scene.provider.describe(|_| {});
    // It is not asked again so soon, but then it is.
    assert!(matches!(scene.oidc.begin(&scene.ask()).await, Err(Error::Unavailable { .. })));
    let later = Scene { now: Timestamp::from_secs(NOW + 30), ..scene };
    assert!(later.oidc.begin(&later.ask()).await.is_ok());
    assert_eq!(later.provider.asked("/.well-known/openid-configuration").len(), 2);
}
