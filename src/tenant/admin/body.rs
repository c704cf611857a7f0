//! Bodies of `/api/v1/admin`: JSON objects. What is wrong with one is 422 with the place (tenant-login §2.2); what is wrong
//! with a path or a query stays 400.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::http::body;
use crate::http::request::Request;
use crate::model::setting::{MISSING, UNKNOWN};

/// Reads the body of a request.
pub async fn read(req: &mut Request) -> Result<Value> {
    let bytes = req.bytes().await?;
    if body::check_json_type(&req.head.headers).is_err() {
        return Err(Error::UnsupportedMedia { expected: "application/json" });
    }
    body::parse_object(&bytes).map_err(|_| Error::unprocessable("", "json_invalid", "JSON decode error"))
}

/// The same where no body at all is as good as an empty object.
pub async fn read_maybe(req: &mut Request) -> Result<Value> {
    if body::is_announced(&req.head.headers) { read(req).await } else { Ok(json!({})) }
}

/// What came of a body: a fault of its own is 422.
pub fn judged<T>(done: Result<T>) -> Result<T> {
    done.map_err(|error| match error {
        Error::Invalid { message, field } => {
            let kind = match message.as_str() {
                MISSING => "missing",
                UNKNOWN => "extra_forbidden",
                _ => "value_error",
            };
            Error::unprocessable(field.unwrap_or_default(), kind, message)
        }
        other => other,
    })
}
