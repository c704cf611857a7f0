//! `/api/v1/platforms`, and sessions on platforms (sso-api §5, §4.10).

use std::sync::Arc;

use http::header::ETAG;
use serde_json::json;

use super::body::Read;
use super::configurations::shown;
use super::page;
use super::view::{ConnectionTested, Platform, Platforms, Preview, RotatedKey};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::version;
use crate::model::sso_config::deletion::Options;
use crate::service::App;
use crate::service::platform::{self as service, Shown};

fn one(it: &Shown) -> Result<Reply> {
    Ok(shown(&Platform::from(it))?.with(ETAG, version::tag(it.platform.version)?))
}

/// `GET /api/v1/platforms`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let window = page::window(&req.query()?)?;
    shown(&Platforms::of(&service::list(&app, &caller, window).await?, window))
}

/// `POST /api/v1/platforms`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    one(&service::create(&app, &caller, body.value()).await?)
}

/// `POST /api/v1/platforms/validate`
pub async fn validate(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    service::validate(&app, &caller, body.value()).await?;
    Ok(Reply::ok(&json!({"message": "Platform configuration is valid"})))
}

/// `POST /api/v1/platforms/test-connection`
pub async fn test_connection(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    shown(&ConnectionTested::from(&service::try_out(&app, &caller, body.value()).await?))
}

/// `GET /api/v1/platforms/{uuid}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    one(&service::get(&app, &caller, req.param("uuid")?).await?)
}

/// `PUT` and `PATCH /api/v1/platforms/{uuid}`: both change what the body names.
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    let (id, expected) = (req.param("uuid")?, version::expected(&req.head.headers)?);
    one(&service::update(&app, &caller, id, &expected, body.value()).await?)
}

/// `DELETE /api/v1/platforms/{uuid}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let options = Options::of_query(|name| parameters.get(name))?;
    service::delete(&app, &caller, req.param("uuid")?, options).await?;
    Ok(Reply::ok(&json!({})))
}

/// `POST /api/v1/platforms/{uuid}/previewDelete`
pub async fn preview_delete(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::optional(&mut req).await?;
    let options = Options::parse(body.value())?;
    shown(&Preview::from(&service::preview(&app, &caller, req.param("uuid")?, options).await?))
}

/// `POST /api/v1/platforms/{uuid}/rotate-keys`
pub async fn rotate_keys(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    Read::optional(&mut req).await?;
    shown(&RotatedKey::from(&service::rotate(&app, &caller, req.param("uuid")?).await?))
}

/// `POST /api/v1/federation/platforms/{platform_id}/sso/login`
pub async fn open_session(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    let url = service::open_session(&app, &caller, req.param("platform_id")?, body.value()).await?;
    Ok(Reply::ok(&json!({ "ssoUrl": url })))
}
