//! `/api/v1/admin/tenants` (tenant-login §12.1).

use std::sync::Arc;

use http::StatusCode;
use http::header::ETAG;

use super::page::{self, Page};
use super::{body, view};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::version;
use crate::service::App;
use crate::service::tenant::register::{self as service, Filter, Shown};

fn one(app: &App, status: StatusCode, shown: &Shown) -> Result<Reply> {
    Ok(Reply::json(status, &view::tenant(app, shown)).with(ETAG, version::tag(shown.tenant.version)?))
}

/// `GET /api/v1/admin/tenants`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let page = Page::of(&parameters)?;
    let search = parameters.get("search").map(|text| text.chars().take(255).collect());
    let filter = Filter { search, active: page::boolean(&parameters, "active")? };
    let found = service::list(&app, &caller, &filter, page.window()).await?;
    Ok(Reply::ok(&page.shown(&found, |shown| view::tenant(&app, shown))))
}

/// `POST /api/v1/admin/tenants`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = body::read(&mut req).await?;
    one(&app, StatusCode::CREATED, &body::judged(service::create(&app, &caller, &body).await)?)
}

/// `GET /api/v1/admin/tenants/{tenant_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    one(&app, StatusCode::OK, &service::get(&app, &caller, req.param("tenant_id")?).await?)
}

/// `PATCH /api/v1/admin/tenants/{tenant_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = body::read(&mut req).await?;
    let (id, expected) = (req.param("tenant_id")?, version::expected(&req.head.headers)?);
    one(&app, StatusCode::OK, &body::judged(service::update(&app, &caller, id, &expected, &body).await)?)
}

/// `DELETE /api/v1/admin/tenants/{tenant_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let expected = version::expected(&req.head.headers)?;
    service::delete(&app, &caller, req.param("tenant_id")?, &expected).await?;
    Ok(Reply::no_content())
}
