//! Signing in through identity providers: the list of them, the way there and the way back (seed 004, tenant-login §3, §4).
//!
//! The seed's routes of OpenID Connect stand beside a pair for whatever protocol, so that a new one needs no new route.

pub mod idps;
pub mod saml;

use std::sync::Arc;

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

use super::pages::respond;
use super::pages::visit::{Browser, tenant_of};
use crate::error::{Code, Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Access::Open;
use crate::http::route::Route;
use crate::service::login::{Brought, Step};
use crate::service::{App, login, pace};

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/idps", Open, idps::list),
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/oidc/{idp_id}/authorize", Open, oidc_authorize),
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/oidc/callback", Open, oidc_callback),
        Route::post("/api/v1/auth/tenants/{tenant_slug}/federation/oidc/callback", Open, callback_by_form),
        Route::post("/api/v1/auth/tenants/{tenant_slug}/federation/saml/acs", Open, saml::acs),
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/saml/metadata", Open, saml::metadata),
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/saml/slo", Open, saml::slo),
        Route::post("/api/v1/auth/tenants/{tenant_slug}/federation/saml/slo", Open, saml::slo),
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/saml/{idp_id}/login", Open, saml::login),
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/{protocol}/{idp_id}/login", Open, begin),
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/{protocol}/callback", Open, callback),
        Route::post("/api/v1/auth/tenants/{tenant_slug}/federation/{protocol}/callback", Open, callback_by_form),
    ]
}

/// `GET …/federation/oidc/{idp_id}/authorize`
async fn oidc_authorize(app: Arc<App>, req: Request) -> Result<Reply> {
    depart(app, req, "oidc").await
}

/// `GET …/federation/{protocol}/{idp_id}/login`
async fn begin(app: Arc<App>, req: Request) -> Result<Reply> {
    let kind = req.param("protocol")?.to_owned();
    depart(app, req, &kind).await
}

async fn depart(app: Arc<App>, req: Request, kind: &str) -> Result<Reply> {
    let tenant = match tenant_of(&app, &req).await? {
        Ok(tenant) => tenant,
        Err(reply) => return Ok(reply),
    };
    let parameters = parameters(&req);
    let browser = Browser::of(&app, &req);
    let step = match pace::check(&app, pace::Kind::Begin, &tenant.id, &req.origin(&app)) {
        Ok(()) => login::depart(&app, &browser.visit(), &tenant, kind, req.param("idp_id")?, &parameters).await,
        Err(error) => Err(error),
    };
    respond::step(&app, &req, Some(&tenant), step)
}

/// `GET …/federation/oidc/callback`
async fn oidc_callback(app: Arc<App>, req: Request) -> Result<Reply> {
    arrive(app, req, "oidc").await
}

/// `GET …/federation/{protocol}/callback`
async fn callback(app: Arc<App>, req: Request) -> Result<Reply> {
    let kind = req.param("protocol")?.to_owned();
    arrive(app, req, &kind).await
}

async fn arrive(app: Arc<App>, req: Request, kind: &str) -> Result<Reply> {
    let answer = Brought::Query(parameters(&req));
    arrive_with(app, req, kind, answer).await
}

/// Takes in whoever comes back with this answer.
async fn arrive_with(app: Arc<App>, req: Request, kind: &str, answer: Brought) -> Result<Reply> {
    let tenant = match tenant_of(&app, &req).await? {
        Ok(tenant) => tenant,
        Err(reply) => return Ok(reply),
    };
    let browser = Browser::of(&app, &req);
    let origin = req.origin(&app);
    let step = match pace::check(&app, pace::Kind::Finish, &tenant.id, &origin) {
        Ok(()) => login::arrive(&app, &browser.visit(), &tenant, kind, answer).await,
        Err(error) => Err(error),
    };
    if let Err(Error::Refused { code: Code::InvalidState | Code::StateMismatch | Code::ValidationFailed, .. }) = &step {
        pace::failed(&app, &tenant.id, &origin);
    }
    respond::step(&app, &req, Some(&tenant), step)
}

/// `POST …/callback` (OAuth 2.0 Form Post Response Mode): a browser brings no cookie with a form that another site posts, so it
/// is sent to the same place once more, where it does.
async fn callback_by_form(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let fields = req.form().await?;
    if let Err(reply) = tenant_of(&app, &req).await? {
        return Ok(reply);
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let unreadable = |_| Error::refused(Code::InvalidRequest, "The form cannot be read.");
    let location = HeaderValue::from_str(&format!("?{query}")).map_err(unreadable);
    let step: Result<Step> = match location {
        Ok(location) => return Ok(Reply::empty(StatusCode::SEE_OTHER).with(LOCATION, location)),
        Err(error) => Err(error),
    };
    respond::step(&app, &req, None, step)
}

/// The query's parameters, in order and each as often as it stands there.
pub fn parameters(req: &Request) -> Vec<(String, String)> {
    url::form_urlencoded::parse(req.raw_query().unwrap_or_default().as_bytes()).into_owned().take(200).collect()
}

#[cfg(test)]
mod tests;
