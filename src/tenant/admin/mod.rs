//! `/api/v1/admin`: tenants, their applications, identity providers, SCIM tokens, sessions and links.

mod applications;
mod body;
mod identity_providers;
mod links;
mod page;
mod scim_tokens;
mod sessions;
mod tenants;
mod traces;
pub mod view;

use crate::http::route::{Access, Route};

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    [tenants(), applications(), identity_providers(), people(), sessions::routes()].concat()
}

fn tenants() -> Vec<Route> {
    const ALL: &str = "/api/v1/admin/tenants";
    const ONE: &str = "/api/v1/admin/tenants/{tenant_id}";
    const UPDATE: &[&str] = &["tenant:update_tenant", "tenant:change_slug"];
    const TOKENS: &str = "/api/v1/admin/tenants/{tenant_id}/scim-tokens";
    const TOKEN: &str = "/api/v1/admin/tenants/{tenant_id}/scim-tokens/{token_id}";
    vec![
        Route::get(ALL, "tenant:list_tenants", tenants::list),
        Route::post(ALL, "tenant:create_tenant", tenants::create),
        Route::get(ONE, "tenant:get_tenant", tenants::get),
        Route::patch(ONE, Access::Rules(UPDATE), tenants::update),
        Route::delete(ONE, "tenant:delete_tenant", tenants::delete),
        Route::get(TOKENS, "tenant:list_scim_tokens", scim_tokens::list),
        Route::post(TOKENS, "tenant:create_scim_token", scim_tokens::create),
        Route::delete(TOKEN, "tenant:delete_scim_token", scim_tokens::delete),
    ]
}

fn applications() -> Vec<Route> {
    const ALL: &str = "/api/v1/admin/applications";
    const ONE: &str = "/api/v1/admin/applications/{application_id}";
    const SECRETS: &str = "/api/v1/admin/applications/{application_id}/secrets";
    const SECRET: &str = "/api/v1/admin/applications/{application_id}/secrets/{secret_id}";
    const CREATE: &[&str] = &["tenant:create_application", "tenant:grant_service_audience"];
    const UPDATE: &[&str] = &["tenant:update_application", "tenant:grant_service_audience"];
    vec![
        Route::get(ALL, "tenant:list_applications", applications::list),
        Route::post(ALL, Access::Rules(CREATE), applications::create),
        Route::get(ONE, "tenant:get_application", applications::get),
        Route::patch(ONE, Access::Rules(UPDATE), applications::update),
        Route::delete(ONE, "tenant:delete_application", applications::delete),
        Route::post(SECRETS, "tenant:create_application_secret", applications::create_secret),
        Route::delete(SECRET, "tenant:delete_application_secret", applications::delete_secret),
    ]
}

fn identity_providers() -> Vec<Route> {
    const ALL: &str = "/api/v1/admin/identity-providers";
    const ONE: &str = "/api/v1/admin/identity-providers/{idp_id}";
    const TENANTS: &str = "/api/v1/admin/identity-providers/{idp_id}/tenants";
    vec![
        Route::get(ALL, "tenant:list_identity_providers", identity_providers::list),
        Route::post(ALL, "tenant:create_identity_provider", identity_providers::create),
        Route::get(ONE, "tenant:get_identity_provider", identity_providers::get),
        Route::patch(ONE, "tenant:update_identity_provider", identity_providers::update),
        Route::delete(ONE, "tenant:delete_identity_provider", identity_providers::delete),
        Route::put(TENANTS, "tenant:keep_identity_provider", identity_providers::keep_for),
    ]
}

/// Users' links and what became of sign-ins.
fn people() -> Vec<Route> {
    vec![
        Route::get("/api/v1/admin/users/{user_id}/links", "tenant:list_links", links::list),
        Route::delete("/api/v1/admin/users/{user_id}/links/{idp_id}", "tenant:delete_link", links::delete),
        Route::get("/api/v1/admin/traces", "tenant:list_traces", traces::list),
        Route::get("/api/v1/admin/traces/{request_id}", "tenant:get_trace", traces::get),
    ]
}

#[cfg(test)]
mod tests;
