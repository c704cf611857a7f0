//! `/v3/services`

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, catalog_service};

const FILTERS: &[Filter] = &[("type", "type", Kind::Text), ("name", "name", Kind::Text)];

/// `GET /v3/services`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let page = catalog_service::list(&app, &caller, &query).await?;
    Ok(Reply::ok(&view::collection(
        &app,
        &req,
        "services",
        &page,
        query.limit,
        |s| view::service(&app, s),
        |s| s.id.clone(),
    )))
}

/// `POST /v3/services`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = catalog_service::create(&app, &caller, &body).await?;
    Ok(Reply::created(&json!({"service": view::service(&app, &made)})))
}

/// `GET /v3/services/{service_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = catalog_service::get(&app, &caller, req.param("service_id")?).await?;
    Ok(Reply::ok(&json!({"service": view::service(&app, &found)})))
}

/// `PATCH /v3/services/{service_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = catalog_service::update(&app, &caller, req.param("service_id")?, &body).await?;
    Ok(Reply::ok(&json!({"service": view::service(&app, &next)})))
}

/// `DELETE /v3/services/{service_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    catalog_service::delete(&app, &caller, req.param("service_id")?).await?;
    Ok(Reply::no_content())
}
