//! The roof: builds everything from the configuration, mounts the faces, serves and stops.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use tokio::net::{TcpListener, TcpSocket};

use crate::cache::{Memory, Tokens};
use crate::clock::{Clock, Random, SystemClock};
use crate::config::{Config, DatabaseLocation, TokenFormat};
use crate::egress::{self, Egress};
use crate::error::{Error, Result};
use crate::http::dialect::{self, Dialects};
use crate::http::front;
use crate::http::route::{Route, Table};
use crate::http::serve::{self, Limits};
use crate::keys::password::{Cost, Hasher};
use crate::keys::{Format, Settings, TokenKeys};
use crate::metrics::Metrics;
use crate::policy::{Enforcer, Remote, RemoteAsk, RemoteFormat};
use crate::secret::Sealer;
use crate::service::connection::Connections;
use crate::service::federated_login::Mappings;
use crate::service::federated_login::route::Routes;
use crate::service::jobs::{self, Jobs};
use crate::service::lockout::Lockouts;
use crate::service::pace::Paces;
use crate::service::sso_config::Total;
use crate::service::watch::Feed;
use crate::service::{App, Parts, oauth, protocol, saml_key, secrets, tenant, watch};
use crate::store::{self, Store};
use crate::upstream::check::Checks;
use crate::upstream::oidc::Oidc;
use crate::upstream::saml::Saml;

/// How failures are worded under each prefix of a path; the first that fits counts.
pub(crate) const DIALECTS: Dialects = Dialects(&[
    ("/v3.0/", dialect::huawei),
    ("/api/v1/auth/", dialect::tenant),
    ("/api/v1/admin/", dialect::tenant),
    // Of tenants by their id there is SCIM only.
    ("/api/v1/tenants/", dialect::scim),
    ("/auth/", dialect::tenant),
    ("/api/v1", dialect::sso),
    ("", dialect::keystone),
]);

/// All routes of all faces.
pub fn routes() -> Vec<Route> {
    [crate::keystone::routes(), crate::sso::routes(), crate::tenant::routes(), crate::openapi::routes()].concat()
}

/// How to reach the configured database.
pub fn store_options(config: &Config) -> store::Options {
    let url = match config.database() {
        DatabaseLocation::Sqlite(path) => format!("sqlite://{}", path.display()),
        DatabaseLocation::Postgres(url) => url.expose().to_owned(),
    };
    store::Options {
        url,
        max_connections: config.database.max_connections,
        acquire_timeout: Duration::from_secs(config.database.acquire_timeout_secs),
        statement_timeout: Duration::from_secs(config.database.statement_timeout_secs),
    }
}

/// Where token keys are and what they make. A key pair for JWS is optional while Fernet tokens are issued, and the other
/// way round.
pub fn key_settings(config: &Config) -> Settings {
    let token = &config.token;
    let (private, public) = (config.resolve(&token.jws_private_dir), config.resolve(&token.jws_public_dir));
    let fernet = config.resolve(&token.fernet_keys_dir);
    let issue = match token.format {
        TokenFormat::Fernet => Format::Fernet,
        TokenFormat::Jws => Format::Jws,
    };
    Settings {
        methods: token.methods.clone(),
        default_domain_id: config.identity.default_domain_id.clone(),
        issue,
        fernet: (issue == Format::Fernet || fernet.is_dir()).then_some(fernet),
        jws: (issue == Format::Jws || public.is_dir()).then_some((private, public)),
    }
}

/// The master key, from the environment or its file.
pub fn sealer(config: &Config) -> Result<Sealer> {
    let key = &config.secrets.key;
    if !key.is_empty() {
        return Sealer::from_text(key.expose()).map_err(|e| Error::invalid_field("secrets.key", e.to_string()));
    }
    Sealer::from_file(&config.resolve(&config.secrets.key_file))
        .map_err(|e| Error::invalid_field("secrets.key_file", format!("{e} (`archstone keys setup` makes one)")))
}

/// Hashing at the configured cost.
pub fn hasher(config: &Config, random: Arc<Random>) -> Result<Hasher> {
    let p = &config.password;
    let cost = Cost { memory_kib: p.argon2_memory_kib, iterations: p.argon2_iterations, lanes: p.argon2_lanes };
    Hasher::new(cost, p.hash_queue, p.hash_workers, random).map_err(|e| Error::invalid_field("password", e.to_string()))
}

/// Remote policy checks through the guarded client.
fn remote_checks(egress: Arc<Egress>, patience: Duration) -> Remote {
    Remote::new(RemoteFormat::Form, move |ask: RemoteAsk| {
        let egress = egress.clone();
        Box::pin(async move {
            let mut headers = ::http::HeaderMap::new();
            headers.insert(::http::header::CONTENT_TYPE, ::http::HeaderValue::from_static(ask.content_type()));
            let asked = egress.post(egress::Kind::Policy, &ask.url, headers, ask.body());
            let answer = tokio::time::timeout(patience, asked)
                .await
                .map_err(|_| Error::unavailable(format!("the policy check at {} did not answer in time", ask.url)))??;
            Ok(answer.status.is_success() && RemoteAsk::allows(&answer.body))
        })
    })
}

/// Builds everything. The database is opened and, on SQLite, migrated; on PostgreSQL a missing migration is an error, as
/// it is for the operator to say when (`archstone db migrate`).
pub async fn build(config: Config, clock: Arc<dyn Clock>, random: Arc<Random>) -> Result<Arc<App>> {
    let sealer = sealer(&config)?;
    let keys = TokenKeys::load(key_settings(&config))
        .map_err(|e| Error::invalid_field("token", format!("{e} (`archstone keys setup` makes the token keys)")))?;
    let egress = Arc::new(Egress::new(&config.egress)?);
    let remote = remote_checks(egress.clone(), Duration::from_secs(config.policy.remote_timeout_secs));
    let (policy, _) = Enforcer::load(config.policy_file().as_deref(), &config.policy_dirs(), remote)?;
    let store = Store::open(&store_options(&config)).await?;
    store.ready().await?;
    secrets::check_master_key(&store, &sealer, &random, clock.now()).await?;
    let token = &config.token;
    let app = App::new(Parts {
        public_url: config.public_url(),
        trusted_proxies: config.trusted_proxies(),
        memory: Memory::default(),
        tokens: Tokens::new(token.cache_entries, Duration::from_secs(token.cache_ttl_secs)),
        policy,
        keys,
        hasher: hasher(&config, random.clone())?,
        password_pattern: config.password_pattern(),
        mappings: Mappings::default(),
        routes: Routes::default(),
        lockouts: Lockouts::default(),
        sealer,
        oidc: Oidc::new(egress.clone()),
        saml: Saml::new(egress.clone()),
        saml_keys: saml_key::SamlKeys::default(),
        checks: Checks::new(egress.clone()),
        egress,
        connections: Connections::default(),
        open_protocols: protocol::Open::default(),
        tenants: tenant::Known::default(),
        paces: Paces::default(),
        oauth: oauth::Known::new(token.cache_entries, Duration::from_secs(token.cache_ttl_secs)),
        sso_total: Total::default(),
        jobs: Jobs::default(),
        feed: Feed::default(),
        clock,
        random,
        metrics: Metrics::default(),
        store,
        config,
    });
    watch::catch_up(&app).await?;
    app.memory.set_current(true);
    Ok(Arc::new(app))
}

/// The service that answers requests.
pub fn service(
    app: Arc<App>,
) -> Result<
    impl hyper::service::Service<
        ::http::Request<hyper::body::Incoming>,
        Response = warp::reply::Response,
        Error = std::convert::Infallible,
        Future = impl Future<Output = std::result::Result<warp::reply::Response, std::convert::Infallible>> + Send,
    > + Clone
    + Send
    + Sync
    + 'static,
> {
    let table = Table::build(&routes(), &app.metrics)?;
    Ok(front::service(app, table, DIALECTS))
}

/// Connections that may wait to be accepted; the kernel's own limit may be lower. With a short queue a burst of clients waits
/// a second for its second try.
const BACKLOG: u32 = 4_096;

fn bind(key: &str, address: &str) -> Result<TcpListener> {
    let failed = |e: String| Error::invalid_field(key, format!("cannot listen on {address}: {e}"));
    let parsed: SocketAddr = address.parse().map_err(|_| failed("not an address with a port".to_owned()))?;
    let listen = || {
        let socket = if parsed.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(parsed)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|e: std::io::Error| failed(e.to_string()))
}

/// Time that running background jobs get to end, or to be given back, when the service stops.
const JOBS_END: Duration = Duration::from_secs(4);

/// Serves until the process is asked to stop, then lets running requests end.
pub async fn run(config: Config) -> Result<()> {
    let random = Arc::new(Random::system());
    let listener = bind("server.bind", &config.server.bind)?;
    let metrics_listener = match config.metrics.bind.as_str() {
        "" => None,
        address => Some(bind("metrics.bind", address)?),
    };
    let tls = if config.tls() {
        Some(serve::acceptor(
            Path::new(&config.resolve(&config.server.tls_certificate)),
            Path::new(&config.resolve(&config.server.tls_key)),
        )?)
    } else {
        None
    };
    let limits = Limits::from(&config.server);
    let app = build(config, Arc::new(SystemClock::default()), random).await?;
    // The accept loop counts connections through the global recorder, which is this one.
    app.metrics.install();
    let watching = tokio::spawn(watch::run(app.clone()));
    let working = tokio::spawn(jobs::run(app.clone()));
    if let Some(listener) = metrics_listener {
        tokio::spawn(serve_metrics(listener, app.metrics.clone(), limits.clone()));
    }
    let address = listener.local_addr().map_err(|e| Error::internal(e.to_string()))?;
    tracing::info!(%address, public_url = %app.public_url, "serving");
    let stopped = serve::serve(listener, tls, service(app.clone())?, limits, stop_signal()).await;
    app.feed.stop();
    let _ = tokio::time::timeout(Duration::from_secs(1), watching).await;
    let _ = tokio::time::timeout(JOBS_END, working).await;
    app.store.close().await;
    tracing::info!(cut = stopped.cut, "stopped");
    Ok(())
}

/// Resolves on SIGTERM or Ctrl-C.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "cannot listen for SIGTERM");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// `/metrics` on an address of its own, so that it can be kept from the public.
async fn serve_metrics(listener: TcpListener, metrics: Metrics, limits: Limits) {
    let service = hyper::service::service_fn(move |request: ::http::Request<hyper::body::Incoming>| {
        let text = (request.uri().path() == "/metrics").then(|| metrics.render());
        async move {
            let mut response = ::http::Response::new(Full::<Bytes>::from(text.clone().unwrap_or_default()));
            if text.is_none() {
                *response.status_mut() = ::http::StatusCode::NOT_FOUND;
            }
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    serve::serve(listener, None, service, limits, std::future::pending()).await;
}
