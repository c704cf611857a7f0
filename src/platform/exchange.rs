//! One request to a platform and what it says, the same for all products: through `egress`, bounded, and with a [`Problem`]
//! that names what was asked where there is no answer.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::{Problem, Trouble};
use crate::egress::{self, Answer, Egress, Kind};
use crate::secret::Secret;

/// Deepest nesting of an answer that is read.
const MAX_DEPTH: usize = 32;
/// Longest URL that is taken from an answer.
const MAX_URL: usize = 2_048;
/// What a segment of a path may hold as it is (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request.
#[derive(Debug)]
pub struct Request<'a> {
    /// What it is for, as it begins a sentence.
    pub what: &'a str,
    /// Its kind.
    pub kind: Kind,
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: &'a str,
    /// Its header.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Sends it; the answer may have any status.
pub async fn send(egress: &Egress, request: Request<'_>) -> Result<Answer, Problem> {
    let Request { what, kind, method, url, headers, body } = request;
    egress.ask(kind, method, url, headers, body).await.map_err(|trouble| unanswered(what, &trouble))
}

/// The problem of having no answer.
pub fn unanswered(what: &str, trouble: &egress::Trouble) -> Problem {
    let kind = match trouble {
        egress::Trouble::NotAllowed(_) | egress::Trouble::Redirects(_) => Trouble::Refused,
        egress::Trouble::TooLarge | egress::Trouble::Broken => Trouble::Failed,
        egress::Trouble::Unresolved
        | egress::Trouble::Refused
        | egress::Trouble::Unreachable
        | egress::Trouble::Tls(_)
        | egress::Trouble::Timeout => Trouble::Unreachable,
    };
    Problem::new(kind, format!("{what}: {}", trouble.told("the platform")))
}

/// The problem of an answer whose status says no, in words that fit every platform.
pub fn refusal(what: &str, status: StatusCode) -> Problem {
    let (kind, why) = match status.as_u16() {
        401 => (Trouble::Credential, "the platform does not know the credential"),
        403 => (Trouble::Credential, "the platform does not let the credential do this"),
        300..=399 => (Trouble::Refused, "the platform redirects. Give the URL that it leads to as endpoint"),
        404 | 405 | 501 => (Trouble::Unsupported, "the platform has no such operation. Check endpoint and product"),
        409 => (Trouble::Refused, "the platform says that this conflicts with what is there"),
        408 | 425 | 429 => (Trouble::Failed, "the platform has too much to do"),
        400..=499 => (Trouble::Refused, "the platform does not take this as it is"),
        500..=599 => (Trouble::Failed, "the platform failed by itself"),
        _ => (Trouble::Failed, "the platform gave an answer that means nothing here"),
    };
    Problem::new(kind, format!("{what}: {why} (status {}).", status.as_u16()))
}

/// The problem of an answer that lacks what it must have.
pub fn unreadable(what: &str) -> Problem {
    Problem::new(Trouble::Failed, format!("{what}: the platform's answer cannot be read."))
}

/// A body as JSON, if it is some and not nested too deeply.
pub fn read(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().filter(|value| is_within(value, MAX_DEPTH))
}

fn is_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_within(item, depth - 1)),
        Value::Object(members) => depth > 0 && members.values().all(|member| is_within(member, depth - 1)),
        _ => true,
    }
}

/// The header of a request that has JSON for a body and wants some.
pub fn json_headers() -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(header::ACCEPT, json.clone()), (header::CONTENT_TYPE, json)])
}

/// A header field's value that must not be seen.
pub fn sensitive(what: &str, text: &str) -> Result<HeaderValue, Problem> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Problem::new(Trouble::Credential, format!("{what}: the credential has characters that cannot be sent."))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A secret as text.
pub fn text<'a>(what: &str, secret: &'a Secret) -> Result<&'a str, Problem> {
    secret.expose_str().ok_or_else(|| {
        Problem::new(Trouble::Credential, format!("{what}: the credential has characters that cannot be sent."))
    })
}

/// A text as one segment of a path.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A URL that came in an answer or stands in the options and that browsers are to be sent to, if it is a sound one.
pub fn web_url(text: &str) -> Option<&str> {
    let sound = |url: Url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    };
    let plain = text.len() <= MAX_URL && !text.bytes().any(|b| b.is_ascii_control() || b == b' ' || b == b'\\');
    (plain && Url::parse(text).is_ok_and(sound)).then_some(text)
}

/// The end of something that was begun at a platform: a request that is sent once, also when whoever began it is dropped half way.
#[derive(Debug)]
pub struct Farewell {
    egress: Egress,
    url: String,
    headers: Option<HeaderMap>,
}

impl Farewell {
    /// A `DELETE` that is yet to be sent.
    pub fn new(egress: &Egress, url: String, headers: HeaderMap) -> Self {
        Self { egress: egress.clone(), url, headers: Some(headers) }
    }

    /// Sends it. What comes of it changes nothing any more.
    pub async fn say(mut self) {
        if let Some(headers) = self.headers.take() {
            leave(&self.egress, &self.url, headers).await;
        }
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let Some(headers) = self.headers.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (egress, url) = (self.egress.clone(), std::mem::take(&mut self.url));
            runtime.spawn(async move { leave(&egress, &url, headers).await });
        }
    }
}

async fn leave(egress: &Egress, url: &str, headers: HeaderMap) {
    // `egress` has logged what went wrong.
    let _ = egress.ask(Kind::Push, Method::DELETE, url, headers, Bytes::new()).await;
}
