//! SAML 2.0: log-ins by a browser (saml-profiles-2.0-os §4.1), as service provider.
//!
//! A request names itself at random and is answered once, at the address that it says. What comes back is looked at by
//! `response`, off the threads that serve others, with keys that the configuration or the identity provider's metadata has;
//! metadata is kept as an OpenID provider's documents are, and asked for anew when a signature is of a key that is not known.
//!
//! Which library verifies: `uppsala` reads, `bergshamra-c14n` canonicalises, `aws-lc-rs` verifies, and which signature counts
//! of what is decided here. `samael` was the first choice; it reads by two parsers, one of which mends what is broken, and
//! follows references before anything is verified.

mod encryption;
pub mod metadata;
pub mod own;
mod request;
mod response;
mod signature;
mod xml;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use self::own::OwnKey;
use self::request::{AuthnRequest, Key, read_key};
use self::response::{Expected, Refusal, Said};
use self::signature::Trust;
use super::check::certificate::Certificate;
use super::check::metadata::{HTTP_POST, HTTP_REDIRECT, Metadata, read as read_metadata};
use super::kept::{Held, Kept};
use super::{Answer, Ask, Begin, Begun, Identity, Proof, Ready, Upstream};
use crate::clock::Timestamp;
use crate::egress::{Egress, Kind};
use crate::error::{Code, Error, Result};
use crate::model::connection::Settings;
use crate::model::connection::saml::Saml as Wanted;

/// Identity providers whose metadata is kept.
const MAX_KNOWN: u64 = 10_000;
/// An age of a sign-in that few are of, in seconds: whoever asks for it has people authenticate anew.
const SHORT_SECS: i64 = 300;
/// Longest text of a posted message: base64 with line breaks.
const MAX_POSTED: usize = 400_000;
/// The form of name that leaves it to the identity provider.
const ANY: &str = "any";
/// A name that is made anew for each sign-in.
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
/// Members of claims that are not attributes: nobody's attribute stands in their place.
const RESERVED: [&str; 5] = ["sid", "auth_time", "acr", "amr", "sub"];

/// What a browser's login remembers.
#[derive(Clone, Serialize, Deserialize)]
pub struct Memo {
    request_id: String,
    acs_url: String,
    sp_entity_id: String,
    anew_since: Option<Timestamp>,
}

/// The SAML upstream, one for all identity providers.
#[derive(Debug)]
pub struct Saml {
    egress: Arc<Egress>,
    described: Cache<String, Arc<Described>>,
    /// Responses that are read at a time: each takes a core.
    readers: Semaphore,
}

/// An identity provider that is known by its metadata.
#[derive(Debug, Default)]
struct Described {
    kept: Arc<Kept<Metadata>>,
    /// What it called itself first.
    entity_id: OnceLock<String>,
}

impl Described {
    /// Whether newer metadata may stand for what is held: nobody is trusted by it who was not before (ADM-IMP-2).
    fn check(&self, read: &Metadata, now: Timestamp) -> std::result::Result<(), String> {
        if read.valid_until.is_some_and(|until| until < now) {
            return Err("has ended".to_owned());
        }
        if usable_keys(read.certificates.iter().filter_map(|der| Certificate::from_der(der).ok())).is_empty() {
            return Err("has no certificate that can be used".to_owned());
        }
        if *self.entity_id.get_or_init(|| read.entity_id.clone()) != read.entity_id {
            return Err("is of another entity id than before".to_owned());
        }
        Ok(())
    }
}

/// The keys of certificates. When these end is for warnings: whoever trusts a key trusts it by its bytes.
fn usable_keys(certificates: impl IntoIterator<Item = Certificate>) -> Vec<Vec<u8>> {
    certificates.into_iter().filter(|c| c.weakness.is_none()).map(|c| c.key).collect()
}

/// The settings of a connection that speaks SAML.
fn settings(ready: &Ready) -> Result<&Wanted> {
    match &ready.connection.settings {
        Settings::Saml(saml) => Ok(saml),
        Settings::Oidc(_) | Settings::Ldap(_) => Err(Error::unauthorized("the connection does not speak SAML")),
    }
}

/// What we call ourselves at an address where answers come to: unless it is set, the address of our metadata beside it.
fn sp_entity_id(saml: &Wanted, acs_url: &str) -> String {
    saml.sp_entity_id.clone().unwrap_or_else(|| metadata::entity_id(acs_url))
}

impl Saml {
    /// With the client that metadata is fetched by.
    pub fn new(egress: Arc<Egress>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { egress, described: Cache::new(MAX_KNOWN), readers: Semaphore::new(cores) }
    }

    /// Checks settings that are about to be stored: metadata may be fetched where it is said to be, certificates can be used. The
    /// error's field is the member's own name.
    ///
    /// # Errors
    /// `Invalid` with the member.
    pub fn check(&self, saml: &Wanted) -> Result<()> {
        let urls = [
            ("idp_metadata_url", &saml.idp_metadata_url),
            ("idp_sso_url", &saml.idp_sso_url),
            ("idp_slo_url", &saml.idp_slo_url),
        ];
        for (name, url) in urls {
            if let Some(url) = url {
                self.egress.check_url(url).map_err(|e| Error::invalid_field(name, e.to_string()))?;
            }
        }
        let wrong = |why: String| Error::invalid_field("idp_certificate", format!("the value {why}"));
        let Some(pem) = &saml.idp_certificate else { return Ok(()) };
        let weak = Certificate::from_pem(pem).map_err(wrong)?.into_iter().find_map(|c| c.weakness);
        weak.map_or(Ok(()), |weakness| Err(wrong(format!("has a certificate that {weakness}"))))
    }

    /// Metadata, if the settings say where it is; newer than `seen`, if that is asked for.
    async fn metadata(
        &self,
        saml: &Wanted,
        now: Timestamp,
        seen: Option<&Arc<Held<Metadata>>>,
    ) -> Result<Option<Arc<Held<Metadata>>>> {
        let is_set = saml.idp_entity_id.is_some() && saml.idp_sso_url.is_some() && saml.idp_certificate.is_some();
        let Some(url) = saml.idp_metadata_url.clone().filter(|_| !is_set) else { return Ok(None) };
        let wanted = saml.idp_entity_id.clone();
        let key = format!("{} {url}", wanted.as_deref().unwrap_or_default());
        let described = self.described.get_with(key, Arc::default);
        let (kept, egress) = (described.kept.clone(), self.egress.clone());
        let fetch = move || async move {
            let answer = egress.get(Kind::Metadata, &url, HeaderMap::new()).await?;
            if !answer.status.is_success() {
                return Err(Error::unavailable(format!("metadata: {}", answer.status)));
            }
            let refused = |why: String| Error::unavailable(format!("the identity provider's metadata {why}"));
            let read = read_metadata(&answer.body, wanted.as_deref()).map_err(refused)?;
            described.check(&read, now).map_err(refused)?;
            Ok(read)
        };
        match seen {
            None => kept.get(now, fetch).await.map(Some),
            Some(seen) => kept.newer(now, Some(seen), fetch).await.map(Some),
        }
    }

    fn partner(saml: &Wanted, metadata: Option<&Metadata>, ask: &Ask<'_>) -> Result<Partner> {
        if metadata.is_some_and(|m| m.valid_until.is_some_and(|until| until < ask.now)) {
            return Err(Error::unavailable("the identity provider's metadata has ended"));
        }
        let unset = |what: &str| Error::unauthorized(format!("the identity provider has no {what}"));
        let entity_id = saml.idp_entity_id.clone().or_else(|| metadata.map(|m| m.entity_id.clone()));
        let certificates = match (&saml.idp_certificate, metadata) {
            (Some(pem), _) => {
                Certificate::from_pem(pem).map_err(|why| Error::internal(format!("a certificate {why}")))?
            }
            (None, Some(metadata)) => {
                metadata.certificates.iter().filter_map(|der| Certificate::from_der(der).ok()).collect()
            }
            (None, None) => Vec::new(),
        };
        let keys = usable_keys(certificates);
        if keys.is_empty() {
            return Err(unset("certificate to verify with"));
        }
        let offered = |binding| metadata.and_then(|m| m.sso_url(binding)).map(str::to_owned);
        let (redirect, post) = match &saml.idp_sso_url {
            Some(url) => (Some(url.clone()), None),
            None => (offered(HTTP_REDIRECT), offered(HTTP_POST)),
        };
        Ok(Partner {
            entity_id: entity_id.ok_or_else(|| unset("entity id"))?,
            redirect,
            post,
            trust: Trust { keys, allow_sha1: saml.allow_sha1 },
            own: ask.own.map(|own| own.keys.clone()).unwrap_or_default(),
        })
    }

    /// Reads a Response off this thread.
    async fn read(
        &self,
        saml: &Wanted,
        partner: Partner,
        memo: Arc<Memo>,
        text: Arc<String>,
        now: Timestamp,
    ) -> Result<std::result::Result<Said, Refusal>> {
        let require_signed_assertion = saml.require_signed_assertion;
        let _reader = self.readers.acquire().await.map_err(|_| Error::internal("nobody reads any more"))?;
        let reading = tokio::task::spawn_blocking(move || {
            response::read(
                &text,
                &Expected {
                    idp_entity_id: &partner.entity_id,
                    trust: &partner.trust,
                    keys: &partner.own,
                    require_signed_assertion,
                    sp_entity_id: &memo.sp_entity_id,
                    acs_url: &memo.acs_url,
                    request_id: &memo.request_id,
                    anew_since: memo.anew_since,
                    now,
                },
            )
        });
        reading.await.map_err(|_| Error::internal("a Response was not read"))
    }
}

/// An identity provider.
#[derive(Debug, Clone)]
struct Partner {
    entity_id: String,
    redirect: Option<String>,
    post: Option<String>,
    trust: Trust,
    /// Our keys that it may encrypt for.
    own: Arc<Vec<OwnKey>>,
}

impl Upstream for Saml {
    async fn begin(&self, ask: &Ask<'_>) -> Result<Begun> {
        let saml = settings(ask.connection)?;
        let metadata = self.metadata(saml, ask.now, None).await?;
        let partner = Self::partner(saml, metadata.as_ref().map(|held| &held.document), ask)?;
        let request_id = format!("_{}{}", ask.random.hex_id(), ask.random.hex_id());
        let sp_entity_id = sp_entity_id(saml, ask.redirect_uri);
        let force_authn = saml.force_authn
            || ask.wishes.prompt == Some("login")
            || ask.wishes.max_age.is_some_and(|secs| secs <= SHORT_SECS);
        let (destination, by_post) = match (&partner.redirect, &partner.post) {
            (Some(url), _) => (url.as_str(), false),
            (None, Some(url)) => (url.as_str(), true),
            (None, None) => return Err(Error::unauthorized("the identity provider has no sign-on URL")),
        };
        let contexts = ask.wishes.acr_values.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        let request = AuthnRequest {
            id: request_id.clone(),
            now: ask.now,
            destination: destination.to_owned(),
            acs_url: ask.redirect_uri.to_owned(),
            issuer: sp_entity_id.clone(),
            force_authn,
            is_passive: ask.wishes.prompt == Some("none"),
            name_id_format: Some(saml.name_id_format.as_deref().unwrap_or(PERSISTENT))
                .filter(|f| *f != ANY)
                .map(str::to_owned),
            contexts,
        };
        let configured = ask.connection.secret.clone().filter(|_| saml.sign_requests);
        let own = ask.own.map(|own| (own.keys.clone(), own.signing));
        let state = ask.state.to_owned();
        // A signature takes a millisecond: not on a thread that others wait for.
        let writing = tokio::task::spawn_blocking(move || {
            let configured = configured.as_ref().map(read_key).transpose()?;
            let own = own.as_ref().and_then(|(keys, signing)| keys.get(*signing)).map(Key::Certified);
            let key = configured.as_ref().map(Key::Own).or(own);
            Ok(if by_post {
                Begin::Post { url: request.destination.clone(), fields: request.post(&state, key)? }
            } else {
                Begin::Redirect { url: request.redirect(&state, key)? }
            })
        });
        let begin = writing.await.unwrap_or_else(|_| Err(Error::internal("a request was not written")))?;
        let acs_url = ask.redirect_uri.to_owned();
        let anew_since = force_authn.then_some(ask.now);
        Ok(Begun { begin, memo: super::Memo::Saml(Memo { request_id, acs_url, sp_entity_id, anew_since }) })
    }

    async fn finish(&self, ask: &Ask<'_>, memo: &super::Memo, answer: &Answer) -> Result<Identity> {
        let saml = settings(ask.connection)?;
        let super::Memo::Saml(memo) = memo else { return Err(Error::unauthorized("the login was not begun by SAML")) };
        let Answer::Form(_) = answer else { return Err(Error::unauthorized("the answer was not posted")) };
        let posted = answer.one("SAMLResponse")?.ok_or_else(|| Error::unauthorized("there is no SAMLResponse"))?;
        let text = Arc::new(decode(posted)?);
        let memo = Arc::new(memo.clone());
        let held = self.metadata(saml, ask.now, None).await?;
        let partner = Self::partner(saml, held.as_ref().map(|held| &held.document), ask)?;
        let (idp_entity_id, sp_entity_id) = (partner.entity_id.clone(), memo.sp_entity_id.clone());
        let mut read = self.read(saml, partner, memo.clone(), text.clone(), ask.now).await?;
        if matches!(read, Err(Refusal::Untrusted(_))) && saml.idp_certificate.is_none() {
            // It may sign with a key that it has published since.
            if let Ok(Some(newer)) = self.metadata(saml, ask.now, held.as_ref()).await
                && held.as_ref().is_some_and(|held| held.document.certificates != newer.document.certificates)
            {
                let partner = Self::partner(saml, Some(&newer.document), ask)?;
                read = self.read(saml, partner, memo, text, ask.now).await?;
            }
        }
        match read {
            Ok(said) => Ok(identity(idp_entity_id, &sp_entity_id, said)),
            Err(Refusal::Status(first, second)) => Err(refused_there(&first, second.as_deref().unwrap_or_default())),
            Err(Refusal::Untrusted(why)) => Err(Error::unauthorized(format!("the Response {why}"))),
        }
    }
}

/// The text of a message that was posted in base64, in which line breaks may stand and nothing else.
fn decode(posted: &str) -> Result<String> {
    let refused = |why: &str| Error::unauthorized(format!("the SAMLResponse {why}"));
    if posted.len() > MAX_POSTED {
        return Err(refused("is too long"));
    }
    let packed: String = posted.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| refused("is not base64"))?;
    String::from_utf8(bytes).map_err(|_| refused("is not UTF-8"))
}

/// Why the identity provider has signed nobody in, by its status codes (tenant-login §6.3 step 7).
fn refused_there(first: &str, second: &str) -> Error {
    let reason = format!("the identity provider says {first:.200} {second:.200}");
    let (code, text) = match (first, second) {
        ("NoPassive", _) | (_, "NoPassive") => (Code::LoginRequired, "The identity provider has to ask something."),
        ("AuthnFailed" | "RequestDenied", _) | (_, "AuthnFailed" | "RequestDenied") => {
            (Code::UpstreamDenied, "The identity provider did not sign you in.")
        }
        _ => (Code::UpstreamError, "The identity provider failed."),
    };
    Error::refused_because(code, text, reason)
}

/// Who it is for ever, of a name that is theirs alone within its qualifiers. One that is made anew each time is nobody's.
fn subject(idp_entity_id: &str, sp_entity_id: &str, said: &Said) -> String {
    if said.name_id_format.as_deref() == Some(TRANSIENT) {
        return String::new();
    }
    let other = |qualifier: &Option<String>, usual: &str| qualifier.clone().filter(|q| q != usual);
    let within = other(&said.name_qualifier, idp_entity_id);
    let made_for = other(&said.sp_name_qualifier, sp_entity_id);
    match (within, made_for) {
        (None, None) => said.name_id.clone(),
        (within, made_for) => {
            format!("{}!{}!{}", within.unwrap_or_default(), made_for.unwrap_or_default(), said.name_id)
        }
    }
}

/// What is said of somebody, as claims: attributes by their names and, where that is no other's, their friendlier ones.
fn identity(idp_entity_id: String, sp_entity_id: &str, said: Said) -> Identity {
    let subject = subject(&idp_entity_id, sp_entity_id, &said);
    let mut named: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for attribute in &said.attributes {
        named.entry(&attribute.name).or_default().extend(&attribute.values);
    }
    let mut friendly: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for attribute in &said.attributes {
        if let Some(name) = attribute.friendly_name.as_deref().filter(|name| !named.contains_key(name)) {
            friendly.entry(name).or_default().extend(&attribute.values);
        }
    }
    let all = named.into_iter().chain(friendly).filter(|(name, _)| !RESERVED.contains(name));
    let mut claims: Map<String, Value> = all
        .map(|(name, values)| match values.as_slice() {
            [one] => (name.to_owned(), json!(one)),
            all => (name.to_owned(), json!(all)),
        })
        .collect();
    claims.insert("auth_time".to_owned(), json!(said.authn_instant.secs()));
    if let Some(index) = &said.session_index {
        claims.insert("sid".to_owned(), json!(index));
    }
    if let Some(context) = &said.authn_context {
        claims.insert("acr".to_owned(), json!(context));
    }
    Identity {
        issuer: idp_entity_id,
        subject,
        claims,
        proof: Proof::Assertion,
        expires_at: said.session_ends,
        id_token: None,
        once: Some((said.assertion_id, said.ends)),
    }
}

#[cfg(test)]
mod tests;
