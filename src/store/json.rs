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

/// The text of a document.
pub fn written(document: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(document).map_err(|e| Error::internal(format!("a document cannot be written: {e}")))
}

/// Reads a document; text that is none is our own fault, and the error names the row.
pub fn parse<T: serde::de::DeserializeOwned>(table: &str, id: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::internal(format!("{table} row {id}: bad document: {e}")))
}
