//! SAML 2.0: log-ins by a browser (saml-profiles-2.0-os §4.1), as service provider.
//!
//! A request names itself at random and is answered once, at the address that it says. What comes back is looked at by
//! `response`, off the threads that serve others, with keys that the configuration or the identity provider's metadata has;
//! metadata is kept as an OpenID provider's documents are, and asked for anew when a signature is of a key that is not known.
//!
//! Which library verifies: `uppsala` reads, `bergshamra-c14n` canonicalises, `aws-lc-rs` verifies, and which signature counts
//! of what is decided here. `samael` was the first choice; it reads by two parsers, one of which mends what is broken, and
//! follows references before anything is verified.

pub mod metadata;
mod request;
mod response;
mod signature;
mod xml;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::request::{AuthnRequest, Key};
use self::response::{Expected, Refusal, Said};
use self::signature::Trust;
use super::check::certificate::Certificate;
use super::check::metadata::{HTTP_POST, HTTP_REDIRECT, Metadata, read as read_metadata};
use super::kept::{Held, Kept};
use super::{Answer, Ask, Begin, Begun, Identity, Proof, Ready, Upstream};
use crate::clock::Timestamp;
use crate::egress::{Egress, Kind};
use crate::error::{Error, Result};
use crate::model::connection::Settings;
use crate::model::connection::saml::Saml as Wanted;

/// Identity providers whose metadata is kept.
const MAX_KNOWN: u64 = 10_000;
/// Longest text of a posted message: base64 with line breaks.
const MAX_POSTED: usize = 400_000;
/// The form of name that leaves it to the identity provider.
const ANY: &str = "any";
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
    described: Cache<String, Arc<Kept<Metadata>>>,
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
        Self { egress, described: Cache::new(MAX_KNOWN) }
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
        let Some(url) = saml.idp_metadata_url.clone() else { return Ok(None) };
        let wanted = saml.idp_entity_id.clone();
        let key = format!("{} {url}", wanted.as_deref().unwrap_or_default());
        let kept = self.described.get_with(key, Arc::default);
        let egress = self.egress.clone();
        let fetch = move || async move {
            let answer = egress.get(Kind::Metadata, &url, HeaderMap::new()).await?;
            if !answer.status.is_success() {
                return Err(Error::unavailable(format!("metadata: {}", answer.status)));
            }
            let read = read_metadata(&answer.body, wanted.as_deref());
            read.map_err(|why| Error::unavailable(format!("the identity provider's metadata {why}")))
        };
        match seen {
            None => kept.get(now, fetch).await.map(Some),
            Some(seen) => kept.newer(now, Some(seen), fetch).await.map(Some),
        }
    }

    fn partner(saml: &Wanted, metadata: Option<&Metadata>) -> Result<Partner> {
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
        // When they end is for warnings: whoever trusts a key trusts it by its bytes.
        let keys: Vec<Vec<u8>> = certificates.into_iter().filter(|c| c.weakness.is_none()).map(|c| c.key).collect();
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
        })
    }

    /// Reads a Response off this thread.
    async fn read(
        saml: &Wanted,
        partner: Partner,
        memo: Arc<Memo>,
        text: Arc<String>,
        now: Timestamp,
    ) -> Result<std::result::Result<Said, Refusal>> {
        let require_signed_assertion = saml.require_signed_assertion;
        let reading = tokio::task::spawn_blocking(move || {
            response::read(
                &text,
                &Expected {
                    idp_entity_id: &partner.entity_id,
                    trust: &partner.trust,
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
}

impl Upstream for Saml {
    async fn begin(&self, ask: &Ask<'_>) -> Result<Begun> {
        let saml = settings(ask.connection)?;
        let metadata = self.metadata(saml, ask.now, None).await?;
        let partner = Self::partner(saml, metadata.as_ref().map(|held| &held.document))?;
        let key = match &ask.connection.secret {
            Some(pem) if saml.sign_requests => Some(Key::read(pem)?),
            _ => None,
        };
        let request_id = format!("_{}{}", ask.random.hex_id(), ask.random.hex_id());
        let sp_entity_id = sp_entity_id(saml, ask.redirect_uri);
        let force_authn = saml.force_authn || ask.wishes.prompt == Some("login") || ask.wishes.max_age == Some(0);
        let (destination, by_post) = match (&partner.redirect, &partner.post) {
            (Some(url), _) => (url.as_str(), false),
            (None, Some(url)) => (url.as_str(), true),
            (None, None) => return Err(Error::unauthorized("the identity provider has no sign-on URL")),
        };
        let contexts: Vec<&str> = ask.wishes.acr_values.unwrap_or_default().split_ascii_whitespace().collect();
        let request = AuthnRequest {
            id: &request_id,
            now: ask.now,
            destination,
            acs_url: ask.redirect_uri,
            issuer: &sp_entity_id,
            force_authn,
            is_passive: ask.wishes.prompt == Some("none"),
            name_id_format: Some(saml.name_id_format.as_deref().unwrap_or(PERSISTENT)).filter(|f| *f != ANY),
            contexts: &contexts,
        };
        let begin = if by_post {
            Begin::Post { url: destination.to_owned(), fields: request.post(ask.state, key.as_ref())? }
        } else {
            Begin::Redirect { url: request.redirect(ask.state, key.as_ref())? }
        };
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
        let partner = Self::partner(saml, held.as_ref().map(|held| &held.document))?;
        let idp_entity_id = partner.entity_id.clone();
        let mut read = Self::read(saml, partner, memo.clone(), text.clone(), ask.now).await?;
        if read.is_err() && saml.idp_certificate.is_none() {
            // It may sign with a key that it has published since.
            if let Ok(Some(newer)) = self.metadata(saml, ask.now, held.as_ref()).await
                && held.as_ref().is_some_and(|held| held.document.certificates != newer.document.certificates)
            {
                let partner = Self::partner(saml, Some(&newer.document))?;
                read = Self::read(saml, partner, memo, text, ask.now).await?;
            }
        }
        match read {
            Ok(said) => Ok(identity(idp_entity_id, said)),
            Err(Refusal::Status(first, second)) => {
                let second = second.map(|s| format!(", {s:.200}")).unwrap_or_default();
                Err(Error::unauthorized(format!("the identity provider says {first:.200}{second}")))
            }
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

/// What is said of somebody, as claims: attributes by their names and, where that is no other's, their friendlier ones.
fn identity(idp_entity_id: String, said: Said) -> Identity {
    let mut claims: Map<String, Value> = Map::new();
    let value = |values: &[String]| match values {
        [one] => json!(one),
        all => json!(all),
    };
    let is_free = |name: &str| !RESERVED.contains(&name);
    for attribute in said.attributes.iter().filter(|a| is_free(&a.name)) {
        claims.entry(attribute.name.clone()).or_insert_with(|| value(&attribute.values));
    }
    for attribute in &said.attributes {
        if let Some(friendly) = attribute.friendly_name.as_ref().filter(|name| is_free(name)) {
            claims.entry(friendly.clone()).or_insert_with(|| value(&attribute.values));
        }
    }
    claims.insert("auth_time".to_owned(), json!(said.authn_instant.secs()));
    if let Some(index) = &said.session_index {
        claims.insert("sid".to_owned(), json!(index));
    }
    if let Some(context) = &said.authn_context {
        claims.insert("acr".to_owned(), json!(context));
    }
    Identity {
        issuer: idp_entity_id,
        subject: said.name_id,
        claims,
        proof: Proof::Assertion,
        expires_at: said.session_ends,
        id_token: None,
        once: Some((said.assertion_id, said.ends)),
    }
}
