//! The tenant face: `/api/v1/auth/tenants/{slug}`, its hosted pages under `/auth/{slug}`, `/api/v1/admin` for whoever looks
//! after tenants, and SCIM under `/api/v1/tenants/{tenant_id}/scim/v2` for their directories. Each part lists its own routes.

pub mod admin;
pub mod federation;
mod logout;
mod oauth;
mod pages;
mod scim;

use crate::http::route::Route;

/// All routes of this face.
pub fn routes() -> Vec<Route> {
    [admin::routes(), federation::routes(), oauth::routes(), logout::routes(), pages::routes(), scim::routes()].concat()
}
