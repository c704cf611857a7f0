//! What is known of an identity provider: what the settings say, else its metadata, which is set with them or kept as an OpenID
//! provider's documents are.
//!
//! Metadata that is fetched anew may bring other keys and addresses, but never less than was there before: it may not end, lose
//! its keys or become another's (ADM-IMP-2).

use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use moka::sync::Cache;

use super::own::OwnKey;
use super::settings;
use super::signature::Trust;
use crate::clock::Timestamp;
use crate::egress::{Egress, Kind};
use crate::error::{Error, Result};
use crate::model::connection::saml::Saml as Wanted;
use crate::upstream::check::certificate::Certificate;
use crate::upstream::check::metadata::{HTTP_POST, HTTP_REDIRECT, Metadata, read as read_metadata};
use crate::upstream::check::place;
use crate::upstream::kept::{Held, Kept};
use crate::upstream::{Ask, Ready};

/// Identity providers whose metadata is kept.
const MAX_KNOWN: u64 = 10_000;

/// What the settings of a connection say by themselves, read once.
#[derive(Debug, Default)]
pub struct Pinned {
    keys: Option<Vec<Vec<u8>>>,
    metadata: Option<Metadata>,
}

impl Pinned {
    /// Reads certificates and metadata that are set.
    ///
    /// # Errors
    /// The member that cannot be used, and why; the text goes on after its name.
    pub fn read(saml: &Wanted) -> std::result::Result<Self, (&'static str, String)> {
        let keys = saml.idp_certificate.as_deref().map(Certificate::from_pem).transpose();
        let keys = keys.map_err(|why| ("idp_certificate", why))?;
        let document = saml.idp_metadata_xml.as_deref().map(str::as_bytes);
        let metadata = document.map(|text| read_metadata(text, saml.idp_entity_id.as_deref())).transpose();
        let metadata = metadata.map_err(|why| ("idp_metadata_xml", why))?;
        Ok(Self { keys: keys.map(usable_keys), metadata })
    }

    /// Refuses metadata by which nobody could sign in.
    ///
    /// # Errors
    /// What is wrong with it; the text goes on after its name.
    pub fn check(&self, saml: &Wanted, now: Timestamp) -> std::result::Result<(), String> {
        let Some(metadata) = &self.metadata else { return Ok(()) };
        check(metadata, self.keys.is_none(), now)?;
        // One of a cloud that only sends people, or of another binding, has no place that we send anybody to.
        if saml.idp_sso_url.is_none() && metadata.sso.is_empty() {
            return Err("offers no sign-on ('SingleSignOnService')".to_owned());
        }
        Ok(())
    }

    /// What the identity provider calls itself, if metadata says so.
    pub fn entity_id(&self) -> Option<&str> {
        self.metadata.as_ref().map(|m| m.entity_id.as_str())
    }

    /// All addresses that metadata names.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let all = self.metadata.iter().flat_map(|m| m.sso.iter().chain(&m.slo).chain(&m.slo_answers));
        all.filter(|(binding, _)| [HTTP_REDIRECT, HTTP_POST].contains(&binding.as_str())).map(|(_, url)| url.as_str())
    }
}

/// The keys of certificates. When these end is for warnings: whoever trusts a key trusts it by its bytes.
fn usable_keys(certificates: impl IntoIterator<Item = Certificate>) -> Vec<Vec<u8>> {
    certificates.into_iter().filter(|c| c.weakness.is_none()).map(|c| c.key).collect()
}

fn published_keys(metadata: &Metadata) -> Vec<Vec<u8>> {
    usable_keys(metadata.certificates.iter().filter_map(|der| Certificate::from_der(der).ok()))
}

/// Whether metadata may be used.
fn check(metadata: &Metadata, needs_keys: bool, now: Timestamp) -> std::result::Result<(), String> {
    if metadata.valid_until.is_some_and(|until| until < now) {
        return Err("has ended".to_owned());
    }
    if needs_keys && published_keys(metadata).is_empty() {
        return Err("has no certificate that can be used".to_owned());
    }
    Ok(())
}

/// An identity provider that is known by metadata which is fetched.
#[derive(Debug, Default)]
struct Described {
    kept: Arc<Kept<Metadata>>,
    /// What it called itself first.
    entity_id: OnceLock<String>,
}

/// All metadata that is kept.
#[derive(Debug)]
pub struct Library {
    egress: Arc<Egress>,
    described: Cache<String, Arc<Described>>,
}

impl Library {
    /// With the client that metadata is fetched by.
    pub fn new(egress: Arc<Egress>) -> Self {
        Self { egress, described: Cache::new(MAX_KNOWN) }
    }

    /// Metadata, if the settings say where it is and it is needed; newer than `seen`, if that is asked for.
    pub async fn fetched(
        &self,
        ready: &Ready,
        now: Timestamp,
        seen: Option<&Arc<Held<Metadata>>>,
    ) -> Result<Option<Arc<Held<Metadata>>>> {
        let saml = settings(ready)?;
        let is_set = saml.idp_entity_id.is_some() && saml.idp_sso_url.is_some() && saml.idp_certificate.is_some();
        let is_pinned = is_set || saml.idp_metadata_xml.is_some();
        let Some(url) = saml.idp_metadata_url.clone().filter(|_| !is_pinned) else { return Ok(None) };
        let (wanted, needs_keys) = (saml.idp_entity_id.clone(), saml.idp_certificate.is_none());
        let key = format!("{} {url}", wanted.as_deref().unwrap_or_default());
        let described = self.described.get_with(key, Arc::default);
        let (kept, egress) = (described.kept.clone(), self.egress.clone());
        let fetch = move || async move {
            let fetched = async {
                let answer = egress.get(Kind::Metadata, &url, HeaderMap::new()).await?;
                if !answer.status.is_success() {
                    return Err(Error::unavailable(format!("metadata: {}", answer.status)));
                }
                let refused = |why: String| Error::unavailable(format!("the identity provider's metadata {why}"));
                let read = read_metadata(&answer.body, wanted.as_deref()).map_err(refused)?;
                check(&read, needs_keys, now).map_err(refused)?;
                if *described.entity_id.get_or_init(|| read.entity_id.clone()) != read.entity_id {
                    return Err(refused("is of another entity id than before".to_owned()));
                }
                Ok(read)
            };
            let fetched = fetched.await;
            report(&url, &fetched, now);
            fetched
        };
        match seen {
            None => kept.get(now, fetch).await.map(Some),
            Some(seen) => kept.newer(now, Some(seen), fetch).await.map(Some),
        }
    }
}

/// Tells operators what became of metadata that was fetched: whoever relies on it signs nobody in once it has failed for a day.
fn report(url: &str, fetched: &Result<Metadata>, now: Timestamp) {
    // What stands in a query may be a secret.
    let url = place(url);
    let result = match fetched {
        Err(error) => {
            tracing::warn!(target: "saml", %url, %error, "metadata was not renewed; what is known stays in use");
            "failed"
        }
        Ok(metadata) => {
            let certificates = metadata.certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
            let last = certificates.max_by_key(|certificate| certificate.not_after);
            match last.filter(|certificate| certificate.ends_soon(now)) {
                Some(last) => {
                    tracing::warn!(target: "saml", %url, ends = %last.ends(), "the last certificate in metadata ends soon");
                    "expiring"
                }
                None => "renewed",
            }
        }
    };
    metrics::counter!("archstone_saml_metadata_total", "result" => result).increment(1);
}

/// An identity provider as a login needs it.
#[derive(Debug, Clone)]
pub struct Partner {
    /// What it calls itself.
    pub entity_id: String,
    /// Where one signs in by a redirect.
    pub redirect: Option<String>,
    /// Where one signs in by a form.
    pub post: Option<String>,
    /// Where a browser logs out, whether by a form, and where answers to its own wishes go.
    pub logout: Option<Logout>,
    /// Whose signatures are believed.
    pub trust: Trust,
    /// Our keys that it may encrypt for.
    pub own: Arc<Vec<OwnKey>>,
}

/// Where an identity provider's log-out is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout {
    /// Where requests go.
    pub url: String,
    /// Where answers go.
    pub answers: String,
    /// Whether a form is posted rather than the browser redirected.
    pub by_post: bool,
}

impl Partner {
    /// Of what is set, and of metadata that was fetched.
    pub fn of(ask: &Ask<'_>, fetched: Option<&Metadata>) -> Result<Self> {
        let (saml, pinned) = (settings(ask.connection)?, ask.connection.saml());
        let metadata = fetched.or(pinned.metadata.as_ref());
        if metadata.is_some_and(|m| m.valid_until.is_some_and(|until| until < ask.now)) {
            return Err(Error::unavailable("the identity provider's metadata has ended"));
        }
        let unset = |what: &str| Error::unauthorized(format!("the identity provider has no {what}"));
        let entity_id = saml.idp_entity_id.clone().or_else(|| metadata.map(|m| m.entity_id.clone()));
        let keys = match (&pinned.keys, metadata) {
            (Some(keys), _) => keys.clone(),
            (None, Some(metadata)) => published_keys(metadata),
            (None, None) => Vec::new(),
        };
        if keys.is_empty() {
            return Err(unset("certificate to verify with"));
        }
        let offered = |binding| metadata.and_then(|m| m.sso_url(binding)).map(str::to_owned);
        let (redirect, post) = match &saml.idp_sso_url {
            Some(url) => (Some(url.clone()), None),
            None => (offered(HTTP_REDIRECT), offered(HTTP_POST)),
        };
        Ok(Self {
            entity_id: entity_id.ok_or_else(|| unset("entity id"))?,
            redirect,
            post,
            logout: logout(saml, metadata),
            trust: Trust { keys, allow_sha1: saml.allow_sha1 },
            own: ask.own.map(|own| own.keys.clone()).unwrap_or_default(),
        })
    }
}

fn logout(saml: &Wanted, metadata: Option<&Metadata>) -> Option<Logout> {
    if let Some(url) = &saml.idp_slo_url {
        return Some(Logout { url: url.clone(), answers: url.clone(), by_post: false });
    }
    let metadata = metadata?;
    let at = |binding: &str| metadata.slo.iter().position(|(b, _)| b == binding);
    let (at, by_post) = match (at(HTTP_REDIRECT), at(HTTP_POST)) {
        (Some(at), _) => (at, false),
        (None, Some(at)) => (at, true),
        (None, None) => return None,
    };
    let url = metadata.slo.get(at)?.1.clone();
    let answers = metadata.slo_answers.get(at).map_or_else(|| url.clone(), |(_, url)| url.clone());
    Some(Logout { url, answers, by_post })
}
