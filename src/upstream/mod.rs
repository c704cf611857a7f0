//! Upstreams: identity sources outside, and the one contract by which a login goes through each of them.
//!
//! `begin` says what the browser has to do and what has to be remembered meanwhile; `finish` turns what came back into an
//! [`Identity`] that has been verified. Between the two nothing lives in memory: the [`Memo`] is text that the service
//! seals and stores, so any node can finish what another began. What cannot be verified is `Unauthorized` with a reason
//! for the log only; an identity source that cannot be reached is `Unavailable`.
//!
//! A new protocol is one file here, its settings in the model, and one variant in [`Memo`] and, if it answers otherwise,
//! in [`Answer`].

pub mod check;
mod kept;
pub mod ldap;
pub mod oidc;
pub mod saml;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::{Random, Timestamp};
use crate::error::{Error, Result};
use crate::model::connection::{Connection, Settings};
use crate::secret::Secret;
pub use saml::own::Own;

/// A way to log in through somebody else.
pub trait Upstream {
    /// Begins a login: what the browser does next, and what to remember until it comes back.
    fn begin(&self, ask: &Ask<'_>) -> impl Future<Output = Result<Begun>> + Send;

    /// Ends it: who it is, verified in every respect.
    fn finish(&self, ask: &Ask<'_>, memo: &Memo, answer: &Answer) -> impl Future<Output = Result<Identity>> + Send;
}

/// A connection with all that its use needs: secret opened, keys decoded. Made once, used by many logins.
#[derive(Debug)]
pub struct Ready {
    /// What is stored.
    pub connection: Connection,
    /// Its secret, if it has one.
    secret: Option<Secret>,
    /// Its pinned keys, if it has some.
    pinned: Option<Arc<oidc::KeySet>>,
    /// What its settings say by themselves, if it speaks SAML.
    saml: saml::Pinned,
}

impl Ready {
    /// Makes a stored connection ready.
    ///
    /// # Errors
    /// Pinned keys that cannot be used.
    pub fn new(connection: Connection, secret: Option<Secret>) -> Result<Self> {
        let (mut pinned, mut saml) = (None, saml::Pinned::default());
        match &connection.settings {
            Settings::Oidc(oidc) => pinned = oidc::pinned_keys(oidc)?,
            Settings::Saml(wanted) => {
                let wrong = |(member, why)| Error::internal(format!("the stored {member} {why}"));
                saml = saml::Pinned::read(wanted).map_err(wrong)?;
            }
            Settings::Ldap(_) => {}
        }
        Ok(Self { connection, secret, pinned, saml })
    }
}

impl Ready {
    /// What we are called at an identity provider that speaks SAML, if that is set.
    pub fn sp_entity_id(&self) -> Option<&str> {
        match &self.connection.settings {
            Settings::Saml(saml) => saml.sp_entity_id.as_deref(),
            Settings::Oidc(_) | Settings::Ldap(_) => None,
        }
    }

    /// What its settings say of an identity provider that speaks SAML.
    fn saml(&self) -> &saml::Pinned {
        &self.saml
    }
}

/// One login by one connection.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The connection.
    pub connection: &'a Ready,
    /// Where the browser comes back to; one of ours, and its own for each connection.
    pub redirect_uri: &'a str,
    /// Names the login; the service checks that it comes back.
    pub state: &'a str,
    /// What is asked for beyond that.
    pub wishes: Wishes<'a>,
    /// Our own keys, where the protocol has such, and the place of the one that signs.
    pub own: Option<&'a Own>,
    /// The time.
    pub now: Timestamp,
    /// Randomness.
    pub random: &'a Random,
}

/// What a login may ask of an identity provider beyond who somebody is. One that does not know such things ignores them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// Who it probably is.
    pub login_hint: Option<&'a str>,
    /// What may and must be shown.
    pub prompt: Option<&'a str>,
    /// Seconds since somebody was made sure of, at most.
    pub max_age: Option<i64>,
    /// How somebody is to be made sure of.
    pub acr_values: Option<&'a str>,
    /// Languages that they read.
    pub ui_locales: Option<&'a str>,
    /// Further parameters; none of the request's own.
    pub extra: &'a [(String, String)],
}

impl<'a> Ask<'a> {
    /// A login that has no browser to come back.
    pub fn new(connection: &'a Ready, now: Timestamp, random: &'a Random) -> Self {
        Self { connection, redirect_uri: "", state: "", wishes: Wishes::default(), own: None, now, random }
    }

    /// The same with a browser that comes back to `redirect_uri` and brings `state`.
    #[must_use]
    pub fn with_browser(self, redirect_uri: &'a str, state: &'a str) -> Self {
        Self { redirect_uri, state, ..self }
    }

    /// The same with keys of our own.
    #[must_use]
    pub fn with_own(self, own: Option<&'a Own>) -> Self {
        Self { own, ..self }
    }

    /// The same with wishes.
    #[must_use]
    pub fn with_wishes(self, wishes: Wishes<'a>) -> Self {
        Self { wishes, ..self }
    }
}

/// What the browser does next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Begin {
    /// It goes there.
    Redirect {
        /// The whole URL.
        url: String,
    },
    /// It posts a form there.
    Post {
        /// Where to.
        url: String,
        /// The form's fields.
        fields: Vec<(String, String)>,
    },
    /// It shows our own form for user name and password.
    Password,
}

/// A login that has begun.
#[derive(Debug)]
pub struct Begun {
    /// What the browser does next.
    pub begin: Begin,
    /// What [`Upstream::finish`] needs of it. Secret: it is sealed before it is stored.
    pub memo: Memo,
}

/// What came back, by whatever way it came. Names may stand several times; whoever reads them refuses that.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Parameters of the query.
    Query(Vec<(String, String)>),
    /// Fields of a posted form.
    Form(Vec<(String, String)>),
    /// An envelope of SOAP.
    Envelope(String),
}

impl Answer {
    /// The parameter of that name, which may stand once only.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>> {
        let (Self::Query(parameters) | Self::Form(parameters)) = self else { return Ok(None) };
        let mut values = parameters.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Error::unauthorized(format!("the answer has the parameter '{name}' twice"))),
        }
    }
}

impl fmt::Debug for Answer {
    /// Names only: values are credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, parameters) = match self {
            Self::Query(parameters) => ("Query", parameters),
            Self::Form(parameters) => ("Form", parameters),
            Self::Envelope(_) => return f.write_str("Envelope(***)"),
        };
        write!(f, "{kind}({:?})", parameters.iter().map(|(name, _)| name).collect::<Vec<_>>())
    }
}

/// What a login has to remember between beginning and end.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memo {
    /// OpenID Connect.
    Oidc(oidc::Memo),
    /// SAML.
    Saml(saml::Memo),
}

impl Memo {
    /// As text; secret.
    pub fn to_text(&self) -> Result<Secret> {
        let written = serde_json::to_vec(self);
        written.map(Secret::new).map_err(|e| Error::internal(format!("a login's memo cannot be written: {e}")))
    }

    /// Reads what [`Memo::to_text`] wrote.
    pub fn from_text(text: &Secret) -> Result<Self> {
        // The error's text could quote what it could not read.
        serde_json::from_slice(text.expose()).map_err(|_| Error::internal("a login's memo cannot be read"))
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo(***)")
    }
}

/// Whom an upstream vouches for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Who vouches: the issuer, the entity id, the directory.
    pub issuer: String,
    /// What they call the person, for ever.
    pub subject: String,
    /// All that they say.
    pub claims: Map<String, Value>,
    /// How it was proven.
    pub proof: Proof,
    /// When what proved it ends, if that was said.
    pub expires_at: Option<Timestamp>,
    /// Their name as long as the session there lasts, where that may be another than for ever.
    pub session_name: Option<String>,
    /// What the identity provider recognises a browser's login by when it is to end: the ID token, or SAML's name.
    #[serde(skip)]
    pub hint: Option<Secret>,
    /// The id of what proved it and its end, if that is good once only.
    #[serde(skip)]
    pub once: Option<(String, Timestamp)>,
}

impl Identity {
    /// As text, without what is good once or for logging out only; secret.
    pub fn to_text(&self) -> Result<Secret> {
        let written = serde_json::to_vec(self);
        written.map(Secret::new).map_err(|e| Error::internal(format!("an identity cannot be written: {e}")))
    }

    /// Reads what [`Identity::to_text`] wrote.
    pub fn from_text(text: &Secret) -> Result<Self> {
        serde_json::from_slice(text.expose()).map_err(|_| Error::internal("an identity cannot be read"))
    }
}

/// How an identity was proven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// A signed ID token.
    #[default]
    IdToken,
    /// A signed access token.
    AccessToken,
    /// The answer to a question about an opaque token.
    Introspection,
    /// The userinfo endpoint took the token.
    Userinfo,
    /// A signed SAML assertion.
    Assertion,
}

impl Proof {
    /// For records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::AccessToken => "access_token",
            Self::Introspection => "introspection",
            Self::Userinfo => "userinfo",
            Self::Assertion => "assertion",
        }
    }
}
