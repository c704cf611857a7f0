//! SCIM 2.0 (RFC 7644): users and groups of a tenant, as its directory has them.
//!
//! A directory sees all users and groups of the tenant's domain. It changes those that it has made, and takes over others by
//! saying what it calls them (`externalId`), with bounds that [`ownership`] draws. It never gives roles (SCIM-8), and never
//! reaches beyond the domain (ADM-TEN-1). Whom it switches off, deletes or takes out of a group has lost it at once (SCIM-5).

pub mod group;
mod ownership;
pub mod user;

use super::App;
use super::caller::Caller;
use super::tenant::reach::admitted;
use crate::error::{Error, Result, ScimFault};

/// Whether the caller may be shown what a tenant's SCIM can do.
pub async fn show(app: &App, caller: &Caller, tenant_id: &str) -> Result<()> {
    admitted(app, caller, "tenant:show_scim_service", tenant_id, None).await.map(drop)
}

/// Whether the caller may have several things done by one request. What each of them is about asks its own rule.
pub async fn use_bulk(app: &App, caller: &Caller, tenant_id: &str) -> Result<()> {
    admitted(app, caller, "tenant:use_scim_bulk", tenant_id, None).await.map(drop)
}

/// 409 for a name that somebody else has.
fn taken(text: String) -> impl FnOnce(Error) -> Error {
    move |error| match error {
        Error::Conflict { .. } => Error::scim(ScimFault::Uniqueness, text),
        other => other,
    }
}
