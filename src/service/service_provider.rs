//! Service providers (OS-FEDERATION), for administrators of the cloud. Every token lists those that are enabled.

use serde_json::{Value, json};

use super::caller::Caller;
use super::{App, audit};
use crate::error::{Error, Result};
use crate::model::fields::check_id;
use crate::model::list::{Page, Query};
use crate::model::service_provider::{ServiceProvider, Update};
use crate::policy::Target;
use crate::store;

const KIND: &str = "service_provider";

fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find Service Provider: {id}."))
}

/// Asks policy about a service provider that may or may not be there.
async fn admitted(app: &App, caller: &Caller, rule: &str, id: &str, body: Option<&Value>) -> Result<()> {
    let found = store::service_provider::get(&mut app.store.read().await?, id).await?;
    let shown = |sp: &ServiceProvider| Target::stored(KIND, &json!({"id": sp.id}));
    let target = found.as_ref().map_or_else(Target::new, shown).and_path("service_provider_id", id);
    app.allow(caller, rule, &body.map_or(target.clone(), |b| target.and_body(b))).await
}

/// One page of service providers.
pub async fn list(app: &App, caller: &Caller, query: &Query) -> Result<Page<ServiceProvider>> {
    app.allow(caller, "identity:list_service_providers", &super::and_filters(Target::new(), query)).await?;
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && store::service_provider::get(&mut conn, marker).await?.is_none()
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::service_provider::list(&mut conn, query).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One service provider.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<ServiceProvider> {
    admitted(app, caller, "identity:get_service_provider", id, None).await?;
    store::service_provider::get(&mut app.store.read().await?, id).await?.ok_or_else(|| not_found(id))
}

/// Makes a service provider.
pub async fn create(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<ServiceProvider> {
    let done = make(app, caller, id, body).await;
    audit::refused(app, caller, "service_provider.create", (KIND, id), done).await
}

async fn make(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<ServiceProvider> {
    admitted(app, caller, "identity:create_service_provider", id, Some(body)).await?;
    check_id(id)?;
    let sp = ServiceProvider::create(body, id)?;
    let mut tx = app.store.write().await?;
    store::service_provider::insert(&mut tx, &sp).await.map_err(|e| match e {
        Error::Conflict { .. } => Error::conflict(format!(
            "Conflict occurred attempting to store service_provider - Duplicate entry found with ID {id}."
        )),
        other => other,
    })?;
    audit::changed(app, &mut tx, caller, "service_provider.create", (KIND, id), None, "").await?;
    app.commit(tx).await?;
    Ok(sp)
}

/// Changes a service provider.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<ServiceProvider> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "service_provider.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<ServiceProvider> {
    admitted(app, caller, "identity:update_service_provider", id, Some(body)).await?;
    let update = Update::parse(body)?;
    let mut tx = app.store.write().await?;
    store::service_provider::lock(&mut tx, id).await?;
    let next = store::service_provider::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?.updated(update);
    store::service_provider::update(&mut tx, &next).await?;
    audit::changed(app, &mut tx, caller, "service_provider.update", (KIND, id), None, &super::named(body, KIND))
        .await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Deletes a service provider.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id).await;
    audit::refused(app, caller, "service_provider.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str) -> Result<()> {
    admitted(app, caller, "identity:delete_service_provider", id, None).await?;
    let mut tx = app.store.write().await?;
    if !store::service_provider::delete(&mut tx, id).await? {
        return Err(not_found(id));
    }
    audit::changed(app, &mut tx, caller, "service_provider.delete", (KIND, id), None, "").await?;
    app.commit(tx).await
}
