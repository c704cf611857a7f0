//! What anybody may read and keep: bytes with a strong validator (RFC 9110 §8.8.3, §13.1.2).

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use super::reply::Reply;
use super::request::Request;
use crate::clock::hex;

/// Kept for a while, then asked for again by its validator.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// One thing that is published.
#[derive(Debug)]
pub struct Published {
    content_type: &'static str,
    bytes: Bytes,
    etag: HeaderValue,
}

impl Published {
    /// Publishes these bytes.
    pub fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let digest = Sha256::digest(&bytes);
        let etag = format!("\"{}\"", hex(digest.get(..16).unwrap_or_default()));
        let etag = HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { content_type, bytes, etag }
    }

    /// The answer: the bytes, or that the client has them.
    pub fn reply(&self, req: &Request) -> Reply {
        let reply = if self.is_held(&req.head.headers) {
            Reply::empty(StatusCode::NOT_MODIFIED)
        } else {
            let mut reply = Reply::empty(StatusCode::OK);
            reply.body = self.bytes.clone();
            reply.with(CONTENT_TYPE, HeaderValue::from_static(self.content_type))
        };
        reply.with(ETAG, self.etag.clone()).with(CACHE_CONTROL, KEEP)
    }

    /// Whether `If-None-Match` names these bytes; comparison is weak, as the standard wants for it.
    fn is_held(&self, headers: &HeaderMap) -> bool {
        let named = headers.get_all(IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
        let mine = self.etag.to_str().unwrap_or_default();
        named.flat_map(|v| v.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == mine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validator_names_the_bytes_and_nothing_else() {
        let (one, same, other) =
            (Published::new("text/plain", "a"), Published::new("text/plain", "a"), Published::new("text/plain", "b"));
        assert_eq!(one.etag, same.etag);
        let held = |by: &Published, text: &str| {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, text.parse().unwrap())]);
            by.is_held(&headers)
        };
        let tag = one.etag.to_str().unwrap();
        for text in [tag.to_owned(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert!(held(&one, &text), "{text}");
        }
        assert!(!held(&other, tag));
        assert!(!held(&one, tag.trim_matches('"')));
        assert!(!one.is_held(&HeaderMap::new()));
    }
}
