//! What we say of ourselves to partners (saml-metadata-2.0-os §2.3 and §2.4; tenant-login §6.1).

use super::encryption::ANNOUNCED;
use super::message::{Message, escape, seconds};
use super::request::{HTTP_POST, PAOS};
use super::xml::{DS, SAMLP};
use crate::clock::Timestamp;

/// How long it holds, in seconds.
const LASTS_SECS: i64 = 7 * 24 * 3_600;
const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

/// The forms of names that are taken.
pub const NAME_ID_FORMATS: [&str; 4] = [
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
];

/// Where answers come to by a client that speaks SOAP, where there is such a place.
const ECP_PLACE: &str = "SAML2/ECP";
/// Where browsers post them beside it.
const POST_PLACE: &str = "SAML2/POST";

/// What we call ourselves where answers come to `acs_url`, unless it is set: the address of our metadata beside it.
pub fn entity_id(acs_url: &str) -> String {
    let base = [POST_PLACE, ECP_PLACE, "acs"].iter().find_map(|place| acs_url.strip_suffix(place));
    format!("{}metadata", base.unwrap_or(acs_url))
}

/// The address where answers come to beside the one where messages about logging out do.
pub fn acs_beside(slo_url: &str) -> String {
    format!("{}acs", slo_url.strip_suffix("slo").unwrap_or(slo_url))
}

/// What one of this service's kind calls itself whose clients bring answers to `url`; none if it is of another kind.
pub fn own_kind(url: &str) -> Option<String> {
    url.strip_suffix("/v3-ext/auth/OS-FEDERATION/SSO/SAML2/ECP").map(|_| entity_id(url))
}

/// Until when metadata holds that is made now.
pub fn valid_until(now: Timestamp) -> String {
    seconds(now.plus_secs(LASTS_SECS))
}

/// Us, to identity providers.
#[derive(Debug, Clone, Copy)]
pub struct ServiceProvider<'a> {
    /// What we call ourselves.
    pub entity_id: &'a str,
    /// Where browsers post answers to.
    pub acs_url: &'a str,
    /// Where clients that speak SOAP bring them.
    pub ecp_url: Option<&'a str>,
    /// Where messages about logging out come to.
    pub slo_url: Option<&'a str>,
    /// Until when this holds.
    pub until: &'a str,
    /// Whose it is.
    pub organisation: &'a str,
    /// Where that is.
    pub public_url: &'a str,
    /// Certificates to verify and to encrypt with, in DER, as base64.
    pub certificates: &'a [&'a str],
}

impl ServiceProvider<'_> {
    /// The document without times and id: what two have in common that say the same.
    pub fn without_times(&self) -> String {
        ServiceProvider { until: "", ..*self }.message(None).unsigned()
    }

    /// The document; one that is to be signed has an id.
    pub fn message(&self, id: Option<String>) -> Message {
        let methods = ANNOUNCED.map(|m| format!("      <md:EncryptionMethod Algorithm=\"{m}\"/>\n")).concat();
        let both = |c: &&str| key(c, "signing", "") + &key(c, "encryption", &methods);
        let keys: String = self.certificates.iter().map(both).collect();
        let formats = NAME_ID_FORMATS.map(|f| format!("    <md:NameIDFormat>{f}</md:NameIDFormat>\n")).concat();
        let logout = |url: &str| {
            let at = |binding: &str| {
                format!(
                    "    <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{binding}\" \
                     Location=\"{}\"/>\n",
                    escape(url)
                )
            };
            at("Redirect") + &at("POST")
        };
        let logout = self.slo_url.map(logout).unwrap_or_default();
        let consumer = |index: usize, binding: &str, url: &str| {
            let is_default = if index == 0 { " isDefault=\"true\"" } else { "" };
            format!(
                "    <md:AssertionConsumerService index=\"{index}\"{is_default} Binding=\"{binding}\" Location=\"{}\"/>\n",
                escape(url)
            )
        };
        let ecp = self.ecp_url.map(|url| consumer(1, PAOS, url)).unwrap_or_default();
        let role = format!(
            "  <md:SPSSODescriptor protocolSupportEnumeration=\"{SAMLP}\" AuthnRequestsSigned=\"true\" \
             WantAssertionsSigned=\"true\">\n{keys}{logout}{formats}{}{ecp}  </md:SPSSODescriptor>\n",
            consumer(0, HTTP_POST, self.acs_url)
        );
        let organisation = organisation(self.organisation, self.public_url);
        entity(self.entity_id, self.until, id, &format!("{role}{organisation}"))
    }
}

/// Us, to other clouds that take our assertions.
#[derive(Debug)]
pub struct IdentityProvider<'a> {
    /// What we call ourselves.
    pub entity_id: &'a str,
    /// Where one would sign in.
    pub sso_url: &'a str,
    /// Until when this holds.
    pub until: &'a str,
    /// Whose it is.
    pub organisation: &'a str,
    /// Where that is.
    pub public_url: &'a str,
    /// Certificates to verify with, in DER, as base64.
    pub certificates: &'a [&'a str],
}

impl IdentityProvider<'_> {
    /// The document.
    pub fn message(&self) -> Message {
        let keys: String = self.certificates.iter().map(|c| key(c, "signing", "")).collect();
        let role = format!(
            "  <md:IDPSSODescriptor protocolSupportEnumeration=\"{SAMLP}\">\n{keys}    \
             <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\n    \
             <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:URI\" Location=\"{}\"/>\n  \
             </md:IDPSSODescriptor>\n",
            escape(self.sso_url)
        );
        let organisation = organisation(self.organisation, self.public_url);
        entity(self.entity_id, self.until, None, &format!("{role}{organisation}"))
    }
}

fn entity(entity_id: &str, until: &str, id: Option<String>, roles: &str) -> Message {
    let named = id.as_ref().map(|id| format!(" ID=\"{id}\"")).unwrap_or_default();
    Message {
        before: format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<md:EntityDescriptor xmlns:md=\"{MD}\"{named} entityID=\"{}\" \
             validUntil=\"{until}\" cacheDuration=\"P1D\">",
            escape(entity_id)
        ),
        after: format!("\n{roles}</md:EntityDescriptor>\n"),
        id: id.unwrap_or_default(),
        destination: String::new(),
        parameter: "",
    }
}

fn key(certificate: &str, purpose: &str, methods: &str) -> String {
    format!(
        "    <md:KeyDescriptor use=\"{purpose}\">\n      <ds:KeyInfo xmlns:ds=\"{DS}\"><ds:X509Data><ds:X509Certificate>\
         {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\n{methods}    </md:KeyDescriptor>\n"
    )
}

fn organisation(name: &str, url: &str) -> String {
    let (name, url) = (escape(name), escape(url));
    format!(
        "  <md:Organization>\n    <md:OrganizationName xml:lang=\"en\">{name}</md:OrganizationName>\n    \
         <md:OrganizationDisplayName xml:lang=\"en\">{name}</md:OrganizationDisplayName>\n    \
         <md:OrganizationURL xml:lang=\"en\">{url}</md:OrganizationURL>\n  </md:Organization>\n"
    )
}
