//! `/v3/auth/OS-FEDERATION/saml2`: assertions for other clouds, and our metadata as their identity provider (keystone-api §1.9).

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Access::Open;
use crate::http::route::Route;
use crate::service::App;
use crate::service::keystone_to_keystone::{self as service, Vouched};

const SP_URL: HeaderName = HeaderName::from_static("x-sp-url");
const AUTH_URL: HeaderName = HeaderName::from_static("x-auth-url");

/// The routes. The token that an assertion is about stands in the body.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v3/auth/OS-FEDERATION/saml2", Open, response).relation("ext/OS-FEDERATION/1.0/rel/saml2"),
        Route::post("/v3/auth/OS-FEDERATION/saml2/ecp", Open, enveloped).relation("ext/OS-FEDERATION/1.0/rel/ecp"),
        Route::get("/v3/OS-FEDERATION/saml2/metadata", Open, metadata).relation("ext/OS-FEDERATION/1.0/rel/metadata"),
    ]
}

fn xml(document: String) -> Reply {
    let reply = Reply::empty(StatusCode::OK).with(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    Reply { body: document.into(), ..reply }
}

fn vouched(vouched: Vouched) -> Result<Reply> {
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| Error::internal("an address of a service provider is no header value"))
    };
    let (sp_url, auth_url) = (value(&vouched.sp_url)?, value(&vouched.auth_url)?);
    Ok(xml(vouched.document).with(SP_URL, sp_url).with(AUTH_URL, auth_url))
}

/// `POST …/saml2`
async fn response(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let body = req.json().await?;
    vouched(service::response(&app, || req.origin(&app), &body).await?)
}

/// `POST …/saml2/ecp`
async fn enveloped(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let body = req.json().await?;
    vouched(service::enveloped(&app, || req.origin(&app), &body).await?)
}

/// `GET /v3/OS-FEDERATION/saml2/metadata`
async fn metadata(app: Arc<App>, _: Request) -> Result<Reply> {
    Ok(xml(service::metadata(&app).await?))
}
