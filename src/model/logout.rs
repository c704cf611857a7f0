//! A log-out at a tenant that goes on at the identity provider (tenant-login §10.2).

use crate::clock::Timestamp;

/// What is kept of it until the browser comes back. If it does not, nothing but the way back is lost: the session has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout {
    /// Digest of the state that the identity provider hands back.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// Where the browser logs out at the identity provider, sealed under `logout/<id>`.
    pub leave_to: String,
    /// Where it goes from there: the application's address with all that belongs to it.
    pub return_to: Option<String>,
    /// Until when it is kept.
    pub expires_at: Timestamp,
}
