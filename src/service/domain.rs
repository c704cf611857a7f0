//! Domains.

use serde_json::{Value, json};

use super::caller::Caller;
use super::{App, audit, connection, tenant};
use crate::error::{Error, Result};
use crate::model::domain::{Domain, Update};
use crate::model::fields::{guard_delete, guard_update};
use crate::model::list::{Condition, Page, Query};
use crate::policy::Target;
use crate::store::{self, Conn};

const KIND: &str = "domain";

/// 404 for a domain.
pub fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find domain: {id}."))
}

/// What policy sees of a request about a domain.
fn seen(domain: Option<&Domain>, id: &str) -> Target {
    let target = domain.map_or_else(Target::new, |d| Target::stored(KIND, &json!({"id": d.id, "name": d.name})));
    target.and_path("domain_id", id)
}

fn duplicate(name: &str) -> impl FnOnce(Error) -> Error {
    let text = format!(
        "Conflict occurred attempting to store project - it is not permitted to have two projects acting as domains with \
         the same name: {name}."
    );
    move |error| match error {
        Error::Conflict { .. } => Error::conflict(text),
        other => other,
    }
}

/// One page of domains. A domain-scoped token sees its own only.
pub async fn list(app: &App, caller: &Caller, mut query: Query) -> Result<Page<Domain>> {
    let own = caller.domain_scope();
    let target = Target::stored(KIND, &json!({ "id": own }));
    app.allow(caller, "identity:list_domains", &super::and_filters(target, &query)).await?;
    if let Some(own) = own {
        query.conditions.push(Condition::equals("id", own));
    }
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && store::domain::get(&mut conn, marker).await?.is_none_or(|d| own.is_some_and(|o| d.id != o))
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::domain::list(&mut conn, &query).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One domain.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Domain> {
    let found = store::domain::get(&mut app.store.read().await?, id).await?;
    app.allow(caller, "identity:get_domain", &seen(found.as_ref(), id)).await?;
    found.ok_or_else(|| not_found(id))
}

/// Makes a domain.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Domain> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "domain.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Domain> {
    app.allow(caller, "identity:create_domain", &Target::new().and_body(body)).await?;
    let domain = Domain::create(body, app.random.hex_id())?;
    let mut tx = app.store.write().await?;
    let domain = add(app, &mut tx, caller, domain).await?;
    app.commit(tx).await?;
    Ok(domain)
}

/// Stores a new domain, with its audit record.
pub(super) async fn add(app: &App, tx: &mut Conn, caller: &Caller, domain: Domain) -> Result<Domain> {
    store::domain::insert(tx, &domain).await.map_err(duplicate(&domain.name))?;
    audit::changed(app, tx, caller, "domain.create", (KIND, &domain.id), Some(&domain.id), "").await?;
    Ok(domain)
}

/// Changes a domain. Disabling it voids the tokens of its users and those scoped to it or its projects.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Domain> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "domain.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Domain> {
    // One that is not there is 404 for whoever asks, as in Keystone.
    let found = store::domain::get(&mut app.store.read().await?, id).await?.ok_or_else(|| not_found(id))?;
    app.allow(caller, "identity:update_domain", &seen(Some(&found), id).and_body(body)).await?;
    let mut tx = app.store.write().await?;
    store::domain::lock(&mut tx, id).await?;
    let stored = store::domain::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    let update = Update::parse(body, id)?;
    guard_update(KIND, id, &stored.options, Some(body))?;
    let next = stored.updated(update);
    store::domain::update(&mut tx, &next).await.map_err(duplicate(&next.name))?;
    audit::changed(app, &mut tx, caller, "domain.update", (KIND, id), Some(id), &super::named(body, KIND)).await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Deletes a disabled domain with everything in it.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id).await;
    audit::refused(app, caller, "domain.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let found = store::domain::get(&mut app.store.read().await?, id).await?;
    app.allow(caller, "identity:delete_domain", &seen(found.as_ref(), id)).await?;
    let mut tx = app.store.write().await?;
    drop_stored(app, &mut tx, caller, id).await?;
    app.commit(tx).await
}

/// Deletes a domain that may be deleted, with its audit record.
pub(super) async fn drop_stored(app: &App, tx: &mut Conn, caller: &Caller, id: &str) -> Result<()> {
    store::domain::lock(tx, id).await?;
    let stored = store::domain::get(tx, id).await?.ok_or_else(|| not_found(id))?;
    guard_delete(KIND, id, &stored.options)?;
    if id == app.config.identity.default_domain_id {
        return Err(Error::forbidden("Cannot delete the default domain."));
    }
    if stored.enabled {
        return Err(Error::forbidden("Cannot delete a domain that is enabled, please disable it first."));
    }
    for (project_id, options) in store::project::list_options_in_domain(tx, id).await? {
        guard_delete("project", &project_id, &options)?;
    }
    // It may be a tenant, which goes with it.
    tenant::register::forget(app, tx, id).await?;
    for idp_id in store::identity_provider::list_ids_in_domain(tx, id).await? {
        connection::place::forget(tx, &idp_id).await?;
    }
    store::domain::delete(tx, id).await?;
    audit::changed(app, tx, caller, "domain.delete", (KIND, id), Some(id), "").await
}
