//! `/auth/{tenant_slug}/consent`: what an application may know and do (OpenID Connect Core §3.1.2.4).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;

use super::frame::{Forms, Frame};
use super::login::page_of;
use super::respond;
use super::scopes::{self, Grant};
use super::visit::{Browser, Fields};
use crate::error::{Code, Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::tenant::Tenant;
use crate::service::App;
use crate::service::login::{self, Page, View};

#[derive(Template)]
#[template(path = "consent.html", config = "src/tenant/pages/askama.toml")]
struct ConsentPage<'a> {
    frame: &'a Frame,
    action: String,
    handle: &'a str,
    csrf: &'a str,
    device: bool,
    application: Option<&'a str>,
    third_party: bool,
    user: Option<&'a str>,
    grants: Vec<Grant>,
}

/// The question, for an application or a device.
pub fn show(app: &App, tenant: &Tenant, view: &View, handle: &str) -> Result<Reply> {
    let (title, path) = if view.device { ("Let a device in?", "device") } else { ("Allow access?", "consent") };
    let frame = Frame::new(title, Some(tenant));
    let page = ConsentPage {
        frame: &frame,
        action: super::action(app, tenant, path),
        handle,
        csrf: &view.csrf,
        device: view.device,
        application: view.application.as_deref(),
        third_party: view.third_party,
        user: view.user.as_deref(),
        grants: scopes::grants(&view.scopes),
    };
    frame.show(app, StatusCode::OK, &page, Forms::Onward(view.returns_to.as_deref()), [])
}

/// What has been decided.
pub fn decision(fields: &Fields) -> Result<bool> {
    match fields.text("decision")? {
        "allow" => Ok(true),
        "deny" => Ok(false),
        _ => Err(Error::refused(Code::InvalidRequest, "decision: the value must be allow or deny")),
    }
}

/// `GET …`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    respond::of_tenant(&app, &req, async |tenant| {
        let query = req.query()?;
        let handle = super::handle_of(&query)?;
        let view = login::view(&app, &Browser::of(&app, &req).visit(), &tenant, handle).await?;
        match page_of(&view, handle) {
            Page::Consent(_) => show(&app, &tenant, &view, handle),
            elsewhere => respond::redirect(&req, &respond::address(&app, &tenant, &elsewhere)),
        }
    })
    .await
}

/// `POST …`
pub async fn post(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let posted = Fields::read(&app, &mut req).await;
    respond::of_tenant(&app, &req, async |tenant| {
        let fields = posted?;
        let (handle, csrf, allow) = (fields.required("login")?, fields.csrf()?, decision(&fields)?);
        let step = login::consent(&app, &Browser::of(&app, &req).visit(), &tenant, handle, csrf, allow).await;
        respond::step(&app, &req, Some(&tenant), step)
    })
    .await
}
