//! The pages that people see (tenant-login §11.1): how to sign in, whether an account is theirs, what an application may
//! know, which device may come in, and what went wrong.
//!
//! Each is a template that is checked when this is compiled and escapes what it shows; none needs a script. [`respond`]
//! renders every answer of the tenant face's browser routes.

mod color;
mod confirm;
mod consent;
mod device;
mod direct;
mod done;
mod frame;
mod icons;
mod identities;
mod login;
pub mod respond;
mod scopes;
mod trouble;
pub mod visit;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::HeaderValue;
use http::header::RETRY_AFTER;
use url::Url;

pub use done::{LogoutQuestion, logout_confirmation, signed_out};

use crate::error::{Code, Error, Result};
use crate::http::query::Parameters;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::{Access, Route};
use crate::model::tenant::Tenant;
use crate::service::{App, session};

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/auth/{tenant_slug}/login", Access::Open, login::get),
        Route::post("/auth/{tenant_slug}/login", Access::Open, login::post),
        Route::get("/auth/{tenant_slug}/confirm", Access::Open, confirm::get),
        Route::post("/auth/{tenant_slug}/confirm", Access::Open, confirm::post),
        Route::get("/auth/{tenant_slug}/consent", Access::Open, consent::get),
        Route::post("/auth/{tenant_slug}/consent", Access::Open, consent::post),
        Route::get("/auth/{tenant_slug}/device", Access::Open, device::get),
        Route::post("/auth/{tenant_slug}/device", Access::Open, device::post),
        Route::get("/auth/{tenant_slug}/identities", Access::Open, identities::get),
        Route::post("/auth/{tenant_slug}/identities", Access::Open, identities::post),
        Route::get("/auth/{tenant_slug}/signed-in", Access::Open, signed_in),
        Route::get("/auth/{tenant_slug}/signed-out", Access::Open, after_sign_out),
        Route::post("/api/v1/auth/tenants/{tenant_slug}/login", Access::Open, direct::post),
    ]
}

/// `GET /auth/{tenant_slug}/signed-in`: where somebody ends who has signed in without an application.
async fn signed_in(app: Arc<App>, req: Request) -> Result<Reply> {
    respond::of_tenant(&app, &req, async |tenant| {
        match session::current(&app, &tenant, &visit::Browser::of(&app, &req).visit()).await? {
            Some(_) => respond::signed_in(&app, &tenant),
            None => respond::redirect(&req, &format!("{}/login", tenant.pages(&app.public_url))),
        }
    })
    .await
}

/// `GET /auth/{tenant_slug}/signed-out`
async fn after_sign_out(app: Arc<App>, req: Request) -> Result<Reply> {
    respond::of_tenant(&app, &req, async |tenant| signed_out(&app, &tenant, None)).await
}

/// Where a form of ours goes: the path only, so that it goes where its page came from.
fn action(app: &App, tenant: &Tenant, page: &str) -> String {
    let prefix = Url::parse(&app.public_url).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
    format!("{prefix}/auth/{}/{page}", tenant.slug)
}

/// The handle of the sign-in that an address names.
fn handle_of<'q>(query: &'q Parameters<'_>) -> Result<&'q str> {
    let handle = query.get("login").filter(|h| !h.is_empty());
    handle.ok_or_else(|| Error::refused(Code::InvalidState, "There is no sign-in at this address."))
}

/// Says when to come back, if it is that.
fn retry_after(reply: Reply, error: &Error) -> Reply {
    match error {
        Error::TooMany { retry_after, .. } => reply.with(RETRY_AFTER, HeaderValue::from(*retry_after)),
        _ => reply,
    }
}
