//! Request bodies: read under a cap and a deadline, and JSON that means one thing only.
//!
//! A member that stands twice, a NUL in a text and a depth beyond serde_json's 128 are refused: two readers must not be
//! able to see two documents.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Result};

/// What is left to read of a request.
pub type Incoming = Pin<Box<dyn Stream<Item = std::result::Result<Bytes, ()>> + Send + Sync>>;

/// Turns warp's body stream into ours.
pub fn incoming<S, B, E>(stream: S) -> Incoming
where
    S: Stream<Item = std::result::Result<B, E>> + Send + Sync + 'static,
    B: Buf,
{
    Box::pin(stream.map(|chunk| chunk.map(|mut b| b.copy_to_bytes(b.remaining())).map_err(|_| ())))
}

/// No body; takes no memory.
pub fn none() -> Incoming {
    Box::pin(futures_util::stream::empty())
}

/// Whether a request's head announces a body.
pub fn is_announced(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || headers.get(CONTENT_LENGTH).is_some_and(|v| v != "0")
}

/// The same body, which tells when it has been read to its end.
pub fn watched(body: Incoming) -> (Incoming, Arc<AtomicBool>) {
    let ended = Arc::new(AtomicBool::new(false));
    let at_end = ended.clone();
    let end = futures_util::stream::poll_fn(move |_| {
        at_end.store(true, Ordering::Relaxed);
        Poll::Ready(None)
    });
    (Box::pin(body.chain(end)), ended)
}

/// Reads the whole body, at most `limit` bytes, within `deadline`.
pub async fn read(headers: &HeaderMap, mut body: Incoming, limit: usize, deadline: Duration) -> Result<Bytes> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if announced.is_some_and(|n| n > limit) {
        return Err(Error::TooLarge { limit });
    }
    let reading = async {
        let mut all = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|()| Error::invalid("The request body could not be read."))?;
            if all.len() + chunk.len() > limit {
                return Err(Error::TooLarge { limit });
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    };
    tokio::time::timeout(deadline, reading).await.unwrap_or(Err(Error::Timeout))
}

/// Refuses a body whose content type is not JSON; no type at all is taken for JSON, as Keystone does.
pub fn check_json_type(headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let kind = value.to_str().unwrap_or("?").split(';').next().unwrap_or_default().trim();
    if kind.is_empty() || kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Error::invalid(
        "Expecting to find application/json in Content-Type header. The server could not comply with the request since it is \
         either malformed or otherwise incorrect. The client is assumed to be in error.",
    ))
}

/// Parses a JSON object.
pub fn parse_object(bytes: &[u8]) -> Result<Value> {
    let malformed = |detail: String| {
        Error::invalid(format!(
            "Expecting to find valid JSON in request body. The server could not comply with the request since it is either \
             malformed or otherwise incorrect. The client is assumed to be in error. ({detail})"
        ))
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value =
        Strict.deserialize(&mut reader).and_then(|v| reader.end().map(|()| v)).map_err(|e| malformed(e.to_string()))?;
    if !value.is_object() {
        return Err(malformed("the document is not an object".to_owned()));
    }
    Ok(value)
}

/// Reads a JSON value and refuses members that stand twice and NULs.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn text<E: serde::de::Error>(text: String) -> std::result::Result<String, E> {
    if text.contains('\0') { Err(E::custom("a text holds a NUL character")) } else { Ok(text) }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, v: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> std::result::Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> std::result::Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> std::result::Result<Value, E> {
        Number::from_f64(v).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> std::result::Result<Value, E> {
        text(v.to_owned()).map(Value::String)
    }

    fn visit_string<E: serde::de::Error>(self, v: String) -> std::result::Result<Value, E> {
        text(v).map(Value::String)
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let name = text(name)?;
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!("the member '{name:.100}' stands twice")));
            }
            let value = map.next_value_seed(Strict)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_json_1_to_4_documents_with_two_meanings_or_without_one_are_refused() {
        let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        for bad in [
            "",
            "[]",
            "1",
            "null",
            "{",
            "{\"a\":1,\"a\":2}",
            "{\"a\":{\"b\":1,\"b\":1}}",
            "{\"a\":NaN}",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\u0000\"}",
            "{\"a\\u0000\":1}",
            "{} {}",
            "{\"a\":1}x",
            &deep,
        ] {
            assert_eq!(parse_object(bad.as_bytes()).unwrap_err().status(), 400, "{bad:.60}");
        }
        assert!(parse_object(b"{\"a\": [1, -2, 1.5, \"x\", null, true]}").is_ok());
        assert!(parse_object(b"{\"a\": \"\xff\"}").is_err());
    }

    #[test]
    fn json_is_asked_for_by_type_but_parameters_and_no_type_are_fine() {
        let with = |t: &str| {
            let mut h = HeaderMap::new();
            h.insert(CONTENT_TYPE, t.parse().unwrap());
            check_json_type(&h)
        };
        assert!(check_json_type(&HeaderMap::new()).is_ok());
        for good in ["application/json", "application/json;charset=utf8", "Application/JSON ; charset=UTF-8", ""] {
            assert!(with(good).is_ok(), "{good}");
        }
        for bad in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_body_over_the_cap_is_refused_whether_it_says_so_or_not() {
        let chunks = |n: usize| -> Incoming {
            Box::pin(futures_util::stream::iter((0..n).map(|_| Ok::<_, ()>(Bytes::from_static(&[b'x'; 100])))))
        };
        let second = Duration::from_secs(1);
        assert_eq!(read(&HeaderMap::new(), chunks(3), 300, second).await.unwrap().len(), 300);
        assert_eq!(read(&HeaderMap::new(), chunks(4), 300, second).await, Err(Error::TooLarge { limit: 300 }));
        let mut announced = HeaderMap::new();
        announced.insert(CONTENT_LENGTH, 301.into());
        assert_eq!(read(&announced, chunks(0), 300, second).await, Err(Error::TooLarge { limit: 300 }));
        let never: Incoming = Box::pin(futures_util::stream::pending());
        assert_eq!(read(&HeaderMap::new(), never, 300, Duration::from_millis(10)).await, Err(Error::Timeout));
    }
}
