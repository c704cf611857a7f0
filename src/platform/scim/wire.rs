//! What is sent and what comes back: media types, credential, versions, and answers by whomever.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::failure::{Failure, Kind};
use super::pace::{Pace, Pause};
use super::resource::{attribute, text};
use crate::clock::{Clock, Random};
use crate::egress::{self, Answer, Egress};
use crate::secret::Secret;

/// Requests to one server at a time.
const CONCURRENT: usize = 4;
/// Longest version that is kept.
const MAX_VERSION: usize = 256;

/// What may be wrong with a request (RFC 7644 §3.12).
const TYPES: [&str; 10] = [
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
];

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    /// Path and query below the base.
    target: String,
    body: Bytes,
    version: Option<HeaderValue>,
}

impl Request {
    /// `GET`.
    pub fn get(target: String) -> Self {
        Self { method: Method::GET, target, body: Bytes::new(), version: None }
    }

    /// `DELETE`.
    pub fn delete(target: String) -> Self {
        Self { method: Method::DELETE, ..Self::get(target) }
    }

    /// One with a body.
    pub fn with(method: Method, target: String, body: &Value) -> Self {
        Self::with_text(method, target, body.to_string())
    }

    /// One with a body that is written already.
    pub fn with_text(method: Method, target: String, body: String) -> Self {
        Self { method, body: body.into(), ..Self::get(target) }
    }

    /// The same for one version only.
    pub fn if_match(self, version: Option<&str>) -> Self {
        Self { version: version.and_then(|v| HeaderValue::from_str(v).ok()), ..self }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The resource's version, by the header or the body.
    pub version: Option<String>,
    /// The body; `Null` if there is none, or none that can be read.
    pub body: Value,
    /// Whether something came that cannot be read.
    pub garbled: bool,
}

impl Reply {
    fn read(answer: Answer) -> Self {
        let (body, garbled) = match serde_json::from_slice(&answer.body) {
            Ok(body) => (body, false),
            Err(_) => (Value::Null, !answer.body.iter().all(u8::is_ascii_whitespace)),
        };
        let header = answer.headers.get(ETAG).and_then(|v| v.to_str().ok());
        let version = header.or_else(|| attribute(&body, "meta").and_then(|meta| text(meta, "version")));
        let version = version.filter(|v| !v.is_empty() && v.len() <= MAX_VERSION).map(str::to_owned);
        Self { status: answer.status, version, body, garbled }
    }

    /// The reason's name, of an error.
    pub fn scim_type(&self) -> Option<&str> {
        text(&self.body, "scimType")
    }

    /// Whether an error is of that name (case does not count).
    pub fn is_of(&self, scim_type: &str) -> bool {
        self.scim_type().is_some_and(|t| t.eq_ignore_ascii_case(scim_type))
    }

    /// Whether something exists already.
    pub fn is_taken(&self) -> bool {
        self.status == StatusCode::CONFLICT || self.status == StatusCode::BAD_REQUEST && self.is_of("uniqueness")
    }
}

/// The way to one server.
pub struct Wire {
    egress: Arc<Egress>,
    base: String,
    authorization: Option<HeaderValue>,
    clock: Arc<dyn Clock>,
    permits: Semaphore,
    pub(super) pace: Pace,
    pub(super) random: Arc<Random>,
    pub(super) pause: Pause,
}

impl Wire {
    /// The way to `base`.
    ///
    /// # Errors
    /// `Stop` for a URL that may not be asked or a token that no header can carry.
    pub fn new(
        pace: Pace,
        egress: Arc<Egress>,
        base: &str,
        token: Option<&Secret>,
        clock: Arc<dyn Clock>,
        random: Arc<Random>,
    ) -> Result<Self, Failure> {
        let stop = |why: &str| Failure::new(Kind::Stop, why);
        let url = egress.check_url(base).map_err(|e| stop(&format!("the server may not be asked. {e}")))?;
        if url.query().is_some() {
            return Err(stop("the server's URL has a query"));
        }
        let token = token.filter(|token| !token.is_empty());
        let authorization = token
            .map(|token| HeaderValue::from_bytes(&[b"Bearer ", token.expose()].concat()))
            .transpose()
            .map_err(|_| stop("the token has characters that no header has"))?
            .map(|mut value| {
                value.set_sensitive(true);
                value
            });
        Ok(Self {
            egress,
            base: base.trim_end_matches('/').to_owned(),
            authorization,
            clock,
            permits: Semaphore::new(CONCURRENT),
            pace,
            random,
            pause: Pause::default(),
        })
    }

    /// The base without its slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// One exchange; `Err` with whether it may be repeated.
    pub async fn exchange(&self, request: &Request, limit: tokio::time::Instant) -> Result<Reply, Setback> {
        // Before it, so that who waits for a pause is told so; after it, since one may have begun meanwhile.
        self.pause.wait(limit).await.map_err(Setback::last)?;
        let _permit = self.permits.acquire().await.map_err(|_| Setback::last(Failure::timeout()))?;
        self.pause.wait(limit).await.map_err(Setback::last)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/scim+json, application/json;q=0.9"));
        if !request.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(version) = &request.version {
            headers.insert(IF_MATCH, version.clone());
        }
        let url = format!("{}{}", self.base, request.target);
        let asked =
            self.egress.ask(egress::Kind::Scim, request.method.clone(), &url, headers, request.body.clone()).await;
        match asked {
            Ok(answer) => self.judge(answer),
            Err(trouble) => {
                let failure = Failure::from(trouble);
                let again = matches!(failure.kind, Kind::Timeout | Kind::Unreachable);
                Err(Setback { failure, again })
            }
        }
    }

    /// What can be gone on with, and what cannot.
    fn judge(&self, answer: Answer) -> Result<Reply, Setback> {
        let retry_after = self.pace.retry_after(&answer.headers, self.clock.now());
        let reply = Reply::read(answer);
        match reply.status.as_u16() {
            401 | 403 => Err(Setback::last(self.failure(Kind::Stop, &reply))),
            300..=399 => {
                let told =
                    format!("the server answered {} and redirects, which is not followed", reply.status.as_u16());
                let failure = Failure { status: Some(reply.status.as_u16()), ..Failure::new(Kind::Stop, told) };
                Err(Setback::last(failure))
            }
            408 | 429 | 500 | 502 | 503 | 504 => {
                if let Some(length) = retry_after {
                    self.pause.begin(length);
                }
                let failure = Failure { retry_after, ..self.failure(Kind::Busy, &reply) };
                Err(Setback { failure, again: true })
            }
            200..=299 if reply.garbled => {
                let told = "what answers at the URL speaks no SCIM";
                let failure = Failure { status: Some(reply.status.as_u16()), ..Failure::new(Kind::Broken, told) };
                Err(Setback::last(failure))
            }
            _ => Ok(reply),
        }
    }

    /// The failure that an answer is.
    pub fn failure(&self, kind: Kind, reply: &Reply) -> Failure {
        // A word of the standard is repeated, and nothing else that another machine has said.
        let mut told = format!("the server answered {}", reply.status.as_u16());
        if let Some(word) = reply.scim_type().and_then(|said| TYPES.into_iter().find(|t| t.eq_ignore_ascii_case(said)))
        {
            told.push_str(&format!(" ({word})"));
        }
        Failure { status: Some(reply.status.as_u16()), ..Failure::new(kind, told) }
    }
}

/// An exchange that did not come about, and whether it may be repeated.
#[derive(Debug)]
pub struct Setback {
    /// Why.
    pub failure: Failure,
    /// Whether another attempt makes sense.
    pub again: bool,
}

impl Setback {
    /// One that is final.
    pub fn last(failure: Failure) -> Self {
        Self { failure, again: false }
    }
}
