//! The settings of a SAML 2.0 connection: what is known of the identity provider, and what we are to it (SAML metadata,
//! OASIS saml-metadata-2.0-os).
//!
//! Either the three members that a log-in needs are given (entity id, sign-on URL, certificate), or metadata that has them,
//! itself or by its URL. The key that requests are signed with is the connection's secret.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::fields::Fields;

/// Longest name of a party, URL, and text of certificates.
const MAX_ENTITY_ID: usize = 1_024;
const MAX_URL: usize = 2_048;
const MAX_PEM: usize = 100_000;
/// Longest metadata that is set rather than fetched, in characters.
pub const MAX_METADATA: usize = 500_000;

/// The settings, as they were given; what was not given is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saml {
    /// What the identity provider calls itself.
    pub idp_entity_id: Option<String>,
    /// Where browsers are sent to sign in.
    pub idp_sso_url: Option<String>,
    /// Where browsers are sent to sign out.
    pub idp_slo_url: Option<String>,
    /// Its certificates: one or more in PEM, all of which may have signed.
    pub idp_certificate: Option<String>,
    /// Where its metadata is.
    pub idp_metadata_url: Option<String>,
    /// Its metadata itself. Then none is fetched.
    pub idp_metadata_xml: Option<String>,
    /// What we call ourselves; unless given, it is made from the service's public URL.
    pub sp_entity_id: Option<String>,
    /// The form of name that is asked for.
    pub name_id_format: Option<String>,
    /// Requests are signed.
    pub sign_requests: bool,
    /// The identity provider is asked to authenticate people again.
    pub force_authn: bool,
    /// The certificate that goes with the key which signs requests, in PEM.
    pub sp_certificate_pem: Option<String>,
    /// A signature of the response as a whole is not enough.
    pub require_signed_assertion: bool,
    /// Assertions that are not encrypted are not taken.
    pub require_encrypted_assertion: bool,
    /// Signatures with SHA-1 are taken.
    pub allow_sha1: bool,
}

impl Saml {
    /// Reads the members that a client may write. Requests are signed by SSO configurations only, which have the key.
    pub fn parse(mut f: Fields<'_>) -> Result<Self> {
        let mut text = |name: &str, most: usize| Ok::<_, Error>(f.nullable_text(name, 1..=most)?.flatten());
        let saml = Self {
            idp_entity_id: text("idp_entity_id", MAX_ENTITY_ID)?,
            idp_sso_url: text("idp_sso_url", MAX_URL)?,
            idp_slo_url: text("idp_slo_url", MAX_URL)?,
            idp_certificate: text("idp_certificate", MAX_PEM)?,
            idp_metadata_url: text("idp_metadata_url", MAX_URL)?,
            idp_metadata_xml: text("idp_metadata_xml", MAX_METADATA)?,
            sp_entity_id: text("sp_entity_id", MAX_ENTITY_ID)?,
            name_id_format: text("name_id_format", 255)?,
            sp_certificate_pem: text("sp_certificate_pem", MAX_PEM)?,
            sign_requests: f.boolean("sign_requests")?.unwrap_or(false),
            force_authn: f.boolean("force_authn")?.unwrap_or(false),
            require_signed_assertion: f.boolean("require_signed_assertion")?.unwrap_or(false),
            require_encrypted_assertion: f.boolean("require_encrypted_assertion")?.unwrap_or(false),
            allow_sha1: f.boolean("allow_sha1")?.unwrap_or(false),
        };
        if saml.idp_metadata_url.is_none() && saml.idp_metadata_xml.is_none() {
            let needed = [
                ("idp_entity_id", &saml.idp_entity_id),
                ("idp_sso_url", &saml.idp_sso_url),
                ("idp_certificate", &saml.idp_certificate),
            ];
            if let Some((name, _)) = needed.iter().find(|(_, given)| given.is_none()) {
                return Err(Error::invalid_field(f.path(name), "is needed unless metadata is given"));
            }
        }
        if saml.sign_requests {
            return Err(Error::invalid_field(f.path("sign_requests"), "there is no key to sign with"));
        }
        f.finish()?;
        Ok(saml)
    }
}

/// The body by which Huawei Cloud imports metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The identity provider's domain, if it is named.
    pub domain_id: Option<String>,
    /// The document.
    pub metadata: String,
}

impl Import {
    /// Reads it. The kind of account says nothing here.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        f.nullable_text("xaccount_type", 0..=64)?;
        let domain_id = f.nullable_text("domain_id", 0..=64)?.flatten().filter(|id| !id.is_empty());
        let metadata = f.required_text("metadata", 1..=MAX_METADATA)?;
        f.finish()?;
        Ok(Self { domain_id, metadata })
    }
}
