//! `/v3/domains`

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, domain};

const FILTERS: &[Filter] =
    &[("id", "id", Kind::Text), ("name", "name", Kind::Text), ("enabled", "enabled", Kind::Bool)];

/// `GET /v3/domains`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let limit = query.limit;
    let page = domain::list(&app, &caller, query).await?;
    Ok(Reply::ok(&view::collection(&app, &req, "domains", &page, limit, |d| view::domain(&app, d), |d| d.id.clone())))
}

/// `POST /v3/domains`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = domain::create(&app, &caller, &body).await?;
    Ok(Reply::created(&json!({"domain": view::domain(&app, &made)})))
}

/// `GET /v3/domains/{domain_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = domain::get(&app, &caller, req.param("domain_id")?).await?;
    Ok(Reply::ok(&json!({"domain": view::domain(&app, &found)})))
}

/// `PATCH /v3/domains/{domain_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = domain::update(&app, &caller, req.param("domain_id")?, &body).await?;
    Ok(Reply::ok(&json!({"domain": view::domain(&app, &next)})))
}

/// `DELETE /v3/domains/{domain_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    domain::delete(&app, &caller, req.param("domain_id")?).await?;
    Ok(Reply::no_content())
}
