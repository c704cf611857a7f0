//! OAuth 2.0's envelope: `{"error", "error_description"}` (RFC 6749 §5.2, RFC 6750 §3).

use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::super::reply::Reply;
use super::{message, with_headers};
use crate::error::{Code, Error};

/// Words a failure.
pub fn oauth(error: &Error, public_url: &str) -> Reply {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = match error {
        Error::Refused { code, .. } => code.as_str(),
        Error::Unauthorized { .. } | Error::UnsupportedMethod { .. } => "invalid_token",
        Error::Forbidden { .. } => "access_denied",
        Error::TooMany { .. } | Error::Unavailable { .. } | Error::UpstreamTimeout { .. } => "temporarily_unavailable",
        Error::Internal { .. } | Error::BadUpstream { .. } | Error::NotImplemented { .. } => "server_error",
        Error::Invalid { .. }
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
        | Error::Unprocessable { .. }
        | Error::Scim { .. }
        | Error::HeadersTooLarge => "invalid_request",
    };
    let reply = Reply::json(status, &json!({"error": code, "error_description": description(&message(error))}));
    let challenge = match error {
        Error::Refused { code: Code::InvalidClient, .. } => Some("Basic realm=\"oauth\"".to_owned()),
        Error::Refused { code: Code::InvalidToken | Code::InsufficientScope, .. } => {
            Some(format!("Bearer error=\"{code}\""))
        }
        Error::Unauthorized { .. } | Error::UnsupportedMethod { .. } => Some("Bearer".to_owned()),
        _ => None,
    };
    let reply = with_headers(error, public_url, reply);
    match challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
        Some(challenge) => reply.with(WWW_AUTHENTICATE, challenge),
        None => reply,
    }
}

/// What may stand in a description (RFC 6749 §5.2): no quotes, no backslash, nothing beyond ASCII.
fn description(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '\'' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_only_what_the_standard_lets_it() {
        assert_eq!(description("a \"b\" \\ ü\n"), "a 'b' ' ''");
    }
}
