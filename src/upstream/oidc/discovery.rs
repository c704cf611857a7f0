//! A provider's own description (OpenID Connect Discovery 1.0 §4, RFC 9207 §3): only what is used of it.

use serde::Deserialize;

use crate::egress::Egress;
use crate::error::{Error, Result};

/// The members that are used. What else a provider says, and what it leaves out, does not matter.
#[derive(Debug, Clone, Deserialize)]
pub struct Configuration {
    /// What it calls itself.
    pub issuer: String,
    /// Where browsers are sent.
    #[serde(default)]
    pub authorization_endpoint: Option<String>,
    /// Where codes are exchanged.
    #[serde(default)]
    pub token_endpoint: Option<String>,
    /// Where further claims are.
    #[serde(default)]
    pub userinfo_endpoint: Option<String>,
    /// Where tokens are asked about.
    #[serde(default)]
    pub introspection_endpoint: Option<String>,
    /// Where its keys are.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// Where browsers log out.
    #[serde(default)]
    pub end_session_endpoint: Option<String>,
    /// Its answers name the issuer.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl Configuration {
    /// Reads the document. It may name no URL that must not be asked: a provider could send us to whatever is near us.
    pub fn parse(text: &[u8], egress: &Egress) -> Result<Self> {
        let read: Self = serde_json::from_slice(text)
            .map_err(|e| Error::unavailable(format!("the provider's configuration cannot be read: {e}")))?;
        for url in [
            &read.authorization_endpoint,
            &read.token_endpoint,
            &read.userinfo_endpoint,
            &read.introspection_endpoint,
            &read.jwks_uri,
        ]
        .into_iter()
        .flatten()
        {
            egress.check_url(url).map_err(|e| {
                Error::unavailable(format!("the provider's configuration names a URL that may not be asked: {e}"))
            })?;
        }
        Ok(read)
    }
}
