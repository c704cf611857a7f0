//! `[saml]`: what this service is to partners that speak SAML, in Keystone's words.

use serde::{Deserialize, Serialize};

/// What this service is to partners that speak SAML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saml {
    /// What it calls itself as an identity provider of other clouds. Empty: `<public_url>/v3/OS-FEDERATION/saml2/idp`.
    pub idp_entity_id: String,
    /// Where one would sign in, as its metadata says. Empty: `<public_url>/v3/OS-FEDERATION/saml2/sso`.
    pub idp_sso_endpoint: String,
    /// How long an assertion for another cloud is good.
    pub assertion_expiration_secs: u64,
    /// Whose service it is, as metadata says.
    pub organization_name: String,
}

impl Default for Saml {
    fn default() -> Self {
        Self {
            idp_entity_id: String::new(),
            idp_sso_endpoint: String::new(),
            assertion_expiration_secs: 3_600,
            organization_name: "Archstone".into(),
        }
    }
}
