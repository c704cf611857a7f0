//! `/auth/{tenant_slug}/identities`: the ways into one's own account, another one, and one less (tenant-login §7.6).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;

use super::frame::{Forms, Frame};
use super::login::Way;
use super::respond;
use super::visit::{Browser, Fields};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::tenant::Tenant;
use crate::service::login::{self, Connected, Identities};
use crate::service::{App, pace};

#[derive(Template)]
#[template(path = "identities.html", config = "src/tenant/pages/askama.toml")]
struct IdentitiesPage<'a> {
    frame: &'a Frame,
    action: String,
    csrf: &'a str,
    user: &'a str,
    password: bool,
    connected: &'a [Connected],
    may_disconnect: bool,
    ways: Vec<Way<'a>>,
}

/// The page.
pub fn show(app: &App, tenant: &Tenant, identities: &Identities) -> Result<Reply> {
    let frame = Frame::new("Your ways to sign in", Some(tenant));
    let page = IdentitiesPage {
        frame: &frame,
        action: super::action(app, tenant, "identities"),
        csrf: &identities.csrf,
        user: &identities.user,
        password: identities.password,
        connected: &identities.connected,
        may_disconnect: identities.may_disconnect(),
        ways: identities.others.iter().map(|button| Way::named(button, &button.name)).collect(),
    };
    let pictures = page.ways.iter().filter_map(Way::picture);
    frame.show(app, StatusCode::OK, &page, Forms::Onward(None), pictures)
}

/// `GET …`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    respond::of_tenant(&app, &req, async |tenant| {
        match login::identities(&app, &Browser::of(&app, &req).visit(), &tenant).await? {
            Some(identities) => show(&app, &tenant, &identities),
            None => respond::redirect(&req, &format!("{}/login", tenant.pages(&app.public_url))),
        }
    })
    .await
}

/// `POST …`: the identity provider that is to be taken away.
pub async fn post(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let posted = Fields::read(&app, &mut req).await;
    respond::of_tenant(&app, &req, async |tenant| {
        let fields = posted?;
        let (csrf, idp_id) = (fields.csrf()?, fields.required("disconnect")?);
        pace::check(&app, pace::Kind::Begin, &tenant.id, &req.origin(&app))?;
        let step = login::disconnect(&app, &Browser::of(&app, &req).visit(), &tenant, csrf, idp_id).await;
        respond::step(&app, &req, Some(&tenant), step)
    })
    .await
}
