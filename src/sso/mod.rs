//! The SSO face: `/api/v1/sso`, `Authorization: Bearer`, members in camel case. This file is the list of its routes.

mod jobs;
mod page;
mod view;

use crate::http::route::Route;

/// All routes of this face.
pub fn routes() -> Vec<Route> {
    background_jobs()
}

/// Background jobs.
fn background_jobs() -> Vec<Route> {
    vec![
        Route::get("/api/v1/sso/jobs", "sso:list_jobs", jobs::list),
        Route::get("/api/v1/sso/jobs/{job_id}", "sso:get_job", jobs::get),
        Route::post("/api/v1/sso/jobs/{job_id}/cancel", "sso:cancel_job", jobs::cancel),
    ]
}
