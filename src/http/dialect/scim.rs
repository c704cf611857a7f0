//! SCIM's envelope (RFC 7644 §3.12): the status as a text, and a word for what is wrong where the standard has one.

use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::super::reply::Reply;
use super::{message, with_headers};
use crate::error::{Error, ScimFault};
use crate::model::scim;

/// Words a failure.
pub fn scim(error: &Error, public_url: &str) -> Reply {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reply = with_headers(error, public_url, Reply::json(status, &body(error)));
    let reply = reply.with(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
    match error {
        Error::Unauthorized { .. } | Error::UnsupportedMethod { .. } => {
            reply.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        _ => reply,
    }
}

/// The body alone, as answers to several requests in one have it.
pub fn body(error: &Error) -> Value {
    let fault = match error {
        Error::Scim { fault, .. } => Some(*fault),
        Error::Invalid { .. } | Error::Unprocessable { .. } => Some(ScimFault::InvalidValue),
        Error::Unauthorized { .. }
        | Error::UnsupportedMethod { .. }
        | Error::Forbidden { .. }
        | Error::NotFound { .. }
        | Error::NoRoute
        | Error::MethodNotAllowed { .. }
        | Error::Timeout
        | Error::Conflict { .. }
        | Error::Gone { .. }
        | Error::PreconditionFailed { .. }
        | Error::TooLarge { .. }
        | Error::UriTooLong
        | Error::UnsupportedMedia { .. }
        | Error::Refused { .. }
        | Error::NotImplemented { .. }
        | Error::HeadersTooLarge
        | Error::TooMany { .. }
        | Error::BadUpstream { .. }
        | Error::UpstreamTimeout { .. }
        | Error::Unavailable { .. }
        | Error::Internal { .. } => None,
    };
    let mut body = json!({"schemas": [scim::ERROR], "status": error.status().to_string(), "detail": message(error)});
    if let Some(fault) = fault {
        body["scimType"] = json!(fault.as_str());
    }
    body
}
