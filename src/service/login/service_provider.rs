//! What a tenant is to identity providers that speak SAML (tenant-login §6.1).

use super::depart::{callback_uri, offered};
use crate::error::Result;
use crate::model::tenant::Tenant;
use crate::service::saml_key::{self, Holder};
use crate::service::{App, connection};
use crate::upstream::saml::metadata;

/// A tenant as service provider.
#[derive(Debug)]
pub struct ServiceProvider {
    /// What it calls itself.
    pub entity_id: String,
    /// Where answers are posted to.
    pub acs_url: String,
    /// Where messages about logging out come to.
    pub slo_url: String,
    /// The forms of names that it takes.
    pub name_id_formats: &'static [&'static str],
    /// Certificates by which requests are signed and assertions may be encrypted, in PEM.
    pub certificates: Vec<String>,
    /// Until when this holds.
    pub valid_until: String,
    /// All of it as metadata.
    pub document: String,
}

/// Where messages about logging out come to.
pub fn slo_uri(app: &App, tenant: &Tenant) -> String {
    format!("{}/federation/saml/slo", tenant.base(&app.public_url))
}

/// What a tenant is now; to one identity provider, if it is named, which may know it by another name.
pub async fn service_provider(app: &App, tenant: &Tenant, idp_id: Option<&str>) -> Result<ServiceProvider> {
    let own = saml_key::of(app, Holder::Tenant(tenant)).await?;
    let certificates: Vec<&str> = own.keys.iter().map(|key| key.certificate.as_str()).collect();
    let acs_url = callback_uri(app, tenant, "saml");
    let entity_id = match idp_id {
        Some(idp_id) => {
            let offered = offered(app, tenant, "saml", idp_id).await?;
            let ready = connection::ready(app, idp_id, &offered.protocol_id).await?;
            ready.and_then(|ready| ready.sp_entity_id().map(str::to_owned))
        }
        None => None,
    };
    let entity_id = entity_id.unwrap_or_else(|| metadata::entity_id(&acs_url));
    let valid_until = metadata::valid_until(app.now());
    let slo_url = slo_uri(app, tenant);
    let described = metadata::ServiceProvider {
        entity_id: &entity_id,
        acs_url: &acs_url,
        ecp_url: None,
        slo_url: Some(&slo_url),
        until: &valid_until,
        organisation: &tenant.name,
        public_url: &app.public_url,
        certificates: &certificates,
    };
    let document = if tenant.settings.sign_metadata {
        saml_key::signed_metadata(app, &own, &described).await?.to_string()
    } else {
        described.message(None).unsigned()
    };
    let certificates = certificates.into_iter().map(pem).collect();
    let name_id_formats = &metadata::NAME_ID_FORMATS;
    Ok(ServiceProvider { entity_id, acs_url, slo_url, name_id_formats, certificates, valid_until, document })
}

/// A certificate in PEM (RFC 7468 §2).
fn pem(base64: &str) -> String {
    let lines = base64.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
}
