//! The SSO face: `/api/v1/sso`, `Authorization: Bearer`, members in camel case. This file is the list of its routes.

mod body;
mod configurations;
mod jobs;
mod page;
pub mod view;

use crate::http::route::{Access, Route};

/// All routes of this face.
pub fn routes() -> Vec<Route> {
    let mut routes = sso_configurations();
    routes.extend(background_jobs());
    routes
}

/// Configurations and what is asked about them.
fn sso_configurations() -> Vec<Route> {
    const ALL: &str = "/api/v1/sso/configurations";
    const ONE: &str = "/api/v1/sso/configurations/{id}";
    const CREATE: &[&str] = &["sso:create_configuration", "sso:grant_administrators"];
    const UPDATE: &[&str] = &["sso:update_configuration", "sso:grant_administrators"];
    const DELETE: &[&str] = &["sso:delete_configuration", "sso:force_delete_configuration"];
    vec![
        Route::get(ALL, "sso:list_configurations", configurations::list),
        Route::post(ALL, Access::Rules(CREATE), configurations::create),
        Route::post("/api/v1/sso/configurations/test", "sso:test_configuration", configurations::test_draft),
        Route::get(ONE, "sso:get_configuration", configurations::get),
        Route::put(ONE, Access::Rules(UPDATE), configurations::update),
        Route::patch(ONE, Access::Rules(UPDATE), configurations::update),
        Route::delete(ONE, Access::Rules(DELETE), configurations::delete),
        Route::post(
            "/api/v1/sso/configurations/{id}/previewDelete",
            "sso:preview_delete_configuration",
            configurations::preview_delete,
        ),
        Route::post("/api/v1/sso/configurations/{id}/test", "sso:test_configuration", configurations::test_stored),
        Route::post("/api/v1/sso/probe", "sso:probe_provider", configurations::probe),
    ]
}

/// Background jobs.
fn background_jobs() -> Vec<Route> {
    vec![
        Route::get("/api/v1/sso/jobs", "sso:list_jobs", jobs::list),
        Route::get("/api/v1/sso/jobs/{job_id}", "sso:get_job", jobs::get),
        Route::post("/api/v1/sso/jobs/{job_id}/cancel", "sso:cancel_job", jobs::cancel),
    ]
}
