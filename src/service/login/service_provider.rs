//! What a tenant is to identity providers that speak SAML (tenant-login §6.1).

use super::depart::callback_uri;
use crate::model::tenant::Tenant;
use crate::service::App;
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
    /// Until when this holds.
    pub valid_until: String,
    /// All of it as metadata.
    pub document: String,
}

/// What a tenant is now.
pub fn service_provider(app: &App, tenant: &Tenant) -> ServiceProvider {
    let acs_url = callback_uri(app, tenant, "saml");
    let entity_id = metadata::entity_id(&acs_url);
    let valid_until = metadata::valid_until(app.now());
    let document = metadata::document(&entity_id, &acs_url, &valid_until, &tenant.name, &app.public_url);
    ServiceProvider { entity_id, acs_url, name_id_formats: &metadata::NAME_ID_FORMATS, valid_until, document }
}
