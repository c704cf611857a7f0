//! An identity at an identity provider that is a user's own, with what is known of how it came to be (tenant-login §7.2).

use crate::clock::Timestamp;

/// One identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLink {
    /// The identity provider.
    pub idp_id: String,
    /// The protocol by which it speaks.
    pub protocol_id: String,
    /// What the identity provider calls the user.
    pub unique_id: String,
    /// The tenant that it was made at; none for who comes through the identity provider itself.
    pub tenant_id: Option<String>,
    /// The e-mail address that the identity provider last said.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// How it was made.
    pub created_by: Option<String>,
    /// When somebody last came by it.
    pub last_login_at: Option<Timestamp>,
}
