//! What stands at the other side, and what follows from it: names of protocols and attributes, and where browsers come back to.

use super::session::{Session, base_of};
use crate::model::connection::Settings;
use crate::model::plan::Plan;
use crate::platform::exchange;
use crate::platform::{Problem, Site, Trouble};

/// How the relation ends that an Archstone has in its JSON-home and a Keystone has not.
const OURS: &str = "/ext/OS-FEDERATION/1.0/rel/identity_provider_setup";
/// What Keystone's guides have before the names of attributes.
const CLAIM: &str = "OIDC-";
const MELLON: &str = "MELLON_";
/// The name of a person in an assertion, as mappings here call it.
const NAME_ID: &str = "__NAMEID__";

/// A Keystone or an Archstone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// It signs people in by itself.
    pub is_archstone: bool,
    /// Whether what is pushed speaks SAML; else it speaks OpenID Connect.
    pub is_saml: bool,
    /// The protocol that is made there.
    pub protocol_id: String,
    /// What stands before the names of attributes.
    prefix: String,
}

impl Target {
    /// Looks what it is, and whether it can take what the plan has.
    pub async fn find(session: &Session<'_>, site: &Site<'_>, plan: &Plan) -> Result<Self, Problem> {
        let is_saml = match &plan.settings {
            Settings::Oidc(_) => false,
            Settings::Saml(_) => true,
            Settings::Ldap(_) => {
                return Err(Problem::new(
                    Trouble::Unsupported,
                    "A directory cannot be pushed to a Keystone: it takes directories from files of its own only.",
                ));
            }
        };
        let options = &site.record.options;
        let protocol_id = options.protocol_id.as_deref().unwrap_or(if is_saml { "saml2" } else { "openid" }).to_owned();
        let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let dots = protocol_id.bytes().all(|b| b == b'.');
        if dots || protocol_id.len() > 64 || !protocol_id.bytes().all(sound) {
            return Err(Problem::new(
                Trouble::Refused,
                "The option 'protocolId' must have 1 to 64 letters, digits, dots, hyphens and underscores.",
            ));
        }
        let home = session.home("Reading what the platform can do").await?.unwrap_or_default();
        let is_archstone = home["resources"].as_object().is_some_and(|all| all.keys().any(|name| name.ends_with(OURS)));
        let usual = match (is_saml, is_archstone) {
            (false, _) => CLAIM,
            (true, true) => "",
            (true, false) => MELLON,
        };
        let prefix = options.claim_prefix.as_deref().unwrap_or(usual).to_owned();
        Ok(Self { is_archstone, is_saml, protocol_id, prefix })
    }

    /// An attribute of the identity provider as the target's mappings know it. What comes as a header field has lost its case and
    /// its signs (RFC 3875 §4.1.18).
    pub fn attribute(&self, name: &str) -> String {
        let name = match name {
            NAME_ID if self.is_saml && !self.is_archstone && self.prefix == MELLON => "NAME_ID",
            NAME_ID if self.is_saml && !self.is_archstone => return "REMOTE_USER".to_owned(),
            NAME_ID if self.is_saml => return name.to_owned(),
            other => other,
        };
        let name = format!("{}{name}", self.prefix);
        if !self.prefix.starts_with("HTTP_") {
            return name;
        }
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
    }

    /// Where browsers come back to from the identity provider.
    pub fn callback(&self, site: &Site<'_>, name: &str) -> Result<String, Problem> {
        if let Some(own) = site.record.options.callback_url.as_deref() {
            let own = exchange::web_url(own);
            return own
                .map(str::to_owned)
                .ok_or_else(|| Problem::new(Trouble::Refused, "The option 'callbackUrl' is no URL."));
        }
        let base = base_of(site);
        let way = format!("OS-FEDERATION/identity_providers/{name}/protocols/{}", self.protocol_id);
        Ok(match (self.is_archstone, self.is_saml) {
            (true, false) => format!("{base}/v3/auth/{way}/callback"),
            (true, true) => format!("{base}/v3-ext/auth/OS-FEDERATION/SSO/SAML2/POST"),
            (false, false) => format!("{base}/v3/{way}/auth"),
            (false, true) => format!("{base}/v3/{way}/auth/mellon/postResponse"),
        })
    }

    /// What is left to do by hand.
    pub fn warnings(&self, plan: &Plan) -> Vec<String> {
        let mut warnings = Vec::new();
        let protocol = &self.protocol_id;
        match (self.is_archstone, self.is_saml) {
            (true, false) => {}
            (true, true) => {
                if matches!(&plan.settings, Settings::Saml(saml) if saml.sign_requests) {
                    warnings.push("The other Archstone signs no requests: a key that signs them is never pushed.".to_owned());
                }
            }
            (false, false) => warnings.push(format!(
                "Keystone signs nobody in by itself: its web server's mod_auth_openidc has to know this client and protect the \
                 protocol's paths, with OIDCClaimPrefix \"{}\" and OIDCClaimDelimiter \";\", and [auth] methods in keystone.conf has \
                 to name '{protocol}'.",
                self.prefix
            )),
            (false, true) => warnings.push(format!(
                "Keystone signs nobody in by itself: its web server's mod_auth_mellon has to know this identity provider and \
                 protect the protocol's paths, with MellonMergeEnvVars \"On\" \";\", and [auth] methods in keystone.conf has to \
                 name '{protocol}'."
            )),
        }
        warnings
    }

    /// One for tests.
    #[cfg(test)]
    pub fn in_test(is_archstone: bool) -> Self {
        Self { is_archstone, is_saml: false, protocol_id: "openid".to_owned(), prefix: CLAIM.to_owned() }
    }
}
