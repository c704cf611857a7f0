//! Checks of what is behind an SSO configuration: whether a log-in would work, and why not, told to an administrator.
//!
//! A check asks what a log-in would ask, by the same rules, and believes as little. It tells causes that a log-in never
//! tells anybody, within limits: of what was answered it repeats names that the standards define and nothing else, never a
//! body and never a secret, and an address that may not be asked gives one text whatever is there (SSRF-18).

pub mod certificate;
mod ldap;
pub mod metadata;
mod oidc;
mod saml;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::time::timeout;
use url::Url;

use crate::clock::Timestamp;
use crate::egress::{Egress, Kind};
use crate::error::{Error, Result};
use crate::model::connection::Settings;
use crate::secret::Secret;

pub use oidc::Found;

/// Time for a whole check.
const LIMIT: Duration = Duration::from_secs(10);
/// Most warnings of one report.
const MAX_WARNINGS: usize = 20;
/// Most characters of something that is quoted.
const MAX_QUOTE: usize = 200;

/// The checks, for all configurations.
#[derive(Debug)]
pub struct Checks {
    egress: Arc<Egress>,
    limit: Duration,
}

/// What a check has learnt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What the other side calls itself: issuer, entity id, or the directory's URL.
    pub issuer: Option<String>,
    /// Where browsers are sent to sign in.
    pub authorization_endpoint: Option<String>,
    /// Where codes are exchanged.
    pub token_endpoint: Option<String>,
    /// What works and should be seen to all the same.
    pub warnings: Vec<String>,
    /// When the first of the other side's certificates ends that log-ins rest on.
    pub certificate_expires_at: Option<Timestamp>,
}

/// Why a log-in would fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For an administrator: what is wrong, and what to do about it.
    pub message: String,
    /// What was learnt before.
    pub report: Report,
}

impl Checks {
    /// With the client that all requests go through.
    pub fn new(egress: Arc<Egress>) -> Self {
        Self { egress, limit: LIMIT }
    }

    /// Checks what is behind settings; the secret is the client's, the service account's password, or the key that signs
    /// requests.
    ///
    /// # Errors
    /// What is wrong, with what was learnt before it was found.
    pub async fn run(
        &self,
        settings: &Settings,
        secret: Option<&Secret>,
        now: Timestamp,
    ) -> std::result::Result<Report, Failure> {
        let mut run =
            Run { egress: &self.egress, limit: self.limit, now, asking: String::new(), report: Report::default() };
        let checking = async {
            match settings {
                Settings::Oidc(oidc) => oidc::check(&mut run, oidc, secret).await,
                Settings::Saml(saml) => saml::check(&mut run, saml, secret).await,
                Settings::Ldap(ldap) => ldap::check(&mut run, ldap, secret).await,
            }
        };
        let outcome = timeout(self.limit, checking).await;
        let Run { asking, mut report, .. } = run;
        report.warnings.truncate(MAX_WARNINGS);
        match outcome {
            Ok(Ok(())) => Ok(report),
            Ok(Err(message)) => Err(Failure { message, report }),
            Err(_) => {
                let message = format!("{asking} did not answer in time. Check network and firewall.");
                Err(Failure { message, report })
            }
        }
    }

    /// What a provider says of itself; `issuer` may also be the URL of its configuration.
    ///
    /// # Errors
    /// `Invalid` for a URL that may not be asked, else `BadUpstream` or `UpstreamTimeout` with the cause.
    pub async fn probe(&self, issuer: &str) -> Result<Found> {
        match timeout(self.limit, oidc::probe(&self.egress, issuer)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::upstream_timeout("The provider did not answer in time.")),
        }
    }

    /// Checks settings that are about to be stored, as far as nobody has to be asked: URLs, hosts and ports that may be
    /// used, certificates, keys and metadata that can be read. Metadata that is set says what the identity provider calls itself,
    /// unless that is set, too. The field is named as the SSO face names it.
    ///
    /// # Errors
    /// `Invalid` with the field.
    pub fn admit(&self, settings: &mut Settings) -> Result<()> {
        match settings {
            Settings::Oidc(oidc) => oidc::admit(&self.egress, oidc),
            Settings::Saml(saml) => saml::admit(&self.egress, saml),
            Settings::Ldap(ldap) => ldap::admit(&self.egress, ldap),
        }
    }

    /// Checks that the key which signs requests is that of the certificate which goes with it.
    ///
    /// # Errors
    /// `Invalid` with the field.
    pub fn admit_key(&self, settings: &Settings, secret: Option<&Secret>) -> Result<()> {
        match (settings, secret) {
            (Settings::Saml(saml), Some(key)) => saml::admit_key(saml, key),
            _ => Ok(()),
        }
    }
}

/// A check on its way.
struct Run<'a> {
    egress: &'a Egress,
    /// Time for the whole check.
    limit: Duration,
    now: Timestamp,
    /// Whom it waits for, as a sentence begins.
    asking: String,
    report: Report,
}

/// What ends a check: the text for the administrator.
type Outcome<T> = std::result::Result<T, String>;

impl Run<'_> {
    fn warn(&mut self, text: impl Into<String>) {
        self.report.warnings.push(text.into());
    }

    /// Fetches a document that must be there; `what` begins sentences about it.
    async fn document(&mut self, kind: Kind, what: &str, url: &str, accept: &'static str) -> Outcome<Bytes> {
        what.clone_into(&mut self.asking);
        let headers: HeaderMap = [(header::ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
        let answer = self.egress.ask(kind, Method::GET, url, headers, Bytes::new()).await;
        let answer = answer.map_err(|trouble| trouble.told(what))?;
        if answer.status != StatusCode::OK {
            return Err(format!("{what} is not there: the server answered {}. Check the URL.", status(answer.status)));
        }
        Ok(answer.body)
    }
}

/// A status as people know it.
fn status(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} ({reason})", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// Something foreign as a text may quote it.
fn quote(text: &str) -> String {
    let mut quoted: String = text.chars().flat_map(char::escape_debug).take(MAX_QUOTE).collect();
    if text.chars().nth(MAX_QUOTE).is_some() {
        quoted.push('…');
    }
    format!("'{quoted}'")
}

/// A URL as a text may name it: without its query, which may be secret.
pub fn place(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            url.set_query(None);
            url.set_fragment(None);
            let _ = url.set_username("").and_then(|()| url.set_password(None));
            let text = String::from(url);
            text.chars().take(MAX_QUOTE).collect()
        }
        Err(_) => "?".to_owned(),
    }
}

/// A sentence's list.
fn list<T: AsRef<str>>(items: &[T]) -> String {
    items.iter().take(10).map(|item| quote(item.as_ref())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
