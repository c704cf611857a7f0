//! A key by which a tenant is known to identity providers that speak SAML (saml-metadata-2.0-os §2.4.1.1). Its private half is
//! a secret of its own and none of this.

use crate::clock::Timestamp;

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlKey {
    /// Its id.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// Its certificate, in DER, as base64.
    pub certificate: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub active_at: Timestamp,
    /// Until when it is published, once a later one has been made.
    pub retired_at: Option<Timestamp>,
}

impl SamlKey {
    /// Whether metadata has it.
    pub fn is_published(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|end| now < end)
    }
}
