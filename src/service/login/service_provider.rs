//! What a tenant is to identity providers that speak SAML (tenant-login §6.1).

use super::depart::callback_uri;
use crate::error::Result;
use crate::model::tenant::Tenant;
use crate::service::App;
use crate::service::tenant::saml_key;
use crate::upstream::saml::metadata;

/// A tenant as service provider.
#[derive(Debug)]
pub struct ServiceProvider {
    /// What it calls itself.
    pub entity_id: String,
    /// Where answers are posted to.
    pub acs_url: String,
    /// The forms of names that it takes.
    pub name_id_formats: &'static [&'static str],
    /// Certificates by which requests are signed and assertions may be encrypted, in PEM.
    pub certificates: Vec<String>,
    /// Until when this holds.
    pub valid_until: String,
    /// All of it as metadata.
    pub document: String,
}

/// What a tenant is now.
pub async fn service_provider(app: &App, tenant: &Tenant) -> Result<ServiceProvider> {
    let own = saml_key::of(app, tenant).await?;
    let certificates: Vec<&str> = own.keys.iter().map(|key| key.certificate.as_str()).collect();
    let acs_url = callback_uri(app, tenant, "saml");
    let entity_id = metadata::entity_id(&acs_url);
    let valid_until = metadata::valid_until(app.now());
    let document = metadata::document(&entity_id, &acs_url, &valid_until, &tenant.name, &app.public_url, &certificates);
    let certificates = certificates.into_iter().map(pem).collect();
    let name_id_formats = &metadata::NAME_ID_FORMATS;
    Ok(ServiceProvider { entity_id, acs_url, name_id_formats, certificates, valid_until, document })
}

/// A certificate in PEM (RFC 7468 §2).
fn pem(base64: &str) -> String {
    let lines = base64.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
}
