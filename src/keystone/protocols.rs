//! `/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols`

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, protocol};

const FILTERS: &[Filter] = &[
    ("id", "id", Kind::Text),
    ("mapping_id", "mapping_id", Kind::Text),
    ("remote_id_attribute", "remote_id_attribute", Kind::Text),
];

/// `GET …`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let page = protocol::list(&app, &caller, req.param("idp_id")?, &query).await?;
    let show = |p: &_| view::protocol(&app, p);
    Ok(Reply::ok(&view::collection(&app, &req, "protocols", &page, query.limit, show, |p| p.id.clone())))
}

/// `GET …/{protocol_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = protocol::get(&app, &caller, req.param("idp_id")?, req.param("protocol_id")?).await?;
    Ok(Reply::ok(&json!({"protocol": view::protocol(&app, &found)})))
}

/// `PUT …/{protocol_id}`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = protocol::create(&app, &caller, req.param("idp_id")?, req.param("protocol_id")?, &body).await?;
    Ok(Reply::created(&json!({"protocol": view::protocol(&app, &made)})))
}

/// `PATCH …/{protocol_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = protocol::update(&app, &caller, req.param("idp_id")?, req.param("protocol_id")?, &body).await?;
    Ok(Reply::ok(&json!({"protocol": view::protocol(&app, &next)})))
}

/// `DELETE …/{protocol_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    protocol::delete(&app, &caller, req.param("idp_id")?, req.param("protocol_id")?).await?;
    Ok(Reply::no_content())
}
