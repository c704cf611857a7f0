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
//! SSRF-1…19).

mod resolver;
mod rules;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use tokio::time::timeout;
use url::{Host, Url};

use crate::config;
use crate::error::{Error, Result};

use resolver::{Guarded, Lookup};
use rules::Rules;

pub use rules::is_public;

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
        let guarded = Guarded::new(Rules::new(config)?, lookup);
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .dns_resolver(guarded.clone())
            .connect_timeout(Duration::from_secs(config.connect_timeout_secs))
            .pool_max_idle_per_host(8)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("archstone/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Error::internal(format!("the HTTP client cannot be set up: {e}")))?;
        Ok(Self {
            client,
            guarded,
            total: Duration::from_secs(config.total_timeout_secs),
            max_body: config.max_body_bytes,
        })
    }

    /// Checks a URL that is about to be stored: form, scheme, port and literal address. What its name resolves to is
    /// checked whenever it is used.
    ///
    /// # Errors
    /// `Invalid` with the rule that is broken.
    pub fn check_url(&self, url: &str) -> Result<Url> {
        self.guarded.rules().check(url).map_err(Error::invalid)
    }

    /// The addresses of `host` that may be connected to, for protocols that are not HTTP.
    ///
    /// # Errors
    /// The uniform failure when there is none.
    pub async fn addresses(&self, host: &str) -> Result<Vec<std::net::IpAddr>> {
        let resolving = timeout(self.total, self.guarded.addresses(host));
        match resolving.await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(reason)) => Err(failure("addresses", host, &reason)),
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
        let outcome = match timeout(self.total, self.exchange(kind, method, url, headers, body)).await {
            Ok(outcome) => outcome,
            Err(_) => Err("no answer in time".to_owned()),
        };
        let label = if outcome.is_ok() { "answered" } else { "failed" };
        metrics::counter!("archstone_egress_requests_total", "kind" => kind.label(), "outcome" => label).increment(1);
        outcome.map_err(|reason| failure(kind.label(), url, &reason))
    }

    async fn exchange(
        &self,
        kind: Kind,
        method: Method,
        url: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> std::result::Result<Answer, String> {
        let mut url = self.guarded.rules().check(url)?;
        let mut hops = 0;
        loop {
            if let Some(exception) = self.guarded.rules().exception(&url) {
                tracing::info!(kind = kind.label(), host = exception, "request to a host that egress.allow names");
            }
            let request = self.client.request(method.clone(), url.clone()).headers(headers.clone()).body(body.clone());
            let response = request.send().await.map_err(|e| reason_of(&e))?;
            let next = target(&response).filter(|_| method == Method::GET && kind.follows_redirects());
            let Some(location) = next else { return self.read(response).await };
            hops += 1;
            if hops > MAX_REDIRECTS {
                return Err("too many redirects".to_owned());
            }
            let joined = url.join(&location).map_err(|_| "a redirect to no URL".to_owned())?;
            let next = self.guarded.rules().check(joined.as_str())?;
            if next.scheme() != url.scheme() {
                return Err("a redirect to another scheme".to_owned());
            }
            if next.host() != url.host() || next.port_or_known_default() != url.port_or_known_default() {
                // What the caller sends is meant for the host it named.
                headers = headers.remove(header::ACCEPT).map(|accept| (header::ACCEPT, accept)).into_iter().collect();
            }
            url = next;
        }
    }

    async fn read(&self, mut response: Response) -> std::result::Result<Answer, String> {
        let too_large = || format!("the answer is over {} bytes", self.max_body);
        if response.content_length().is_some_and(|length| length > self.max_body as u64) {
            return Err(too_large());
        }
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(part) = response.chunk().await.map_err(|e| reason_of(&e))? {
            if body.len() + part.len() > self.max_body {
                return Err(too_large());
            }
            body.extend_from_slice(&part);
        }
        Ok(Answer { status, headers, body: body.freeze() })
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
fn failure(kind: &str, url: &str, reason: &str) -> Error {
    // Query and user of a URL may be secrets; scheme and host tell enough.
    let place = Url::parse(url).ok().and_then(|url| url.host().map(|host: Host<&str>| host.to_string()));
    tracing::warn!(kind, host = place.as_deref().unwrap_or("-"), reason, "outgoing request failed");
    Error::unavailable("the remote service could not be reached or gave no usable answer")
}

#[cfg(test)]
mod tests;
