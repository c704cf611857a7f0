//! `/v3/roles`

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, role};

const FILTERS: &[Filter] = &[("id", "id", Kind::Text), ("name", "name", Kind::Text)];

/// `GET /v3/roles`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let query = parameters.list(FILTERS, app.page_limit())?;
    let page = role::list(&app, &caller, parameters.get("domain_id"), &query).await?;
    Ok(Reply::ok(&view::collection(&app, &req, "roles", &page, query.limit, |r| view::role(&app, r), |r| r.id.clone())))
}

/// `POST /v3/roles`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = role::create(&app, &caller, &body).await?;
    Ok(Reply::created(&json!({"role": view::role(&app, &made)})))
}

/// `GET /v3/roles/{role_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = role::get(&app, &caller, req.param("role_id")?).await?;
    Ok(Reply::ok(&json!({"role": view::role(&app, &found)})))
}

/// `PATCH /v3/roles/{role_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = role::update(&app, &caller, req.param("role_id")?, &body).await?;
    Ok(Reply::ok(&json!({"role": view::role(&app, &next)})))
}

/// `DELETE /v3/roles/{role_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    role::delete(&app, &caller, req.param("role_id")?).await?;
    Ok(Reply::no_content())
}
