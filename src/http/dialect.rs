//! How a failure is worded, one function for each dialect, each an exhaustive `match` (invariant I9).

mod oauth;
mod scim;
mod tenant;

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::reply::Reply;
use crate::error::Error;

pub use oauth::oauth;
pub use scim::{body as scim_body, scim};
pub use tenant::tenant;

/// Words a failure. `public_url` is the service's base URL, without a slash at its end.
pub type Dialect = fn(error: &Error, public_url: &str) -> Reply;

/// The dialect of each part of the service, by the beginning of the path. The first that fits counts; the last fits all.
#[derive(Debug, Clone, Copy)]
pub struct Dialects(pub &'static [(&'static str, Dialect)]);

impl Dialects {
    /// The dialect of a path.
    pub fn of(self, path: &str) -> Dialect {
        self.0.iter().find(|(prefix, _)| path.starts_with(prefix)).map_or(keystone, |(_, dialect)| *dialect)
    }
}

/// Identity v3's envelope: `{"error": {"code", "title", "message"}}`.
pub fn keystone(error: &Error, public_url: &str) -> Reply {
    let code = error.status();
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!({"error": {"code": code, "title": title(status), "message": message(error)}});
    if let Error::UnsupportedMethod { methods } = error {
        body["error"]["identity"] = json!({ "methods": methods });
    }
    with_headers(error, public_url, Reply::json(status, &body))
}

/// Huawei Cloud's envelope for `/v3.0`: `{"error_msg", "error_code"}`. It has a code for what is usual; what it has none
/// for gets that of the nearest.
pub fn huawei(error: &Error, public_url: &str) -> Reply {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = match error {
        Error::Unauthorized { .. } | Error::UnsupportedMethod { .. } => "IAM.0001",
        Error::Forbidden { .. } => "IAM.0003",
        Error::NotFound { .. } | Error::NoRoute | Error::Gone { .. } => "IAM.0004",
        Error::Conflict { .. } => "IAM.0005",
        Error::Unavailable { .. }
        | Error::Internal { .. }
        | Error::BadUpstream { .. }
        | Error::UpstreamTimeout { .. }
        | Error::NotImplemented { .. } => "IAM.0006",
        Error::Invalid { .. }
        | Error::MethodNotAllowed { .. }
        | Error::Timeout
        | Error::PreconditionFailed { .. }
        | Error::TooLarge { .. }
        | Error::UriTooLong
        | Error::UnsupportedMedia { .. }
        | Error::Unprocessable { .. }
        | Error::Refused { .. }
        | Error::Scim { .. }
        | Error::HeadersTooLarge
        | Error::TooMany { .. } => "IAM.0011",
    };
    with_headers(error, public_url, Reply::json(status, &json!({"error_msg": message(error), "error_code": code})))
}

/// The SSO face's envelope: `{"error": {"code", "description", "details"}}` with codes that stay (sso-api §1, §6.9).
pub fn sso(error: &Error, _public_url: &str) -> Reply {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = match error {
        Error::Invalid { .. } | Error::Unprocessable { .. } | Error::Refused { .. } | Error::Scim { .. } => "SSO.1001",
        Error::NotFound { .. } | Error::NoRoute | Error::Gone { .. } => "SSO.1002",
        Error::Conflict { .. } => "SSO.1003",
        Error::PreconditionFailed { .. } => "SSO.1004",
        Error::BadUpstream { .. } => "SSO.1005",
        Error::UpstreamTimeout { .. } => "SSO.1006",
        Error::Unauthorized { .. } | Error::UnsupportedMethod { .. } => "AUTH.1001",
        Error::Forbidden { .. } => "AUTH.1002",
        Error::Internal { .. } | Error::NotImplemented { .. } => "SYS.1000",
        Error::Unavailable { .. } => "SYS.1001",
        Error::MethodNotAllowed { .. } => "SYS.1002",
        Error::TooLarge { .. } | Error::UriTooLong | Error::HeadersTooLarge => "SYS.1003",
        Error::UnsupportedMedia { .. } => "SYS.1004",
        Error::TooMany { .. } => "SYS.1005",
        Error::Timeout => "SYS.1006",
    };
    let (description, details) = match error {
        Error::Invalid { message, field: Some(field) } => (format!("{field}: {message}"), field.clone()),
        other => (message(other), String::new()),
    };
    let body = json!({"error": {"code": code, "description": description, "details": details}});
    let reply = with_headers(error, "", Reply::json(status, &body));
    match error {
        Error::Unauthorized { .. } | Error::UnsupportedMethod { .. } => {
            reply.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        _ => reply,
    }
}

/// What the caller is told.
pub fn message(error: &Error) -> String {
    match error {
        Error::Invalid { message, field: Some(field) } => format!("Invalid input for field '{field}': {message}"),
        Error::Invalid { message, field: None }
        | Error::Forbidden { message }
        | Error::NotFound { message }
        | Error::Conflict { message }
        | Error::Gone { message }
        | Error::PreconditionFailed { message }
        | Error::BadUpstream { message }
        | Error::UpstreamTimeout { message }
        | Error::Refused { message, .. }
        | Error::Scim { message, .. }
        | Error::NotImplemented { message }
        | Error::TooMany { message, .. } => message.clone(),
        Error::Unprocessable { message, field, .. } if field.is_empty() => message.clone(),
        Error::Unprocessable { message, field, .. } => format!("{field}: {message}"),
        Error::Unauthorized { .. } => "The request you have made requires authentication.".to_owned(),
        Error::UnsupportedMethod { .. } => "Attempted to authenticate with an unsupported method.".to_owned(),
        Error::NoRoute => "The resource could not be found.".to_owned(),
        Error::MethodNotAllowed { .. } => "The method is not allowed for the requested URL.".to_owned(),
        Error::Timeout => "The request body did not arrive in time.".to_owned(),
        Error::TooLarge { limit } => format!("Request is too large: the limit is {limit} bytes."),
        Error::UriTooLong => "The request target is too long.".to_owned(),
        Error::UnsupportedMedia { expected } => format!("The request body must be {expected}."),
        Error::HeadersTooLarge => "The request headers are too large.".to_owned(),
        Error::Unavailable { .. } => "The service is temporarily unavailable, please try again.".to_owned(),
        Error::Internal { .. } => {
            "An unexpected error prevented the server from fulfilling your request. The request id identifies it in the log.".to_owned()
        }
    }
}

/// The reason phrase of HTTP.
fn title(status: StatusCode) -> Value {
    json!(status.canonical_reason().unwrap_or("Error"))
}

/// The headers that go with a failure, whatever the dialect.
fn with_headers(error: &Error, public_url: &str, reply: Reply) -> Reply {
    match error {
        Error::Unauthorized { .. } | Error::UnsupportedMethod { .. } => {
            let challenge = HeaderValue::from_str(&format!("Keystone uri=\"{public_url}/v3\""));
            reply.with(WWW_AUTHENTICATE, challenge.unwrap_or(HeaderValue::from_static("Keystone")))
        }
        Error::MethodNotAllowed { allow } => {
            reply.with(ALLOW, HeaderValue::from_str(allow).unwrap_or(HeaderValue::from_static("")))
        }
        Error::TooMany { retry_after, .. } | Error::Unavailable { retry_after, .. } => {
            reply.with(RETRY_AFTER, HeaderValue::from(*retry_after))
        }
        Error::Invalid { .. }
        | Error::Forbidden { .. }
        | Error::NotFound { .. }
        | Error::NoRoute
        | Error::Timeout
        | Error::Conflict { .. }
        | Error::Gone { .. }
        | Error::PreconditionFailed { .. }
        | Error::TooLarge { .. }
        | Error::UriTooLong
        | Error::UnsupportedMedia { .. }
        | Error::Unprocessable { .. }
        | Error::Refused { .. }
        | Error::Scim { .. }
        | Error::NotImplemented { .. }
        | Error::HeadersTooLarge
        | Error::BadUpstream { .. }
        | Error::UpstreamTimeout { .. }
        | Error::Internal { .. } => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, ScimFault};

    /// One of each kind.
    fn all() -> Vec<Error> {
        vec![
            Error::invalid("bad"),
            Error::invalid_field("identity_provider.enabled", "the value is of type 'string', expected 'boolean'"),
            Error::unauthorized("secret reason"),
            Error::UnsupportedMethod { methods: vec!["password".into(), "token".into()] },
            Error::forbidden("You are not authorized to perform the requested action: identity:x."),
            Error::not_found("Could not find Identity Provider: ACME."),
            Error::NoRoute,
            Error::MethodNotAllowed { allow: "GET, HEAD".into() },
            Error::Timeout,
            Error::conflict("Conflict occurred attempting to store identity_provider - Duplicate entry."),
            Error::Gone { message: "This API is no longer available.".into() },
            Error::precondition_failed("The configuration has been changed since."),
            Error::TooLarge { limit: 114_688 },
            Error::UriTooLong,
            Error::UnsupportedMedia { expected: "application/json" },
            Error::HeadersTooLarge,
            Error::too_many("Too many attempts."),
            Error::bad_upstream("The provider answered 500."),
            Error::upstream_timeout("The provider did not answer in time."),
            Error::unprocessable("name", "missing", "Field required"),
            Error::refused_because(Code::StateMismatch, "Begin again.", "secret reason"),
            Error::scim(ScimFault::Uniqueness, "The name is taken."),
            Error::NotImplemented { message: "Nobody is 'me' here.".into() },
            Error::unavailable("secret reason"),
            Error::internal("secret cause"),
        ]
    }

    #[test]
    fn the_path_chooses_the_dialect() {
        let dialects = Dialects(&[("/v3.0/", huawei), ("", keystone)]);
        let body = |path: &str| {
            let reply = dialects.of(path)(&Error::NoRoute, "https://id.example");
            serde_json::from_slice::<Value>(&reply.body).unwrap()
        };
        assert_eq!(body("/v3.0/x")["error_code"], "IAM.0004");
        for path in ["/v3/x", "/v3.0", "/", "/v3-ext/x"] {
            assert_eq!(body(path)["error"]["code"], 404, "{path}");
        }
    }

    #[test]
    fn every_kind_has_a_wording_in_every_dialect() {
        let mut text = String::new();
        for (name, dialect) in [("keystone", keystone as Dialect), ("huawei", huawei), ("sso", sso), ("scim", scim)] {
            for error in all() {
                let reply = dialect(&error, "https://id.example");
                let mut headers: Vec<String> =
                    reply.headers.iter().map(|(k, v)| format!("{k}: {}", v.to_str().unwrap())).collect();
                headers.sort();
                text.push_str(&format!(
                    "{name} {} [{}]\n{}\n\n",
                    reply.status.as_u16(),
                    headers.join(", "),
                    String::from_utf8_lossy(&reply.body)
                ));
            }
        }
        assert!(!text.contains("secret"), "an internal text reached a client");
        insta::assert_snapshot!(text);
    }
}
