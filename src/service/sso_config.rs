//! Global SSO configurations (sso-api §3, §4): identity providers as their administrators see them, for whoever manages the
//! whole deployment.
//!
//! A configuration is one record with the identity provider of the same id, its protocol, its connection and a mapping that
//! is made of the configuration's own words. What this face makes, only this face changes (`managed`); what the Keystone
//! face made can be completed here. Nothing of it touches how local administrators log in.

pub mod apply;
mod create;
pub mod delete;
mod group_mappings;
pub mod managed;
pub mod profile;
pub mod retest;
pub mod test;
mod update;

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

pub use create::{Body, create};
pub use update::update;

use super::caller::Caller;
use super::connection::At;
use super::federated_login::web;
use super::{App, secrets};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::connection::Settings;
pub use crate::model::expected::Expected;
use crate::model::list::{Portion, Window};
use crate::model::mapping::{Document, Mapping};
use crate::model::mapping_engine::SchemaVersion;
use crate::model::sso_config::block::Defaults;
use crate::model::sso_config::rules::{self, Sources};
use crate::model::sso_config::{ProviderType, SsoConfig, Whole};
use crate::policy::Target;
use crate::secret::Secret;
use crate::store::{self, Conn};

const KIND: &str = "sso_configuration";
/// Fields of a person (sso-api §3.4).
const FIELDS: [&str; 8] =
    ["username", "email", "displayName", "givenName", "familyName", "phone", "groups", "externalId"];

/// How many configurations there are, as of a tick of the memory: counting them costs more than a page of them.
#[derive(Debug, Default)]
pub struct Total(Mutex<Option<(u64, i64)>>);

fn not_found(id: &str) -> Error {
    Error::not_found(format!("There is no SSO configuration {id}."))
}

/// What policy sees of a request about a configuration.
fn seen(id: &str) -> Target {
    Target::new().and_path("id", id)
}

/// The names of the members that a body sets, for the audit trail.
fn named(body: &Value) -> String {
    let names = body.as_object().into_iter().flat_map(|m| m.keys()).filter(|name| *name != "tenantUuid");
    names.map(String::as_str).collect::<Vec<_>>().join(",")
}

/// Part of the configurations, in order of their making.
pub async fn list(app: &App, caller: &Caller, window: Window) -> Result<Portion<Whole>> {
    app.allow(caller, "sso:list_configurations", &Target::new()).await?;
    let mut conn = app.store.read().await?;
    let total = total(app, &mut conn).await?;
    let mut page = store::sso_config::list(&mut conn, window).await?;
    let secret_ids: Vec<Option<String>> = page.iter().map(secret_id).collect();
    let asked: Vec<&str> = secret_ids.iter().flatten().map(String::as_str).collect();
    let there = store::sealed_secret::existing(&mut conn, &asked).await?;
    for (whole, id) in page.iter_mut().zip(&secret_ids) {
        whole.has_secret = id.as_ref().is_some_and(|id| there.contains(id));
    }
    Ok(Portion { items: page, total })
}

async fn total(app: &App, conn: &mut Conn) -> Result<i64> {
    let lock = || app.sso_total.0.lock().unwrap_or_else(PoisonError::into_inner);
    let known = *lock();
    if let Some((tick, n)) = known
        && app.memory.is_current()
        && !app.memory.sso_configurations_changed(tick)
    {
        return Ok(n);
    }
    let tick = app.memory.tick();
    let n = store::sso_config::count(conn).await?;
    *lock() = Some((tick, n));
    Ok(n)
}

/// What policy sees of a request about a configuration.
pub(super) fn seen_configuration(id: &str) -> Target {
    seen(id)
}

/// The secret of a configuration's connection.
pub(super) async fn secret_of(app: &App, conn: &mut Conn, whole: &Whole) -> Result<Option<Secret>> {
    match secret_id(whole) {
        Some(id) => secrets::get(app, conn, &id).await,
        None => Ok(None),
    }
}

/// The claims or attributes that a configuration takes a person's fields from, as the identity provider calls them.
pub(super) fn whole_attributes(whole: &Whole) -> Vec<(String, String)> {
    let Some(kind) = whole.provider_type() else { return Vec::new() };
    let attributes = &whole.config.attributes;
    FIELDS.iter().map(|field| ((*field).to_owned(), attributes.claim(field, kind).to_owned())).collect()
}

/// Where the secret of a configuration's connection lies.
fn secret_id(whole: &Whole) -> Option<String> {
    let protocol_id = whole.protocol_id.as_deref()?;
    Some(At { idp_id: &whole.config.id, protocol_id }.secret_id())
}

/// One configuration.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Whole> {
    app.allow(caller, "sso:get_configuration", &seen(id)).await?;
    find(&mut app.store.read().await?, id).await
}

/// The configuration with all that is known of it, or 404.
pub(super) async fn find(conn: &mut Conn, id: &str) -> Result<Whole> {
    let mut found = store::sso_config::get(conn, id).await?.ok_or_else(|| not_found(id))?;
    if let Some(secret_id) = secret_id(&found) {
        found.has_secret = store::sealed_secret::get(conn, &secret_id).await?.is_some();
    }
    Ok(found)
}

/// 409 for an issuer that another configuration has.
async fn check_issuer(conn: &mut Conn, id: &str, issuer: &str) -> Result<()> {
    let taken = || Error::conflict(format!("There is an SSO configuration with the issuer {issuer} already."));
    if store::sso_config::owner_of_issuer(conn, issuer).await?.is_some_and(|owner| owner != id) {
        return Err(taken());
    }
    match store::identity_provider::owner_of_remote_id(conn, issuer).await? {
        Some(owner) if owner != id => {
            Err(Error::conflict(format!("The issuer {issuer} is a remote id of another identity provider.")))
        }
        _ => Ok(()),
    }
}

/// When a configuration is tested that has just been made or changed: at once, unless it signs nobody in.
fn first_test(app: &App, enabled: bool, settings: Option<&Settings>) -> Option<Timestamp> {
    settings.filter(|_| enabled && app.config.sso.background_tests).map(|_| app.now())
}

/// The mapping that is made of a configuration's words.
fn generated(
    app: &App,
    config: &SsoConfig,
    kind: ProviderType,
    group_ids: &[(String, String)],
    domain_id: &str,
) -> Result<Mapping> {
    let sources = Sources {
        kind,
        claim_prefix: claim_prefix(app),
        attributes: &config.attributes,
        groups: config.group_provisioning,
        group_ids,
        domain_id,
    };
    let document = Document { schema_version: SchemaVersion::V2, rules: rules::rules(&sources) };
    document.compile(Some(domain_id)).map_err(|e| Error::invalid_field("attributeMappings", e.to_string()))?;
    Ok(Mapping { id: config.id.clone(), domain_id: Some(domain_id.to_owned()), document })
}

/// What is shown, and done, where a configuration says nothing of it.
pub fn defaults(app: &App, whole: &Whole) -> Defaults {
    let protocol_id = whole.protocol_id.as_deref().unwrap_or_default();
    Defaults {
        redirect_uri: web::redirect_uri(app, &whole.config.id, protocol_id),
        sp_entity_id: format!("{}/saml/sp", app.public_url),
    }
}

/// What stands before the names of an OpenID provider's claims in the mappings that are made here.
pub(super) fn claim_prefix(app: &App) -> &str {
    app.config.federation.claim_prefixes.first().map_or("", String::as_str)
}

#[cfg(test)]
mod tests;
