//! A log-in at an identity provider that a browser has begun and not yet ended.

use crate::clock::Timestamp;

/// One begun log-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSession {
    /// Digest of the state that the identity provider hands back.
    pub id: String,
    /// The identity provider.
    pub idp_id: String,
    /// The protocol.
    pub protocol_id: String,
    /// Digest of the cookie that binds it to one browser.
    pub browser: String,
    /// Where the token goes; `None` where it is answered to the browser itself.
    pub origin: Option<String>,
    /// What the upstream has to remember, sealed.
    pub memo: String,
    /// When it ends.
    pub expires_at: Timestamp,
}
