//! SAML 2.0: log-ins by a browser (saml-profiles-2.0-os §4.1) or by a client that speaks SOAP (§4.2), as service provider, and
//! logging out (§4.4); for other clouds, as identity provider (`vouching`).
//!
//! A request names itself and is answered once, at the address that it says. What comes back is looked at by `response`, off
//! the threads that serve others, with keys that the configuration or the identity provider's metadata has (`known`); metadata
//! is asked for anew when a signature is of a key that is not known.
//!
//! Which library verifies: `uppsala` reads, `bergshamra-c14n` canonicalises, `aws-lc-rs` verifies, and which signature counts
//! of what is decided here. `samael` was the first choice; it reads by two parsers, one of which mends what is broken, and
//! follows references before anything is verified.

mod assertion;
mod carried;
mod encryption;
mod known;
mod leaving;
mod logout;
mod message;
pub mod metadata;
pub mod own;
mod request;
mod response;
mod said;
mod signature;
mod soap;
mod vouching;
mod xml;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use self::assertion::Said;
pub use self::carried::Carried;
pub use self::known::Pinned;
use self::known::{Library, Partner};
pub use self::leaving::{LeftMemo, PeekLogout};
pub use self::logout::{Answered, Asked, FRESH_SECS};
use self::message::read_key;
pub use self::message::{Key, Message};
use self::own::OwnKey;
use self::request::AuthnRequest;
use self::response::{Expected, Refusal};
use self::said::{identity, refused_there};
pub use self::soap::response as envelope;
pub use self::vouching::Vouching;
use self::xml::{SAML, Tree};
use super::check::certificate::Certificate;
use super::{Answer, Ask, Begun, Identity, Own, Ready, Upstream};
use crate::clock::Timestamp;
use crate::egress::Egress;
use crate::error::{Error, Result};
use crate::model::connection::Settings;
use crate::model::connection::saml::Saml as Wanted;
use crate::secret::{Secret, digest};

/// An age of a sign-in that few are of, in seconds: whoever asks for it has people authenticate anew.
const SHORT_SECS: i64 = 300;
/// Messages that are read, signed or wait for that at most: each may take a few milliseconds and some memory.
const MAX_WAITING: usize = 512;
/// Length of what logins are stored under.
const DIGEST: usize = 43;
/// The form of name that leaves it to the identity provider.
const ANY: &str = "any";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// What a login remembers.
#[derive(Clone, Serialize, Deserialize)]
pub struct Memo {
    request_id: String,
    acs_url: String,
    sp_entity_id: String,
    anew_since: Option<Timestamp>,
}

/// What a Response says of itself before anything of it is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peek {
    /// Who says that it is theirs: of the assertion, else of the Response.
    pub issuer: Option<String>,
    /// The request that it answers.
    pub in_response_to: Option<String>,
    /// What its envelope carries beside it.
    pub relay_state: Option<String>,
}

/// The SAML upstream, one for all identity providers.
#[derive(Debug)]
pub struct Saml {
    egress: Arc<Egress>,
    library: Library,
    /// Messages that are read or signed at a time: each takes a core.
    workers: Semaphore,
    /// Those, and those that wait for their turn.
    waiting: Semaphore,
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

/// The id of the request of a login: it follows from what names the login, so that an answer finds the login by it. Nobody
/// learns the name by it.
fn request_id(state: &str) -> String {
    format!("_{}", digest(state))
}

/// What a login of that request is stored under, if it may be one of ours.
pub fn login_of(request_id: &str) -> Option<&str> {
    request_id.strip_prefix('_').filter(|id| id.len() == DIGEST)
}

/// What requests of a connection are signed with: its own key, if it has one, else the keys of whoever asks.
struct Signer {
    configured: Option<Secret>,
    own: Option<(Arc<Vec<OwnKey>>, usize)>,
}

impl Signer {
    fn of(ask: &Ask<'_>) -> Result<Self> {
        let configured = ask.connection.secret.clone();
        let configured = configured.filter(|_| settings(ask.connection).is_ok_and(|saml| saml.sign_requests));
        Ok(Self { configured, own: ask.own.map(|own| (own.keys.clone(), own.signing)) })
    }

    /// Does what takes a signature, which takes a millisecond or three: in turn, and not on a thread that others wait for.
    async fn with<T: Send + 'static>(
        self,
        saml: &Saml,
        done: impl FnOnce(Option<Key<'_>>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let writing = saml.off_thread(move || {
            let configured = self.configured.as_ref().map(read_key).transpose()?;
            let own = self.own.as_ref().and_then(|(keys, signing)| keys.get(*signing)).map(Key::Certified);
            done(configured.as_ref().map(Key::Own).or(own))
        });
        writing.await?
    }
}

impl Saml {
    /// With the client that metadata is fetched by.
    pub fn new(egress: Arc<Egress>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let (workers, waiting) = (Semaphore::new(cores), Semaphore::new(MAX_WAITING));
        Self { library: Library::new(egress.clone()), egress, workers, waiting }
    }

    /// Checks settings that are about to be stored: what is set can be used, and nothing lies where nobody may ask. Metadata that
    /// is set says what the identity provider calls itself, unless that is set, too. The error's field is the member's own name.
    ///
    /// # Errors
    /// `Invalid` with the member.
    pub fn check(&self, saml: &mut Wanted, now: Timestamp) -> Result<()> {
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
        let wrong = |(member, why): (&str, String)| Error::invalid_field(member, format!("the value {why}"));
        if let Some(pem) = &saml.idp_certificate {
            let all = Certificate::from_pem(pem).map_err(|why| wrong(("idp_certificate", why)))?;
            if let Some(weakness) = all.into_iter().find_map(|c| c.weakness) {
                return Err(wrong(("idp_certificate", format!("has a certificate that {weakness}"))));
            }
        }
        let pinned = Pinned::read(saml).map_err(wrong)?;
        pinned.check(saml, now).map_err(|why| wrong(("idp_metadata_xml", why)))?;
        for url in pinned.urls() {
            self.egress.check_url(url).map_err(|e| wrong(("idp_metadata_xml", format!("names an address: {e}"))))?;
        }
        if saml.idp_entity_id.is_none() {
            saml.idp_entity_id = pinned.entity_id().map(str::to_owned);
        }
        Ok(())
    }

    /// Does what reads or signs a message off this thread, few at a time.
    async fn off_thread<T: Send + 'static>(&self, done: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let full = |_| Error::unavailable("too many messages wait for their turn");
        let _waits = self.waiting.try_acquire().map_err(full)?;
        let _turn = self.workers.acquire().await.map_err(|_| Error::internal("nobody works any more"))?;
        tokio::task::spawn_blocking(done).await.map_err(|_| Error::internal("a message was not read or written"))
    }

    /// Does what takes a signature by one of our own keys.
    pub async fn with_own<T: Send + 'static>(
        &self,
        own: &Own,
        done: impl FnOnce(Key<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let signer = Signer { configured: None, own: Some((own.keys.clone(), own.signing)) };
        signer.with(self, |key| done(key.ok_or_else(|| Error::internal("there is no key to sign with"))?)).await
    }

    /// What a Response says of itself; nothing of it is verified.
    pub async fn peek(&self, answer: &Answer) -> Result<Peek> {
        let text = carried::response(answer)?;
        let peeked = self.off_thread(move || {
            let tree = Tree::read(&text)?;
            let message = soap::message(&tree)?;
            let issuer = |of: xml::Element<'_, '_>| {
                of.one(SAML, "Issuer").ok().flatten().and_then(|i| i.text().ok()).filter(|i| !i.is_empty())
            };
            let assertion = message.one(SAML, "Assertion")?;
            Ok::<_, String>(Peek {
                issuer: assertion.and_then(issuer).or_else(|| issuer(message)),
                in_response_to: message.attribute("InResponseTo").map(str::to_owned),
                relay_state: soap::relay_state(&tree),
            })
        });
        peeked.await?.map_err(|why| Error::unauthorized(format!("the Response {why}")))
    }

    /// Whether an identity provider calls itself so.
    pub async fn is_called(&self, ask: &Ask<'_>, entity_id: &str) -> bool {
        if let Ok(Wanted { idp_entity_id: Some(set), .. }) = settings(ask.connection) {
            return set == entity_id;
        }
        let fetched = self.library.fetched(ask.connection, ask.now, None).await;
        fetched.is_ok_and(|held| held.is_some_and(|held| held.document.entity_id == entity_id))
    }

    /// Begins a login whose client carries the messages itself: the envelope that it gets, and what to remember.
    pub async fn begin_by_client(&self, ask: &Ask<'_>) -> Result<(String, super::Memo)> {
        let (request, memo) = asked_for(ask, String::new(), request::PAOS)?;
        let (acs_url, issuer, state) = (request.acs_url.clone(), request.issuer.clone(), ask.state.to_owned());
        let signed = Signer::of(ask)?.with(self, move |key| {
            let message = request.message();
            let xml = key.map_or_else(|| Ok(message.unsigned()), |key| message.signed(key))?;
            Ok(soap::request(&acs_url, &issuer, &state, &xml))
        });
        Ok((signed.await?, super::Memo::Saml(memo)))
    }

    /// Takes somebody in whom an identity provider sends without having been asked (ruling 6). The assertion must be signed
    /// itself, and be good for `longest_secs` at most, if that is said.
    pub async fn unsolicited(&self, ask: &Ask<'_>, answer: &Answer, longest_secs: Option<i64>) -> Result<Identity> {
        self.judge(ask, None, answer, longest_secs).await
    }

    async fn judge(
        &self,
        ask: &Ask<'_>,
        memo: Option<&Memo>,
        answer: &Answer,
        longest_secs: Option<i64>,
    ) -> Result<Identity> {
        let saml = settings(ask.connection)?;
        let held = self.library.fetched(ask.connection, ask.now, None).await?;
        let partner = Partner::of(ask, held.as_ref().map(|held| &held.document))?;
        let is_carried_by_client = matches!(answer, Answer::Envelope(_));
        let reading = Arc::new(Reading {
            text: carried::response(answer)?,
            // No browser stands for it that the answer is theirs who asked (ruling 6).
            require_signed_assertion: saml.require_signed_assertion || memo.is_none() || is_carried_by_client,
            require_encrypted_assertion: saml.require_encrypted_assertion,
            sp_entity_id: memo.map_or_else(|| sp_entity_id(saml, ask.redirect_uri), |m| m.sp_entity_id.clone()),
            acs_url: memo.map_or_else(|| ask.redirect_uri.to_owned(), |m| m.acs_url.clone()),
            request_id: memo.map(|m| m.request_id.clone()),
            anew_since: memo.and_then(|m| m.anew_since),
            longest_secs,
            now: ask.now,
        });
        let idp_entity_id = partner.entity_id.clone();
        let this = reading.clone();
        let mut read = self.off_thread(move || this.read(&partner)).await?;
        if matches!(read, Err(Refusal::Untrusted(_))) && saml.idp_certificate.is_none() {
            // It may sign with a key that it has published since.
            if let Ok(Some(newer)) = self.library.fetched(ask.connection, ask.now, held.as_ref()).await
                && held.as_ref().is_some_and(|held| held.document.certificates != newer.document.certificates)
            {
                let (this, partner) = (reading.clone(), Partner::of(ask, Some(&newer.document))?);
                read = self.off_thread(move || this.read(&partner)).await?;
            }
        }
        match read {
            Ok(said) => Ok(identity(idp_entity_id, &reading.sp_entity_id, said)),
            Err(Refusal::Status(first, second)) => Err(refused_there(&first, second.as_deref().unwrap_or_default())),
            Err(Refusal::Untrusted(why)) => Err(Error::unauthorized(format!("the Response {why}"))),
        }
    }
}

/// A Response that is read, and what it has to be.
struct Reading {
    text: String,
    require_signed_assertion: bool,
    require_encrypted_assertion: bool,
    sp_entity_id: String,
    acs_url: String,
    request_id: Option<String>,
    anew_since: Option<Timestamp>,
    longest_secs: Option<i64>,
    now: Timestamp,
}

impl Reading {
    fn read(&self, partner: &Partner) -> std::result::Result<Said, Refusal> {
        let expected = Expected {
            idp_entity_id: &partner.entity_id,
            trust: &partner.trust,
            keys: &partner.own,
            require_signed_assertion: self.require_signed_assertion,
            require_encrypted_assertion: self.require_encrypted_assertion,
            sp_entity_id: &self.sp_entity_id,
            acs_url: &self.acs_url,
            request_id: self.request_id.as_deref(),
            longest_secs: self.longest_secs,
            anew_since: self.anew_since,
            now: self.now,
        };
        response::read(&self.text, &expected)
    }
}

/// What is asked of an identity provider, and what is remembered of it.
fn asked_for(ask: &Ask<'_>, destination: String, binding: &'static str) -> Result<(AuthnRequest, Memo)> {
    let saml = settings(ask.connection)?;
    let (id, issuer) = (request_id(ask.state), sp_entity_id(saml, ask.redirect_uri));
    let force_authn = saml.force_authn
        || ask.wishes.prompt == Some("login")
        || ask.wishes.max_age.is_some_and(|secs| secs <= SHORT_SECS);
    let contexts = ask.wishes.acr_values.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
    let memo = Memo {
        request_id: id.clone(),
        acs_url: ask.redirect_uri.to_owned(),
        sp_entity_id: issuer.clone(),
        anew_since: force_authn.then_some(ask.now),
    };
    let name_id_format = Some(saml.name_id_format.as_deref().unwrap_or(PERSISTENT)).filter(|f| *f != ANY);
    let request = AuthnRequest {
        id,
        now: ask.now,
        destination,
        acs_url: ask.redirect_uri.to_owned(),
        binding,
        issuer,
        force_authn,
        is_passive: ask.wishes.prompt == Some("none"),
        name_id_format: name_id_format.map(str::to_owned),
        contexts,
    };
    Ok((request, memo))
}

impl Upstream for Saml {
    async fn begin(&self, ask: &Ask<'_>) -> Result<Begun> {
        let held = self.library.fetched(ask.connection, ask.now, None).await?;
        let partner = Partner::of(ask, held.as_ref().map(|held| &held.document))?;
        let (destination, by_post) = match (partner.redirect, partner.post) {
            (Some(url), _) => (url, false),
            (None, Some(url)) => (url, true),
            (None, None) => return Err(Error::unauthorized("the identity provider has no sign-on URL")),
        };
        let (request, memo) = asked_for(ask, destination, request::HTTP_POST)?;
        let state = ask.state.to_owned();
        let begin =
            Signer::of(ask)?.with(self, move |key| request.message().carried(by_post, Some(&state), key)).await?;
        Ok(Begun { begin, memo: super::Memo::Saml(memo) })
    }

    async fn finish(&self, ask: &Ask<'_>, memo: &super::Memo, answer: &Answer) -> Result<Identity> {
        let super::Memo::Saml(memo) = memo else { return Err(Error::unauthorized("the login was not begun by SAML")) };
        self.judge(ask, Some(memo), answer, None).await
    }
}

#[cfg(test)]
mod tests;
