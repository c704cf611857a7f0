//! `/v3/OS-FEDERATION/identity_providers`, in Keystone's and in Huawei's dialect at once.

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, federation};

const FILTERS: &[Filter] = &[
    ("id", "id", Kind::Text),
    ("domain_id", "domain_id", Kind::Text),
    ("description", "description", Kind::Text),
    ("enabled", "enabled", Kind::Bool),
];

/// `GET …`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let limit = query.limit;
    let page = federation::list_identity_providers(&app, &caller, query).await?;
    let show = |i: &_| view::identity_provider(&app, i);
    Ok(Reply::ok(&view::collection(&app, &req, "identity_providers", &page, limit, show, |i| i.id.clone())))
}

/// `GET …/{idp_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = federation::get_identity_provider(&app, &caller, req.param("idp_id")?).await?;
    Ok(Reply::ok(&json!({"identity_provider": view::identity_provider(&app, &found)})))
}

/// `PUT …/{idp_id}`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = federation::create_identity_provider(&app, &caller, req.param("idp_id")?, &body).await?;
    Ok(Reply::created(&json!({"identity_provider": view::identity_provider(&app, &made)})))
}

/// `PATCH …/{idp_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = federation::update_identity_provider(&app, &caller, req.param("idp_id")?, &body).await?;
    Ok(Reply::ok(&json!({"identity_provider": view::identity_provider(&app, &next)})))
}

/// `DELETE …/{idp_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    federation::delete_identity_provider(&app, &caller, req.param("idp_id")?).await?;
    Ok(Reply::no_content())
}
