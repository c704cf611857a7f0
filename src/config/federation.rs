//! `[federation]`: signing in through identity providers.

use serde::{Deserialize, Serialize};

use super::hidden::Hidden;

/// Signing in through identity providers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federation {
    /// URLs of dashboards that a browser may take a token to (Keystone's `trusted_dashboard`), compared as a whole; the
    /// host's case does not matter.
    pub trusted_dashboards: Vec<String>,
    /// Minutes that memberships last which an identity provider without `authorization_ttl` asserts. 0, as in Keystone,
    /// means: in the token of that log-in only.
    pub default_authorization_ttl: u32,
    /// What stands before the names of an OpenID provider's claims, where mappings look for them. Each also counts in the
    /// form of a CGI variable: `OIDC-email` as `HTTP_OIDC_EMAIL`.
    pub claim_prefixes: Vec<String>,
    /// Of what a trusted proxy says, only names that begin so reach the mappings.
    pub assertion_prefix: String,
    /// The attribute that tells which identity provider somebody comes from, for protocols that name none. Empty: none.
    pub remote_id_attribute: String,
    /// The same for single protocols, as `PROTOCOL=ATTRIBUTE`.
    pub remote_id_attributes: Vec<String>,
    /// Time that a person has to sign in at the identity provider.
    pub login_session_secs: u64,
    /// What a web server in front sends in `X-Archstone-Proxy-Secret` so that the identity it names in header fields is
    /// believed. Empty, the default: no such header counts.
    pub trusted_proxy_secret: Hidden,
    /// Networks (CIDR) that such a web server speaks from; empty means any that knows the secret.
    pub trusted_proxy_networks: Vec<String>,
}

impl Default for Federation {
    fn default() -> Self {
        Self {
            trusted_dashboards: Vec::new(),
            default_authorization_ttl: 0,
            claim_prefixes: vec!["OIDC-".into(), "OIDC_CLAIM_".into()],
            assertion_prefix: String::new(),
            remote_id_attribute: String::new(),
            remote_id_attributes: Vec::new(),
            login_session_secs: 600,
            trusted_proxy_secret: Hidden::default(),
            trusted_proxy_networks: Vec::new(),
        }
    }
}

impl Federation {
    /// The attribute that tells which identity provider somebody comes from, by the configuration alone.
    pub fn remote_id_attribute(&self, protocol_id: &str) -> Option<&str> {
        let own = self.remote_id_attributes.iter().filter_map(|pair| pair.split_once('='));
        let mut own = own.filter(|(protocol, _)| *protocol == protocol_id).map(|(_, attribute)| attribute);
        own.next().or(Some(self.remote_id_attribute.as_str())).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocols_own_attribute_comes_before_the_common_one() {
        let mut config = Federation::default();
        assert_eq!(config.remote_id_attribute("openid"), None);
        config.remote_id_attribute = "Shib-Identity-Provider".into();
        config.remote_id_attributes = vec!["openid=HTTP_OIDC_ISS".into()];
        assert_eq!(config.remote_id_attribute("openid"), Some("HTTP_OIDC_ISS"));
        assert_eq!(config.remote_id_attribute("saml2"), Some("Shib-Identity-Provider"));
    }
}
