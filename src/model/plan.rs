//! What is to be on a platform: a configuration as it is pushed there (sso-api §6.4, §7.7).
//!
//! A plan is made before the platform is asked, from what is stored and what the identity provider says of itself, and has
//! a digest: what was pushed is the same as what is there now if the digests are.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::connection::Settings;
use super::sso_config::group_mapping::GroupMapping;
use crate::clock::hex;
use crate::secret::Secret;

/// Where an OpenID provider is asked for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// What it calls itself.
    pub issuer: String,
    /// Where browsers are sent.
    pub authorization: String,
    /// Where codes are exchanged.
    pub token: String,
    /// Where claims are asked for.
    pub userinfo: Option<String>,
    /// Where browsers log out.
    pub end_session: Option<String>,
    /// Where its keys are.
    pub jwks: Option<String>,
}

/// A configuration as it is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The configuration's id.
    pub config_id: String,
    /// The platform's id.
    pub platform_id: String,
    /// The id that the configuration has there: see [`remote_id`].
    pub remote_id: String,
    /// What people call it.
    pub display_name: String,
    /// How one speaks to the identity provider.
    pub settings: Settings,
    /// The secret that goes with the settings.
    pub secret: Option<Secret>,
    /// What identifies the identity provider.
    pub issuer: String,
    /// What an OpenID provider says of itself.
    pub endpoints: Option<Endpoints>,
    /// Metadata of an identity provider that speaks SAML.
    pub metadata: Option<String>,
    /// Names of the assertion's attributes for the fields of a person (`username`, `email`, `groups` …), with what
    /// this service sets before an OpenID provider's claims removed.
    pub attributes: Vec<(String, String)>,
    /// Which group gives which role.
    pub group_mappings: Vec<GroupMapping>,
    /// Groups of the identity provider are taken over.
    pub takes_groups: bool,
    /// Whoever signs in for the first time gets an account.
    pub creates_users: bool,
}

impl Plan {
    /// SHA-256 over everything that is pushed, in hexadecimal digits. The secret is in it only by its own digest, keyed by the
    /// place it goes to.
    pub fn digest(&self) -> String {
        let secret = self.secret.as_ref().map(|secret| {
            let keyed = Sha256::new().chain_update(&self.remote_id).chain_update(secret.expose()).finalize();
            hex(&keyed)
        });
        let endpoints = self
            .endpoints
            .as_ref()
            .map(|e| json!([e.issuer, e.authorization, e.token, e.userinfo, e.end_session, e.jwks]));
        let groups: Vec<Value> = self.group_mappings.iter().map(|row| json!([row.idp_group, row.role])).collect();
        let whole = json!([
            self.config_id,
            self.platform_id,
            self.remote_id,
            self.display_name,
            self.settings.members(),
            secret,
            self.issuer,
            endpoints,
            self.metadata,
            self.attributes,
            groups,
            self.takes_groups,
            self.creates_users,
        ]);
        hex(&Sha256::digest(whole.to_string()))
    }

    /// The attribute that a field of a person is taken from.
    pub fn attribute(&self, field: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == field).map(|(_, attribute)| attribute.as_str())
    }
}

/// The id of a configuration on a platform: 32 hexadecimal digits of a UUID that is made of a SHA-256 digest over both ids. It says
/// of itself that it is of version 5 (RFC 9562 §5.5), as ZStack takes versions 1 to 5 only. The same whenever it is made, so that whoever pushes again after a crash finds what
/// was made before it.
pub fn remote_id(config_id: &str, platform_id: &str) -> String {
    let digest = Sha256::digest(format!("archstone federation\0{config_id}\0{platform_id}"));
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    hex(&bytes)
}

#[cfg(test)]
mod tests;
