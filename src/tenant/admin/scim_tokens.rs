//! `/api/v1/admin/tenants/{tenant_id}/scim-tokens`: tokens by which directories come to a tenant's SCIM (ruling 16).

use std::sync::Arc;

use super::page::Page;
use super::{body, view};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::App;
use crate::service::tenant::scim_token as service;

/// `GET /api/v1/admin/tenants/{tenant_id}/scim-tokens`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let page = Page::of(&req.query()?)?;
    let found = service::list(&app, &caller, req.param("tenant_id")?, page.window()).await?;
    Ok(Reply::ok(&page.shown(&found, view::scim_token)))
}

/// `POST /api/v1/admin/tenants/{tenant_id}/scim-tokens`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = body::read(&mut req).await?;
    let made = body::judged(service::create(&app, &caller, req.param("tenant_id")?, &body).await)?;
    Ok(Reply::created(&view::made_scim_token(&app, &made)))
}

/// `DELETE /api/v1/admin/tenants/{tenant_id}/scim-tokens/{token_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    service::delete(&app, &caller, req.param("tenant_id")?, req.param("token_id")?).await?;
    Ok(Reply::no_content())
}
