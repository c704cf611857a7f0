//! What is kept of somebody whom an identity provider vouches for while they are asked something.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::secret::Secret;
use crate::upstream::{self, Identity};

/// How much of a name is shown that an identity provider has for somebody, in characters.
const MAX_CALLED: usize = 320;

/// What an identity provider has said of somebody who has to decide about an account first. It lies sealed in the row.
#[derive(Serialize, Deserialize)]
pub(super) struct Waiting {
    issuer: String,
    subject: String,
    claims: Map<String, Value>,
    #[serde(default)]
    proof: upstream::Proof,
    #[serde(default)]
    expires_at: Option<Timestamp>,
    #[serde(default)]
    session_name: Option<String>,
    #[serde(alias = "id_token")]
    hint: Option<String>,
    /// The account that may be theirs, or that is signed in.
    pub(super) candidate: String,
    /// Whether they are asked if they want to be somebody else.
    #[serde(default)]
    pub(super) switches: bool,
}

impl Waiting {
    pub(super) fn of(identity: &Identity, candidate: &str) -> Self {
        Self {
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            claims: identity.claims.clone(),
            proof: identity.proof,
            expires_at: identity.expires_at,
            session_name: identity.session_name.clone(),
            hint: identity.hint.as_ref().and_then(|t| t.expose_str()).map(str::to_owned),
            candidate: candidate.to_owned(),
            switches: false,
        }
    }

    /// Of somebody who comes while that user is signed in.
    pub(super) fn to_switch(identity: &Identity, user_id: &str) -> Self {
        Self { switches: true, ..Self::of(identity, user_id) }
    }

    /// What the identity provider calls whoever has come, as they will know it.
    pub(super) fn called(&self) -> &str {
        let said = |name: &str| self.claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let called = said("email").or_else(|| said("preferred_username")).unwrap_or(&self.subject);
        called.char_indices().nth(MAX_CALLED).and_then(|(end, _)| called.get(..end)).unwrap_or(called)
    }

    pub(super) fn identity(self) -> Identity {
        Identity {
            issuer: self.issuer,
            subject: self.subject,
            claims: self.claims,
            proof: self.proof,
            expires_at: self.expires_at,
            session_name: self.session_name,
            hint: self.hint.map(Secret::from),
            once: None,
        }
    }
}
