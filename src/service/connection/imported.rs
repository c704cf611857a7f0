//! A SAML identity provider's metadata as Huawei Cloud takes it: imported as a document, over whatever was imported before
//! (keystone-api §2.2). It is the connection of that protocol.

use serde_json::Value;

use super::{At, Shown, add, locked, put, shown};
use crate::error::{Error, Result};
use crate::model::connection::saml::{Import, Saml};
use crate::model::connection::{Create, MEMBER, Settings};
use crate::service::caller::Caller;
use crate::service::{App, audit, federation, protocol};
use crate::store;

/// Imports metadata.
pub async fn import(app: &App, caller: &Caller, at: At<'_>, body: &Value) -> Result<()> {
    let done = take(app, caller, at, body).await;
    audit::refused(app, caller, "connection.import", (MEMBER, &at.name()), done).await
}

async fn take(app: &App, caller: &Caller, at: At<'_>, body: &Value) -> Result<()> {
    let reach = protocol::admitted(app, caller, "identity:create_connection", at.ids(), Some(body)).await?;
    if shown(&mut app.store.read().await?, at).await?.is_some() {
        protocol::admitted(app, caller, "identity:update_connection", at.ids(), Some(body)).await?;
    }
    let import = Import::parse(body)?;
    let mut saml = Saml { idp_metadata_xml: Some(import.metadata), ..Saml::default() };
    app.saml.check(&mut saml, app.now()).map_err(|e| match e {
        Error::Invalid { message, .. } => Error::invalid_field("metadata", message),
        other => other,
    })?;
    let mut tx = app.store.write().await?;
    let domain_id = locked(&mut tx, &reach, at).await?;
    if import.domain_id.is_some_and(|named| named != domain_id) {
        return Err(Error::invalid_field("domain_id", "the identity provider belongs to another domain"));
    }
    if store::protocol::get(&mut tx, at.idp_id, at.protocol_id).await?.is_none() {
        return Err(protocol::not_found(at.idp_id, at.protocol_id));
    }
    let settings = Settings::Saml(Box::new(saml));
    let about = (domain_id.as_str(), "metadata");
    match shown(&mut tx, at).await? {
        None => drop(add(app, &mut tx, caller, at, Create { settings, secret: None }, about).await?),
        Some(Shown { connection, .. }) if connection.settings.kind() != "saml" => {
            return Err(Error::conflict("The connection of the protocol speaks another protocol."));
        }
        Some(stored) => {
            let settings = renewed(&stored.connection.settings, settings);
            drop(put(app, &mut tx, caller, stored, (settings, None), about).await?);
        }
    }
    app.commit(tx).await
}

/// The stored settings with other metadata: what was set beside it stays.
fn renewed(stored: &Settings, imported: Settings) -> Settings {
    match (stored, imported) {
        (Settings::Saml(stored), Settings::Saml(imported)) => Settings::Saml(Box::new(Saml {
            idp_metadata_xml: imported.idp_metadata_xml,
            idp_entity_id: imported.idp_entity_id,
            idp_sso_url: None,
            idp_slo_url: None,
            idp_certificate: None,
            idp_metadata_url: None,
            ..stored.as_ref().clone()
        })),
        (_, imported) => imported,
    }
}

/// What was imported: the domain, and the connection with the document; 404 before that.
pub async fn get(app: &App, caller: &Caller, at: At<'_>) -> Result<(String, Shown)> {
    let reach = protocol::admitted(app, caller, "identity:get_connection", at.ids(), None).await?;
    let mut conn = app.store.read().await?;
    let idp = federation::get_within(&mut conn, &reach, at.idp_id).await?;
    let found = shown(&mut conn, at).await?.filter(|s| match &s.connection.settings {
        Settings::Saml(saml) => saml.idp_metadata_xml.is_some(),
        Settings::Oidc(_) | Settings::Ldap(_) => false,
    });
    let none = || Error::not_found(format!("Could not find metadata of Identity Provider: {}.", at.idp_id));
    Ok((idp.domain_id, found.ok_or_else(none)?))
}
