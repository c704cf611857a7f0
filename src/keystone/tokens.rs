//! `/v3/auth/tokens`: issue, validate, check, revoke.

use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderValue, StatusCode};

use super::view;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::auth_request::AuthRequest;
use crate::service::issue::Issued;
use crate::service::token::{self, Token};
use crate::service::{App, auth, validation};

static SUBJECT: HeaderName = HeaderName::from_static("x-subject-token");

/// The token document's bytes, written once for each token.
fn body(token: &Token, with_catalog: bool) -> Bytes {
    token::body(token, with_catalog, || {
        let entries = with_catalog.then(|| token.prepared.catalog.as_slice());
        serde_json::to_vec(&view::token(&token.facts, entries, &token.prepared.service_providers)).unwrap_or_default()
    })
}

fn answer(status: StatusCode, body: Bytes, mut subject: HeaderValue) -> Reply {
    subject.set_sensitive(true);
    Reply::json_bytes(status, body).with(SUBJECT.clone(), subject)
}

fn with_catalog(req: &Request) -> bool {
    // Presence alone counts, as in Keystone.
    !req.raw_query().is_some_and(|q| q.split('&').any(|p| p == "nocatalog" || p.starts_with("nocatalog=")))
}

/// The token that the request is about, as it came and as text; without one there is nothing to be found.
fn subject(req: &Request) -> Result<(&HeaderValue, &str)> {
    let value = req.header_value(&SUBJECT).ok().flatten();
    let text = value.and_then(|v| v.to_str().ok()).filter(|t| !t.is_empty());
    value.zip(text).ok_or_else(|| Error::not_found("Could not find token."))
}

fn allow_expired(req: &Request) -> Result<bool> {
    match req.raw_query() {
        None => Ok(false),
        Some(_) => Ok(req.query()?.switch("allow_expired")),
    }
}

/// 201 with a token that was just issued.
pub(super) fn issued(issued: &Issued, with_catalog: bool) -> Result<Reply> {
    let id = HeaderValue::from_str(&issued.id).map_err(|_| Error::internal("a token that is no header value"))?;
    Ok(answer(StatusCode::CREATED, body(&issued.token, with_catalog), id))
}

/// `POST`
pub async fn issue(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let body_json = req.json().await?;
    let request = AuthRequest::parse(&body_json)?;
    let made = auth::authenticate(&app, &req.origin(&app), request).await?;
    issued(&made, with_catalog(&req))
}

/// `GET`
pub async fn validate(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let (value, subject) = subject(&req)?;
    let token = validation::validate(&app, &caller, "identity:validate_token", subject, allow_expired(&req)?).await?;
    Ok(answer(StatusCode::OK, body(&token, with_catalog(&req)), value.clone()))
}

/// `HEAD`
pub async fn check(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let (value, subject) = subject(&req)?;
    let token = validation::validate(&app, &caller, "identity:check_token", subject, allow_expired(&req)?).await?;
    Ok(answer(StatusCode::OK, body(&token, with_catalog(&req)), value.clone()))
}

/// `DELETE`
pub async fn revoke(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    validation::revoke(&app, &caller, subject(&req)?.1).await?;
    Ok(Reply::no_content())
}

/// `GET /v3/auth/tokens/OS-PKI/revoked`: the list of PKI tokens' days, gone with them.
pub async fn revoked_list(_: Arc<App>, _: Request) -> Result<Reply> {
    Err(Error::Gone { message: "PKI tokens and their revocation list are no longer available.".to_owned() })
}
