//! Versions of what is stored, as `ETag` and `If-Match` carry them (RFC 9110 §8.8.3, §13.1.1).

use http::header::IF_MATCH;
use http::{HeaderMap, HeaderValue};

use crate::error::{Error, Result};
use crate::model::expected::Expected;

/// The tag of a version.
pub fn tag(version: i64) -> Result<HeaderValue> {
    HeaderValue::from_str(&format!("\"{version}\"")).map_err(|e| Error::internal(e.to_string()))
}

/// The versions that `If-Match` names. A weak tag and one that is none of ours match nothing.
pub fn expected(headers: &HeaderMap) -> Result<Expected> {
    let mut versions = Vec::new();
    for value in headers.get_all(IF_MATCH) {
        let text = value.to_str().map_err(|_| Error::invalid_field("If-Match", "is not text"))?;
        for tag in text.split(',').map(str::trim) {
            if tag == "*" {
                return Ok(Expected::Any);
            }
            versions
                .extend(tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).and_then(|t| t.parse::<i64>().ok()));
        }
    }
    let any = headers.get(IF_MATCH).is_none();
    Ok(if any { Expected::Any } else { Expected::Versions(versions) })
}
