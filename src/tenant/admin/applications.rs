//! `/api/v1/admin/applications` and their secrets (tenant-login §12.1).

use std::sync::Arc;

use http::StatusCode;
use http::header::ETAG;
use serde_json::Value;

use super::page::{self, Page};
use super::{body, view};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::version;
use crate::model::application::Application;
use crate::service::App;
use crate::service::tenant::application as service;

fn one(status: StatusCode, application: &Application, shown: &Value) -> Result<Reply> {
    Ok(Reply::json(status, shown).with(ETAG, version::tag(application.version)?))
}

/// `GET /api/v1/admin/applications`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let page = Page::of(&parameters)?;
    let tenant_id = page::required(&parameters, "tenant_id")?;
    let found = service::list(&app, &caller, tenant_id, page.window()).await?;
    Ok(Reply::ok(&page.shown(&found, view::application)))
}

/// `POST /api/v1/admin/applications`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = body::read(&mut req).await?;
    let made = body::judged(service::create(&app, &caller, &body).await)?;
    one(StatusCode::CREATED, &made.client.application, &view::made_application(&made))
}

/// `GET /api/v1/admin/applications/{application_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = service::get(&app, &caller, req.param("application_id")?).await?;
    one(StatusCode::OK, &found.application, &view::application(&found))
}

/// `PATCH /api/v1/admin/applications/{application_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = body::read(&mut req).await?;
    let (id, expected) = (req.param("application_id")?, version::expected(&req.head.headers)?);
    let done = body::judged(service::update(&app, &caller, id, &expected, &body).await)?;
    one(StatusCode::OK, &done.application, &view::application(&done))
}

/// `DELETE /api/v1/admin/applications/{application_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let expected = version::expected(&req.head.headers)?;
    service::delete(&app, &caller, req.param("application_id")?, &expected).await?;
    Ok(Reply::no_content())
}

/// `POST /api/v1/admin/applications/{application_id}/secrets`
pub async fn create_secret(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = body::read_maybe(&mut req).await?;
    let made = body::judged(service::create_secret(&app, &caller, req.param("application_id")?, &body).await)?;
    Ok(Reply::created(&view::made_secret(&made)))
}

/// `DELETE /api/v1/admin/applications/{application_id}/secrets/{secret_id}`
pub async fn delete_secret(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    service::delete_secret(&app, &caller, req.param("application_id")?, req.param("secret_id")?).await?;
    Ok(Reply::no_content())
}
