//! The settings of a SAML 2.0 connection: what is known of the identity provider, and what we are to it (SAML metadata,
//! OASIS saml-metadata-2.0-os).
//!
//! Either the three members that a log-in needs are given (entity id, sign-on URL, certificate), or a URL of metadata that
//! has them. The key that requests are signed with is the connection's secret.

use serde::{Deserialize, Serialize};

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
    /// Signatures with SHA-1 are taken.
    pub allow_sha1: bool,
}
