//! Endpoints of services. A region named the older way is made along with its endpoint.

use serde_json::Value;

use super::caller::Caller;
use super::{App, audit, region};
use crate::error::{Error, Result};
use crate::model::endpoint::{Endpoint, Update, makes_region};
use crate::model::list::{Page, Query};
use crate::model::region::Region;
use crate::policy::Target;
use crate::store::{self, Conn};

const KIND: &str = "endpoint";

/// 404 for an endpoint.
pub fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find endpoint: {id}."))
}

/// 400 for a service or a region that an endpoint names and that is not there.
fn names_nothing(kind: &str) -> Error {
    Error::invalid(format!(
        "Expecting to find endpoint {kind}_id in {kind} table. The server could not comply with the request since it is \
         either malformed or otherwise incorrect. The client is assumed to be in error."
    ))
}

/// What policy sees of a request about an endpoint.
fn seen(id: &str) -> Target {
    Target::new().and_path("endpoint_id", id)
}

/// One page of endpoints.
pub async fn list(app: &App, caller: &Caller, query: &Query) -> Result<Page<Endpoint>> {
    app.allow(caller, "identity:list_endpoints", &super::and_filters(Target::new(), query)).await?;
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && store::endpoint::get(&mut conn, marker).await?.is_none()
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::endpoint::list(&mut conn, query).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One endpoint.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Endpoint> {
    app.allow(caller, "identity:get_endpoint", &seen(id)).await?;
    store::endpoint::get(&mut app.store.read().await?, id).await?.ok_or_else(|| not_found(id))
}

/// Makes an endpoint.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Endpoint> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "endpoint.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Endpoint> {
    app.allow(caller, "identity:create_endpoint", &Target::new().and_body(body)).await?;
    let endpoint = Endpoint::create(body, app.random.hex_id())?;
    let mut tx = app.store.write().await?;
    hold_service(&mut tx, &endpoint).await?;
    hold_region(app, &mut tx, caller, &endpoint, body).await?;
    store::endpoint::insert(&mut tx, &endpoint).await?;
    audit::changed(app, &mut tx, caller, "endpoint.create", (KIND, &endpoint.id), None, "").await?;
    app.commit(tx).await?;
    Ok(endpoint)
}

/// Changes an endpoint.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Endpoint> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "endpoint.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Endpoint> {
    app.allow(caller, "identity:update_endpoint", &seen(id).and_body(body)).await?;
    let update = Update::parse(body, id)?;
    let mut tx = app.store.write().await?;
    store::endpoint::lock(&mut tx, id).await?;
    let stored = store::endpoint::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    let next = stored.updated(update);
    // What stays is not held: deleting its service holds the service first and this endpoint next.
    if next.service_id != stored.service_id {
        hold_service(&mut tx, &next).await?;
    }
    if next.region_id != stored.region_id {
        hold_region(app, &mut tx, caller, &next, body).await?;
    }
    store::endpoint::update(&mut tx, &next).await?;
    audit::changed(app, &mut tx, caller, "endpoint.update", (KIND, id), None, &super::named(body, KIND)).await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Keeps the service of an endpoint for this transaction.
async fn hold_service(tx: &mut Conn, endpoint: &Endpoint) -> Result<()> {
    if store::service::lock(tx, &endpoint.service_id).await? { Ok(()) } else { Err(names_nothing("service")) }
}

/// Keeps the region of an endpoint for this transaction, making it if the body names it the older way.
async fn hold_region(app: &App, tx: &mut Conn, caller: &Caller, endpoint: &Endpoint, body: &Value) -> Result<()> {
    let Some(id) = &endpoint.region_id else { return Ok(()) };
    if store::region::lock(tx, id).await? {
        return Ok(());
    }
    if !makes_region(body) {
        return Err(names_nothing("region"));
    }
    region::add(app, tx, caller, &Region::bare(id.clone())).await
}

/// Deletes an endpoint.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id).await;
    audit::refused(app, caller, "endpoint.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str) -> Result<()> {
    app.allow(caller, "identity:delete_endpoint", &seen(id)).await?;
    let mut tx = app.store.write().await?;
    if !store::endpoint::delete(&mut tx, id).await? {
        return Err(not_found(id));
    }
    audit::changed(app, &mut tx, caller, "endpoint.delete", (KIND, id), None, "").await?;
    app.commit(tx).await
}
