//! Metadata of an identity provider for a platform that wants all of it: what was fetched, or the least document that says what the
//! four settings say (saml-metadata-2.0-os §2.4.3).

use quick_xml::escape::escape;

use crate::model::connection::saml::Saml;
use crate::model::plan::Plan;
use crate::platform::{Problem, Trouble};

/// The document.
pub fn metadata(plan: &Plan, saml: &Saml) -> Result<String, Problem> {
    let known = plan.metadata.as_ref().or(saml.idp_metadata_xml.as_ref());
    if let Some(known) = known {
        return Ok(known.clone());
    }
    let (Some(entity_id), Some(sso_url), Some(certificates)) =
        (&saml.idp_entity_id, &saml.idp_sso_url, &saml.idp_certificate)
    else {
        return Err(Problem::new(
            Trouble::Refused,
            "The platform wants the identity provider's metadata, and the configuration has neither that nor entity id, sign-on \
             URL and certificate.",
        ));
    };
    let mut keys = String::new();
    for certificate in bodies(certificates) {
        keys.push_str(&format!(
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
             </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        ));
    }
    if keys.is_empty() {
        return Err(Problem::new(Trouble::Refused, "The identity provider's certificate is no PEM."));
    }
    let at = |element: &str, url: &str| {
        let binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
        format!("<md:{element} Binding=\"{binding}\" Location=\"{}\"/>", escape(url))
    };
    let leaving = saml.idp_slo_url.as_ref().map(|url| at("SingleLogoutService", url)).unwrap_or_default();
    let format = saml.name_id_format.as_ref();
    let format =
        format.map(|f| format!("<md:NameIDFormat>{}</md:NameIDFormat>", escape(f.as_str()))).unwrap_or_default();
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{}\">\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         WantAuthnRequestsSigned=\"false\">{keys}{leaving}{format}{}</md:IDPSSODescriptor></md:EntityDescriptor>",
        escape(entity_id.as_str()),
        at("SingleSignOnService", sso_url),
    ))
}

/// The base64 of each certificate in PEM.
fn bodies(pem: &str) -> Vec<String> {
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    pem.split(begin)
        .skip(1)
        .filter_map(|part| part.split_once(end))
        .map(|(body, _)| body.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')).collect())
        .collect()
}
