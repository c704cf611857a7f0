//! What a log-in at an identity provider came to, for whoever has to find out why one failed.

use serde_json::Value;

use crate::clock::Timestamp;

/// How many are kept of each identity provider: so many of log-ins that could be verified, and so many of others.
pub const KEPT: i64 = 20;
/// Most bytes of `detail`, as JSON.
pub const MAX_DETAIL: usize = 32 * 1024;

/// One log-in.
#[derive(Debug, Clone, PartialEq)]
pub struct LoginDiagnostic {
    /// Its id.
    pub id: String,
    /// The identity provider.
    pub idp_id: String,
    /// The protocol.
    pub protocol_id: String,
    /// When.
    pub at: Timestamp,
    /// Whether what was presented came from the identity provider.
    pub verified: bool,
    /// `success` or `failure`.
    pub outcome: &'static str,
    /// The request's id.
    pub request_id: String,
    /// The user it led to.
    pub user_id: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
    /// What the mapping made of it.
    pub detail: Value,
}
