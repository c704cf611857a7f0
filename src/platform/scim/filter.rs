//! Values in filters and paths (RFC 7644 §3.4.2.2, RFC 3986 §3.3): whatever they hold, they stay values.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is not escaped in a URL: the unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Longest id of a server.
const MAX_ID: usize = 512;

/// `attribute eq "value"`, the value as a JSON string.
pub fn eq(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", serde_json::Value::from(value))
}

/// Text as it stands in a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// An id as one path segment; `None` for one that cannot be: a segment of dots is not a name but a way, also escaped.
pub fn segment(id: &str) -> Option<String> {
    is_id(id).then(|| encoded(id))
}

/// Whether a server's id can be one.
pub fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID && id != "." && id != ".."
}
