//! Signing in at a tenant: from an application's request to its answer (tenant-login §4, §5, §7, §8).
//!
//! A sign-in is a stored row that each step takes on, so any node can serve any step. Its handle stands in the addresses of
//! pages, the state that the identity provider hands back is another, and both lie in the database as digests. One cookie for
//! each attempt binds it to the browser that began it (security rule 7). Application, redirect URI and PKCE are checked before
//! anybody is sent anywhere; what fails afterwards is told to the application if it may be told, else to the person.

mod answer;
mod arrive;
mod assurance;
mod authorize;
mod complete;
mod depart;
mod found;
mod link;
mod person;
pub mod request;
mod service_provider;
mod session;
mod trace;
mod unasked;
mod view;
mod waiting;

pub use arrive::arrive;
pub use authorize::authorize;
pub(in crate::service) use depart::own_keys;
pub use depart::{callback_uri, depart};
pub use link::{Connected, Identities, disconnect, identities};
pub use person::{Confirmation, confirm, consent, decide_device, for_device, identify, open, password};
pub use service_provider::{ServiceProvider, service_provider, slo_uri};
pub(in crate::service) use unasked::called;
pub use unasked::{AGAIN, once_more};
pub use view::{Button, View, button_text, is_home_realm, login_url, view};

use super::caller::Origin;
use crate::model::sign_in::ResponseMode;
use crate::model::tenant::Tenant;
use crate::secret::digest;
pub use crate::upstream::{Answer as Brought, Begin};

/// A browser that asks for something.
pub struct Visit<'a> {
    /// Where it asks from.
    pub origin: &'a Origin,
    /// What it calls itself.
    pub user_agent: Option<&'a str>,
    /// The names of the cookies of sign-ins that it has, oldest first.
    pub attempts: Vec<String>,
    /// Finds a cookie of ours by its name.
    pub cookie: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
}

impl std::fmt::Debug for Visit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visit").field("origin", self.origin).finish_non_exhaustive()
    }
}

/// A cookie to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCookie {
    /// Its name without prefix.
    pub name: String,
    /// Its value; empty takes it away.
    pub value: String,
    /// How long it lasts, in seconds.
    pub max_age_secs: u64,
    /// Whether a form that another site posts carries it.
    pub cross_site: bool,
}

/// What the browser does next.
#[derive(Debug)]
pub struct Step {
    /// Where it goes.
    pub next: Next,
    /// Cookies that it gets.
    pub cookies: Vec<SetCookie>,
}

/// Where a browser goes.
#[derive(Debug)]
pub enum Next {
    /// To the identity provider.
    Leave {
        /// By a redirect or a form.
        begin: Begin,
        /// Seconds that it has to come back.
        expires_in: i64,
    },
    /// To a page of ours.
    Show(Page),
    /// Back to the application.
    Answer(Answer),
    /// Nowhere: somebody signed in without an application.
    Done(Box<Arrived>),
    /// To the page with the ways into their account.
    Identities,
}

/// A page of ours; the handle of the sign-in stands in its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// How to sign in.
    Login(String),
    /// Whether an account is theirs.
    Confirm(String),
    /// What the application may know.
    Consent(String),
    /// Whether a device may come in.
    Device(String),
}

/// What an application is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where.
    pub redirect_uri: String,
    /// How.
    pub response_mode: ResponseMode,
    /// What, in order.
    pub parameters: Vec<(&'static str, String)>,
}

/// Somebody who signed in without an application (tenant-login §8.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Their id.
    pub user_id: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// What they are called.
    pub display_name: String,
    /// Their session's id.
    pub session_id: String,
    /// When it ends.
    pub expires_at: crate::clock::Timestamp,
    /// The identity provider's id and name.
    pub idp: Option<(String, String)>,
    /// Whether the account was made just now.
    pub created: bool,
    /// Where the tenant sends them; none: a page that says so.
    pub redirect_url: Option<String>,
}

/// Name of the cookie of a session at a tenant.
pub fn session_cookie(tenant: &Tenant) -> String {
    let at = tenant.id.len().saturating_sub(8);
    format!("sso.{}", tenant.id.get(at..).unwrap_or(&tenant.id))
}

/// How the names of the cookies of sign-ins begin.
pub const ATTEMPT: &str = "fed.";

/// Name of the cookie of one sign-in: each has one of its own, so that two windows do not take each other's.
pub fn attempt_cookie(sign_in_id: &str) -> String {
    format!("{ATTEMPT}{}", sign_in_id.get(..8).unwrap_or(sign_in_id))
}

/// What a form must bring back that was made for a browser: it follows from a cookie of that browser, which nobody else knows.
pub fn form_token(cookie: &str, purpose: &str) -> String {
    digest(&format!("form {purpose} {cookie}"))
}
