//! `/v3/OS-FEDERATION/service_providers`

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, service_provider};

const FILTERS: &[Filter] = &[("id", "id", Kind::Text), ("enabled", "enabled", Kind::Bool)];

/// `GET …`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let page = service_provider::list(&app, &caller, &query).await?;
    let show = |sp: &_| view::service_provider(&app, sp);
    Ok(Reply::ok(&view::collection(&app, &req, "service_providers", &page, query.limit, show, |sp| sp.id.clone())))
}

/// `GET …/{service_provider_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = service_provider::get(&app, &caller, req.param("service_provider_id")?).await?;
    Ok(Reply::ok(&json!({"service_provider": view::service_provider(&app, &found)})))
}

/// `PUT …/{service_provider_id}`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = service_provider::create(&app, &caller, req.param("service_provider_id")?, &body).await?;
    Ok(Reply::created(&json!({"service_provider": view::service_provider(&app, &made)})))
}

/// `PATCH …/{service_provider_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = service_provider::update(&app, &caller, req.param("service_provider_id")?, &body).await?;
    Ok(Reply::ok(&json!({"service_provider": view::service_provider(&app, &next)})))
}

/// `DELETE …/{service_provider_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    service_provider::delete(&app, &caller, req.param("service_provider_id")?).await?;
    Ok(Reply::no_content())
}
