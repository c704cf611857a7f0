//! `samlConfig`.

use serde_json::{Value, json};

use super::{Kind, MAX_URL, certificates, flag, line, needed, text, url};
use crate::error::Result;
use crate::model::connection::saml::Saml;
use crate::model::fields::Fields;

/// Longest entity id: it becomes a remote id.
const MAX_ENTITY_ID: usize = 255;
/// Longest metadata, in characters: it fits into a body.
const MAX_METADATA: usize = 100_000;

pub(super) const MEMBERS: &[(&str, Kind)] = &[
    ("idpEntityId", Kind::Text),
    ("idpSsoUrl", Kind::Text),
    ("idpSloUrl", Kind::Text),
    ("idpCertificate", Kind::Text),
    ("idpMetadataUrl", Kind::Text),
    ("idpMetadataXml", Kind::Text),
    ("spEntityId", Kind::Text),
    ("nameIdFormat", Kind::Text),
    ("signRequests", Kind::Flag),
    ("forceAuthn", Kind::Flag),
    ("spCertificatePem", Kind::Text),
    ("requireSignedAssertion", Kind::Flag),
    ("allowSha1", Kind::Flag),
];

pub(super) fn given(s: &Saml) -> Vec<(&'static str, Value)> {
    vec![
        ("idpEntityId", json!(s.idp_entity_id)),
        ("idpSsoUrl", json!(s.idp_sso_url)),
        ("idpSloUrl", json!(s.idp_slo_url)),
        ("idpCertificate", json!(s.idp_certificate)),
        ("idpMetadataUrl", json!(s.idp_metadata_url)),
        ("idpMetadataXml", json!(s.idp_metadata_xml)),
        ("spEntityId", json!(s.sp_entity_id)),
        ("nameIdFormat", json!(s.name_id_format)),
        ("signRequests", flag(s.sign_requests)),
        ("forceAuthn", flag(s.force_authn)),
        ("spCertificatePem", json!(s.sp_certificate_pem)),
        ("requireSignedAssertion", flag(s.require_signed_assertion)),
        ("allowSha1", flag(s.allow_sha1)),
    ]
}

pub(super) fn parse(f: &mut Fields<'_>) -> Result<Saml> {
    let saml = Saml {
        idp_entity_id: line(f, "idpEntityId", MAX_ENTITY_ID)?,
        idp_sso_url: url(f, "idpSsoUrl")?,
        idp_slo_url: url(f, "idpSloUrl")?,
        idp_certificate: certificates(f, "idpCertificate")?,
        idp_metadata_url: line(f, "idpMetadataUrl", MAX_URL)?,
        idp_metadata_xml: text(f, "idpMetadataXml", MAX_METADATA)?,
        sp_entity_id: line(f, "spEntityId", 1_024)?,
        name_id_format: line(f, "nameIdFormat", 255)?,
        sign_requests: f.boolean("signRequests")?.unwrap_or(false),
        force_authn: f.boolean("forceAuthn")?.unwrap_or(false),
        sp_certificate_pem: certificates(f, "spCertificatePem")?,
        require_signed_assertion: f.boolean("requireSignedAssertion")?.unwrap_or(false),
        require_encrypted_assertion: false,
        allow_sha1: f.boolean("allowSha1")?.unwrap_or(false),
    };
    if saml.idp_metadata_url.is_none() && saml.idp_metadata_xml.is_none() {
        needed(f, "idpEntityId", saml.idp_entity_id.as_ref())?;
        needed(f, "idpSsoUrl", saml.idp_sso_url.as_ref())?;
        needed(f, "idpCertificate", saml.idp_certificate.as_ref())?;
    }
    if saml.sign_requests {
        needed(f, "spCertificatePem", saml.sp_certificate_pem.as_ref())?;
    }
    Ok(saml)
}
