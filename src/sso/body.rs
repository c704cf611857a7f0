//! Bodies of the SSO face: JSON objects, and the order of the keys of one member, which reading loses.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::http::body;
use crate::http::request::Request;
use crate::model::sso_config::attributes::Order;
use crate::service::sso_config::Body;

/// A body that has been read.
#[derive(Debug)]
pub struct Read {
    value: Value,
    order: Vec<String>,
}

impl Read {
    /// Reads the body of a request.
    pub async fn of(req: &mut Request) -> Result<Self> {
        let bytes = req.bytes().await?;
        if body::check_json_type(&req.head.headers).is_err() {
            return Err(Error::UnsupportedMedia { expected: "application/json" });
        }
        let value = body::parse_object(&bytes)?;
        let order = serde_json::from_slice::<Order>(&bytes).unwrap_or_default().keys();
        Ok(Self { value, order })
    }

    /// The same where no body at all is as good as an empty object.
    pub async fn optional(req: &mut Request) -> Result<Self> {
        if body::is_announced(&req.head.headers) {
            Self::of(req).await
        } else {
            Ok(Self { value: json!({}), order: Vec::new() })
        }
    }

    /// For the service.
    pub fn body(&self) -> Body<'_> {
        Body { value: &self.value, order: &self.order }
    }

    /// The object.
    pub fn value(&self) -> &Value {
        &self.value
    }
}
