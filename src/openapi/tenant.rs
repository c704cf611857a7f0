//! The tenant face, a file for each part.

mod admin;
mod federation;
mod logout;
mod oauth;
mod pages;
mod scim;

use serde_json::Value;

use super::operation::Operation;

/// The parts of this face.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    [federation::parts(), oauth::parts(), logout::parts(), pages::parts(), admin::parts(), scim::parts()].concat()
}

/// Its schemas.
pub fn schemas() -> Vec<(String, Value)> {
    [federation::schemas(), oauth::schemas(), logout::schemas(), pages::schemas(), admin::schemas(), scim::schemas()]
        .concat()
}
