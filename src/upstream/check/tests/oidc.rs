//! OpenID providers.

use serde_json::{Value, json};

use super::super::oidc::Found;
use super::*;
use crate::model::connection::oidc::{AccessMode, Algorithm, AuthMethod, Oidc, ResponseMode, ResponseType};
use crate::testing::provider::{Canned, Key};

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

struct Scene {
    provider: Provider,
    checks: Checks,
    oidc: Oidc,
    secret: Option<Secret>,
}

impl Scene {
    async fn new() -> Self {
        let provider = Provider::new(&[&Key::new("k1", "ES256")]).await;
        let oidc = Oidc {
            discovery_url: Some(format!("{}{WELL_KNOWN}", provider.issuer)),
            client_id: "arch stone".into(),
            ..Oidc::default()
        };
        Self { provider, checks: checks(), oidc, secret: Some(Secret::from("canary s:cret")) }
    }

    async fn described(change: impl FnOnce(&mut Value)) -> Self {
        let scene = Self::new().await;
        scene.provider.describe(change);
        scene
    }

    async fn run(&self) -> std::result::Result<Report, Failure> {
        let settings = Settings::Oidc(Box::new(self.oidc.clone()));
        let outcome = self.checks.run(&settings, self.secret.as_ref(), NOW).await;
        assert!(!format!("{outcome:?}").contains("canary"), "{outcome:?}");
        outcome
    }

    /// The text of a check that fails, with the provider's URL cut out.
    async fn told(&self) -> String {
        self.run().await.unwrap_err().message.replace(&self.provider.issuer, "IDP")
    }

    async fn warnings(&self) -> Vec<String> {
        self.run().await.unwrap().warnings
    }
}

#[tokio::test]
async fn a_provider_that_offers_what_is_used_passes() {
    let scene = Scene::new().await;
    let report = scene.run().await.unwrap();
    let url = |path: &str| Some(format!("{}{path}", scene.provider.issuer));
    let expected = Report {
        issuer: url(""),
        authorization_endpoint: url("/authorize"),
        token_endpoint: url("/token"),
        warnings: vec![],
        certificate_expires_at: None,
    };
    assert_eq!(report, expected);
    assert_eq!((scene.provider.asked("/token").len(), scene.provider.asked("/jwks").len()), (0, 1));
}

#[tokio::test]
async fn an_issuer_may_differ_in_how_it_is_written_only_if_a_login_takes_that() {
    let mut scene = Scene::described(|d| d["issuer"] = json!(format!("{}/", d["issuer"].as_str().unwrap()))).await;
    assert!(scene.run().await.is_ok());
    scene.oidc.issuer = Some(scene.provider.issuer.clone());
    assert_eq!(
        scene.told().await,
        format!(
            "The discovery document IDP{WELL_KNOWN} is that of the issuer 'IDP/', not of 'IDP'. Write the issuer in the \
             very same way."
        )
    );
    let mut scene = Scene::described(|d| d["issuer"] = json!("https://other.example")).await;
    let other =
        format!("The discovery document IDP{WELL_KNOWN} is that of the issuer 'https://other.example', not of 'IDP'.");
    assert_eq!(scene.told().await, other);
    let failure = scene.run().await.unwrap_err();
    assert_eq!(failure.report.issuer.as_deref(), Some("https://other.example"));
    assert_eq!(failure.report.token_endpoint, Some(format!("{}/token", scene.provider.issuer)));
    scene.oidc.issuer = Some(scene.provider.issuer.clone());
    assert_eq!(scene.told().await, other);
}

#[tokio::test]
async fn a_discovery_document_that_cannot_be_had_is_told_by_its_cause() {
    let mut scene = Scene::new().await;
    let what = format!("The discovery document IDP{WELL_KNOWN}");
    for (canned, why) in [
        (Canned::text(404, "canary"), " is not there: the server answered 404 (Not Found). Check the URL."),
        (Canned::text(500, "canary"), " is not there: the server answered 500 (Internal Server Error). Check the URL."),
        (Canned::text(200, "<html>canary</html>"), " is no JSON. Check the URL."),
        (Canned::text(200, "[\"canary\"]"), " is no JSON object."),
        (Canned::text(200, "{\"issuer\":1}"), " does not name its 'issuer'."),
        (Canned::text(200, &"canary".repeat(20_000)), " gave an answer that is too large."),
        (Canned::redirect(WELL_KNOWN), " redirects too often. Use the URL that it leads to."),
        (
            Canned::redirect("http://10.0.0.1/"),
            " redirects to a place that may not be asked. Use the URL that it leads to.",
        ),
    ] {
        scene.provider.answer(WELL_KNOWN, canned);
        assert_eq!(scene.told().await, format!("{what}{why}"));
    }
    let there = format!("http://127.0.0.1:{}", closed().await);
    for (base, why) in [
        (there.as_str(), "cannot be reached: the connection was refused. Check the port and that the server runs."),
        ("http://unknown.example", "cannot be reached: the host name does not resolve. Check the name and the DNS."),
    ] {
        scene.oidc.discovery_url = Some(format!("{base}{WELL_KNOWN}?secret=canary"));
        scene.oidc.issuer = Some(base.to_owned());
        assert_eq!(scene.told().await, format!("The discovery document {base}{WELL_KNOWN} {why}"));
    }
}

#[tokio::test]
async fn what_does_not_answer_is_told_when_the_time_is_over() {
    let mut scene = Scene::new().await;
    scene.checks = checks_within(Duration::from_millis(300));
    scene.provider.answer("/jwks", Canned::text(0, ""));
    let failure = scene.run().await.unwrap_err();
    let told = "The provider's key set IDP/jwks did not answer in time. Check network and firewall.";
    assert_eq!(failure.message.replace(&scene.provider.issuer, "IDP"), told);
    assert_eq!(failure.report.issuer.as_ref(), Some(&scene.provider.issuer));
}

#[tokio::test]
async fn ssrf_1_to_18_an_internal_provider_gives_one_text_whatever_is_there() {
    let mut scene = Scene::new().await;
    let open = port(&scene.provider);
    for port in [open, closed().await] {
        for host in ["127.0.0.2", "10.0.0.1", "169.254.169.254", "internal.example", "[::1]"] {
            let base = format!("http://{host}:{port}");
            scene.oidc.discovery_url = Some(format!("{base}{WELL_KNOWN}"));
            assert_eq!(scene.told().await, format!("The discovery document {base}{WELL_KNOWN} {CLOSED}"));
            let probed = scene.checks.probe(&base).await.unwrap_err();
            assert_eq!(probed, Error::invalid_field("issuer", "The URL's host is not allowed."), "{base}");
        }
    }
}

#[tokio::test]
async fn ssrf_17_endpoints_that_lead_inside_are_refused() {
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "introspection_endpoint", "jwks_uri"]
    {
        let scene = Scene::described(|d| d[name] = json!("http://10.0.0.1/x")).await;
        assert_eq!(scene.told().await, format!("The provider's '{name}' {CLOSED}"));
        let scene = Scene::described(|d| d[name] = json!(["x"])).await;
        assert_eq!(
            scene.told().await,
            format!("The discovery document IDP{WELL_KNOWN} has a '{name}' that is no text.")
        );
    }
    let scene = Scene::described(|d| d["jwks_uri"] = json!("http://internal.example/x")).await;
    assert_eq!(scene.told().await, format!("The provider's key set http://internal.example/x {CLOSED}"));
}

#[tokio::test]
async fn what_a_login_needs_and_the_provider_lacks_fails() {
    let who = "The provider's discovery document";
    let without = |name: &'static str| move |d: &mut Value| drop(d.as_object_mut().unwrap().remove(name));
    for (change, why) in [
        (
            Box::new(without("authorization_endpoint")) as Box<dyn FnOnce(&mut Value)>,
            format!("{who} names no 'authorization_endpoint'."),
        ),
        (Box::new(without("token_endpoint")), format!("{who} names no 'token_endpoint'.")),
        (Box::new(without("jwks_uri")), format!("{who} names no 'jwks_uri', so no token could be verified.")),
        (
            Box::new(|d| d["response_types_supported"] = json!(["id_token", "token id_token"])),
            "The provider offers the response types 'id_token', 'token id_token', not 'code'.".to_owned(),
        ),
        (
            Box::new(|d| d["id_token_signing_alg_values_supported"] = json!(["HS256", "none"])),
            "The provider signs with 'HS256', 'none', and the configuration trusts only 'RS256', 'PS256', 'ES256', \
             'ES384', 'EdDSA'. Use one algorithm on both sides."
                .to_owned(),
        ),
    ] {
        assert_eq!(Scene::described(change).await.told().await, why);
    }
}

#[tokio::test]
async fn what_a_login_can_do_without_is_a_warning() {
    let mut scene = Scene::described(|d| {
        d["code_challenge_methods_supported"] = json!(["plain"]);
        d["scopes_supported"] = json!(["openid", "profile"]);
        d["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        d["response_modes_supported"] = json!(["form_post"]);
        d.as_object_mut().unwrap().remove("response_types_supported");
    })
    .await;
    let common = [
        "The provider's discovery document does not say which response types are offered.",
        "The provider does not announce the response mode 'query'.",
        "The provider does not announce the scopes 'email'.",
        "The provider does not announce PKCE with 'S256', which every log-in uses.",
    ];
    let warnings = scene.warnings().await;
    assert_eq!(warnings[..4], common);
    assert_eq!(warnings[4..], ["The provider does not announce 'client_secret_basic' at its token endpoint."]);
    scene.secret = None;
    assert_eq!(scene.warnings().await[4..], ["The provider announces no clients without a secret, and none is set."]);
    scene.oidc.access_mode = AccessMode::Program;
    assert_eq!(scene.warnings().await, Vec::<String>::new());
}

#[tokio::test]
async fn keys_must_fit_the_algorithms_that_are_trusted() {
    let mut scene = Scene::new().await;
    let none = "has no signing key for any algorithm that the configuration trusts ('RS256', 'ES384').";
    scene.oidc.algorithms = vec![Algorithm::Rs256, Algorithm::Es384];
    assert_eq!(scene.told().await, format!("The provider's key set IDP/jwks {none}"));
    scene.provider.publish(&[&Key::new("k2", "ES384")]);
    assert!(scene.run().await.is_ok());
    for (canned, why) in [
        (Canned::text(200, "canary"), "cannot be used: the key set is not JSON."),
        (Canned::text(200, "{}"), "cannot be used: the key set has no list 'keys'."),
        (Canned::text(404, ""), "is not there: the server answered 404 (Not Found). Check the URL."),
        (Canned::redirect("/other"), "is not there: the server answered 302 (Found). Check the URL."),
    ] {
        scene.provider.answer("/jwks", canned);
        assert_eq!(scene.told().await, format!("The provider's key set IDP/jwks {why}"));
    }
    // Pinned keys are the only ones.
    let pinned = |alg| Some(json!({"keys": [Key::new("p", alg).jwk()]}).to_string());
    scene.oidc.jwks = pinned("ES384");
    assert!(scene.run().await.is_ok());
    scene.oidc.jwks = pinned("ES256");
    assert_eq!(scene.told().await, format!("The pinned key set {none}"));
}

#[tokio::test]
async fn what_the_connection_says_itself_is_not_asked_for() {
    let mut scene = Scene::new().await;
    let url = |path: &str| Some(format!("{}{path}", scene.provider.issuer));
    scene.oidc = Oidc {
        issuer: Some("https://issuer.example".into()),
        discovery_url: None,
        authorization_endpoint: Some("https://issuer.example/a".into()),
        token_endpoint: Some("https://issuer.example/t".into()),
        userinfo_endpoint: Some("https://issuer.example/u".into()),
        jwks_uri: url("/jwks"),
        ..scene.oidc
    };
    let report = scene.run().await.unwrap();
    assert_eq!(report.issuer.as_deref(), Some("https://issuer.example"));
    assert_eq!(report.authorization_endpoint.as_deref(), Some("https://issuer.example/a"));
    assert!(scene.provider.asked(WELL_KNOWN).is_empty());
    // Its own endpoints also win over those of the provider's configuration.
    scene.oidc.issuer = Some(scene.provider.issuer.clone());
    scene.oidc.userinfo_endpoint = None;
    let report = scene.run().await.unwrap();
    assert_eq!(report.token_endpoint.as_deref(), Some("https://issuer.example/t"));
    assert_eq!(scene.provider.asked(WELL_KNOWN).len(), 1);
}

#[tokio::test]
async fn a_log_in_by_id_token_needs_no_token_endpoint() {
    let mut scene = Scene::described(|d| {
        d["response_types_supported"] = json!(["id_token"]);
        d.as_object_mut().unwrap().remove("token_endpoint");
    })
    .await;
    scene.oidc.response_type = ResponseType::IdToken;
    scene.oidc.response_mode = ResponseMode::FormPost;
    assert!(scene.run().await.is_ok());
}

#[tokio::test]
async fn client_and_secret_are_tried_where_the_provider_has_a_grant_for_it() {
    let mut scene = Scene::described(|d| d["grant_types_supported"] = json!(["client_credentials"])).await;
    let error = |status, code: &str| Canned::json(status, &json!({"error": code, "error_description": "canary"}));
    let refused = |how: &str| {
        Some(format!("The provider does not accept client id and client secret, sent as '{how}'. Check all three."))
    };
    let broken =
        |status: &str| Some(format!("The provider's token endpoint IDP/token does not work: it answered {status}."));
    for (canned, told) in [
        (Canned::json(200, &json!({"access_token": "canary", "token_type": "Bearer"})), None),
        (error(400, "unauthorized_client"), None),
        (error(400, "invalid_scope"), None),
        (error(400, "unsupported_grant_type"), None),
        (error(401, "invalid_client"), refused("client_secret_basic")),
        (error(400, "invalid_client"), refused("client_secret_basic")),
        (Canned::text(401, "canary"), refused("client_secret_basic")),
        (Canned::text(404, "canary"), broken("404 (Not Found)")),
        (Canned::text(503, "canary"), broken("503 (Service Unavailable)")),
    ] {
        scene.provider.answer("/token", canned.clone());
        let outcome = scene.run().await.map_err(|f| f.message.replace(&scene.provider.issuer, "IDP"));
        assert_eq!(outcome.err(), told, "{canned:?}");
    }
    let asked = scene.provider.asked("/token").remove(0);
    // base64 of 'arch+stone:canary+s%3Acret'.
    assert_eq!(asked.authorization, "Basic YXJjaCtzdG9uZTpjYW5hcnkrcyUzQWNyZXQ=");
    assert_eq!(asked.form.len(), 1);
    assert_eq!(asked.form["grant_type"], "client_credentials");
    scene.provider.answer("/token", Canned::text(302, ""));
    assert_eq!(
        scene.warnings().await,
        [format!(
            "The provider's token endpoint {}/token answered 302 (Found), so the client secret is not proven.",
            scene.provider.issuer
        )]
    );
    scene.oidc.token_endpoint_auth_method = AuthMethod::Post;
    scene.provider.answer("/token", error(401, "invalid_client"));
    assert_eq!(scene.run().await.unwrap_err().message, refused("client_secret_post").unwrap());
    let form = scene.provider.asked("/token").pop().unwrap().form;
    assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("arch stone", "canary s:cret"));
    scene.secret = None;
    let before = scene.provider.asked("/token").len();
    assert!(scene.run().await.is_ok());
    assert_eq!(scene.provider.asked("/token").len(), before);
}

#[tokio::test]
async fn a_probe_reads_what_a_provider_says_of_itself() {
    let scene = Scene::described(|d| {
        d["end_session_endpoint"] = json!("https://idp.example/bye");
        d["scopes_supported"] = json!(["openid", "email"]);
    })
    .await;
    let issuer = scene.provider.issuer.clone();
    let url = |path: &str| Some(format!("{issuer}{path}"));
    let expected = Found {
        issuer: url(""),
        authorization_endpoint: url("/authorize"),
        token_endpoint: url("/token"),
        userinfo_endpoint: url("/userinfo"),
        end_session_endpoint: Some("https://idp.example/bye".into()),
        jwks_uri: url("/jwks"),
        scopes_supported: Some(vec!["openid".into(), "email".into()]),
        response_types_supported: Some(vec!["code".into()]),
    };
    for given in [issuer.clone(), format!("{issuer}/"), format!("{issuer}{WELL_KNOWN}")] {
        assert_eq!(scene.checks.probe(&given).await.unwrap(), expected, "{given}");
    }
}

#[tokio::test]
async fn a_probe_that_fails_says_why_by_its_status() {
    let mut scene = Scene::new().await;
    let issuer = scene.provider.issuer.clone();
    for (given, field) in [
        ("not a url", "The URL has characters that no URL has."),
        ("ftp://idp.example", "The URL's scheme must be https or http."),
        ("", "The URL cannot be read."),
    ] {
        assert_eq!(scene.checks.probe(given).await.unwrap_err(), Error::invalid_field("issuer", field), "{given}");
    }
    let what = format!("The discovery document {issuer}{WELL_KNOWN}");
    for (canned, why) in [
        (Canned::text(404, "canary"), "is not there: the server answered 404 (Not Found). Check the URL."),
        (Canned::text(200, "canary"), "is no JSON. Check the URL."),
        (Canned::text(200, "{}"), "does not name its 'issuer'."),
    ] {
        scene.provider.answer(WELL_KNOWN, canned);
        assert_eq!(scene.checks.probe(&issuer).await.unwrap_err(), Error::bad_upstream(format!("{what} {why}")));
    }
    scene.provider.describe(|d| d["issuer"] = json!("https://other.example"));
    let told = format!("{what} is that of the issuer 'https://other.example', not of '{issuer}'.");
    assert_eq!(scene.checks.probe(&issuer).await.unwrap_err(), Error::bad_upstream(told));
    let there = format!("http://127.0.0.1:{}", closed().await);
    let refused = scene.checks.probe(&there).await.unwrap_err();
    assert_eq!(refused.status(), 502);
    scene.provider.answer(WELL_KNOWN, Canned::text(0, ""));
    scene.checks = checks_within(Duration::from_millis(200));
    let late = Error::upstream_timeout("The provider did not answer in time.");
    assert_eq!(scene.checks.probe(&issuer).await.unwrap_err(), late);
}

#[test]
fn what_is_about_to_be_stored_is_checked_by_its_field() {
    let checks = checks();
    let refused = |oidc: Oidc| checks.admit(&mut Settings::Oidc(Box::new(oidc))).unwrap_err();
    let inside = || Some("http://10.0.0.1/x".to_owned());
    let closed = "The URL's host is not allowed.";
    let field = |name: &str| Error::invalid_field(format!("oidcConfig.{name}"), closed);
    assert_eq!(refused(Oidc { discovery_url: inside(), ..Oidc::default() }), field("wellKnownUrl"));
    assert_eq!(refused(Oidc { jwks_uri: inside(), ..Oidc::default() }), field("jwksUri"));
    assert_eq!(refused(Oidc { token_endpoint: inside(), ..Oidc::default() }), field("tokenEndpoint"));
    let fine = Oidc { discovery_url: Some(format!("https://new.example{WELL_KNOWN}")), ..Oidc::default() };
    assert!(checks.admit(&mut Settings::Oidc(Box::new(fine))).is_ok());
}
