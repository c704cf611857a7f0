//! `/auth/{tenant_slug}/login`: how somebody signs in, by an identity provider, by an e-mail address that leads to one, or by
//! a password.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;

use super::frame::{Forms, Frame, picture};
use super::visit::{Browser, Fields};
use super::{icons, respond};
use crate::error::{Code, Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::sign_in::Stage;
use crate::model::tenant::Tenant;
use crate::service::login::{self, Button, Page, View};
use crate::service::{App, pace};

/// One text whatever is wrong, so that it tells nobody who has an account.
pub const WRONG: &str = "That did not work. Check what you have typed, or sign in another way.";
const UNKNOWN_REALM: &str = "Nobody is known to sign in with that address. Check it, or choose another way.";

/// What the form asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// There is none.
    Nothing,
    /// An e-mail address or user name, to see what comes next.
    Identifier,
    /// The password that goes with it.
    PasswordOf,
    /// User name and password.
    Password,
}

/// A button.
pub struct Way<'a> {
    pub url: &'a str,
    pub text: &'a str,
    pub image: Option<&'a str>,
    pub icon: &'static str,
}

impl<'a> Way<'a> {
    /// The button of an identity provider, with that text.
    pub fn named(button: &'a Button, text: &'a str) -> Self {
        Self {
            url: &button.url,
            text,
            image: button.icon_url.as_deref().filter(|url| picture(url).is_some()),
            icon: icons::of(button.preset.as_deref()),
        }
    }

    /// Its picture, which the page's policy has to let in.
    pub fn picture(&self) -> Option<&'a str> {
        self.image
    }
}

#[derive(Template)]
#[template(path = "login.html", config = "src/tenant/pages/askama.toml")]
struct LoginPage<'a> {
    frame: &'a Frame,
    action: String,
    handle: &'a str,
    csrf: &'a str,
    application: Option<&'a str>,
    asks: Asks,
    local_login: bool,
    name: &'a str,
    notice: Option<&'a str>,
    ways: Vec<Way<'a>>,
}

/// How a page is shown.
#[derive(Debug, Default)]
pub struct Manner<'a> {
    /// Status of the answer.
    pub status: StatusCode,
    /// What has been typed.
    pub name: Option<&'a str>,
    /// Whether that is to be followed by a password.
    pub with_password: bool,
    /// What has gone wrong.
    pub notice: Option<&'a str>,
}

/// The page where a sign-in stands.
pub fn page_of(view: &View, handle: &str) -> Page {
    match view.stage {
        Stage::Confirm => Page::Confirm(handle.to_owned()),
        Stage::Consent if view.device => Page::Device(handle.to_owned()),
        Stage::Consent => Page::Consent(handle.to_owned()),
        Stage::Open | Stage::Away | Stage::Judged | Stage::Done => Page::Login(handle.to_owned()),
    }
}

/// The page.
pub fn show(app: &App, tenant: &Tenant, view: &View, handle: &str, manner: &Manner<'_>) -> Result<Reply> {
    let asks = match (manner.with_password, view.home_realms, view.local_login) {
        (true, true, true) => Asks::PasswordOf,
        (_, true, _) => Asks::Identifier,
        (_, false, true) => Asks::Password,
        (_, false, false) => Asks::Nothing,
    };
    let ways = view.buttons.iter().map(|button| Way::named(button, &button.text));
    let frame = Frame::new(if manner.notice.is_some() { "Error: Sign in" } else { "Sign in" }, Some(tenant));
    let page = LoginPage {
        frame: &frame,
        action: super::action(app, tenant, "login"),
        handle,
        csrf: &view.csrf,
        application: view.application.as_deref(),
        asks,
        local_login: view.local_login,
        name: manner.name.or(view.login_hint.as_deref()).unwrap_or_default(),
        notice: manner.notice,
        ways: ways.collect(),
    };
    let pictures = page.ways.iter().filter_map(Way::picture);
    frame.show(app, manner.status, &page, Forms::Onward(view.returns_to.as_deref()), pictures)
}

/// `GET …`: the page of a sign-in, or the beginning of one without an application.
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    respond::of_tenant(&app, &req, async |tenant| {
        let (browser, query) = (Browser::of(&app, &req), req.query()?);
        let Some(handle) = query.get("login").filter(|h| !h.is_empty()) else {
            pace::check(&app, pace::Kind::Begin, &tenant.id, &req.origin(&app))?;
            return respond::step(&app, &req, Some(&tenant), login::open(&app, &browser.visit(), &tenant).await);
        };
        let view = login::view(&app, &browser.visit(), &tenant, handle).await?;
        match page_of(&view, handle) {
            Page::Login(_) => show(&app, &tenant, &view, handle, &Manner::default()),
            elsewhere => respond::redirect(&req, &respond::address(&app, &tenant, &elsewhere)),
        }
    })
    .await
}

/// `POST …`: an address, or a name and a password.
pub async fn post(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let posted = Fields::read(&app, &mut req).await;
    respond::of_tenant(&app, &req, async |tenant| {
        let fields = posted?;
        if fields.has("password") || !fields.has("identifier") {
            by_password(&app, &req, &tenant, &fields).await
        } else {
            by_identifier(&app, &req, &tenant, &fields).await
        }
    })
    .await
}

async fn by_identifier(app: &App, req: &Request, tenant: &Tenant, fields: &Fields) -> Result<Reply> {
    let (handle, csrf, identifier) = (fields.required("login")?, fields.csrf()?, fields.text("identifier")?.trim());
    let browser = Browser::of(app, req);
    if let Some(step) = login::identify(app, &browser.visit(), tenant, handle, csrf, identifier).await? {
        return respond::step(app, req, Some(tenant), Ok(step));
    }
    let view = login::view(app, &browser.visit(), tenant, handle).await?;
    let with_password = view.local_login && !identifier.is_empty();
    let notice = (!with_password).then_some(UNKNOWN_REALM);
    show(app, tenant, &view, handle, &Manner { name: Some(identifier), with_password, notice, ..Manner::default() })
}

async fn by_password(app: &App, req: &Request, tenant: &Tenant, fields: &Fields) -> Result<Reply> {
    let (handle, csrf) = (fields.required("login")?, fields.csrf()?);
    // Nothing typed takes the same way as something wrong.
    let (username, secret) = (fields.text("username")?.trim(), fields.secret("password")?);
    let browser = Browser::of(app, req);
    pace::check(app, pace::Kind::Finish, &tenant.id, &req.origin(app))?;
    let step = login::password(app, &browser.visit(), tenant, Some(handle), Some(csrf), username, secret).await;
    match step {
        Err(error) if req.prefers_page() && is_typing(&error) => {
            let view = login::view(app, &browser.visit(), tenant, handle).await?;
            let notice = notice(&error);
            let status = StatusCode::from_u16(error.status()).unwrap_or_default();
            let with_password = !username.is_empty();
            let manner = Manner { status, name: Some(username), with_password, notice: Some(&notice) };
            let reply = show(app, tenant, &view, handle, &manner)?;
            Ok(super::retry_after(reply, &error))
        }
        step => respond::step(app, req, Some(tenant), step),
    }
}

/// Whether the person can put it right on the same page.
pub fn is_typing(error: &Error) -> bool {
    matches!(error, Error::Refused { code: Code::LoginFailed, .. } | Error::TooMany { .. })
}

/// What the page says of it.
pub fn notice(error: &Error) -> String {
    match error {
        Error::TooMany { .. } => "There have been too many attempts. Please wait a moment, then try again.".to_owned(),
        _ => WRONG.to_owned(),
    }
}
