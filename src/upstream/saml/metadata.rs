//! What we say of ourselves to identity providers (saml-metadata-2.0-os §2.4.4; tenant-login §6.1).

use super::encryption::ANNOUNCED;
use super::request::{escape, seconds};
use super::xml::{DS, SAMLP};
use crate::clock::Timestamp;

/// How long it holds, in seconds.
const LASTS_SECS: i64 = 7 * 24 * 3_600;

/// The forms of names that are taken.
pub const NAME_ID_FORMATS: [&str; 4] = [
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
];

/// What we call ourselves where answers come to `acs_url`, unless it is set: the address of our metadata beside it.
pub fn entity_id(acs_url: &str) -> String {
    format!("{}metadata", acs_url.strip_suffix("acs").unwrap_or(acs_url))
}

/// Until when metadata holds that is made now.
pub fn valid_until(now: Timestamp) -> String {
    seconds(now.plus_secs(LASTS_SECS))
}

/// The document.
pub fn document(
    entity_id: &str,
    acs_url: &str,
    until: &str,
    organisation: &str,
    public_url: &str,
    certificates: &[&str],
) -> String {
    let key = |certificate: &&str, purpose: &str, methods: &str| {
        format!(
            "    <md:KeyDescriptor use=\"{purpose}\">\n      <ds:KeyInfo xmlns:ds=\"{DS}\"><ds:X509Data><ds:X509Certificate>\
             {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\n{methods}    </md:KeyDescriptor>\n"
        )
    };
    let methods = ANNOUNCED.map(|m| format!("      <md:EncryptionMethod Algorithm=\"{m}\"/>\n")).concat();
    let keys: String = certificates.iter().map(|c| key(c, "signing", "") + &key(c, "encryption", &methods)).collect();
    let formats: String = NAME_ID_FORMATS.map(|f| format!("    <md:NameIDFormat>{f}</md:NameIDFormat>\n")).concat();
    let (entity_id, acs_url) = (escape(entity_id), escape(acs_url));
    let (organisation, public_url) = (escape(organisation), escape(public_url));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\" \
         validUntil=\"{until}\" cacheDuration=\"P1D\">\n  \
         <md:SPSSODescriptor protocolSupportEnumeration=\"{SAMLP}\" AuthnRequestsSigned=\"true\" \
         WantAssertionsSigned=\"true\">\n{keys}{formats}    \
         <md:AssertionConsumerService index=\"0\" isDefault=\"true\" \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{acs_url}\"/>\n  \
         </md:SPSSODescriptor>\n  <md:Organization>\n    \
         <md:OrganizationName xml:lang=\"en\">{organisation}</md:OrganizationName>\n    \
         <md:OrganizationDisplayName xml:lang=\"en\">{organisation}</md:OrganizationDisplayName>\n    \
         <md:OrganizationURL xml:lang=\"en\">{public_url}</md:OrganizationURL>\n  </md:Organization>\n\
         </md:EntityDescriptor>\n"
    )
}
