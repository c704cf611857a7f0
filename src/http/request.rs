//! What a handler reads.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use serde_json::Value;

use super::accept;
use super::body::{self, Incoming};
use super::query::Parameters;
use super::request_id::RequestId;
use crate::config::Cidr;
use crate::error::{Error, Result};
use crate::service::App;
use crate::service::caller::{Caller, Origin};

static AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

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
        // The size is judged first: a body that is too large is that, whatever it calls itself.
        let bytes = self.bytes().await?;
        body::check_json_type(&self.head.headers)?;
        body::parse_object(&bytes)
    }

    /// The body as it came, within the limit.
    pub async fn bytes(&mut self) -> Result<Bytes> {
        let body = self.body.take().ok_or_else(|| Error::internal("the body was read before"))?;
        body::read(&self.head.headers, body, self.body_limit, self.body_deadline).await
    }

    /// Takes a body of this many bytes, where more than the usual may be sent.
    pub fn allow_body(&mut self, bytes: usize) {
        self.body_limit = self.body_limit.max(bytes);
    }

    /// The first fields of a form, in order, where more than the usual may be posted: this many bytes.
    pub async fn large_form(&mut self, limit: usize, fields: usize) -> Result<Vec<(String, String)>> {
        self.allow_body(limit);
        let bytes = self.bytes().await?;
        Ok(url::form_urlencoded::parse(&bytes).take(fields).map(|(n, v)| (n.into_owned(), v.into_owned())).collect())
    }

    /// The body as the fields of a form, in order.
    pub async fn form(&mut self) -> Result<Vec<(String, String)>> {
        let bytes = self.bytes().await?;
        Ok(url::form_urlencoded::parse(&bytes).into_owned().collect())
    }

    /// A cookie of that name; none if it stands twice, as nobody knows then who set which.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let fields = self.head.headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok());
        let mut pairs = fields.flat_map(|f| f.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let value = pairs.by_ref().find(|(n, _)| *n == name)?.1.to_owned();
        pairs.all(|(n, _)| n != name).then_some(value)
    }

    /// A cookie that we have set under that name (see `cookie`).
    pub fn own_cookie(&self, app: &App, name: &str) -> Option<String> {
        self.cookie(&super::cookie::name(app, name))
    }

    /// The names of the cookies that we have set under names that begin so, oldest first (RFC 6265 §5.4).
    pub fn own_cookies(&self, app: &App, beginning: &str) -> Vec<String> {
        let prefix = super::cookie::name(app, "");
        let fields = self.head.headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok());
        let names = fields.flat_map(|f| f.split(';')).filter_map(|pair| Some(pair.trim().split_once('=')?.0));
        let ours = names.filter_map(|name| name.strip_prefix(prefix.as_str()));
        ours.filter(|name| name.starts_with(beginning)).map(str::to_owned).collect()
    }

    /// Whether whoever asks is a browser that wants to show something.
    pub fn wants_page(&self) -> bool {
        self.accepts("text/html")
    }

    /// Whether whoever asks names this type among those that it takes.
    pub fn accepts(&self, kind: &str) -> bool {
        let mut accepted = self.head.headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok());
        accepted.any(|v| v.to_ascii_lowercase().contains(kind))
    }

    /// Whether it brings any cookie whose name begins so.
    pub fn has_cookie_of(&self, beginning: &str) -> bool {
        let fields = self.head.headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok());
        fields.flat_map(|f| f.split(';')).any(|pair| pair.trim_start().starts_with(beginning))
    }

    /// Whether whoever asks would have JSON instead of being sent on.
    pub fn prefers_json(&self) -> bool {
        accept::prefers_json(&self.head.headers)
    }

    /// Whether whoever asks would have a page rather than JSON.
    pub fn prefers_page(&self) -> bool {
        accept::prefers_page(&self.head.headers)
    }

    /// Where it comes from, for audit records.
    pub fn origin(&self, app: &App) -> Origin {
        Origin::new(
            *self.id.text(),
            self.head.remote.map(|peer| client(peer, &self.head.headers, &app.trusted_proxies)),
        )
    }

    /// The one value of a header that may stand once only; `Err` if it stands twice or is not text.
    pub fn header(&self, name: &HeaderName) -> std::result::Result<Option<&str>, Unclear> {
        match self.header_value(name)? {
            None => Ok(None),
            Some(value) => value.to_str().map(Some).map_err(|_| Unclear),
        }
    }

    /// The same as it came.
    pub fn header_value(&self, name: &HeaderName) -> std::result::Result<Option<&HeaderValue>, Unclear> {
        let mut all = self.head.headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (value, None) => Ok(value),
            _ => Err(Unclear),
        }
    }

    /// The token that the request carries in `X-Auth-Token` or as a bearer token (RFC 6750 §2.1).
    pub fn token(&self) -> Result<Option<&str>> {
        let doubled = |Unclear| Error::unauthorized("a credential header stands twice or is not text");
        let own = self.header(&AUTH_TOKEN).map_err(doubled)?;
        let bearer = self
            .header(&AUTHORIZATION)
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
        Caller::of_token(app, token, || self.origin(app)).await
    }
}

/// The address of the client: the peer's, unless it is a trusted proxy; then the last of `X-Forwarded-For` that is none.
/// What stands before that one was written by the client and says nothing.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(ip));
    if trusted.is_empty() || !is_trusted(peer) {
        return peer;
    }
    let values: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).collect();
    let mut client = peer;
    for hop in values.iter().rev().flat_map(|v| v.rsplit(',')) {
        let Ok(ip) = hop.trim().parse() else { break };
        client = ip;
        if !is_trusted(ip) {
            break;
        }
    }
    client
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
    fn web_lock_4_a_forwarded_address_is_believed_from_a_trusted_proxy_only() {
        let trusted: Vec<Cidr> = vec!["10.0.0.0/8".parse().unwrap()];
        let client = |peer: &str, values: &[&str], trusted: &[Cidr]| {
            let mut headers = HeaderMap::new();
            for v in values {
                headers.append("x-forwarded-for", v.parse().unwrap());
            }
            super::client(peer.parse().unwrap(), &headers, trusted).to_string()
        };
        assert_eq!(client("192.0.2.1", &["198.51.100.9"], &trusted), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.9"], &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[], &trusted), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.5, 198.51.100.9"], &trusted), "198.51.100.9");
        assert_eq!(client("10.0.0.1", &["203.0.113.5", "198.51.100.9, 10.9.9.9"], &trusted), "198.51.100.9");
        assert_eq!(client("10.0.0.1", &["nonsense, 10.9.9.9"], &trusted), "10.9.9.9");
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
