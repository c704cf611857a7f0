//! The one client for every outgoing request (invariant I10).
//!
//! It keeps the rules of `egress` in the configuration: schemes and ports, no address that is loopback, private,
//! link-local or otherwise not public unless the operator names it, one resolution whose checked address is the one
//! connected to (so a name cannot be rebound in between), a deadline for the whole exchange, a cap on the answer, no
//! proxy from the environment, no cookies. Redirects are followed for documents that are discovered (at most three,
//! same scheme, each hop checked again, without the caller's headers on another host) and never where a credential is
//! sent. Answers are not decompressed, so the cap counts what arrives.
//!
//! Whatever goes wrong, the caller gets one and the same error; the reason is in the log only (security cases
//! SSRF-1…19). Only checks and pushes that an administrator asks for use [`Egress::ask`] and [`Egress::connect`], which
//! tell the [`Trouble`].

mod resolver;
mod rules;
mod trouble;
mod trust;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use crate::config;
use crate::error::{Error, Result};

use resolver::{Guarded, Lookup};
use rules::Rules;

pub use rules::is_public;
use trouble::CLOSED_HOST;
pub use trouble::Trouble;

const MAX_REDIRECTS: usize = 3;

/// What a request is for; decides about redirects and labels log and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An OpenID provider's configuration document.
    Discovery,
    /// SAML metadata.
    Metadata,
    /// A provider's keys.
    Jwks,
    /// A token endpoint.
    Token,
    /// A userinfo endpoint.
    Userinfo,
    /// A token introspection endpoint.
    Introspection,
    /// A SCIM server.
    Scim,
    /// A platform that a configuration is pushed to.
    Push,
    /// A webhook.
    Webhook,
    /// A remote policy check.
    Policy,
    /// An application that is told that somebody has logged out.
    Logout,
    /// A page that only has to be there.
    Presence,
}

impl Kind {
    fn follows_redirects(self) -> bool {
        matches!(self, Self::Discovery | Self::Metadata)
    }

    fn label(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Metadata => "metadata",
            Self::Jwks => "jwks",
            Self::Token => "token",
            Self::Userinfo => "userinfo",
            Self::Introspection => "introspection",
            Self::Scim => "scim",
            Self::Push => "push",
            Self::Webhook => "webhook",
            Self::Policy => "policy",
            Self::Logout => "logout",
            Self::Presence => "presence",
        }
    }
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The whole body, within the cap.
    pub body: Bytes,
}

/// The client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Egress {
    client: Client,
    guarded: Guarded,
    connect: Duration,
    total: Duration,
    max_body: usize,
}

impl Egress {
    /// A client that keeps the rules of `config` and asks the system's resolver.
    ///
    /// # Errors
    /// A rule that cannot be read, or a TLS set-up without trusted roots.
    pub fn new(config: &config::Egress) -> Result<Self> {
        Self::with_lookup(config, resolver::system())
    }

    fn with_lookup(config: &config::Egress, lookup: Lookup) -> Result<Self> {
        Self::with(config, lookup, |client| client)
    }

    /// The same with a client that `adapt` changes.
    fn with(
        config: &config::Egress,
        lookup: Lookup,
        adapt: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self> {
        let guarded = Guarded::new(Rules::new(config)?, lookup);
        let connect = Duration::from_secs(config.connect_timeout_secs);
        Ok(Self {
            client: client(&guarded, connect, adapt)?,
            guarded,
            connect,
            total: Duration::from_secs(config.total_timeout_secs),
            max_body: config.max_body_bytes,
        })
    }

    /// A sibling that keeps the same rules and differs in whom it trusts: instead of the system's authorities those of a
    /// text in PEM alone, or without `verify` whoever answers. Neither changes which addresses may be asked. With
    /// `None` and `verify` its trust is this one's.
    ///
    /// It has connections of its own, so it is made once for a partner, not for each request.
    ///
    /// # Errors
    /// `Invalid` for authorities that cannot be read or used.
    pub fn trusting(&self, ca_pem: Option<&str>, verify: bool) -> Result<Self> {
        let authorities = ca_pem.map(trust::authorities).transpose()?;
        let client = match (authorities, verify) {
            (None, true) => return Ok(self.clone()),
            (Some(authorities), true) => {
                client(&self.guarded, self.connect, |client| client.tls_certs_only(authorities))?
            }
            (_, false) => client(&self.guarded, self.connect, |client| client.tls_danger_accept_invalid_certs(true))?,
        };
        Ok(Self { client, ..self.clone() })
    }

    /// One for tests: it knows those names and no others, and trusts the servers of that authority alone.
    #[cfg(test)]
    pub fn in_test(config: &config::Egress, names: &[(&str, &str)], authority: Option<&[u8]>) -> Self {
        let names: std::collections::HashMap<String, std::net::IpAddr> =
            names.iter().map(|(name, address)| ((*name).to_owned(), address.parse().unwrap())).collect();
        let lookup: Lookup = std::sync::Arc::new(move |name| {
            let found = names.get(&name).copied().into_iter().collect();
            Box::pin(async move { Ok(found) })
        });
        let certificates = authority.map(|der| reqwest::Certificate::from_der(der).unwrap());
        let adapt = |client: ClientBuilder| match certificates {
            Some(certificate) => client.tls_certs_only([certificate]),
            None => client,
        };
        Self::with(config, lookup, adapt).unwrap()
    }

    /// Checks a URL that is about to be stored: form, scheme, port and literal address. What its name resolves to is
    /// checked whenever it is used.
    ///
    /// # Errors
    /// `Invalid` with the rule that is broken.
    pub fn check_url(&self, url: &str) -> Result<Url> {
        self.guarded.rules().check(url).map_err(Error::invalid)
    }

    /// Checks a directory's host and port that are about to be stored, as [`Egress::check_url`] does a URL.
    ///
    /// # Errors
    /// `Invalid` with the rule that is broken.
    pub fn check_host(&self, host: &str, port: u16) -> Result<()> {
        self.guarded.rules().check_host(host, port).map(drop).map_err(Error::invalid)
    }

    /// Connects to a directory: to the first of its addresses that may be connected to and takes the connection.
    ///
    /// # Errors
    /// What went wrong, at the last address.
    pub async fn connect(&self, host: &str, port: u16) -> std::result::Result<TcpStream, Trouble> {
        let outcome = match timeout(self.total, self.open(host, port)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Trouble::Timeout),
        };
        count("directory", outcome.is_ok());
        if let Err(trouble) = &outcome {
            log_failure("directory", Some(host), &trouble.to_string());
        }
        outcome
    }

    async fn open(&self, host: &str, port: u16) -> std::result::Result<TcpStream, Trouble> {
        let checked = self.guarded.rules().check_host(host, port).map_err(Trouble::NotAllowed)?;
        let addresses = match checked {
            Host::Ipv4(address) => vec![address.into()],
            Host::Ipv6(address) => vec![address.into()],
            Host::Domain(name) => self.guarded.addresses(&name).await.map_err(|e| e.trouble(CLOSED_HOST))?,
        };
        let mut trouble = Trouble::Unresolved;
        for address in addresses {
            trouble = match timeout(self.connect, TcpStream::connect((address, port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(e)) => Trouble::of_io(&e),
                Err(_) => Trouble::Timeout,
            };
        }
        Err(trouble)
    }

    /// The addresses of `host` that may be connected to, for protocols that are not HTTP.
    ///
    /// # Errors
    /// The uniform failure when there is none.
    pub async fn addresses(&self, host: &str) -> Result<Vec<std::net::IpAddr>> {
        let resolving = timeout(self.total, self.guarded.addresses(host));
        match resolving.await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(none)) => Err(failure("addresses", host, &none.to_string())),
            Err(_) => Err(failure("addresses", host, "no answer in time")),
        }
    }

    /// `GET`.
    ///
    /// # Errors
    /// The uniform failure.
    pub async fn get(&self, kind: Kind, url: &str, headers: HeaderMap) -> Result<Answer> {
        self.send(kind, Method::GET, url, headers, Bytes::new()).await
    }

    /// `POST`.
    ///
    /// # Errors
    /// The uniform failure.
    pub async fn post(&self, kind: Kind, url: &str, headers: HeaderMap, body: impl Into<Bytes>) -> Result<Answer> {
        self.send(kind, Method::POST, url, headers, body.into()).await
    }

    /// One request; its answer may have any status.
    ///
    /// # Errors
    /// The uniform failure: an URL or address that is not allowed, no connection, no answer in time, or one that is
    /// too large.
    pub async fn send(&self, kind: Kind, method: Method, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answer> {
        self.ask(kind, method, url, headers, body).await.map_err(|_| uniform())
    }

    /// The same for a check that an administrator asked for.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn ask(
        &self,
        kind: Kind,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> std::result::Result<Answer, Trouble> {
        let outcome = match timeout(self.total, self.exchange(kind, method, url, headers, body)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Trouble::Timeout.into()),
        };
        count(kind.label(), outcome.is_ok());
        outcome.map_err(|failed| {
            // Query and user of a URL may be secrets; scheme and host tell enough.
            let host = Url::parse(url).ok().and_then(|url| url.host().map(|host: Host<&str>| host.to_string()));
            log_failure(kind.label(), host.as_deref(), &failed.reason);
            failed.trouble
        })
    }

    async fn exchange(
        &self,
        kind: Kind,
        method: Method,
        url: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> std::result::Result<Answer, Failed> {
        let mut url = self.guarded.rules().check(url).map_err(Trouble::NotAllowed)?;
        let mut hops = 0;
        loop {
            if let Some(exception) = self.guarded.rules().exception(&url) {
                tracing::info!(kind = kind.label(), host = exception, "request to a host that egress.allow names");
            }
            let request = self.client.request(method.clone(), url.clone()).headers(headers.clone()).body(body.clone());
            let response = request.send().await.map_err(|e| match Failed::from(e) {
                failed if hops > 0 && matches!(failed.trouble, Trouble::NotAllowed(_)) => {
                    Failed { trouble: Trouble::Redirects(CLOSED_HOP), ..failed }
                }
                failed => failed,
            })?;
            let next = target(&response).filter(|_| method == Method::GET && kind.follows_redirects());
            let Some(location) = next else { return self.read(response).await };
            hops += 1;
            if hops > MAX_REDIRECTS {
                return Err(Trouble::Redirects("too often").into());
            }
            let joined = url.join(&location).map_err(|_| Trouble::Redirects("to no URL"))?;
            let checked = self.guarded.rules().check(joined.as_str());
            let next = checked.map_err(|reason| Failed { trouble: Trouble::Redirects(CLOSED_HOP), reason })?;
            if next.scheme() != url.scheme() {
                return Err(Trouble::Redirects("to another scheme").into());
            }
            if next.host() != url.host() || next.port_or_known_default() != url.port_or_known_default() {
                // What the caller sends is meant for the host it named.
                headers = headers.remove(header::ACCEPT).map(|accept| (header::ACCEPT, accept)).into_iter().collect();
            }
            url = next;
        }
    }

    async fn read(&self, mut response: Response) -> std::result::Result<Answer, Failed> {
        let too_large =
            || Failed { trouble: Trouble::TooLarge, reason: format!("the answer is over {} bytes", self.max_body) };
        if response.content_length().is_some_and(|length| length > self.max_body as u64) {
            return Err(too_large());
        }
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(part) = response.chunk().await? {
            if body.len() + part.len() > self.max_body {
                return Err(too_large());
            }
            body.extend_from_slice(&part);
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }
}

/// A client that asks `guarded` for addresses, as `adapt` changes it.
fn client(guarded: &Guarded, connect: Duration, adapt: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client> {
    adapt(Client::builder())
        .no_proxy()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .dns_resolver(guarded.clone())
        .connect_timeout(connect)
        .pool_max_idle_per_host(8)
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("archstone/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| Error::internal(format!("the HTTP client cannot be set up: {e}")))
}

/// The one text for a hop to a place that may not be asked.
const CLOSED_HOP: &str = "to a place that may not be asked";

/// What went wrong, and the reason for the log.
struct Failed {
    trouble: Trouble,
    reason: String,
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        let reason = trouble.to_string();
        Self { trouble, reason }
    }
}

impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        Self { trouble: Trouble::of(&error), reason: reason_of(&error) }
    }
}

/// Where a redirect leads; `None` if the answer is none.
fn target(response: &Response) -> Option<String> {
    let redirects = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !redirects.contains(&response.status()) {
        return None;
    }
    response.headers().get(header::LOCATION)?.to_str().ok().map(str::to_owned)
}

/// The innermost cause, which for a refused address is the resolver's own text.
fn reason_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The one error for everything that can go wrong; `reason` goes to the log and nowhere else.
fn failure(kind: &str, host: &str, reason: &str) -> Error {
    log_failure(kind, Some(host), reason);
    uniform()
}

fn uniform() -> Error {
    Error::unavailable("the remote service could not be reached or gave no usable answer")
}

fn log_failure(kind: &str, host: Option<&str>, reason: &str) {
    tracing::warn!(kind, host = host.unwrap_or("-"), reason, "outgoing request failed");
}

fn count(kind: &'static str, answered: bool) {
    let outcome = if answered { "answered" } else { "failed" };
    metrics::counter!("archstone_egress_requests_total", "kind" => kind, "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests;
