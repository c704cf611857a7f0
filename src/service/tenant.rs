//! Tenants, their applications and the identity providers that they offer.
//!
//! Every request of a browser or an application begins by asking for these, so they are remembered, each until it or what it
//! rests on changes, on this node or another (see `cache`).

pub mod application;
pub mod identity_provider;
pub mod link;
pub(in crate::service) mod reach;
pub mod register;
pub mod scim_token;
pub mod traces;

use std::sync::Arc;

use moka::sync::Cache;
use serde_json::Value;

use super::App;
use crate::error::{Code, Error, Result};
use crate::model::application::Application;
use crate::model::tenant::{Tenant, is_slug};
use crate::model::tenant_idp::Offered;
pub use crate::store::application::StoredSecret;
use crate::store::{self};

/// Most tenants, applications and lists of identity providers that are remembered, each.
const MAX_KNOWN: u64 = 10_000;

/// An application with the digests of its secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// The application.
    pub application: Application,
    /// Its secrets.
    pub secrets: Vec<StoredSecret>,
}

/// What is remembered of tenants, each with the tick of the memory at which its reading began.
#[derive(Debug)]
pub struct Known {
    slugs: Cache<String, (u64, Arc<Tenant>)>,
    clients: Cache<(String, String), (u64, Arc<Client>)>,
    offered: Cache<String, (u64, Arc<Vec<Offered>>)>,
}

impl Default for Known {
    fn default() -> Self {
        Self { slugs: Cache::new(MAX_KNOWN), clients: Cache::new(MAX_KNOWN), offered: Cache::new(MAX_KNOWN) }
    }
}

/// 404 for a slug that leads nowhere.
fn not_found() -> Error {
    Error::refused(Code::TenantNotFound, "Tenant not found")
}

/// The tenant that a slug leads to: 404 if there is none, 403 unless it is active.
pub async fn by_slug(app: &App, slug: &str) -> Result<Arc<Tenant>> {
    let tenant = find(app, slug).await?;
    if tenant.active && tenant.domain_enabled {
        Ok(tenant)
    } else {
        Err(Error::refused(Code::TenantSuspended, "Tenant is not active"))
    }
}

async fn find(app: &App, slug: &str) -> Result<Arc<Tenant>> {
    if !is_slug(slug) {
        return Err(not_found());
    }
    if app.memory.is_current()
        && let Some((tick, tenant)) = app.tenants.slugs.get(slug)
        && !app.memory.tenant_changed(&tenant.id, tick)
    {
        return Ok(tenant);
    }
    let tick = app.memory.tick();
    let found = store::tenant::get_by_slug(&mut app.store.read().await?, slug).await?;
    let tenant = Arc::new(found.ok_or_else(not_found)?);
    app.tenants.slugs.insert(slug.to_owned(), (tick, tenant.clone()));
    Ok(tenant)
}

/// An application of a tenant, enabled or not.
pub async fn client(app: &App, tenant_id: &str, client_id: &str) -> Result<Option<Arc<Client>>> {
    if client_id.len() > 64 || client_id.contains('\0') {
        return Ok(None);
    }
    let key = (tenant_id.to_owned(), client_id.to_owned());
    if app.memory.is_current()
        && let Some((tick, client)) = app.tenants.clients.get(&key)
        && !app.memory.tenant_changed(tenant_id, tick)
    {
        return Ok(Some(client));
    }
    let tick = app.memory.tick();
    let mut conn = app.store.read().await?;
    let Some(application) = store::application::get(&mut conn, tenant_id, client_id).await? else { return Ok(None) };
    let secrets = store::application::secrets(&mut conn, client_id).await?;
    let client = Arc::new(Client { application, secrets });
    app.tenants.clients.insert(key, (tick, client.clone()));
    Ok(Some(client))
}

/// The identity providers that a tenant offers, in the order of their buttons; those without a button as well.
pub async fn offered(app: &App, tenant: &Tenant) -> Result<Arc<Vec<Offered>>> {
    if app.memory.is_current()
        && let Some((tick, offered)) = app.tenants.offered.get(&tenant.id)
        && !app.memory.tenant_changed(&tenant.id, tick)
        && !app.memory.identity_providers_changed(tick)
    {
        return Ok(offered);
    }
    let tick = app.memory.tick();
    let mut found = store::tenant_idp::offered(&mut app.store.read().await?, &tenant.id).await?;
    found.retain(|o| o.settings.enabled);
    found.sort_by_cached_key(|o| (o.settings.display_order, o.name.to_lowercase(), o.idp_id.clone()));
    let offered = Arc::new(found);
    app.tenants.offered.insert(tenant.id.clone(), (tick, offered.clone()));
    Ok(offered)
}

/// The names of the members that a body sets, for the audit trail.
fn named(body: &Value) -> String {
    let names = body.as_object().into_iter().flat_map(|members| members.keys()).map(String::as_str);
    names.filter(|name| *name != "tenant_id").collect::<Vec<_>>().join(",")
}
