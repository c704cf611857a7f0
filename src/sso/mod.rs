//! The SSO face: `/api/v1/sso`, `/api/v1/platforms`, `/api/v1/federation`, `Authorization: Bearer`, members in camel case. This file is the list of its routes.

mod body;
mod configurations;
mod federate;
mod jobs;
mod page;
mod platforms;
pub mod view;

use crate::http::route::{Access, Route};

/// All routes of this face.
pub fn routes() -> Vec<Route> {
    let mut routes = sso_configurations();
    routes.extend(federations());
    routes.extend(registered_platforms());
    routes.extend(background_jobs());
    routes
}

/// Configurations on platforms.
fn federations() -> Vec<Route> {
    vec![
        Route::post("/api/v1/sso/configurations/{id}/federate", "sso:federate_configuration", federate::federate),
        Route::post("/api/v1/sso/configurations/{id}/unfederate", "sso:unfederate_configuration", federate::unfederate),
        Route::get("/api/v1/sso/federation/status", "sso:list_federations", federate::status),
        Route::get("/api/v1/sso/federations", "sso:list_federations", federate::status),
        Route::get("/api/v1/sso/federation/jobs", "sso:list_provisioning_runs", federate::list_runs),
        Route::get("/api/v1/sso/federation/jobs/{job_id}", "sso:get_provisioning_run", federate::get_run),
    ]
}

/// Platforms.
fn registered_platforms() -> Vec<Route> {
    const ALL: &str = "/api/v1/platforms";
    const ONE: &str = "/api/v1/platforms/{uuid}";
    const DELETE: &[&str] = &["sso:delete_platform", "sso:force_delete_platform"];
    vec![
        Route::get(ALL, "sso:list_platforms", platforms::list),
        Route::post(ALL, "sso:create_platform", platforms::create),
        Route::post("/api/v1/platforms/validate", "sso:create_platform", platforms::validate),
        Route::post("/api/v1/platforms/test-connection", "sso:test_platform", platforms::test_connection),
        Route::get(ONE, "sso:get_platform", platforms::get),
        Route::put(ONE, "sso:update_platform", platforms::update),
        Route::patch(ONE, "sso:update_platform", platforms::update),
        Route::delete(ONE, Access::Rules(DELETE), platforms::delete),
        Route::post("/api/v1/platforms/{uuid}/previewDelete", "sso:preview_delete_platform", platforms::preview_delete),
        Route::post("/api/v1/platforms/{uuid}/rotate-keys", "sso:rotate_platform_keys", platforms::rotate_keys),
        Route::post(
            "/api/v1/federation/platforms/{platform_id}/sso/login",
            "sso:open_platform_session",
            platforms::open_session,
        ),
    ]
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
