//! Signing in through identity providers: the list of them, the way there and the way back (seed 004).

use crate::http::route::Route;

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
