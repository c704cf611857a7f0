//! Signing out: by an application, by the identity provider, and by telling applications (tenant-login §10).

use std::sync::Arc;

use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::pages::visit::{Browser, check_site};
use super::pages::{LogoutQuestion, logout_confirmation, respond, signed_out};
use crate::error::{Code, Error, Result};
use crate::http::cookie::Cookie;
use crate::http::dialect;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::{Access, Route};
use crate::model::tenant::Tenant;
use crate::service::login::Begin;
use crate::service::logout::asked::{self, Asked, Farewell, Next, Question, Step};
use crate::service::logout::{provider, told};
use crate::service::{App, tenant};

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    const LOGOUT: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/logout";
    const PAGE: &str = "/auth/{tenant_slug}/logout";
    vec![
        Route::get(LOGOUT, Access::Open, logout),
        Route::post(LOGOUT, Access::Open, logout),
        Route::get(PAGE, Access::Open, logout),
        Route::post(PAGE, Access::Open, logout),
        Route::get("/api/v1/auth/tenants/{tenant_slug}/federation/oidc/logout", Access::Open, provider_leg),
        Route::post("/api/v1/auth/tenants/{tenant_slug}/backchannel-logout", Access::Open, backchannel),
    ]
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
    let posted = req.head.method == Method::POST;
    let parameters = if posted { req.form().await } else { Ok(query(&req)) };
    respond::of_tenant(&app, &req, async |tenant| {
        let step = ask(&app, &req, &tenant, &parameters?, posted).await?;
        shown(&app, &req, &tenant, step)
    })
    .await
}

async fn ask(app: &App, req: &Request, tenant: &Tenant, parameters: &[(String, String)], posted: bool) -> Result<Step> {
    let value = |name: &str| one(parameters, name);
    let asked = Asked {
        id_token_hint: value("id_token_hint")?,
        client_id: value("client_id")?,
        post_logout_redirect_uri: value("post_logout_redirect_uri")?,
        state: value("state")?,
        // An answer counts if it was posted: a link can be made by anybody.
        csrf: value("csrf")?.filter(|_| posted),
        upstream: value("upstream")?.is_some(),
        posted,
    };
    if asked.csrf.is_some() {
        check_site(app, req)?;
    }
    asked::begin(app, &Browser::of(app, req).visit(), tenant, asked).await
}

fn query(req: &Request) -> Vec<(String, String)> {
    url::form_urlencoded::parse(req.raw_query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// `GET …/federation/oidc/logout`: a browser on its way to the identity provider, or back from there.
async fn provider_leg(app: Arc<App>, req: Request) -> Result<Reply> {
    respond::of_tenant(&app, &req, async |tenant| {
        let next = pass(&app, &req, &tenant).await?;
        shown(&app, &req, &tenant, Step { next, cookies: Vec::new() })
    })
    .await
}

async fn pass(app: &App, req: &Request, tenant: &Tenant) -> Result<Next> {
    let parameters = query(req);
    if let Some(handle) = one(&parameters, "leave")? {
        let to = provider::leave(app, tenant, &handle).await?;
        return Ok(match to {
            Some(Begin::Redirect { url }) => Next::Go(url),
            Some(Begin::Post { url, fields }) => Next::Post { url, fields },
            Some(Begin::Password) | None => Next::Done(Farewell::default()),
        });
    }
    provider::back(app, tenant, one(&parameters, "state")?.as_deref()).await
}

/// `POST …/backchannel-logout`: the identity provider says that somebody has logged out.
async fn backchannel(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let tenant = tenant::by_slug(&app, req.param("tenant_slug")?).await?;
    let fields = req.form().await?;
    let taken = match one(&fields, "logout_token") {
        Ok(Some(token)) => told::receive(&app, &req.origin(&app), &tenant, &token).await,
        Ok(None) => return Err(Error::unprocessable("logout_token", "missing", "Field required")),
        Err(error) => Err(error),
    };
    match taken {
        Ok(_) => Ok(Reply::empty(StatusCode::OK)),
        Err(error @ Error::Refused { .. }) => {
            let text = error.to_string();
            tracing::info!(id = %req.id, tenant = %tenant.slug, error = %text.escape_debug(), "logout token refused");
            Ok(dialect::oauth(&error, &app.public_url))
        }
        Err(error) => Err(error),
    }
}

/// What the browser does next.
pub(super) fn shown(app: &App, req: &Request, tenant: &Tenant, step: Step) -> Result<Reply> {
    let mut reply = match step.next {
        Next::Again(query) => again(&query)?,
        next if req.prefers_json() => told_in_json(next),
        Next::Go(url) => respond::redirect(req, &url)?,
        Next::Post { url, fields } => respond::post(app, tenant, &url, &fields)?,
        Next::Ask(question) => confirmation(app, req, tenant, &question)?,
        Next::Done(farewell) => {
            let also = farewell.provider.as_ref().map(|(name, url)| (name.as_str(), url.as_str()));
            signed_out(app, tenant, also)?
        }
    };
    for cookie in step.cookies {
        let cookie = Cookie::new(cookie.name, cookie.value, cookie.max_age_secs);
        reply = reply.and(SET_COOKIE, cookie.header(app)?);
    }
    Ok(reply)
}

fn confirmation(app: &App, req: &Request, tenant: &Tenant, question: &Question) -> Result<Reply> {
    let fields: Vec<(&str, &str)> = question.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let asked = LogoutQuestion {
        action: req.head.uri.path(),
        fields: &fields,
        user: Some(&question.user),
        application: question.application.as_deref(),
        provider: question.provider.as_deref(),
        returns_to: fields.iter().find(|(name, _)| *name == "post_logout_redirect_uri").map(|(_, uri)| *uri),
    };
    logout_confirmation(app, tenant, &asked)
}

/// The same in words for programs.
fn told_in_json(next: Next) -> Reply {
    Reply::ok(&match next {
        Next::Go(url) | Next::Again(url) => json!({"redirect_url": url}),
        Next::Post { url, fields } => {
            let form: serde_json::Map<_, _> = fields.into_iter().map(|(name, value)| (name, json!(value))).collect();
            json!({"redirect_url": url, "method": "POST", "form": form})
        }
        Next::Ask(question) => {
            let form: serde_json::Map<_, _> =
                question.fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            json!({"status": "confirmation_required", "form": form})
        }
        Next::Done(farewell) => {
            let offered = farewell.provider.map(|(name, url)| json!({"name": name, "logout_url": url}));
            json!({"status": "signed_out", "identity_provider": offered})
        }
    })
}

/// To the same place with a query in the place of the form.
fn again(query: &str) -> Result<Reply> {
    let to =
        HeaderValue::from_str(&format!("?{query}")).map_err(|_| Error::internal("a query that is no header value"))?;
    let referrer = HeaderValue::from_static("no-referrer");
    Ok(Reply::empty(StatusCode::SEE_OTHER).with(LOCATION, to).with(http::header::REFERRER_POLICY, referrer))
}

#[cfg(test)]
mod tests;
