//! Answers of the accept loop itself, in Keystone's envelope.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};

/// Why a request never reaches its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The message makes no sense.
    Malformed,
    /// The request target is over the limit.
    UriTooLong,
    /// `TRACE` and `CONNECT`, which an origin server has no use for (RFC 9110 §9.3.6, §9.3.8).
    Method,
}

/// What is wrong with `request` whatever its route; `None` if nothing.
pub fn check<B>(request: &Request<B>, max_uri: usize) -> Option<Refusal> {
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        return Some(Refusal::Method);
    }
    // A target without a path makes warp's path filters panic.
    let uri = request.uri();
    let Some(target) = uri.path_and_query() else { return Some(Refusal::Malformed) };
    if !target.as_str().starts_with('/') && request.method() != Method::OPTIONS {
        return Some(Refusal::Malformed);
    }
    if target.as_str().len() + uri.authority().map_or(0, |authority| authority.as_str().len()) > max_uri {
        return Some(Refusal::UriTooLong);
    }
    // RFC 9112 §3.2: exactly one Host.
    if request.version() == Version::HTTP_11 {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        if hosts.next().is_none() || hosts.next().is_some() {
            return Some(Refusal::Malformed);
        }
    }
    None
}

/// The answer to a refused request.
pub fn response<B: From<Bytes>>(refusal: Refusal) -> Response<B> {
    let (status, reason, message) = match refusal {
        Refusal::Malformed => (StatusCode::BAD_REQUEST, "malformed", "The request is malformed."),
        Refusal::UriTooLong => (StatusCode::URI_TOO_LONG, "uri", "The request target is too long."),
        Refusal::Method => (StatusCode::NOT_IMPLEMENTED, "method", "The method is not implemented."),
    };
    metrics::counter!("archstone_http_refused_total", "reason" => reason).increment(1);
    envelope(status, message)
}

/// The answer where a handler broke; `cause` is for the log.
pub fn failed<B: From<Bytes>>(cause: &str) -> Response<B> {
    tracing::error!(cause, "a request could not be answered");
    envelope(
        StatusCode::INTERNAL_SERVER_ERROR,
        "An unexpected error prevented the server from fulfilling your request.",
    )
}

fn envelope<B: From<Bytes>>(status: StatusCode, message: &str) -> Response<B> {
    let title = status.canonical_reason().unwrap_or_default();
    let body = serde_json::json!({"error": {"code": status.as_u16(), "title": title, "message": message}});
    let mut response = Response::new(B::from(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
