//! Tests of what all platforms share, and the scripted server that stands for one: real sockets, and answers that a closure makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use super::*;
use crate::clock::{FixedClock, Timestamp};
use crate::config;
use crate::egress::Kind;
use crate::http::serve::{Limits, serve};
use crate::model::connection::Settings;
use crate::model::connection::oidc::Oidc;
use crate::model::plan::{Endpoints, remote_id};
use crate::model::platform::{CredentialKind, Options, Status};
use crate::model::sso_config::group_mapping::GroupMapping;

pub const NOW: i64 = 1_800_000_000;
/// A secret that must be seen nowhere but where it is meant to go.
pub const CANARY: &str = "canary-7f3a";

/// A request as the server got it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub text: String,
}

impl Asked {
    /// Method and path.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Said {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Said {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".into())], body: body.to_string() }
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// The server.
pub struct Peer {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Peer {
    /// One that answers what `answer` makes of a request.
    pub async fn new(answer: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (asked.clone(), Arc::new(answer));
        let service = hyper::service::service_fn(move |request: ::http::Request<hyper::body::Incoming>| {
            let (kept, answer) = (kept.clone(), answer.clone());
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let asked = Asked {
                    method: head.method,
                    path: head.uri.path().to_owned(),
                    query: head.uri.query().unwrap_or_default().to_owned(),
                    headers: head.headers,
                    text: String::from_utf8(body.to_vec()).unwrap(),
                };
                let said = answer(&asked);
                kept.lock().unwrap().push(asked);
                if said.status == 0 {
                    std::future::pending::<()>().await;
                }
                let mut response = ::http::Response::builder().status(said.status);
                for (name, value) in said.headers {
                    response = response.header(name, value);
                }
                Ok::<_, std::convert::Infallible>(response.body(Full::<Bytes>::from(said.body)).unwrap())
            }
        });
        let limits = Limits::from(&config::Config::default().server);
        let server = tokio::spawn(async move {
            serve(listener, None, service, limits, std::future::pending()).await;
        });
        Self { url, asked, server }
    }

    /// All that was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Methods and paths of all that was asked since the last look.
    pub fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap()).iter().map(Asked::line).collect()
    }
}

/// A platform as it is stored, its credential, and what is needed to speak to it.
pub struct Scene {
    pub record: Record,
    pub credential: Option<Credential>,
    pub egress: Egress,
    pub clock: Arc<dyn Clock>,
    pub random: Random,
}

pub fn egress() -> Egress {
    Egress::new(&open_to_this_machine()).unwrap()
}

pub fn open_to_this_machine() -> config::Egress {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    config::Egress {
        allow: vec!["127.0.0.1/32".into()],
        schemes: vec!["http".into(), "https".into()],
        ports: vec![],
        max_body_bytes: 65_536,
        total_timeout_secs: 2,
        ..config::Egress::default()
    }
}

impl Scene {
    pub fn new(product: Product, endpoint: &str, credential: Option<(&str, CredentialKind, &str)>) -> Self {
        let record = Record {
            id: "p1".into(),
            name: "there".into(),
            product_type: product.as_str().into(),
            host: "127.0.0.1".into(),
            port: 5000,
            account: None,
            account_name: None,
            credential: None,
            options: Options { endpoint: Some(endpoint.into()), ..Options::default() },
            status: Status::Connected,
            last_error: None,
            checked_at: None,
            version: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let credential = credential.map(|(account, kind, secret)| Credential {
            account: account.into(),
            kind,
            secret: Secret::from(secret),
        });
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::at_secs(NOW));
        Self { record, credential, egress: egress(), clock, random: Random::seeded(7) }
    }

    pub fn options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.record.options);
        self
    }

    pub fn site(&self) -> Site<'_> {
        Site {
            record: &self.record,
            credential: self.credential.as_ref(),
            egress: &self.egress,
            clock: &self.clock,
            random: &self.random,
        }
    }
}

/// A configuration that speaks OpenID Connect.
pub fn plan() -> Plan {
    let issuer = "https://idp.example";
    Plan {
        config_id: "c1".into(),
        platform_id: "p1".into(),
        remote_id: remote_id("c1", "p1"),
        display_name: "Corporate SSO".into(),
        settings: Settings::Oidc(Box::new(Oidc {
            issuer: Some(issuer.into()),
            client_id: "client".into(),
            redirect_uri: Some("https://here.example/callback".into()),
            ..Oidc::default()
        })),
        secret: Some(Secret::from(CANARY)),
        issuer: issuer.into(),
        endpoints: Some(Endpoints {
            issuer: issuer.into(),
            authorization: format!("{issuer}/authorize"),
            token: format!("{issuer}/token"),
            userinfo: Some(format!("{issuer}/userinfo")),
            end_session: Some(format!("{issuer}/logout")),
            jwks: Some(format!("{issuer}/jwks")),
        }),
        metadata: None,
        attributes: [
            ("username", "preferred_username"),
            ("email", "email"),
            ("groups", "groups"),
            ("externalId", "sub"),
        ]
        .map(|(field, claim)| (field.to_owned(), claim.to_owned()))
        .to_vec(),
        group_mappings: vec![
            GroupMapping { idp_group: "admins".into(), role: "admin".into() },
            GroupMapping { idp_group: "readers".into(), role: "reader".into() },
        ],
        takes_groups: false,
        creates_users: true,
    }
}

pub fn attempt() -> Attempt {
    Attempt { id: "0123456789abcdef0123456789abcdef".into(), earlier: None }
}

#[track_caller]
pub fn problem<T: std::fmt::Debug>(outcome: Result<T, Problem>, kind: Trouble, text: &str) {
    let problem = outcome.unwrap_err();
    assert_eq!(problem.kind, kind, "{}", problem.message);
    assert!(problem.message.contains(text), "{}", problem.message);
    assert!(!problem.message.contains(CANARY), "{}", problem.message);
}

#[test]
fn a_problem_is_cut_and_has_no_control_characters() {
    let problem = Problem::new(Trouble::Failed, format!("a\u{1b}[31m\r\n{}", "x".repeat(1_000)));
    assert_eq!(problem.message.chars().count(), MAX_TEXT);
    assert!(problem.message.starts_with("a [31m  x") && problem.may_pass());
    assert!(!Problem::new(Trouble::Refused, "").may_pass() && !Problem::new(Trouble::Credential, "").may_pass());
}

#[test]
fn answers_are_read_to_a_depth() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(exchange::read(nested(32).as_bytes()).is_some());
    assert!(exchange::read(nested(33).as_bytes()).is_none());
    assert!(exchange::read(nested(100_000).as_bytes()).is_none());
    assert!(exchange::read(b"<html>").is_none());
}

#[test]
fn urls_of_answers_are_sound_ones() {
    for url in ["https://a.example/x?y=1", "http://10.0.0.1:8080/zstack/sso/oauth2?clientUuid=1"] {
        assert_eq!(exchange::web_url(url), Some(url));
    }
    for url in
        ["javascript:alert(1)", "https://u@a.example/", "https://a.example/ x", "https://a\r\n.example/", "/x", ""]
    {
        assert_eq!(exchange::web_url(url), None, "{url}");
    }
    assert_eq!(exchange::web_url(&format!("https://a.example/{}", "x".repeat(2_048))), None);
    assert_eq!(exchange::segment("a/b ü?#%.-_~"), "a%2Fb%20%C3%BC%3F%23%25.-_~");
}

#[tokio::test]
async fn ssrf_1_a_platform_at_an_address_that_is_not_allowed_is_not_asked() {
    let scene = Scene::new(Product::Scim, "http://127.0.0.2:9/scim", None);
    problem(Adapter::Scim.check(&scene.site()).await, Trouble::Refused, "The URL's host is not allowed.");
    let scene = Scene::new(Product::Scim, "http://127.0.0.1:9/scim", None);
    problem(Adapter::Scim.check(&scene.site()).await, Trouble::Unreachable, "the connection was refused");
}

#[tokio::test]
async fn scim_7_a_redirect_is_not_followed() {
    let peer = Peer::new(|_| Said::text(302, "").with("location", "http://127.0.0.2:9/")).await;
    let scene = Scene::new(Product::Scim, &peer.url, Some(("", CredentialKind::Key, CANARY)));
    problem(Adapter::Scim.check(&scene.site()).await, Trouble::Refused, "redirects");
    assert_eq!(peer.asked().len(), 1);
}

#[tokio::test]
async fn a_platform_for_users_and_groups_alone_is_pinged_and_pushed_nothing() {
    let peer = Peer::new(|asked| match (asked.path.as_str(), asked.header("authorization")) {
        ("/v2/ServiceProviderConfig", "Bearer canary-7f3a") => Said::json(200, &json!({"patch": {"supported": true}})),
        ("/v2/ServiceProviderConfig", _) => Said::json(401, &json!({"status": "401"})),
        ("/bare/ServiceProviderConfig", _) => Said::json(404, &json!({"status": "404"})),
        ("/page/ServiceProviderConfig", _) => Said::text(200, "<html>"),
        _ => Said::text(404, "nothing here"),
    })
    .await;
    let adapter = Adapter::of(Product::Scim);
    let scene = |path: &str, token: &str| {
        let scene = Scene::new(Product::Scim, "http://unused.example", Some(("", CredentialKind::Key, token)));
        scene.options(|options| options.scim_endpoint = Some(format!("{}{path}", peer.url)))
    };
    adapter.check(&scene("/v2/", CANARY).site()).await.unwrap();
    adapter.check(&scene("/bare", CANARY).site()).await.unwrap();
    problem(adapter.check(&scene("/v2", "wrong").site()).await, Trouble::Credential, "does not know the credential");
    problem(adapter.check(&scene("/page", CANARY).site()).await, Trouble::Failed, "cannot be read");
    problem(adapter.check(&scene("/none", CANARY).site()).await, Trouble::Unsupported, "no such operation");

    let (scene, plan) = (scene("/v2", CANARY), plan());
    peer.lines();
    let pushed = adapter.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!((pushed.client_id, pushed.callback_url), (plan.remote_id.clone(), None));
    let remote = Remote { remote_id: plan.remote_id.clone(), client_id: None, protocol: "oidc".into() };
    adapter.remove(&scene.site(), &remote, &attempt()).await.unwrap();
    assert_eq!(adapter.inspect(&scene.site(), &plan).await.unwrap(), Found::Same);
    assert_eq!(adapter.negotiate(&scene.site(), "u", &Secret::from("p"), "n").await.unwrap(), None);
    problem(adapter.rotate(&scene.site(), "n").await, Trouble::Unsupported, "SCIM");
    assert!(peer.lines().is_empty());
}

#[tokio::test]
async fn what_was_begun_is_ended_also_when_whoever_began_it_is_dropped() {
    let peer = Peer::new(|_| Said::text(204, "")).await;
    let begin = || exchange::Farewell::new(&egress(), format!("{}/session", peer.url), HeaderMap::new());
    begin().say().await;
    assert_eq!(peer.lines(), ["DELETE /session"]);
    drop(begin());
    for _ in 0..200 {
        if !peer.asked().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(peer.lines(), ["DELETE /session"]);
}

#[tokio::test]
async fn a_problem_of_having_no_answer_says_what_was_asked() {
    let peer = Peer::new(|_| Said::text(0, "")).await;
    let request = exchange::Request {
        what: "Making a thing",
        kind: Kind::Push,
        method: Method::GET,
        url: &peer.url,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    };
    problem(
        exchange::send(&egress(), request).await,
        Trouble::Unreachable,
        "Making a thing: the platform did not answer in time",
    );
}

#[tokio::test]
async fn ssrf_14_no_platform_leads_a_push_elsewhere_or_floods_it() {
    for (product, kind) in [
        (Product::Keystone, CredentialKind::Password),
        (Product::ZStack, CredentialKind::Password),
        (Product::ZSphere, CredentialKind::Key),
        (Product::Webhook, CredentialKind::Key),
    ] {
        let away = Peer::new(|_| Said::text(200, "{}")).await;
        let location = format!("{}/elsewhere", away.url);
        let peer = Peer::new(move |_| Said::text(307, CANARY).with("location", &location)).await;
        let scene = Scene::new(product, &peer.url, Some(("admin", kind, "pw")));
        let adapter = Adapter::of(product);
        problem(adapter.push(&scene.site(), &plan(), &attempt()).await, Trouble::Refused, "redirects");
        assert_eq!((peer.asked().len(), away.asked().len()), (1, 0), "{product:?}");

        let flood = Peer::new(|_| Said::text(200, &CANARY.repeat(10_000))).await;
        let scene = Scene::new(product, &flood.url, Some(("admin", kind, "pw")));
        problem(adapter.push(&scene.site(), &plan(), &attempt()).await, Trouble::Failed, "too large");
        let nonsense = Peer::new(|_| Said::text(201, "<html>")).await;
        let scene = Scene::new(product, &nonsense.url, Some(("admin", kind, "pw")));
        if product != Product::Webhook {
            problem(adapter.push(&scene.site(), &plan(), &attempt()).await, Trouble::Failed, "the platform");
        }
        let unknown = Scene::new(product, &nonsense.url, None);
        problem(adapter.push(&unknown.site(), &plan(), &attempt()).await, Trouble::Credential, "has no");
    }
}
