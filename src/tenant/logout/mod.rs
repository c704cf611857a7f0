//! Signing out: by an application, by the identity provider, and by telling applications.

use crate::http::route::Route;

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
