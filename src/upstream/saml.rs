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

mod carried;
mod encryption;
mod known;
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

pub use self::carried::Carried;
pub use self::known::Pinned;
use self::known::{Library, Partner};
use self::logout::Between;
pub use self::logout::{Answered, Asked, FRESH_SECS};
use self::message::read_key;
pub use self::message::{Key, Message};
use self::own::OwnKey;
use self::request::AuthnRequest;
use self::response::{Expected, Refusal, Said};
use self::said::{Hint, identity, refused_there};
pub use self::soap::response as envelope;
pub use self::vouching::Vouching;
use self::xml::{SAML, Tree};
use super::check::certificate::Certificate;
use super::{Answer, Ask, Begin, Begun, Identity, Own, Ready, Upstream};
use crate::clock::Timestamp;
use crate::egress::Egress;
use crate::error::{Error, Result};
use crate::model::connection::Settings;
use crate::model::connection::saml::Saml as Wanted;
use crate::secret::{Secret, digest};

/// An age of a sign-in that few are of, in seconds: whoever asks for it has people authenticate anew.
const SHORT_SECS: i64 = 300;
/// Messages that are read or wait for that at most: each may take a few milliseconds and some memory.
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

/// What a log-out that goes on at the identity provider remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftMemo {
    request_id: String,
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

/// What a message about logging out says of itself before anything of it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeekLogout {
    /// Whether it asks, rather than answers.
    pub is_request: bool,
    /// Who says that it is theirs.
    pub issuer: Option<String>,
    /// What has to come back with the answer.
    pub relay_state: Option<String>,
}

/// The SAML upstream, one for all identity providers.
#[derive(Debug)]
pub struct Saml {
    egress: Arc<Egress>,
    library: Library,
    /// Messages that are read at a time: each takes a core.
    readers: Semaphore,
    /// Messages that are read or wait for that.
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

    /// Does what takes a signature, which takes a millisecond: not on a thread that others wait for.
    async fn with<T: Send + 'static>(
        self,
        done: impl FnOnce(Option<Key<'_>>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let writing = tokio::task::spawn_blocking(move || {
            let configured = self.configured.as_ref().map(read_key).transpose()?;
            let own = self.own.as_ref().and_then(|(keys, signing)| keys.get(*signing)).map(Key::Certified);
            done(configured.as_ref().map(Key::Own).or(own))
        });
        writing.await.unwrap_or_else(|_| Err(Error::internal("a message was not written")))
    }
}

/// Does what takes a signature by one of our own keys, off this thread.
pub async fn with_own<T: Send + 'static>(
    own: &Own,
    done: impl FnOnce(Key<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let signer = Signer { configured: None, own: Some((own.keys.clone(), own.signing)) };
    signer.with(|key| done(key.ok_or_else(|| Error::internal("there is no key to sign with"))?)).await
}

impl Saml {
    /// With the client that metadata is fetched by.
    pub fn new(egress: Arc<Egress>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let (readers, waiting) = (Semaphore::new(cores), Semaphore::new(MAX_WAITING));
        Self { library: Library::new(egress.clone()), egress, readers, waiting }
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

    /// Does what reads a message off this thread, few at a time.
    async fn reading<T: Send + 'static>(&self, read: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let full = |_| Error::unavailable("too many messages wait to be read");
        let _waits = self.waiting.try_acquire().map_err(full)?;
        let _reader = self.readers.acquire().await.map_err(|_| Error::internal("nobody reads any more"))?;
        tokio::task::spawn_blocking(read).await.map_err(|_| Error::internal("a message was not read"))
    }

    /// What a Response says of itself; nothing of it is verified.
    pub async fn peek(&self, answer: &Answer) -> Result<Peek> {
        let text = carried::response(answer)?;
        let peeked = self.reading(move || {
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
        let signed = Signer::of(ask)?.with(move |key| {
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
        let mut read = self.reading(move || this.read(&partner)).await?;
        if matches!(read, Err(Refusal::Untrusted(_))) && saml.idp_certificate.is_none() {
            // It may sign with a key that it has published since.
            if let Ok(Some(newer)) = self.library.fetched(ask.connection, ask.now, held.as_ref()).await
                && held.as_ref().is_some_and(|held| held.document.certificates != newer.document.certificates)
            {
                let (this, partner) = (reading.clone(), Partner::of(ask, Some(&newer.document))?);
                read = self.reading(move || this.read(&partner)).await?;
            }
        }
        match read {
            Ok(said) => Ok(identity(idp_entity_id, &reading.sp_entity_id, said)),
            Err(Refusal::Status(first, second)) => Err(refused_there(&first, second.as_deref().unwrap_or_default())),
            Err(Refusal::Untrusted(why)) => Err(Error::unauthorized(format!("the Response {why}"))),
        }
    }

    /// How a browser logs out there, by what was kept of the login, and what to remember of it; none if the identity provider has
    /// no place for that.
    pub async fn end_session(&self, ask: &Ask<'_>, hint: &Secret) -> Result<Option<(Begin, LeftMemo)>> {
        let hint = Hint::from_text(hint)?;
        let held = self.library.fetched(ask.connection, ask.now, None).await?;
        let partner = Partner::of(ask, held.as_ref().map(|held| &held.document))?;
        let Some(place) = partner.logout else { return Ok(None) };
        let (id, now, state) = (request_id(ask.state), ask.now, ask.state.to_owned());
        let memo = LeftMemo { request_id: id.clone() };
        let begin = Signer::of(ask)?
            .with(move |key| logout::request(id, &hint, &place.url, now).carried(place.by_post, Some(&state), key));
        Ok(Some((begin.await?, memo)))
    }

    /// Reads what an identity provider says about logging out; `ask` has the address that it came to. With newer metadata, if a
    /// signature is of a key that is not known.
    async fn about_logout<T: Send + 'static>(
        &self,
        ask: &Ask<'_>,
        carried: &Carried,
        read: impl Fn(&carried::Brought, &Between<'_>) -> xml::Outcome<T> + Copy + Send + 'static,
    ) -> Result<T> {
        let held = self.library.fetched(ask.connection, ask.now, None).await?;
        let done = self.try_about_logout(ask, held.as_ref().map(|h| &h.document), carried, read).await;
        match done {
            Err(Error::Unauthorized { .. }) if held.is_some() => {}
            done => return done,
        }
        let newer = self.library.fetched(ask.connection, ask.now, held.as_ref()).await;
        let document = newer.as_ref().ok().and_then(|n| n.as_ref()).or(held.as_ref()).map(|h| &h.document);
        self.try_about_logout(ask, document, carried, read).await
    }

    async fn try_about_logout<T: Send + 'static>(
        &self,
        ask: &Ask<'_>,
        fetched: Option<&super::check::metadata::Metadata>,
        carried: &Carried,
        read: impl FnOnce(&carried::Brought, &Between<'_>) -> xml::Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let partner = Partner::of(ask, fetched)?;
        let sp_entity_id = sp_entity_id(settings(ask.connection)?, &metadata::acs_beside(ask.redirect_uri));
        let (carried, slo_url, now) = (carried.clone(), ask.redirect_uri.to_owned(), ask.now);
        let done = self.reading(move || {
            let between = Between { partner: &partner, sp_entity_id: &sp_entity_id, slo_url: &slo_url, now };
            read(&carried.open()?, &between)
        });
        done.await?.map_err(|why| Error::unauthorized(format!("the message {why}")))
    }

    /// What a message about logging out says of itself; nothing of it is verified.
    pub async fn peek_logout(&self, carried: &Carried) -> Result<PeekLogout> {
        let carried = carried.clone();
        let peeked = self.reading(move || {
            let brought = carried.open()?;
            let tree = brought.tree()?;
            let issuer = tree.root().one(SAML, "Issuer")?.map(xml::Element::text).transpose()?;
            let issuer = issuer.map(|i| i.trim().to_owned());
            let (is_request, relay_state) = (brought.is_request, brought.relay_state.clone());
            Ok::<_, String>(PeekLogout { is_request, issuer, relay_state })
        });
        peeked.await?.map_err(|why| Error::unauthorized(format!("the message {why}")))
    }

    /// A wish of an identity provider to log somebody out, verified.
    pub async fn logout_asked(&self, ask: &Ask<'_>, carried: &Carried) -> Result<Asked> {
        self.about_logout(ask, carried, logout::asked).await
    }

    /// Its answer to a wish of ours: whether they are logged out there.
    pub async fn logout_answered(&self, ask: &Ask<'_>, carried: &Carried, memo: &LeftMemo) -> Result<bool> {
        let answered = self.about_logout(ask, carried, logout::answered).await?;
        if answered.in_response_to.as_deref() != Some(&memo.request_id) {
            return Err(Error::unauthorized("the message answers something else ('InResponseTo')"));
        }
        Ok(answered.is_done)
    }

    /// How a browser takes our answer to such a wish back; none if the identity provider has no place for that.
    pub async fn answer_logout(
        &self,
        ask: &Ask<'_>,
        asked: &Asked,
        relay_state: Option<String>,
    ) -> Result<Option<Begin>> {
        let held = self.library.fetched(ask.connection, ask.now, None).await?;
        let partner = Partner::of(ask, held.as_ref().map(|held| &held.document))?;
        let Some(place) = partner.logout else { return Ok(None) };
        let sp_entity_id = sp_entity_id(settings(ask.connection)?, &metadata::acs_beside(ask.redirect_uri));
        let id = format!("_{}{}", ask.random.hex_id(), ask.random.hex_id());
        let (asked_id, now) = (asked.id.clone(), ask.now);
        let begin = Signer::of(ask)?.with(move |key| {
            let answer = logout::response(id, &asked_id, &sp_entity_id, &place.answers, now);
            answer.carried(place.by_post, relay_state.as_deref(), key)
        });
        begin.await.map(Some)
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
        let begin = Signer::of(ask)?.with(move |key| request.message().carried(by_post, Some(&state), key)).await?;
        Ok(Begun { begin, memo: super::Memo::Saml(memo) })
    }

    async fn finish(&self, ask: &Ask<'_>, memo: &super::Memo, answer: &Answer) -> Result<Identity> {
        let super::Memo::Saml(memo) = memo else { return Err(Error::unauthorized("the login was not begun by SAML")) };
        self.judge(ask, Some(memo), answer, None).await
    }
}

#[cfg(test)]
mod tests;
