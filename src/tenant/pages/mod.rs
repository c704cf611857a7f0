//! The pages that people see.

use crate::http::route::Route;

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
