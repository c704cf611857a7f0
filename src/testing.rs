//! Test-only: the whole house in process, on a fresh database of each kind, spoken to over a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod directory;
pub mod provider;
pub mod tenancy;
pub mod tls;

use std::sync::Arc;

use serde_json::Value;

use crate::app;
use crate::clock::{FixedClock, Random};
use crate::config::Config;
use crate::http::serve::{Limits, serve};
use crate::keys::pair::PairRepository;
use crate::keys::repository::Repository;
use crate::model::grant::{Grant, Target};
use crate::model::token::{Payload, Scope, new_audit_id};
use crate::secret::Sealer;
use crate::service::{App, watch};
use crate::store;

/// A running service with a clock that stands still.
pub struct House {
    /// Kind of its database.
    pub database: &'static str,
    /// Its inside.
    pub app: Arc<App>,
    /// Its clock, the same as the app's.
    pub clock: Arc<FixedClock>,
    url: String,
    client: reqwest::Client,
    _dirs: (tempfile::TempDir, Option<tempfile::TempDir>),
}

/// An answer.
#[derive(Debug)]
pub struct Answered {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: ::http::HeaderMap,
    /// JSON body, or null.
    pub body: Value,
}

impl Answered {
    /// The error's text.
    pub fn message(&self) -> &str {
        self.body["error"]["message"].as_str().or(self.body["error_msg"].as_str()).unwrap_or_default()
    }
}

/// One house on each kind of database, with further settings.
pub async fn houses(settings: &[(&str, &str)]) -> Vec<House> {
    let mut all = Vec::new();
    for (database, store, url, keep) in store::tests::fresh().await {
        store.close().await;
        all.push(house(database, &url, keep, settings).await);
    }
    all
}

async fn house(database: &'static str, url: &str, keep: Option<tempfile::TempDir>, settings: &[(&str, &str)]) -> House {
    let dir = tempfile::tempdir().unwrap();
    let random = Arc::new(Random::system());
    let env = [
        ("ARCHSTONE_DATA", dir.path().to_str().unwrap()),
        ("ARCHSTONE_DATABASE__URL", url),
        ("ARCHSTONE_PASSWORD__ARGON2_MEMORY_KIB", "8"),
        ("ARCHSTONE_PASSWORD__ARGON2_ITERATIONS", "1"),
        ("ARCHSTONE_SERVER__PUBLIC_URL", "https://id.example"),
    ];
    let env = env.iter().chain(settings).map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let config = Config::load(None, env).unwrap();
    Repository::new(config.resolve("fernet-keys")).setup(&random).unwrap();
    PairRepository::new(config.resolve("jws-keys/private"), config.resolve("jws-keys/public")).setup().unwrap();
    Sealer::setup(&config.resolve("master.key"), &random).unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let clock = Arc::new(FixedClock::at_secs(1_800_000_000));
    let app = app::build(config, clock.clone(), random).await.unwrap();
    tokio::spawn(watch::run(app.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app::service(app.clone()).unwrap();
    let limits = Limits::from(&app.config.server);
    tokio::spawn(async move { serve(listener, None, service, limits, std::future::pending()).await });
    // Only redirects to the house itself are followed: nothing outside is asked.
    let at_home = reqwest::redirect::Policy::custom(|attempt| match attempt.url().host_str() {
        Some("127.0.0.1") => attempt.follow(),
        _ => attempt.stop(),
    });
    let client = reqwest::Client::builder().no_proxy().redirect(at_home).build().unwrap();
    House { database, app, clock, url: format!("http://{address}"), client, _dirs: (dir, keep) }
}

impl House {
    /// Sends a request.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answered {
        let method = ::http::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        Answered { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// Posts a form.
    pub async fn form(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answered {
        let mut request = self.client.post(format!("{}{path}", self.url)).form(fields);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        Answered { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// A system token of an administrator, who is made along with a domain to live in.
    pub async fn administrator(&self) -> String {
        const DOMAIN: &str = "00000000000040008000000000000009";
        let mut tx = self.app.store.write().await.unwrap();
        store::domain::insert(&mut tx, &store::tests::a_domain(DOMAIN)).await.unwrap();
        store::role::insert(&mut tx, &store::tests::a_role("admin")).await.unwrap();
        store::user::insert(&mut tx, &store::tests::a_user("root", DOMAIN), self.app.now()).await.unwrap();
        let grant = Grant::of_user("root", Target::System, "admin");
        store::grant::insert(&mut tx, &grant).await.unwrap();
        self.app.commit(tx).await.unwrap();
        self.token("root", Scope::System)
    }

    /// A token for a user, made without a login.
    pub fn token(&self, user_id: &str, scope: Scope) -> String {
        let now = self.app.now().whole_seconds();
        let payload = Payload {
            user_id: user_id.to_owned(),
            methods: vec!["password".into()],
            issued_at: now,
            expires_at: now.plus_secs(3_600),
            audit_ids: vec![new_audit_id(&self.app.random)],
            scope,
            federated: None,
            trust_id: None,
            app_cred_id: None,
            access_token_id: None,
            thumbprint: None,
        };
        self.app.keys.issue(&payload, &self.app.random).unwrap()
    }
}
