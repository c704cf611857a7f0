//! What a user, or an application for itself, has been given: the root of all tokens that come of one sign-in or one grant.
//!
//! Its id is the root of the audit chain of its access tokens, so that one revocation event voids them all, wherever they
//! are remembered.

use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::clock::Timestamp;

/// An authorization.
#[derive(Debug, Clone, PartialEq)]
pub struct Authorization {
    /// Its id: 22 characters, as audit ids are.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// The application.
    pub client_id: String,
    /// Who gave it; none for an application that acts for itself.
    pub user_id: Option<String>,
    /// The session that it was given in.
    pub session_id: Option<String>,
    /// What its tokens say.
    pub facts: Facts,
    /// Whether it outlives its session (`offline_access`).
    pub offline: bool,
    /// When it was given.
    pub created_at: Timestamp,
    /// When nothing comes of it any more.
    pub expires_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// What the tokens of an authorization say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Scopes.
    pub scopes: Vec<String>,
    /// Whom its access tokens are for, beside the application itself.
    pub audience: Vec<String>,
    /// The application's nonce.
    pub nonce: Option<String>,
    /// When it was made sure who the user is, in seconds.
    pub auth_time: Option<i64>,
    /// How.
    pub amr: Vec<String>,
    /// How well.
    pub acr: Option<String>,
    /// The identity provider that vouched.
    pub idp_id: Option<String>,
    /// The protocol.
    pub protocol_id: Option<String>,
    /// Groups that it gave.
    pub group_ids: Vec<String>,
    /// Who acts for the user, outermost first (RFC 8693 §4.1).
    pub actors: Vec<String>,
}

impl Facts {
    /// What is given in a session: who it is, how that was made sure, and by whom.
    pub fn of_session(session: &Session) -> Self {
        let upstream = session.upstream.as_ref();
        Self {
            auth_time: Some(session.auth_time.secs()),
            amr: session.amr.clone(),
            acr: session.acr.clone(),
            idp_id: upstream.map(|u| u.idp_id.clone()),
            protocol_id: upstream.map(|u| u.protocol_id.clone()),
            group_ids: upstream.map(|u| u.group_ids.clone()).unwrap_or_default(),
            ..Self::default()
        }
    }
}
