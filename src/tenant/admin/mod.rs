//! `/api/v1/admin`: tenants, their applications, identity providers, sessions and links.

mod sessions;

use crate::http::route::Route;

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    sessions::routes()
}
