//! `/api/v1/admin/users/{user_id}/links`: users' identities at identity providers.

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::App;
use crate::service::tenant::link as service;

/// `GET /api/v1/admin/users/{user_id}/links`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = service::list(&app, &caller, req.param("user_id")?).await?;
    Ok(Reply::ok(&json!({ "items": found.iter().map(view::link).collect::<Vec<_>>() })))
}

/// `DELETE /api/v1/admin/users/{user_id}/links/{idp_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    service::delete(&app, &caller, req.param("user_id")?, req.param("idp_id")?).await?;
    Ok(Reply::no_content())
}
