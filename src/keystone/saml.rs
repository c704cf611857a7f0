//! SAML for browsers and clients: answers of identity providers come to `/v3-ext/auth/OS-FEDERATION/SSO`, where our metadata is,
//! too, and to `/v3.0/OS-FEDERATION/tokens` (keystone-api §1.7, §2.2).

use std::sync::Arc;

use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::browser::{IDP_ID, cookie, shown};
use super::{pages, tokens};
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Access::Open;
use crate::http::route::Route;
use crate::service::App;
use crate::service::federated_login::saml::{self, ACS};
use crate::service::federated_login::web::COOKIE_BEGINNING;

/// Most bytes of a posted form, or an envelope.
const MAX_BODY: usize = 1_048_576;
/// Most fields that are taken of a form.
const MAX_FIELDS: usize = 20;
/// The field by which our own page says that the browser has been here.
const AGAIN: &str = "again";
/// What clients that carry messages themselves send and get, word for word.
const PAOS_TYPE: &str = "application/vnd.paos+xml";
/// The header field by which they say so (saml-bindings-2.0-os §3.3.3).
const PAOS: HeaderName = HeaderName::from_static("paos");

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post(ACS, Open, acs),
        Route::post("/v3-ext/auth/OS-FEDERATION/SSO/SAML2/ECP", Open, by_client),
        Route::get("/v3-ext/auth/OS-FEDERATION/SSO/metadata", Open, metadata),
        Route::post("/v3.0/OS-FEDERATION/tokens", Open, token),
    ]
}

/// `POST …/SSO/SAML2/POST`: a browser brings no cookie with a form that another site posts, so a page of ours has it post the
/// same once more, with which it does.
async fn acs(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let fields = req.large_form(MAX_BODY, MAX_FIELDS).await?;
    if !fields.iter().any(|(name, value)| name == "SAMLResponse" && !value.is_empty()) {
        return shown(&app, &req, Err(Error::invalid_field("SAMLResponse", "the field is required")));
    }
    let has = |wanted: &str| fields.iter().any(|(name, _)| name == wanted);
    if !has(AGAIN) && req.wants_page() && !req.has_cookie_of(COOKIE_BEGINNING) {
        let again = [(AGAIN.to_owned(), "1".to_owned())];
        let kept = fields.into_iter().filter(|(name, _)| name == "SAMLResponse" || name == "RelayState").take(2);
        let kept: Vec<_> = kept.chain(again).collect();
        return Ok(pages::post_form(&format!("{}{ACS}", app.public_url), &kept));
    }
    let origin = req.origin(&app);
    let step = saml::finish(&app, &origin, fields, |name| req.cookie(name)).await;
    shown(&app, &req, step)
}

/// Whether a client wants to carry the messages itself.
pub(super) fn is_by_client(req: &Request) -> bool {
    req.head.headers.contains_key(PAOS) && req.accepts(PAOS_TYPE)
}

/// What such a client takes to its identity provider.
pub(super) async fn asked_by_client(app: &App, idp_id: &str, protocol_id: &str) -> Result<Reply> {
    let envelope = saml::begin_by_client(app, idp_id, protocol_id).await?;
    let reply = Reply::empty(StatusCode::OK).with(CONTENT_TYPE, HeaderValue::from_static(PAOS_TYPE));
    Ok(Reply { body: envelope.into(), ..reply })
}

/// `POST …/SSO/SAML2/ECP`
async fn by_client(app: Arc<App>, mut req: Request) -> Result<Reply> {
    req.allow_body(MAX_BODY);
    let body = req.bytes().await?;
    let envelope =
        String::from_utf8(body.to_vec()).map_err(|_| Error::unauthorized("an envelope that is not UTF-8"))?;
    let brought = saml::finish_by_client(&app, &req.origin(&app), envelope).await?;
    let location = HeaderValue::from_str(&brought.location);
    let location = location.map_err(|_| Error::internal("a place that is no header value"))?;
    let reply = Reply::empty(StatusCode::SEE_OTHER).with(LOCATION, location);
    Ok(reply.with(SET_COOKIE, cookie(&app, &brought.cookie)?))
}

/// `GET …/SSO/metadata`
async fn metadata(app: Arc<App>, req: Request) -> Result<Reply> {
    let unsigned = req.query()?.get("unsigned").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let kind = HeaderValue::from_static("application/samlmetadata+xml; charset=utf-8");
    let reply = Reply::empty(StatusCode::OK).with(CONTENT_TYPE, kind);
    Ok(Reply { body: saml::metadata(&app, !unsigned).await?.into(), ..reply })
}

/// `POST /v3.0/OS-FEDERATION/tokens`: an assertion that the identity provider made without having been asked.
async fn token(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let fields = req.large_form(MAX_BODY, MAX_FIELDS).await?;
    let idp_id = req.header(&IDP_ID).ok().flatten().filter(|id| !id.is_empty());
    let idp_id =
        idp_id.ok_or_else(|| Error::invalid_field("X-Idp-Id", "the header with the identity provider is required"))?;
    if !fields.iter().any(|(name, value)| name == "SAMLResponse" && !value.is_empty()) {
        return Err(Error::invalid_field("SAMLResponse", "the field is required"));
    }
    let issued = saml::token(&app, &req.origin(&app), idp_id, fields).await?;
    tokens::issued(&issued, true)
}
