//! Services of the catalog (this floor is called `service`, hence the longer name).

use serde_json::Value;

use super::caller::Caller;
use super::{App, audit};
use crate::error::{Error, Result};
use crate::model::list::{Page, Query};
use crate::model::service::{Service, Update};
use crate::policy::Target;
use crate::store;

const KIND: &str = "service";

/// 404 for a service.
pub fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find service: {id}."))
}

/// What policy sees of a request about a service.
fn seen(id: &str) -> Target {
    Target::new().and_path("service_id", id)
}

/// One page of services.
pub async fn list(app: &App, caller: &Caller, query: &Query) -> Result<Page<Service>> {
    app.allow(caller, "identity:list_services", &super::and_filters(Target::new(), query)).await?;
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && store::service::get(&mut conn, marker).await?.is_none()
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::service::list(&mut conn, query).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One service.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Service> {
    app.allow(caller, "identity:get_service", &seen(id)).await?;
    store::service::get(&mut app.store.read().await?, id).await?.ok_or_else(|| not_found(id))
}

/// Makes a service.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Service> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "service.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Service> {
    app.allow(caller, "identity:create_service", &Target::new().and_body(body)).await?;
    let service = Service::create(body, app.random.hex_id())?;
    let mut tx = app.store.write().await?;
    store::service::insert(&mut tx, &service).await?;
    audit::changed(app, &mut tx, caller, "service.create", (KIND, &service.id), None, "").await?;
    app.commit(tx).await?;
    Ok(service)
}

/// Changes a service.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Service> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "service.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Service> {
    app.allow(caller, "identity:update_service", &seen(id).and_body(body)).await?;
    let update = Update::parse(body, id)?;
    let mut tx = app.store.write().await?;
    store::service::lock(&mut tx, id).await?;
    let stored = store::service::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    let next = stored.updated(update);
    store::service::update(&mut tx, &next).await?;
    audit::changed(app, &mut tx, caller, "service.update", (KIND, id), None, &super::named(body, KIND)).await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Deletes a service with its endpoints.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id).await;
    audit::refused(app, caller, "service.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str) -> Result<()> {
    app.allow(caller, "identity:delete_service", &seen(id)).await?;
    let mut tx = app.store.write().await?;
    if !store::service::delete(&mut tx, id).await? {
        return Err(not_found(id));
    }
    audit::changed(app, &mut tx, caller, "service.delete", (KIND, id), None, "").await?;
    app.commit(tx).await
}
