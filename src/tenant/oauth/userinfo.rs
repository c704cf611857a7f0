//! The userinfo endpoint (OpenID Connect Core §5.3).

use std::sync::Arc;

use http::{Method, StatusCode};

use super::endpoint::{Call, answer};
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::App;
use crate::service::oauth::parameters::invalid;
use crate::service::oauth::userinfo as service;

pub(super) async fn userinfo(app: Arc<App>, req: Request) -> Result<Reply> {
    answer(app, req, async |app, mut call: Call| {
        let is_form = call.req.head.method == Method::POST && call.req.head.headers.contains_key("content-type");
        let in_form = if is_form { call.form().await?.one("access_token")?.map(str::to_owned) } else { None };
        let token = match (call.bearer()?, in_form.as_deref()) {
            (Some(_), Some(_)) => return Err(invalid("there is more than one access token")),
            (header, form) => header.or(form).filter(|t| !t.is_empty()),
        };
        let token = token.ok_or_else(|| Error::unauthorized("no access token"))?;
        Ok(Reply::json_bytes(StatusCode::OK, service::of(&app, &call.tenant, token).await?))
    })
    .await
}
