//! `/auth/{tenant_slug}/device`: the code that a device shows, and whether it may come in (RFC 8628 §3.3).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;

use super::consent;
use super::done::Done;
use super::frame::{Forms, Frame};
use super::login::page_of;
use super::respond;
use super::visit::{Browser, Fields};
use crate::error::{Code, Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::tenant::Tenant;
use crate::service::login::{self, Page};
use crate::service::{App, pace};

const UNKNOWN: &str = "That code is not known, or it has ended. Check it, or have your device show a new one.";

#[derive(Template)]
#[template(path = "device.html", config = "src/tenant/pages/askama.toml")]
struct CodePage<'a> {
    frame: &'a Frame,
    action: String,
    code: &'a str,
    notice: Option<&'a str>,
}

/// Asks for the code.
pub fn ask(app: &App, tenant: &Tenant, code: &str, notice: Option<&str>, status: StatusCode) -> Result<Reply> {
    let title = if notice.is_some() { "Error: Connect a device" } else { "Connect a device" };
    let frame = Frame::new(title, Some(tenant));
    let page = CodePage { frame: &frame, action: super::action(app, tenant, "device"), code, notice };
    frame.show(app, status, &page, Forms::Onward(None), [])
}

/// `GET …`: asks for the code, which may stand in the address already, or for the decision.
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    respond::of_tenant(&app, &req, async |tenant| {
        let query = req.query()?;
        let Some(handle) = query.get("login").filter(|h| !h.is_empty()) else {
            let code: String = query.get("user_code").unwrap_or_default().chars().take(64).collect();
            return ask(&app, &tenant, &code, None, StatusCode::OK);
        };
        let view = login::view(&app, &Browser::of(&app, &req).visit(), &tenant, handle).await?;
        match page_of(&view, handle) {
            Page::Device(_) => consent::show(&app, &tenant, &view, handle),
            elsewhere => respond::redirect(&req, &respond::address(&app, &tenant, &elsewhere)),
        }
    })
    .await
}

/// `POST …`: the code, or the decision.
pub async fn post(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let posted = Fields::read(&app, &mut req).await;
    respond::of_tenant(&app, &req, async |tenant| {
        let fields = posted?;
        if fields.has("login") {
            decide(&app, &req, &tenant, &fields).await
        } else {
            enter(&app, &req, &tenant, &fields).await
        }
    })
    .await
}

async fn enter(app: &App, req: &Request, tenant: &Tenant, fields: &Fields) -> Result<Reply> {
    let code = fields.text("user_code")?.trim();
    let origin = req.origin(app);
    let step = match pace::check(app, pace::Kind::Begin, &tenant.id, &origin) {
        Ok(()) => login::for_device(app, &Browser::of(app, req).visit(), tenant, code).await,
        Err(error) => Err(error),
    };
    // What one person types can be guessed (RFC 8628 §5.1): whoever is wrong too often is not heard for a while.
    if step.as_ref().err().is_some_and(is_guess) {
        pace::failed(app, &tenant.id, &origin);
    }
    match step {
        Err(error) if req.prefers_page() && is_typing(&error) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or_default();
            let notice = match error {
                Error::TooMany { .. } => "There have been too many attempts. Please wait a moment, then try again.",
                _ => UNKNOWN,
            };
            Ok(super::retry_after(ask(app, tenant, code, Some(notice), status)?, &error))
        }
        step => respond::step(app, req, Some(tenant), step),
    }
}

/// Whether the code was none that anybody waits for.
fn is_guess(error: &Error) -> bool {
    is_typing(error) && !matches!(error, Error::TooMany { .. })
}

/// Whether another code may do.
fn is_typing(error: &Error) -> bool {
    match error {
        Error::Refused { code, .. } => {
            matches!(
                code,
                Code::InvalidRequest | Code::InvalidGrant | Code::InvalidState | Code::ExpiredToken | Code::Expired
            )
        }
        Error::Invalid { .. } | Error::NotFound { .. } | Error::TooMany { .. } => true,
        _ => false,
    }
}

async fn decide(app: &App, req: &Request, tenant: &Tenant, fields: &Fields) -> Result<Reply> {
    let (handle, csrf, allow) = (fields.required("login")?, fields.csrf()?, consent::decision(fields)?);
    let cookies = login::decide_device(app, &Browser::of(app, req).visit(), tenant, handle, csrf, allow).await?;
    let done = if allow {
        let text = "Your device is signed in in a moment. You can close this window and go on there.";
        Done { good: true, heading: "The device is connected", text, links: Vec::new() }
    } else {
        let text = "It has got no access. If you have not started it yourself, there is nothing more to do.";
        Done { good: false, heading: "The device is not connected", text, links: Vec::new() }
    };
    respond::with_cookies(app, done.show(app, tenant)?, cookies)
}
