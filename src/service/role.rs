//! Roles, global and of a domain. Which rule protects a role depends on which of the two it is.

use serde_json::{Value, json};

use super::caller::Caller;
use super::{App, audit, domain};
use crate::error::{Error, Result};
use crate::model::fields::{guard_delete, guard_update};
use crate::model::list::{Page, Query};
use crate::model::role::{Role, Update};
use crate::policy::Target;
use crate::store;

const KIND: &str = "role";

/// 404 for a role.
pub fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find role: {id}."))
}

/// The role that a request is about. Which rule protects it depends on it, so one that is not there is 404 for whoever asks,
/// as in Keystone.
async fn find(app: &App, id: &str) -> Result<Role> {
    store::role::get(&mut app.store.read().await?, id).await?.ok_or_else(|| not_found(id))
}

/// What policy sees of a request about a role.
fn seen(r: &Role) -> Target {
    Target::stored(KIND, &json!({"id": r.id, "name": r.name, "domain_id": r.domain_id})).and_path("role_id", &r.id)
}

fn rule(role: &Role, global: &'static str, of_domain: &'static str) -> &'static str {
    if role.domain_id.is_some() { of_domain } else { global }
}

fn duplicate(role: &Role) -> impl FnOnce(Error) -> Error {
    let place = role.domain_id.as_ref().map_or(String::new(), |id| format!(" at domain ID {id}"));
    let text =
        format!("Conflict occurred attempting to store role - Duplicate entry found with name {}{place}.", role.name);
    move |error| match error {
        Error::Conflict { .. } => Error::conflict(text),
        other => other,
    }
}

/// One page of the roles of a domain, or of the global ones.
pub async fn list(app: &App, caller: &Caller, domain_id: Option<&str>, query: &Query) -> Result<Page<Role>> {
    let rule = if domain_id.is_some() { "identity:list_domain_roles" } else { "identity:list_roles" };
    app.allow(caller, rule, &super::and_filters(Target::new(), query)).await?;
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && store::role::get(&mut conn, marker).await?.is_none_or(|r| r.domain_id.as_deref() != domain_id)
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::role::list(&mut conn, domain_id, query).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One role.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Role> {
    let found = find(app, id).await?;
    let rule = rule(&found, "identity:get_role", "identity:get_domain_role");
    app.allow(caller, rule, &seen(&found)).await?;
    Ok(found)
}

/// Makes a role.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Role> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "role.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Role> {
    let of_domain = body.get(KIND).and_then(|r| r.get("domain_id")).is_some_and(|d| !d.is_null());
    let rule = if of_domain { "identity:create_domain_role" } else { "identity:create_role" };
    app.allow(caller, rule, &Target::new().and_body(body)).await?;
    let role = Role::create(body, app.random.hex_id())?;
    let mut tx = app.store.write().await?;
    if let Some(domain_id) = &role.domain_id
        && store::domain::get(&mut tx, domain_id).await?.is_none()
    {
        return Err(domain::not_found(domain_id));
    }
    store::role::insert(&mut tx, &role).await.map_err(duplicate(&role))?;
    audit::changed(app, &mut tx, caller, "role.create", (KIND, &role.id), role.domain_id.as_deref(), "").await?;
    app.commit(tx).await?;
    Ok(role)
}

/// Changes a role.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Role> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "role.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Role> {
    let found = find(app, id).await?;
    let rule = rule(&found, "identity:update_role", "identity:update_domain_role");
    app.allow(caller, rule, &seen(&found).and_body(body)).await?;
    let mut tx = app.store.write().await?;
    store::role::lock(&mut tx, id).await?;
    let stored = store::role::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    let update = Update::parse(body, id, stored.domain_id.as_deref())?;
    guard_update(KIND, id, &stored.options, Some(body))?;
    let next = stored.updated(update);
    store::role::update(&mut tx, &next).await.map_err(duplicate(&next))?;
    audit::changed(
        app,
        &mut tx,
        caller,
        "role.update",
        (KIND, id),
        next.domain_id.as_deref(),
        &super::named(body, KIND),
    )
    .await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Deletes a role with its grants.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id).await;
    audit::refused(app, caller, "role.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let found = find(app, id).await?;
    let rule = rule(&found, "identity:delete_role", "identity:delete_domain_role");
    app.allow(caller, rule, &seen(&found)).await?;
    let mut tx = app.store.write().await?;
    store::role::lock(&mut tx, id).await?;
    let stored = store::role::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    guard_delete(KIND, id, &stored.options)?;
    store::role::delete(&mut tx, id).await?;
    audit::changed(app, &mut tx, caller, "role.delete", (KIND, id), stored.domain_id.as_deref(), "").await?;
    app.commit(tx).await
}
