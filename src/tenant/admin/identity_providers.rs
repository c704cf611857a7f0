//! `/api/v1/admin/identity-providers` (tenant-login §12).

use std::sync::Arc;

use http::StatusCode;
use http::header::ETAG;
use serde_json::json;

use super::page::{self, Page};
use super::{body, view};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::version;
use crate::service::App;
use crate::service::tenant::identity_provider as service;

fn one(status: StatusCode, shown: &service::Shown) -> Result<Reply> {
    Ok(Reply::json(status, &view::identity_provider(shown)).with(ETAG, version::tag(shown.version())?))
}

/// The tenant that the query names.
fn tenant_id(req: &Request) -> Result<String> {
    Ok(page::required(&req.query()?, "tenant_id")?.to_owned())
}

/// `GET /api/v1/admin/identity-providers`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let page = Page::of(&req.query()?)?;
    let found = service::list(&app, &caller, &tenant_id(&req)?, page.window()).await?;
    Ok(Reply::ok(&page.shown(&found, view::identity_provider)))
}

/// `POST /api/v1/admin/identity-providers`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = body::read(&mut req).await?;
    let made = body::judged(service::create(&app, &caller, &body).await)?;
    one(StatusCode::CREATED, &made)
}

/// `GET /api/v1/admin/identity-providers/{idp_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    one(StatusCode::OK, &service::get(&app, &caller, &tenant_id(&req)?, req.param("idp_id")?).await?)
}

/// `PATCH /api/v1/admin/identity-providers/{idp_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let tenant_id = tenant_id(&req)?;
    let body = body::read(&mut req).await?;
    let (id, expected) = (req.param("idp_id")?, version::expected(&req.head.headers)?);
    one(StatusCode::OK, &body::judged(service::update(&app, &caller, &tenant_id, id, &expected, &body).await)?)
}

/// `DELETE /api/v1/admin/identity-providers/{idp_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let expected = version::expected(&req.head.headers)?;
    service::delete(&app, &caller, &tenant_id(&req)?, req.param("idp_id")?, &expected).await?;
    Ok(Reply::no_content())
}

/// `PUT /api/v1/admin/identity-providers/{idp_id}/tenants`
pub async fn keep_for(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = body::read(&mut req).await?;
    let kept = body::judged(service::keep_for(&app, &caller, req.param("idp_id")?, &body).await)?;
    Ok(Reply::ok(&json!({ "tenant_ids": kept })))
}
