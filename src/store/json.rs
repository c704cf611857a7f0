//! JSON objects in text columns.

use crate::error::{Error, Result};
use crate::model::fields::Extra;

/// The text of an object.
pub fn text(object: &Extra) -> String {
    serde_json::to_string(object).unwrap_or_else(|_| "{}".to_owned())
}

/// Reads an object; text that is none is our own fault, and the error names the row.
pub fn object(table: &str, id: &str, text: &str) -> Result<Extra> {
    serde_json::from_str(text).map_err(|e| Error::internal(format!("{table} row {id}: bad JSON object: {e}")))
}
