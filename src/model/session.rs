//! Somebody signed in at a tenant with a browser (tenant-login §8.1).

use crate::clock::Timestamp;

/// A session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its id, which may be shown.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// Whose it is.
    pub user_id: String,
    /// Digest of its cookie.
    pub handle: String,
    /// How they came in, if through an identity provider.
    pub upstream: Option<Upstream>,
    /// When it was made sure who they are.
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// How well.
    pub acr: Option<String>,
    /// Address that it was begun from.
    pub remote: Option<String>,
    /// Program that it was begun with.
    pub user_agent: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was ended before that.
    pub terminated_at: Option<Timestamp>,
    /// Why.
    pub terminated_reason: Option<String>,
}

/// How somebody came in through an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The identity provider.
    pub idp_id: String,
    /// The protocol.
    pub protocol_id: String,
    /// Groups of ours that it put them in.
    pub group_ids: Vec<String>,
    /// Who vouches.
    pub issuer: String,
    /// What they call the person.
    pub subject: String,
    /// Their session there.
    pub sid: Option<String>,
    /// The ID token, sealed under `session/<id>`, as a hint for logging out there.
    pub id_token: Option<String>,
}

/// The name under which the ID token of a session is sealed.
pub fn secret_id(id: &str) -> String {
    format!("session/{id}")
}

impl Session {
    /// Whether somebody is signed in by it. `idle_secs` is how long it lasts without use.
    pub fn is_live(&self, now: Timestamp, idle_secs: i64) -> bool {
        self.terminated_at.is_none() && now < self.expires_at && now < self.last_seen.plus_secs(idle_secs)
    }
}
