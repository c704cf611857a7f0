//! `/api/v1/sso/configurations` and what is asked about them (sso-api §4).

use std::sync::Arc;

use http::StatusCode;
use http::header::ETAG;
use serde::Serialize;
use serde_json::{Value, json};

use super::body::Read;
use super::page;
use super::view::{Preview, Probed, SsoConfiguration, SsoConfigurations, Tested};
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::version;
use crate::model::fields::wrong_type;
use crate::model::sso_config::deletion::Options;
use crate::model::sso_config::{Source, Whole};
use crate::service::App;
use crate::service::sso_config::{self as service, delete, test};

/// An answer.
pub(super) fn shown(body: &impl Serialize) -> Result<Reply> {
    let bytes = serde_json::to_vec(body).map_err(|e| Error::internal(format!("an answer cannot be written: {e}")))?;
    Ok(Reply::json_bytes(StatusCode::OK, bytes.into()))
}

fn one(app: &App, whole: &Whole) -> Result<Reply> {
    Ok(shown(&SsoConfiguration::of(app, whole))?.with(ETAG, version::tag(whole.config.version)?))
}

/// `GET /api/v1/sso/configurations`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let window = page::window(&req.query()?)?;
    let found = service::list(&app, &caller, window).await?;
    shown(&SsoConfigurations::of(&app, &found, window))
}

/// `POST /api/v1/sso/configurations`; `?test=true` tests it before it answers.
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    let wants_test = req.query()?.switch("test");
    let mut made = service::create(&app, &caller, Source::Manual, body.body()).await?;
    if wants_test {
        test::configuration(&app, &caller, &made.config.id).await?.ok();
        made = service::get(&app, &caller, &made.config.id).await?;
    }
    one(&app, &made)
}

/// `GET /api/v1/sso/configurations/{id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    one(&app, &service::get(&app, &caller, req.param("id")?).await?)
}

/// `PUT` and `PATCH /api/v1/sso/configurations/{id}`: both change what the body names.
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    let (id, expected) = (req.param("id")?, version::expected(&req.head.headers)?);
    one(&app, &service::update(&app, &caller, Source::Manual, id, &expected, body.body()).await?)
}

/// `DELETE /api/v1/sso/configurations/{id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let options = Options::of_query(|name| parameters.get(name))?;
    let (id, expected) = (req.param("id")?, version::expected(&req.head.headers)?);
    delete::delete(&app, &caller, Source::Manual, id, &expected, options).await?;
    Ok(Reply::ok(&json!({})))
}

/// `POST /api/v1/sso/configurations/{id}/previewDelete`
pub async fn preview_delete(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::optional(&mut req).await?;
    let options = Options::parse(body.value())?;
    let preview = delete::preview(&app, &caller, req.param("id")?, options).await?;
    shown(&Preview::from(&preview))
}

/// `POST /api/v1/sso/configurations/{id}/test`
pub async fn test_stored(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    Read::optional(&mut req).await?;
    shown(&Tested::from(test::configuration(&app, &caller, req.param("id")?).await?))
}

/// `POST /api/v1/sso/configurations/test`
pub async fn test_draft(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    shown(&Tested::from(test::draft(&app, &caller, body.body()).await?))
}

/// `POST /api/v1/sso/probe`
pub async fn probe(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    let issuer = match body.value().get("issuer") {
        Some(Value::String(issuer)) if !issuer.trim().is_empty() => issuer.trim(),
        Some(Value::String(_)) | None | Some(Value::Null) => return Err(Error::invalid_field("issuer", "is needed")),
        Some(other) => return Err(wrong_type("issuer", other, "string")),
    };
    shown(&Probed::from(test::probe(&app, &caller, issuer).await?))
}
