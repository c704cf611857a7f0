//! Described in `crate::tenant::admin`.

use serde_json::Value;

use super::super::operation::Operation;

/// The parts that the page shows.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    Vec::new()
}

/// Schemas.
pub fn schemas() -> Vec<(String, Value)> {
    Vec::new()
}
