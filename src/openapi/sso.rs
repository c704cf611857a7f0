//! The SSO face. Its schemas are derived from the types that it writes.

use serde_json::Value;

use super::operation::Operation;

/// The parts of this face.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    Vec::new()
}

/// Its schemas: [`super::components::of_type`] of each type.
pub fn schemas() -> Vec<(String, Value)> {
    Vec::new()
}
