//! The tenant as OAuth 2.0 and OpenID provider.

use crate::http::route::Route;

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
