//! Whose tenant a caller deals with.
//!
//! Administrators of the cloud deal with all tenants. Who acts in one domain deals with the tenant that this domain is:
//! policy is asked about that one, and of others there is nothing (404), so that nobody learns which ids are taken.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::model::tenant::{self, Tenant};
use crate::policy::Target;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store;

/// 404 for a tenant.
pub(in crate::service) fn not_found(id: &str) -> Error {
    Error::not_found(format!("There is no tenant {id:.64}."))
}

/// What policy sees of a request about a tenant, or something of it. `tenant_id` comes from the store.
pub(in crate::service) fn seen(caller: &Caller, tenant_id: Option<&str>) -> Target {
    match caller.domain_scope().or(tenant_id) {
        Some(id) => Target::stored("tenant", &json!({ "id": id })),
        None => Target::new(),
    }
}

/// Whether what belongs to a tenant is within the caller's reach.
pub(in crate::service) fn covers(caller: &Caller, tenant_id: &str) -> bool {
    caller.domain_scope().is_none_or(|own| own == tenant_id)
}

/// The tenant that a body names, if policy lets the caller do `rule` there and they may know of it. Who may do nothing of it
/// learns nothing of what is wrong with the body.
pub(in crate::service) async fn admitted_by_body(
    app: &App,
    caller: &Caller,
    rule: &str,
    body: &Value,
) -> Result<Tenant> {
    let named = tenant::tenant_id(body);
    let found = admitted(app, caller, rule, named.as_deref().unwrap_or_default(), Some(body)).await;
    match (named, found) {
        (Err(unnamed), Err(Error::NotFound { .. })) => Err(unnamed),
        (_, found) => found,
    }
}

/// The tenant, if policy lets the caller do `rule` there and they may know of it.
pub(in crate::service) async fn admitted(
    app: &App,
    caller: &Caller,
    rule: &str,
    tenant_id: &str,
    body: Option<&Value>,
) -> Result<Tenant> {
    let found = store::tenant::get(&mut app.store.read().await?, tenant_id).await?;
    let target = seen(caller, found.as_ref().map(|t| t.id.as_str())).and_path("tenant_id", tenant_id);
    app.allow(caller, rule, &body.map_or(target.clone(), |b| target.and_body(b))).await?;
    found.filter(|t| covers(caller, &t.id)).ok_or_else(|| not_found(tenant_id))
}
