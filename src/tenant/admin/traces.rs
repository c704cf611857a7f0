//! `/api/v1/admin/traces`: what happened in sign-ins.

use std::sync::Arc;

use serde_json::json;

use super::{page, view};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::App;
use crate::service::tenant::traces as service;

/// `GET /api/v1/admin/traces`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let found = service::list(&app, &caller, page::required(&parameters, "tenant_id")?).await?;
    Ok(Reply::ok(&json!({ "items": found.iter().map(view::step).collect::<Vec<_>>() })))
}

/// `GET /api/v1/admin/traces/{request_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let tenant_id = page::required(&parameters, "tenant_id")?;
    let found = service::get(&app, &caller, tenant_id, req.param("request_id")?).await?;
    Ok(Reply::ok(&json!({ "items": found.iter().map(view::step).collect::<Vec<_>>() })))
}
