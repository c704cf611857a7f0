//! What browsers and clients see on their way through an identity provider: where they go next with which cookie, or a page in words.

use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::{pages, tokens};
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::App;
use crate::service::federated_login::web::{Cookie, Step};
use crate::service::login::Begin;

/// Huawei's header field that names the identity provider.
pub const IDP_ID: HeaderName = HeaderName::from_static("x-idp-id");

/// What the browser does next, or what went wrong in words for people; a program gets the error as such.
pub fn shown(app: &App, req: &Request, step: Result<Step>) -> Result<Reply> {
    match step {
        Ok(Step::Go { begin, cookie: kept }) => {
            let reply = match begin {
                Begin::Redirect { url } => {
                    let to = HeaderValue::from_str(&url);
                    let to = to.map_err(|_| Error::internal("a URL that is no header value"))?;
                    Reply::empty(StatusCode::FOUND).with(LOCATION, to)
                }
                Begin::Post { url, fields } => pages::post_form(&url, &fields),
                Begin::Password => return Err(Error::internal("a browser cannot leave for a password")),
            };
            Ok(reply.with(SET_COOKIE, cookie(app, &kept)?))
        }
        Ok(Step::Choose(entries)) => Ok(pages::choice(&entries)),
        Ok(Step::Take { origin: Some(dashboard), issued }) => Ok(pages::token_form(&dashboard, &issued.id)),
        Ok(Step::Take { origin: None, issued }) => tokens::issued(&issued, true),
        Err(error) if req.wants_page() => Ok(failed(&error, &req.id.to_string())),
        Err(error) => Err(error),
    }
}

pub fn cookie(app: &App, cookie: &Cookie) -> Result<HeaderValue> {
    let Cookie { name, value, life, path: below } = cookie;
    let base = url::Url::parse(&app.public_url).map_err(|_| Error::internal("the public URL is none"))?;
    let path = base.path().trim_end_matches('/');
    let secure = if base.scheme() == "https" { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path={path}{below}; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&text).map_err(|_| Error::internal("a cookie that is no header value"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The page for an error. It says no more than the JSON answer would.
fn failed(error: &Error, id: &str) -> Reply {
    let status = error.status();
    if error.is_ours() {
        tracing::error!(%id, error = %error.to_string().escape_debug(), "request failed");
    } else {
        tracing::debug!(%id, error = %error.to_string().escape_debug(), "request refused");
    }
    let (title, text) = match error {
        Error::Unauthorized { .. } => {
            ("You could not be signed in", "Go back and try again. If that does not help, ask your administrator.")
        }
        Error::Forbidden { .. } => ("This way in is closed", "Ask your administrator."),
        Error::NotFound { .. } | Error::NoRoute => {
            ("There is no such way in", "Check the address or ask your administrator.")
        }
        Error::Unavailable { .. } => ("Signing in does not work at the moment", "Try again in a while."),
        Error::Invalid { .. } => {
            ("The request cannot be understood", "The dashboard's address is missing or not a valid one.")
        }
        _ => ("Something went wrong", "Ask your administrator."),
    };
    pages::failure(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), title, text, id)
}
