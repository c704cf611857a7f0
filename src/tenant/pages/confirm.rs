//! `/auth/{tenant_slug}/confirm`: whether an account that has the same e-mail address is theirs (tenant-login §7.5), or whether
//! theirs gets another way in (§7.6).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;

use super::frame::{Forms, Frame};
use super::login::{is_typing, notice, page_of};
use super::respond;
use super::visit::{Browser, Fields};
use crate::error::{Code, Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::tenant::Tenant;
use crate::service::App;
use crate::service::login::{self, Confirmation, Page, View};

#[derive(Template)]
#[template(path = "confirm.html", config = "src/tenant/pages/askama.toml")]
struct ConfirmPage<'a> {
    frame: &'a Frame,
    action: String,
    handle: &'a str,
    csrf: &'a str,
    provider: Option<&'a str>,
    account: Option<&'a str>,
    may_prove: bool,
    notice: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "connect.html", config = "src/tenant/pages/askama.toml")]
struct ConnectPage<'a> {
    frame: &'a Frame,
    action: String,
    handle: &'a str,
    csrf: &'a str,
    provider: Option<&'a str>,
    identity: &'a str,
    account: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "switch.html", config = "src/tenant/pages/askama.toml")]
struct SwitchPage<'a> {
    frame: &'a Frame,
    action: String,
    handle: &'a str,
    csrf: &'a str,
    provider: Option<&'a str>,
    current: &'a str,
    other: &'a str,
}

/// The question of whoever is sent by an identity provider while another is signed in.
fn ask_to_switch(app: &App, tenant: &Tenant, view: &View, handle: &str, current: &str, other: &str) -> Result<Reply> {
    let frame = Frame::new("Sign in as somebody else?", Some(tenant));
    let page = SwitchPage {
        frame: &frame,
        action: super::action(app, tenant, "confirm"),
        handle,
        csrf: &view.csrf,
        provider: view.provider.as_deref(),
        current,
        other,
    };
    // Where it leads is known only afterwards: an application's own beginning.
    frame.show(app, StatusCode::OK, &page, Forms::Onward(None), [])
}

/// The question of whoever wants another way into their account.
fn ask_to_connect(app: &App, tenant: &Tenant, view: &View, handle: &str, identity: &str) -> Result<Reply> {
    let frame = Frame::new("Connect it with your account?", Some(tenant));
    let page = ConnectPage {
        frame: &frame,
        action: super::action(app, tenant, "confirm"),
        handle,
        csrf: &view.csrf,
        provider: view.provider.as_deref(),
        identity,
        account: view.account.as_deref(),
    };
    frame.show(app, StatusCode::OK, &page, Forms::Onward(None), [])
}

/// The question.
pub fn show(
    app: &App,
    tenant: &Tenant,
    view: &View,
    handle: &str,
    notice: Option<&str>,
    status: StatusCode,
) -> Result<Reply> {
    if let Some(identity) = &view.connects {
        return ask_to_connect(app, tenant, view, handle, identity);
    }
    if let Some((current, other)) = &view.switches {
        return ask_to_switch(app, tenant, view, handle, current, other);
    }
    let title = if notice.is_some() { "Error: Is this account yours?" } else { "Is this account yours?" };
    let frame = Frame::new(title, Some(tenant));
    let page = ConfirmPage {
        frame: &frame,
        action: super::action(app, tenant, "confirm"),
        handle,
        csrf: &view.csrf,
        provider: view.provider.as_deref(),
        account: view.account.as_deref(),
        may_prove: view.may_prove,
        notice,
    };
    frame.show(app, status, &page, Forms::Onward(view.returns_to.as_deref()), [])
}

/// `GET …`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    respond::of_tenant(&app, &req, async |tenant| {
        let query = req.query()?;
        let handle = super::handle_of(&query)?;
        let view = login::view(&app, &Browser::of(&app, &req).visit(), &tenant, handle).await?;
        match page_of(&view, handle) {
            Page::Confirm(_) => show(&app, &tenant, &view, handle, None, StatusCode::OK),
            elsewhere => respond::redirect(&req, &respond::address(&app, &tenant, &elsewhere)),
        }
    })
    .await
}

/// `POST …`: the password of the account, or that it is another's, or that they would rather not.
pub async fn post(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let posted = Fields::read(&app, &mut req).await;
    respond::of_tenant(&app, &req, async |tenant| decide(&app, &req, &tenant, &posted?).await).await
}

async fn decide(app: &App, req: &Request, tenant: &Tenant, fields: &Fields) -> Result<Reply> {
    let (handle, csrf) = (fields.required("login")?, fields.csrf()?);
    let confirmation = match fields.text("choice")? {
        "link" => Confirmation::Password(fields.secret("password")?),
        "separate" => Confirmation::Separate,
        "connect" => Confirmation::Connect,
        "switch" => Confirmation::Switch,
        "cancel" => Confirmation::Cancel,
        _ => {
            let text = "choice: the value must be link, separate, connect, switch or cancel";
            return Err(Error::refused(Code::InvalidRequest, text));
        }
    };
    let browser = Browser::of(app, req);
    match login::confirm(app, &browser.visit(), tenant, handle, csrf, confirmation).await {
        Err(error) if req.prefers_page() && is_typing(&error) => {
            let view = login::view(app, &browser.visit(), tenant, handle).await?;
            let status = StatusCode::from_u16(error.status()).unwrap_or_default();
            let reply = show(app, tenant, &view, handle, Some(&notice(&error)), status)?;
            Ok(super::retry_after(reply, &error))
        }
        step => respond::step(app, req, Some(tenant), step),
    }
}
