//! The tenant face's envelope: `{"detail"}`, with our code beside it where there is one; a body that breaks its schema is 422
//! with a list of what is wrong where (seed 004: `HTTPValidationError`; tenant-login §2.2, §2.3).

use http::StatusCode;
use serde_json::{Value, json};

use super::super::reply::Reply;
use super::{message, title, with_headers};
use crate::error::Error;

/// Words a failure.
pub fn tenant(error: &Error, public_url: &str) -> Reply {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = match error {
        Error::Unprocessable { message, field, kind } => {
            json!({"detail": [{"type": kind, "loc": location(field), "msg": message}]})
        }
        Error::Refused { code, message, .. } => json!({"detail": message, "error": code.as_str()}),
        Error::NoRoute | Error::MethodNotAllowed { .. } => json!({"detail": title(status)}),
        Error::Unauthorized { .. } => json!({"detail": "Not authenticated"}),
        Error::Invalid { message, field: Some(field) } => json!({"detail": format!("{field}: {message}")}),
        Error::Invalid { .. }
        | Error::UnsupportedMethod { .. }
        | Error::Forbidden { .. }
        | Error::NotFound { .. }
        | Error::Timeout
        | Error::Conflict { .. }
        | Error::Gone { .. }
        | Error::PreconditionFailed { .. }
        | Error::TooLarge { .. }
        | Error::UriTooLong
        | Error::UnsupportedMedia { .. }
        | Error::Scim { .. }
        | Error::NotImplemented { .. }
        | Error::HeadersTooLarge
        | Error::TooMany { .. }
        | Error::BadUpstream { .. }
        | Error::UpstreamTimeout { .. }
        | Error::Unavailable { .. }
        | Error::Internal { .. } => json!({"detail": message(error)}),
    };
    let reply = with_headers(error, public_url, Reply::json(status, &body));
    match error {
        Error::Unauthorized { .. } | Error::UnsupportedMethod { .. } => {
            reply.with(http::header::WWW_AUTHENTICATE, http::HeaderValue::from_static("Bearer"))
        }
        _ => reply,
    }
}

/// Where in the body a member stands; places in lists are numbers.
fn location(field: &str) -> Value {
    let parts = field.split('.').filter(|part| !part.is_empty());
    let part = |part: &str| part.parse::<u32>().map_or_else(|_| json!(part), |index| json!(index));
    Value::Array(std::iter::once(json!("body")).chain(parts.map(part)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_breaks_its_schema_says_what_is_wrong_where_and_repeats_nothing() {
        let reply = tenant(&Error::unprocessable("settings.redirect_uris.1", "url_parsing", "not a URL"), "");
        assert_eq!(reply.status, 422);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let loc = json!(["body", "settings", "redirect_uris", 1]);
        assert_eq!(body, json!({"detail": [{"type": "url_parsing", "loc": loc, "msg": "not a URL"}]}));
    }
}
