//! What a handler reads.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Uri, Version};
use serde_json::Value;

use super::body::{self, Incoming};
use super::query::Parameters;
use super::request_id::RequestId;
use crate::error::{Error, Result};
use crate::service::App;
use crate::service::caller::{Caller, Origin};

/// The head of a request, shared rather than copied on its way to the handler.
#[derive(Debug)]
pub struct Head {
    /// Method.
    pub method: Method,
    /// Target.
    pub uri: Uri,
    /// Version.
    pub version: Version,
    /// Headers.
    pub headers: HeaderMap,
    /// Address of the peer.
    pub remote: Option<IpAddr>,
}

/// A header that stands twice or is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unclear;

/// One request at its handler.
pub struct Request {
    /// Its head.
    pub head: Arc<Head>,
    /// Its id.
    pub id: RequestId,
    params: Vec<(String, String)>,
    body: Option<Incoming>,
    body_limit: usize,
    body_deadline: Duration,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("id", &self.id).field("uri", &self.head.uri).finish_non_exhaustive()
    }
}

impl Request {
    /// Puts a request together. `params` are raw path segments with their names.
    pub fn new(
        head: Arc<Head>,
        id: RequestId,
        params: Vec<(String, String)>,
        body: Incoming,
        body_limit: usize,
        body_deadline: Duration,
    ) -> Self {
        Self { head, id, params, body: Some(body), body_limit, body_deadline }
    }

    /// A part of the path, decoded. The route's template names it, so it is there.
    pub fn param(&self, name: &str) -> Result<&str> {
        self.params
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
            .ok_or_else(|| Error::internal(format!("the route has no parameter '{name}'")))
    }

    /// The query's parameters.
    pub fn query(&self) -> Result<Parameters<'_>> {
        Parameters::parse(self.head.uri.query().unwrap_or_default())
    }

    /// The raw query.
    pub fn raw_query(&self) -> Option<&str> {
        self.head.uri.query()
    }

    /// The body as a JSON object.
    pub async fn json(&mut self) -> Result<Value> {
        let body = self.body.take().ok_or_else(|| Error::internal("the body was read before"))?;
        // The size is judged first: a body that is too large is that, whatever it calls itself.
        let bytes = body::read(&self.head.headers, body, self.body_limit, self.body_deadline).await?;
        body::check_json_type(&self.head.headers)?;
        body::parse_object(&bytes)
    }

    /// Where it comes from, for audit records.
    pub fn origin(&self) -> Origin {
        Origin::new(self.id.text(), self.head.remote)
    }

    /// The one value of a header that may stand once only; `Err` if it stands twice or is not text.
    pub fn header(&self, name: &str) -> std::result::Result<Option<&str>, Unclear> {
        let mut all = self.head.headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| Unclear),
            (Some(_), Some(_)) => Err(Unclear),
        }
    }

    /// The token that the request carries in `X-Auth-Token` or as a bearer token (RFC 6750 §2.1).
    pub fn token(&self) -> Result<Option<&str>> {
        let doubled = |Unclear| Error::unauthorized("a credential header stands twice or is not text");
        let own = self.header("x-auth-token").map_err(doubled)?;
        let bearer = self
            .header(AUTHORIZATION.as_str())
            .map_err(doubled)?
            .and_then(|v| v.split_once(' '))
            .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start()));
        match (own, bearer) {
            (Some(a), Some(b)) if a != b => Err(Error::unauthorized("two different tokens")),
            (token, bearer) => Ok(token.or(bearer).filter(|t| !t.is_empty())),
        }
    }

    /// Who is calling: the holder of the token, or 401.
    pub async fn caller(&self, app: &App) -> Result<Caller> {
        let token = self.token()?.ok_or_else(|| Error::unauthorized("no token"))?;
        Caller::of_token(app, token, || self.origin()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Random;
    use crate::http::request_id::RequestIds;

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let head = Head {
            method: Method::GET,
            uri: Uri::from_static("/"),
            version: Version::HTTP_11,
            headers: map,
            remote: None,
        };
        let id = RequestIds::new(&Random::seeded(1)).next();
        Request::new(Arc::new(head), id, vec![], Box::pin(futures_util::stream::empty()), 0, Duration::ZERO)
    }

    #[test]
    fn ks_tok_2_a_token_stands_once_in_either_header() {
        let token = |headers: &[(&str, &str)]| request(headers).token().map(|t| t.map(str::to_owned));
        assert_eq!(token(&[]), Ok(None));
        assert_eq!(token(&[("x-auth-token", "t")]), Ok(Some("t".into())));
        assert_eq!(token(&[("authorization", "Bearer t")]), Ok(Some("t".into())));
        assert_eq!(token(&[("authorization", "bearer t"), ("x-auth-token", "t")]), Ok(Some("t".into())));
        assert_eq!(token(&[("authorization", "Basic t")]), Ok(None));
        assert!(token(&[("x-auth-token", "t"), ("x-auth-token", "t")]).is_err());
        assert!(token(&[("authorization", "Bearer a"), ("x-auth-token", "b")]).is_err());
    }
}
