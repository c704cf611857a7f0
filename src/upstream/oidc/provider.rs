//! What is known of a provider: from the connection where it says so, else from the provider's own configuration, which
//! is fetched when something of it is needed.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use moka::sync::Cache;

use super::super::kept::{Held, Kept};
use super::discovery::Configuration;
use super::keys::KeySet;
use crate::clock::Timestamp;
use crate::egress::{Egress, Kind};
use crate::error::{Error, Result};
use crate::model::connection::oidc::Oidc;

/// Most documents of each kind that are kept.
const MAX_DOCUMENTS: u64 = 10_000;

/// Documents of all providers, by their URL.
#[derive(Debug)]
pub struct Documents {
    egress: Arc<Egress>,
    configurations: Cache<String, Arc<Kept<Configuration>>>,
    keys: Cache<String, Arc<Kept<KeySet>>>,
}

/// Fetched keys, and how to get newer ones.
#[derive(Debug)]
pub struct Fetched {
    url: String,
    place: Arc<Kept<KeySet>>,
    held: Arc<Held<KeySet>>,
}

impl Fetched {
    /// The keys.
    pub fn keys(&self) -> &KeySet {
        &self.held.document
    }
}

/// One provider as a connection sees it.
#[derive(Debug)]
pub struct Provider<'a> {
    oidc: &'a Oidc,
    found: Option<Arc<Held<Configuration>>>,
}

impl Documents {
    /// None yet.
    pub fn new(egress: Arc<Egress>) -> Self {
        Self { egress, configurations: Cache::new(MAX_DOCUMENTS), keys: Cache::new(MAX_DOCUMENTS) }
    }

    /// The client that they are fetched with.
    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// The provider of a connection; its configuration is fetched unless the connection says all of `needed`.
    pub async fn provider<'a>(
        &self,
        oidc: &'a Oidc,
        needed: &[&Option<String>],
        now: Timestamp,
    ) -> Result<Provider<'a>> {
        if oidc.issuer.is_some() && needed.iter().all(|value| value.is_some()) {
            return Ok(Provider { oidc, found: None });
        }
        let url = oidc.configuration_url().ok_or_else(|| Error::internal("a connection has no issuer"))?;
        let place = self.configurations.get_with_by_ref(&url, Arc::default);
        let egress = self.egress.clone();
        let held = place
            .get(now, move || async move {
                let text = document(&egress, Kind::Discovery, &url).await?;
                Configuration::parse(&text, &egress)
            })
            .await?;
        if !oidc.is_issuer(&held.document.issuer) {
            let named: String = held.document.issuer.escape_debug().take(100).collect();
            return Err(Error::unavailable(format!("the provider's configuration is that of the issuer '{named}'")));
        }
        Ok(Provider { oidc, found: Some(held) })
    }

    /// The keys at `url`.
    pub async fn keys(&self, url: &str, now: Timestamp) -> Result<Fetched> {
        let place = self.keys.get_with_by_ref(url, Arc::default);
        let held = place.get(now, self.fetch_keys(url)).await?;
        Ok(Fetched { url: url.to_owned(), place, held })
    }

    /// Newer keys than those, if they may be asked for and can be had.
    pub async fn newer_keys(&self, fetched: &Fetched, now: Timestamp) -> Result<Fetched> {
        let held = fetched.place.newer(now, Some(&fetched.held), self.fetch_keys(&fetched.url)).await?;
        Ok(Fetched { url: fetched.url.clone(), place: fetched.place.clone(), held })
    }

    fn fetch_keys(
        &self,
        url: &str,
    ) -> impl FnOnce() -> futures_util::future::BoxFuture<'static, Result<KeySet>> + Send + use<> {
        let (egress, url) = (self.egress.clone(), url.to_owned());
        move || {
            Box::pin(async move {
                let text = document(&egress, Kind::Jwks, &url).await?;
                KeySet::parse(&text).map_err(Error::unavailable)
            })
        }
    }
}

/// A document that must be there.
async fn document(egress: &Egress, kind: Kind, url: &str) -> Result<bytes::Bytes> {
    let accept = HeaderValue::from_static("application/json");
    let headers: HeaderMap = [(header::ACCEPT, accept)].into_iter().collect();
    let answer = egress.get(kind, url, headers).await?;
    if answer.status != http::StatusCode::OK {
        return Err(Error::unavailable(format!("the provider answered {} for its {kind:?} document", answer.status)));
    }
    Ok(answer.body)
}

impl Provider<'_> {
    fn configuration(&self) -> Option<&Configuration> {
        self.found.as_ref().map(|held| &held.document)
    }

    /// What it calls itself.
    pub fn issuer(&self) -> &str {
        self.oidc.issuer.as_deref().or(self.configuration().map(|c| c.issuer.as_str())).unwrap_or_default()
    }

    /// Whether its answers must name the issuer (RFC 9207).
    pub fn names_issuer(&self) -> bool {
        self.configuration().is_some_and(|c| c.authorization_response_iss_parameter_supported)
    }

    /// Where browsers are sent.
    pub fn authorization_endpoint(&self) -> Result<&str> {
        self.named("authorization endpoint", |o| &o.authorization_endpoint, |c| &c.authorization_endpoint)
    }

    /// Where codes are exchanged.
    pub fn token_endpoint(&self) -> Result<&str> {
        self.named("token endpoint", |o| &o.token_endpoint, |c| &c.token_endpoint)
    }

    /// Where its keys are.
    pub fn jwks_uri(&self) -> Result<&str> {
        self.named("keys", |o| &o.jwks_uri, |c| &c.jwks_uri)
    }

    /// Where further claims are, if anywhere.
    pub fn userinfo_endpoint(&self) -> Option<&str> {
        self.maybe(|o| &o.userinfo_endpoint, |c| &c.userinfo_endpoint)
    }

    /// Where browsers log out, if anywhere. Connections do not say it.
    pub fn end_session_endpoint(&self) -> Option<&str> {
        self.configuration().and_then(|c| c.end_session_endpoint.as_deref())
    }

    /// Where opaque tokens are asked about, if anywhere.
    pub fn introspection_endpoint(&self) -> Option<&str> {
        self.maybe(|o| &o.introspection_endpoint, |c| &c.introspection_endpoint)
    }

    fn maybe(&self, set: fn(&Oidc) -> &Option<String>, found: fn(&Configuration) -> &Option<String>) -> Option<&str> {
        set(self.oidc).as_deref().or_else(|| self.configuration().and_then(|c| found(c).as_deref()))
    }

    fn named(
        &self,
        what: &str,
        set: fn(&Oidc) -> &Option<String>,
        found: fn(&Configuration) -> &Option<String>,
    ) -> Result<&str> {
        self.maybe(set, found)
            .ok_or_else(|| Error::unavailable(format!("neither the connection nor the provider names its {what}")))
    }
}
