//! How an answer of the tenant face's browser routes is rendered: where the browser goes next, as a redirect, a form that
//! posts itself or JSON, and what went wrong, as a page or JSON (tenant-login §2.3, §2.5, §2.6, §8.2).

use std::sync::Arc;

use askama::Template;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::done::{Done, Link};
use super::frame::{Forms, Frame};
use super::trouble;
use super::visit::tenant_of;
use crate::error::{Error, Result};
use crate::http::cookie::{Cookie, SameSite};
use crate::http::dialect;
use crate::http::page::private;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::sign_in::ResponseMode;
use crate::model::tenant::Tenant;
use crate::service::App;
use crate::service::login::{Answer, Arrived, Begin, Next, Page, SetCookie, Step};

/// What cannot stand in a header; the rest of a URL stays as it was written.
const UNFIT: &AsciiSet = &CONTROLS.add(b' ');

/// Where an answer goes to an application, or a question to an identity provider: by the address or by a form.
enum Way {
    Link(String),
    Form(String, Vec<(String, String)>),
}

/// Answers with what the browser does next, or with what went wrong.
pub fn step(app: &App, req: &Request, tenant: Option<&Tenant>, result: Result<Step>) -> Result<Reply> {
    shown(app, req, tenant, result, req.prefers_json())
}

/// The same for whoever posted JSON and so reads it, whatever it says that it accepts.
pub fn step_as_json(app: &App, req: &Request, tenant: Option<&Tenant>, result: Result<Step>) -> Result<Reply> {
    shown(app, req, tenant, result, true)
}

fn shown(app: &App, req: &Request, tenant: Option<&Tenant>, result: Result<Step>, json: bool) -> Result<Reply> {
    let Step { next, cookies } = match result {
        Ok(step) => step,
        Err(error) if json => return Ok(failure_as_json(app, req, &error)),
        Err(error) => return failure(app, req, tenant, &error),
    };
    let reply = match next {
        Next::Leave { begin, expires_in } => {
            let way = match begin {
                Begin::Redirect { url } => Way::Link(url),
                Begin::Post { url, fields } => Way::Form(url, fields),
                Begin::Password => return Err(Error::internal("a browser cannot leave for a password")),
            };
            if json { Reply::ok(&leave_as_json(way, expires_in)) } else { go(app, req, tenant, way)? }
        }
        Next::Answer(answer) => {
            let way = answered(answer);
            if json { Reply::ok(&way_as_json(way)) } else { go(app, req, tenant, way)? }
        }
        Next::Show(page) => {
            let tenant = tenant.ok_or_else(|| Error::internal("a page of no tenant"))?;
            let way = Way::Link(address(app, tenant, &page));
            if json { Reply::ok(&way_as_json(way)) } else { go(app, req, Some(tenant), way)? }
        }
        Next::Identities => {
            let tenant = tenant.ok_or_else(|| Error::internal("an account of no tenant"))?;
            let way = Way::Link(format!("{}/identities", tenant.pages(&app.public_url)));
            if json { Reply::ok(&way_as_json(way)) } else { go(app, req, Some(tenant), way)? }
        }
        Next::Done(arrived) => {
            let tenant = tenant.ok_or_else(|| Error::internal("a session of no tenant"))?;
            if json { Reply::ok(&done_as_json(tenant, &arrived)) } else { done(app, req, tenant, *arrived)? }
        }
    };
    with_cookies(app, private(reply), cookies)
}

/// An answer with these cookies.
pub fn with_cookies(app: &App, mut reply: Reply, cookies: Vec<SetCookie>) -> Result<Reply> {
    for SetCookie { name, value, max_age_secs, cross_site } in cookies {
        let same_site = if cross_site { SameSite::None } else { SameSite::Lax };
        reply = reply.and(SET_COOKIE, Cookie { name, value, max_age_secs, same_site }.header(app)?);
    }
    Ok(reply)
}

/// Where a page is.
pub fn address(app: &App, tenant: &Tenant, page: &Page) -> String {
    let (name, handle) = match page {
        Page::Login(handle) => ("login", handle),
        Page::Confirm(handle) => ("confirm", handle),
        Page::Consent(handle) => ("consent", handle),
        Page::Device(handle) => ("device", handle),
    };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("login", handle).finish();
    format!("{}/{name}?{query}", tenant.pages(&app.public_url))
}

/// How an answer goes to its application.
fn answered(answer: Answer) -> Way {
    let Answer { redirect_uri, response_mode, parameters } = answer;
    match response_mode {
        ResponseMode::Query => Way::Link(with_parameters(&redirect_uri, &parameters)),
        ResponseMode::FormPost => {
            Way::Form(redirect_uri, parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        }
    }
}

/// A redirect URI with parameters behind its own query, which stays as it was registered (RFC 6749 §4.1.2).
fn with_parameters(uri: &str, parameters: &[(&'static str, String)]) -> String {
    let (base, fragment) = uri.split_once('#').map_or((uri, None), |(base, fragment)| (base, Some(fragment)));
    let added = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let joint = match base.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let fragment = fragment.map(|f| format!("#{f}")).unwrap_or_default();
    format!("{base}{joint}{added}{fragment}")
}

/// 302 after a GET, 303 after a POST: a browser must not post again what it posted here.
pub fn redirect(req: &Request, url: &str) -> Result<Reply> {
    let status = if req.head.method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    let to = utf8_percent_encode(url, UNFIT).to_string();
    let to = HeaderValue::from_str(&to).map_err(|_| Error::internal("a URL that is no header value"))?;
    Ok(private(Reply::empty(status).with(LOCATION, to)))
}

#[derive(Template)]
#[template(path = "post.html", config = "src/tenant/pages/askama.toml")]
struct Post<'a> {
    frame: &'a Frame,
    action: &'a str,
    place: String,
    fields: &'a [(String, String)],
}

fn go(app: &App, req: &Request, tenant: Option<&Tenant>, way: Way) -> Result<Reply> {
    match way {
        Way::Link(url) => redirect(req, &url),
        Way::Form(url, fields) => form(app, tenant, &url, &fields),
    }
}

fn form(app: &App, tenant: Option<&Tenant>, url: &str, fields: &[(String, String)]) -> Result<Reply> {
    let frame = Frame::new("One moment", tenant);
    let place = url::Url::parse(url).ok().and_then(|u| u.host_str().map(str::to_owned));
    let place = place.unwrap_or_else(|| url.to_owned());
    let page = Post { frame: &frame, action: url, place, fields };
    frame.show(app, StatusCode::OK, &page, Forms::To(url), [])
}

/// A form that posts itself there.
pub fn post(app: &App, tenant: &Tenant, url: &str, fields: &[(String, String)]) -> Result<Reply> {
    form(app, Some(tenant), url, fields).map(private)
}

/// Somebody has signed in without an application: on to where the tenant sends them, or to a page that says so.
fn done(app: &App, req: &Request, tenant: &Tenant, arrived: Arrived) -> Result<Reply> {
    match arrived.redirect_url {
        Some(url) => redirect(req, &url),
        None => redirect(req, &format!("{}/signed-in", tenant.pages(&app.public_url))),
    }
}

/// The page that says so.
pub fn signed_in(app: &App, tenant: &Tenant) -> Result<Reply> {
    let links = vec![
        Link::new("Your ways to sign in", format!("{}/identities", tenant.pages(&app.public_url))),
        Link::new("Sign out", format!("{}/oauth/logout", tenant.base(&app.public_url))),
    ];
    let text = format!("You can close this window, or go on to an application of {}.", tenant.display_name());
    Done { good: true, heading: "You are signed in", text: &text, links }.show(app, tenant)
}

fn fields_as_json(fields: Vec<(String, String)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect::<Map<_, _>>())
}

fn leave_as_json(way: Way, expires_in: i64) -> Value {
    match way {
        Way::Link(url) => json!({"redirect_url": url, "method": "GET", "expires_in": expires_in}),
        Way::Form(url, fields) => {
            json!({"redirect_url": url, "method": "POST", "form": fields_as_json(fields), "expires_in": expires_in})
        }
    }
}

fn way_as_json(way: Way) -> Value {
    match way {
        Way::Link(url) => json!({ "redirect_url": url }),
        Way::Form(url, fields) => json!({"redirect_url": url, "method": "POST", "form": fields_as_json(fields)}),
    }
}

fn done_as_json(tenant: &Tenant, arrived: &Arrived) -> Value {
    let idp = arrived.idp.as_ref().map(|(id, name)| json!({"id": id, "name": name}));
    json!({
        "status": "authenticated",
        "user": {
            "id": arrived.user_id, "email": arrived.email, "display_name": arrived.display_name, "tenant_id": tenant.id,
        },
        "session": {"id": arrived.session_id, "expires_at": arrived.expires_at.to_string()},
        "idp": idp,
        "user_created": arrived.created,
    })
}

/// What went wrong: a page for whoever likes pages better, else JSON.
pub fn failure(app: &App, req: &Request, tenant: Option<&Tenant>, error: &Error) -> Result<Reply> {
    if !req.prefers_page() {
        return Ok(failure_as_json(app, req, error));
    }
    log(req, error);
    let worded = dialect::tenant(error, &app.public_url);
    let mut reply = trouble::page(app, tenant, error, &req.id.to_string())?;
    for (name, value) in &worded.headers {
        if name != CONTENT_TYPE && name != WWW_AUTHENTICATE {
            reply.headers.insert(name, value.clone());
        }
    }
    Ok(reply)
}

/// What went wrong, as JSON with the request's id.
pub fn failure_as_json(app: &App, req: &Request, error: &Error) -> Reply {
    log(req, error);
    let worded = dialect::tenant(error, &app.public_url);
    let mut body: Map<String, Value> = serde_json::from_slice(&worded.body).unwrap_or_default();
    // A body that breaks its schema is answered as the seed has it: by a list and nothing else.
    if !matches!(error, Error::Unprocessable { .. }) {
        body.insert("request_id".to_owned(), Value::String(req.id.to_string()));
    }
    let mut reply = private(Reply::json(worded.status, &Value::Object(body)));
    for (name, value) in worded.headers {
        if let Some(name) = name.filter(|n| n != CONTENT_TYPE && n != CONTENT_SECURITY_POLICY) {
            reply.headers.insert(name, value);
        }
    }
    reply
}

/// What is shown of the tenant that an address names, or what went wrong.
pub async fn of_tenant<R>(app: &App, req: &Request, shown: impl FnOnce(Arc<Tenant>) -> R) -> Result<Reply>
where
    R: Future<Output = Result<Reply>>,
{
    match tenant_of(app, req).await? {
        Ok(tenant) => {
            let done = shown(tenant.clone()).await;
            caught(app, req, Some(&tenant), done)
        }
        Err(reply) => Ok(reply),
    }
}

/// The answer, or what went wrong as a page or JSON.
fn caught(app: &App, req: &Request, tenant: Option<&Tenant>, result: Result<Reply>) -> Result<Reply> {
    result.or_else(|error| failure(app, req, tenant, &error))
}

/// Logs a failure once, as the front does with those that it words.
fn log(req: &Request, error: &Error) {
    let (id, text) = (&req.id, error.to_string());
    if error.is_ours() {
        tracing::error!(%id, error = %text.escape_debug(), "request failed");
    } else {
        tracing::debug!(%id, error = %text.escape_debug(), "request refused");
    }
}

#[cfg(test)]
mod tests;
