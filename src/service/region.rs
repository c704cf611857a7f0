//! Regions. Everybody with a token may read them.

use serde_json::Value;

use super::caller::Caller;
use super::{App, audit};
use crate::error::{Error, Result};
use crate::model::list::{Page, Query};
use crate::model::region::{Region, Update};
use crate::policy::Target;
use crate::store::{self, Conn};

const KIND: &str = "region";

/// 404 for a region.
pub fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find region: {id}."))
}

/// What policy sees of a request about a region.
fn seen(id: &str) -> Target {
    Target::new().and_path("region_id", id)
}

/// One page of regions.
pub async fn list(app: &App, caller: &Caller, query: &Query) -> Result<Page<Region>> {
    app.allow(caller, "identity:list_regions", &super::and_filters(Target::new(), query)).await?;
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && store::region::get(&mut conn, marker).await?.is_none()
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::region::list(&mut conn, query).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One region.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Region> {
    app.allow(caller, "identity:get_region", &seen(id)).await?;
    store::region::get(&mut app.store.read().await?, id).await?.ok_or_else(|| not_found(id))
}

/// Makes a region, of the path's id if it has one.
pub async fn create(app: &App, caller: &Caller, path_id: Option<&str>, body: &Value) -> Result<Region> {
    let done = make(app, caller, path_id, body).await;
    audit::refused(app, caller, "region.create", (KIND, path_id.unwrap_or_default()), done).await
}

async fn make(app: &App, caller: &Caller, path_id: Option<&str>, body: &Value) -> Result<Region> {
    let target = path_id.map_or_else(Target::new, seen).and_body(body);
    app.allow(caller, "identity:create_region", &target).await?;
    let region = Region::create(body, path_id, app.random.hex_id())?;
    let mut tx = app.store.write().await?;
    if let Some(parent) = &region.parent_region_id
        && !store::region::lock(&mut tx, parent).await?
    {
        return Err(not_found(parent));
    }
    add(app, &mut tx, caller, &region).await?;
    app.commit(tx).await?;
    Ok(region)
}

/// Adds a region with its record, in a transaction that somebody else commits.
pub(super) async fn add(app: &App, tx: &mut Conn, caller: &Caller, region: &Region) -> Result<()> {
    store::region::insert(tx, region).await.map_err(|error| match error {
        Error::Conflict { .. } => {
            Error::conflict(format!("Conflict occurred attempting to store region - Duplicate ID, {}.", region.id))
        }
        other => other,
    })?;
    audit::changed(app, tx, caller, "region.create", (KIND, &region.id), None, "").await
}

/// Changes a region.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Region> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "region.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Region> {
    app.allow(caller, "identity:update_region", &seen(id).and_body(body)).await?;
    let update = Update::parse(body, id)?;
    let mut tx = app.store.write().await?;
    store::region::lock(&mut tx, id).await?;
    let stored = store::region::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    let next = stored.updated(update);
    if next.parent_region_id != stored.parent_region_id {
        check_parent(&mut tx, &next).await?;
    }
    store::region::update(&mut tx, &next).await?;
    audit::changed(app, &mut tx, caller, "region.update", (KIND, id), None, &super::named(body, KIND)).await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Refuses a parent that is not there, is the region itself or is below it. Each region on the way up is held, so that two
/// changes at once cannot close a circle between them.
async fn check_parent(tx: &mut Conn, region: &Region) -> Result<()> {
    let Some(parent) = &region.parent_region_id else { return Ok(()) };
    let mut above = Some(parent.clone());
    while let Some(id) = above {
        if id == region.id {
            return Err(Error::invalid(format!(
                "The specified parent region {parent} would create a circular region hierarchy."
            )));
        }
        store::region::lock(tx, &id).await?;
        above = store::region::get(tx, &id).await?.ok_or_else(|| not_found(&id))?.parent_region_id;
    }
    Ok(())
}

/// Deletes a region with those below it, unless one of them has endpoints.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id).await;
    audit::refused(app, caller, "region.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str) -> Result<()> {
    app.allow(caller, "identity:delete_region", &seen(id)).await?;
    let mut tx = app.store.write().await?;
    let found = store::region::delete(&mut tx, id).await.map_err(|error| match error {
        Error::Conflict { .. } => Error::forbidden(format!(
            "Unable to delete region {id} because it or its child regions have associated endpoints."
        )),
        other => other,
    })?;
    if !found {
        return Err(not_found(id));
    }
    audit::changed(app, &mut tx, caller, "region.delete", (KIND, id), None, "").await?;
    app.commit(tx).await
}
