//! What a token gives access to: its catalog, and the projects, domains and systems that it may be scoped to.

use std::sync::Arc;

use super::App;
use super::caller::Caller;
use crate::error::{Error, Result};
use crate::model::catalog::Entry;
use crate::model::domain::Domain;
use crate::model::facts::Scope;
use crate::model::grant;
use crate::model::list::Query;
use crate::model::project::Project;
use crate::policy::Target;
use crate::store;

/// The catalog of the caller's scope; an unscoped token has none.
pub async fn of_caller(app: &App, caller: &Caller) -> Result<Arc<Vec<Entry>>> {
    app.allow(caller, "identity:get_auth_catalog", &Target::new()).await?;
    if caller.facts().scope == Scope::Unscoped {
        return Err(Error::forbidden("A token with a scope is needed to read the catalog."));
    }
    Ok(caller.catalog())
}

/// The projects on which the caller holds a role.
pub async fn projects(app: &App, caller: &Caller) -> Result<Vec<Project>> {
    app.allow(caller, "identity:get_auth_projects", &Target::new()).await?;
    let holder = caller.holder(app.now());
    store::project::list_of_holder(&mut app.store.read().await?, &holder, &Query::all(usize::MAX), true).await
}

/// The domains on which the caller holds a role.
pub async fn domains(app: &App, caller: &Caller) -> Result<Vec<Domain>> {
    app.allow(caller, "identity:get_auth_domains", &Target::new()).await?;
    store::domain::list_of_holder(&mut app.store.read().await?, &caller.holder(app.now())).await
}

/// Whether the caller holds a role on the whole deployment.
pub async fn system(app: &App, caller: &Caller) -> Result<bool> {
    app.allow(caller, "identity:get_auth_system", &Target::new()).await?;
    let mut conn = app.store.read().await?;
    Ok(!store::grant::effective_roles(&mut conn, &caller.holder(app.now()), &grant::Target::System).await?.is_empty())
}
