//! Pages that say that something is done, and the one that asks before somebody is signed out.

use askama::Template;
use http::StatusCode;

use super::frame::{Forms, Frame};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::model::tenant::Tenant;
use crate::service::App;

/// A way on from a page.
#[derive(Debug, Clone)]
pub struct Link {
    text: String,
    url: String,
    main: bool,
}

impl Link {
    /// A way among others.
    pub fn new(text: impl Into<String>, url: impl Into<String>) -> Self {
        Self { text: text.into(), url: url.into(), main: false }
    }

    /// The way that most take.
    pub fn main(text: impl Into<String>, url: impl Into<String>) -> Self {
        Self { main: true, ..Self::new(text, url) }
    }
}

/// What is done.
#[derive(Debug)]
pub struct Done<'a> {
    /// Whether that is what was wanted.
    pub good: bool,
    /// In short.
    pub heading: &'a str,
    /// More of it.
    pub text: &'a str,
    /// Ways on.
    pub links: Vec<Link>,
}

#[derive(Template)]
#[template(path = "done.html", config = "src/tenant/pages/askama.toml")]
struct DonePage<'a> {
    frame: &'a Frame,
    good: bool,
    heading: &'a str,
    text: &'a str,
    links: &'a [Link],
}

impl Done<'_> {
    /// The page.
    pub fn show(&self, app: &App, tenant: &Tenant) -> Result<Reply> {
        let frame = Frame::new(self.heading, Some(tenant));
        let Self { good, heading, text, links } = self;
        let page = DonePage { frame: &frame, good: *good, heading, text, links };
        frame.show(app, StatusCode::OK, &page, Forms::None, [])
    }
}

/// Somebody is signed out. `also` is an identity provider, by its name and the address that signs out there, where they may
/// still be signed in.
pub fn signed_out(app: &App, tenant: &Tenant, also: Option<(&str, &str)>) -> Result<Reply> {
    let mut links = Vec::new();
    let mut text = format!("You have been signed out of {}.", tenant.display_name());
    if let Some((name, url)) = also {
        text.push_str(&format!(" At {name} you are still signed in."));
        links.push(Link::main(format!("Also sign out of {name}"), url));
    }
    links.push(Link::new("Sign in again", format!("{}/login", tenant.pages(&app.public_url))));
    Done { good: true, heading: "Signed out", text: &text, links }.show(app, tenant)
}

/// What somebody is asked before they are signed out (tenant-login §10.1).
#[derive(Debug)]
pub struct LogoutQuestion<'a> {
    /// Where the form goes.
    pub action: &'a str,
    /// Its hidden fields, `csrf` among them.
    pub fields: &'a [(&'a str, &'a str)],
    /// Who is signed in.
    pub user: Option<&'a str>,
    /// The application that asks for it.
    pub application: Option<&'a str>,
    /// The identity provider at which they may sign out, too.
    pub provider: Option<&'a str>,
    /// Where the browser goes afterwards, so that the page's policy lets it.
    pub returns_to: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "logout.html", config = "src/tenant/pages/askama.toml")]
struct LogoutPage<'a> {
    frame: &'a Frame,
    action: &'a str,
    fields: &'a [(&'a str, &'a str)],
    user: Option<&'a str>,
    application: Option<&'a str>,
    provider: Option<&'a str>,
}

/// Asks whether somebody wants to be signed out.
pub fn logout_confirmation(app: &App, tenant: &Tenant, question: &LogoutQuestion<'_>) -> Result<Reply> {
    let frame = Frame::new("Sign out?", Some(tenant));
    let LogoutQuestion { action, fields, user, application, provider, returns_to } = *question;
    let page = LogoutPage { frame: &frame, action, fields, user, application, provider };
    frame.show(app, StatusCode::OK, &page, Forms::Onward(returns_to), [])
}
