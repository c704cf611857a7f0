//! `/v3/OS-FEDERATION/mappings`

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, mapping};

const FILTERS: &[Filter] = &[("id", "id", Kind::Text), ("schema_version", "schema_version", Kind::Text)];

/// `GET …`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let limit = query.limit;
    let page = mapping::list(&app, &caller, query).await?;
    let show = |m: &_| view::mapping(&app, m);
    Ok(Reply::ok(&view::collection(&app, &req, "mappings", &page, limit, show, |m| m.id.clone())))
}

/// `GET …/{mapping_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = mapping::get(&app, &caller, req.param("mapping_id")?).await?;
    Ok(Reply::ok(&json!({"mapping": view::mapping(&app, &found)})))
}

/// `PUT …/{mapping_id}`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = mapping::create(&app, &caller, req.param("mapping_id")?, &body).await?;
    Ok(Reply::created(&json!({"mapping": view::mapping(&app, &made)})))
}

/// `PATCH …/{mapping_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = mapping::update(&app, &caller, req.param("mapping_id")?, &body).await?;
    Ok(Reply::ok(&json!({"mapping": view::mapping(&app, &next)})))
}

/// `DELETE …/{mapping_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    mapping::delete(&app, &caller, req.param("mapping_id")?).await?;
    Ok(Reply::no_content())
}
