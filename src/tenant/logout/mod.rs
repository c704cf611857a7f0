//! Signing out: by an application, by the identity provider, and by telling applications (tenant-login §10).

mod page;

use std::sync::Arc;

use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use crate::error::{Code, Error, Result};
use crate::http::cookie::Cookie;
use crate::http::dialect;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::{Access, Route};
use crate::model::tenant::Tenant;
use crate::service::login::Visit;
use crate::service::logout::asked::{self, Asked, Farewell, Next, Step};
use crate::service::logout::{provider, told};
use crate::service::{App, tenant};

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    const LOGOUT: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/logout";
    const PAGE: &str = "/auth/{slug}/logout";
    vec![
        Route::get(LOGOUT, Access::Open, logout),
        Route::post(LOGOUT, Access::Open, logout),
        Route::get(PAGE, Access::Open, logout),
        Route::post(PAGE, Access::Open, logout),
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/oidc/logout", Access::Open, provider_leg),
        Route::post("/api/v1/auth/tenants/{tenant_slug}/backchannel-logout", Access::Open, backchannel),
    ]
}

/// The tenant that the path names, under either of its names.
async fn tenant_of(app: &App, req: &Request) -> Result<Arc<Tenant>> {
    tenant::by_slug(app, req.param("tenant_slug").or_else(|_| req.param("slug"))?).await
}

/// The value of a parameter, which may stand once only; an empty one is none (tenant-login §2.4).
fn one(parameters: &[(String, String)], name: &str) -> Result<Option<String>> {
    let mut values = parameters.iter().filter(|(n, _)| n == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Error::refused(Code::InvalidRequest, format!("The parameter '{name}' stands twice."))),
        (value, None) if value.is_some_and(|v| v.contains('\0')) => {
            Err(Error::refused(Code::InvalidRequest, format!("The parameter '{name}' holds a NUL character.")))
        }
        (value, None) => Ok(value.filter(|v| !v.is_empty()).cloned()),
    }
}

/// `GET`, `POST …/oauth/logout`, and the same for people under the tenant's pages.
async fn logout(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let found = tenant_of(&app, &req).await;
    let step = match &found {
        Ok(tenant) => ask(&app, &mut req, tenant).await,
        Err(error) => Err(error.clone()),
    };
    shown(&app, &req, found.ok().as_deref(), step)
}

async fn ask(app: &App, req: &mut Request, tenant: &Tenant) -> Result<Step> {
    let posted = req.head.method == Method::POST;
    let parameters = if posted {
        req.form().await?
    } else {
        url::form_urlencoded::parse(req.raw_query().unwrap_or_default().as_bytes()).into_owned().collect()
    };
    let value = |name: &str| one(&parameters, name);
    let asked = Asked {
        id_token_hint: value("id_token_hint")?,
        client_id: value("client_id")?,
        post_logout_redirect_uri: value("post_logout_redirect_uri")?,
        state: value("state")?,
        // An answer counts as posted only: a link can be made by anybody.
        csrf: value("csrf")?.filter(|_| posted),
        upstream: value("upstream")?.is_some(),
        posted,
    };
    let (origin, head) = (req.origin(app), req.head.clone());
    let cookie = |name: &str| req.own_cookie(app, name);
    let user_agent = head.headers.get(http::header::USER_AGENT).and_then(|v| v.to_str().ok());
    asked::begin(app, &Visit { origin: &origin, user_agent, cookie: &cookie }, tenant, asked).await
}

/// `GET …/federation/oidc/logout`: a browser on its way to the identity provider, or back from there.
async fn provider_leg(app: Arc<App>, req: Request) -> Result<Reply> {
    let found = tenant_of(&app, &req).await;
    let step = match &found {
        Ok(tenant) => pass(&app, &req, tenant).await.map(|next| Step { next, cookies: Vec::new() }),
        Err(error) => Err(error.clone()),
    };
    shown(&app, &req, found.ok().as_deref(), step)
}

async fn pass(app: &App, req: &Request, tenant: &Tenant) -> Result<Next> {
    let parameters: Vec<(String, String)> =
        url::form_urlencoded::parse(req.raw_query().unwrap_or_default().as_bytes()).into_owned().collect();
    if let Some(handle) = one(&parameters, "leave")? {
        let to = provider::leave(app, tenant, &handle).await?;
        return Ok(to.map_or_else(|| Next::Done(Farewell::default()), Next::Go));
    }
    provider::back(app, tenant, one(&parameters, "state")?.as_deref()).await
}

/// `POST …/backchannel-logout`: the identity provider says that somebody has logged out.
async fn backchannel(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let tenant = tenant_of(&app, &req).await?;
    let fields = req.form().await?;
    let taken = match one(&fields, "logout_token") {
        Ok(Some(token)) => told::receive(&app, &req.origin(&app), &tenant, &token).await,
        Ok(None) => return Err(Error::unprocessable("logout_token", "missing", "Field required")),
        Err(error) => Err(error),
    };
    match taken {
        Ok(_) => Ok(Reply::empty(StatusCode::OK)),
        Err(error @ Error::Refused { .. }) => {
            tracing::info!(id = %req.id, tenant = %tenant.slug, error = %error.to_string().escape_debug(), "logout token refused");
            Ok(dialect::oauth(&error, &app.public_url))
        }
        Err(error) => Err(error),
    }
}

/// What the browser does next, or what went wrong.
fn shown(app: &App, req: &Request, tenant: Option<&Tenant>, step: Result<Step>) -> Result<Reply> {
    let json = !req.wants_page() && wants_json(req);
    let Step { next, cookies } = match (step, tenant) {
        (Err(error), _) if json || !req.wants_page() => return Err(error),
        (Err(error), tenant) => return Ok(page::failure(app, tenant, &error, &req.id.to_string())),
        (Ok(step), _) => step,
    };
    let name = tenant.map(Tenant::display_name).unwrap_or_default();
    let mut reply = match next {
        Next::Again(query) => go(StatusCode::SEE_OTHER, &format!("?{query}"))?,
        Next::Go(url) if json => Reply::ok(&json!({"redirect_url": url})),
        Next::Go(url) if req.head.method == Method::POST => go(StatusCode::SEE_OTHER, &url)?,
        Next::Go(url) => go(StatusCode::FOUND, &url)?,
        Next::Ask(question) if json => {
            let fields: serde_json::Map<_, _> =
                question.fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            Reply::ok(&json!({"status": "confirmation_required", "form": fields}))
        }
        Next::Ask(question) => page::logout_confirmation(name, &question),
        Next::Done(farewell) if json => {
            let offered = farewell.provider.map(|(name, url)| json!({"name": name, "logout_url": url}));
            Reply::ok(&json!({"status": "signed_out", "identity_provider": offered}))
        }
        Next::Done(farewell) => page::signed_out(name, &farewell),
    };
    for cookie in cookies {
        let cookie = Cookie::new(cookie.name, cookie.value, cookie.max_age_secs);
        reply = reply.and(SET_COOKIE, cookie.header(app)?);
    }
    Ok(reply.with(http::header::PRAGMA, HeaderValue::from_static("no-cache")))
}

fn wants_json(req: &Request) -> bool {
    let mut accepted = req.head.headers.get_all(http::header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
    accepted.any(|v| v.contains("application/json"))
}

fn go(status: StatusCode, url: &str) -> Result<Reply> {
    let to = HeaderValue::from_str(url).map_err(|_| Error::internal("an address that is no header value"))?;
    let referrer = HeaderValue::from_static("no-referrer");
    Ok(Reply::empty(status).with(LOCATION, to).with(http::header::REFERRER_POLICY, referrer))
}

#[cfg(test)]
mod tests;
