//! The tenant face: `/api/v1/auth/tenants/{slug}`, its hosted pages under `/auth/{slug}`, and `/api/v1/admin` for whoever
//! looks after tenants. Each part lists its own routes.

pub mod admin;
pub mod federation;
mod logout;
mod oauth;
mod pages;

use crate::http::route::Route;

/// All routes of this face.
pub fn routes() -> Vec<Route> {
    [admin::routes(), federation::routes(), oauth::routes(), logout::routes(), pages::routes()].concat()
}
