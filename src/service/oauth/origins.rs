//! Origins whose scripts may ask a tenant's endpoints: those of all its applications. A preflight names no application, and a
//! script has to hold a code or a token whatever its origin, so the tenant's are told from others, not each application's.

use std::collections::HashSet;
use std::sync::Arc;

use moka::sync::Cache;

use super::super::App;
use crate::error::Result;
use crate::model::list::Window;
use crate::model::tenant::Tenant;
use crate::store;

/// Tenants whose origins are remembered at most.
const MAX_TENANTS: u64 = 10_000;
/// Applications that are read at once.
const PAGE: i64 = 500;

/// Origins, each tenant's with the tick of the memory at which their reading began.
#[derive(Debug)]
pub(super) struct Origins(Cache<String, (u64, Arc<HashSet<String>>)>);

impl Default for Origins {
    fn default() -> Self {
        Self(Cache::new(MAX_TENANTS))
    }
}

/// Whether scripts of an origin may ask.
pub async fn allows(app: &App, tenant: &Tenant, origin: &str) -> Result<bool> {
    if app.memory.is_current()
        && let Some((tick, origins)) = app.oauth.origins.0.get(&tenant.id)
        && !app.memory.tenant_changed(&tenant.id, tick)
    {
        return Ok(origins.contains(origin));
    }
    let tick = app.memory.tick();
    let mut conn = app.store.read().await?;
    let mut origins = HashSet::new();
    let mut offset = 0;
    loop {
        let page = store::application::list(&mut conn, &tenant.id, Window { limit: PAGE, offset }).await?;
        let count = i64::try_from(page.len()).unwrap_or(0);
        origins.extend(page.into_iter().filter(|a| a.enabled).flat_map(|a| a.settings.allowed_origins));
        if count < PAGE {
            break;
        }
        offset += count;
    }
    let allowed = origins.contains(origin);
    app.oauth.origins.0.insert(tenant.id.clone(), (tick, Arc::new(origins)));
    Ok(allowed)
}
