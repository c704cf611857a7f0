//! The page for what went wrong: a heading, the text that a program would get, what to do, and the code and the request's
//! id for whoever is asked for help. It says nothing of causes that stay here.

use askama::Template;
use http::StatusCode;

use super::frame::{Forms, Frame};
use crate::error::{Code, Error, Result};
use crate::http::dialect;
use crate::http::reply::Reply;
use crate::model::tenant::Tenant;
use crate::service::App;

#[derive(Template)]
#[template(path = "error.html", config = "src/tenant/pages/askama.toml")]
struct Trouble<'a> {
    frame: &'a Frame,
    heading: &'a str,
    text: &'a str,
    advice: Option<&'a str>,
    code: Option<&'a str>,
    start: Option<(String, &'a str)>,
    request_id: &'a str,
}

const AGAIN: Option<&str> = Some("Please start again. If it happens once more, tell your administrator.");
const APPLICATION: Option<&str> =
    Some("The application that has sent you here is to blame. Whoever looks after it can put that right.");
const ADMINISTRATOR: Option<&str> = Some("Your administrator can tell you more.");

/// What people are told: a heading, and what to do.
fn words(error: &Error) -> (&'static str, Option<&'static str>) {
    match error {
        Error::Refused { code, .. } => refused(*code),
        Error::TooMany { .. } => ("Too many attempts", Some("Please wait a moment, then try again.")),
        Error::NotFound { .. } | Error::NoRoute | Error::Gone { .. } => ("There is nothing here", None),
        Error::Unavailable { .. } => ("Not available just now", Some("Please try again in a moment.")),
        Error::Internal { .. } => ("Something went wrong", Some("That was our fault. Please try again in a moment.")),
        Error::BadUpstream { .. } | Error::UpstreamTimeout { .. } => ("Your provider does not answer", AGAIN),
        Error::Unauthorized { .. } | Error::UnsupportedMethod { .. } => ("You could not be signed in", AGAIN),
        Error::Forbidden { .. } => ("That is not allowed", ADMINISTRATOR),
        Error::Invalid { .. }
        | Error::MethodNotAllowed { .. }
        | Error::Timeout
        | Error::Conflict { .. }
        | Error::PreconditionFailed { .. }
        | Error::TooLarge { .. }
        | Error::UriTooLong
        | Error::UnsupportedMedia { .. }
        | Error::Unprocessable { .. }
        | Error::Scim { .. }
        | Error::NotImplemented { .. }
        | Error::HeadersTooLarge => ("That request cannot be answered", AGAIN),
    }
}

fn refused(code: Code) -> (&'static str, Option<&'static str>) {
    match code {
        Code::TenantNotFound => ("There is nothing here", Some("Check the address that has brought you here.")),
        Code::TenantSuspended => ("Nobody can sign in here just now", ADMINISTRATOR),
        Code::ProviderNotFound => ("You cannot sign in that way", Some("Please start again and choose another way.")),
        Code::UnknownApplication
        | Code::InvalidRedirectUri
        | Code::InvalidRequest
        | Code::UnsupportedResponseType
        | Code::InvalidScope
        | Code::UnauthorizedClient
        | Code::RequestNotSupported
        | Code::RequestUriNotSupported
        | Code::LoginRequired
        | Code::InteractionRequired
        | Code::ConsentRequired
        | Code::AccountSelectionRequired
        | Code::InvalidClient
        | Code::InvalidGrant
        | Code::UnsupportedGrantType
        | Code::UnsupportedTokenType
        | Code::InvalidTarget
        | Code::InvalidToken
        | Code::InsufficientScope
        | Code::AuthorizationPending
        | Code::SlowDown => ("That request cannot be answered", APPLICATION),
        Code::InvalidState | Code::StateReused | Code::Expired | Code::ExpiredToken => (
            "This sign-in has ended",
            Some("That happens after a while, or when a page is opened again. Please start again."),
        ),
        Code::InvalidLogout => (
            "You have not been signed out",
            Some("What your provider has sent cannot be believed. You can sign out here."),
        ),
        Code::Unsolicited => ("Sign in from here", Some("Your provider has sent you without having been asked.")),
        Code::StateMismatch => (
            "This sign-in was begun elsewhere",
            Some("Go on in the browser in which it was begun, or start again here."),
        ),
        Code::ForgedForm => ("This page is too old", Some("Please start again.")),
        Code::UpstreamDenied | Code::AccessDenied => {
            ("You have not been signed in", Some("You can start again at any time."))
        }
        Code::UpstreamError | Code::UpstreamTimeout => ("Your provider does not answer", AGAIN),
        Code::ValidationFailed | Code::LoginFailed => ("You could not be signed in", AGAIN),
        Code::NotProvisioned
        | Code::UserLimitReached
        | Code::AccountDisabled
        | Code::DomainNotAllowed
        | Code::NotAssigned => ("You have no access here", ADMINISTRATOR),
        Code::AccountExists => ("There is an account already", ADMINISTRATOR),
        Code::AssuranceTooLow | Code::UnmetAuthenticationRequirements => {
            ("A stronger sign-in is needed", Some("Please start again and use a second factor at your provider."))
        }
    }
}

/// Whether there is anything to start again.
fn can_start(error: &Error) -> bool {
    !matches!(error, Error::Refused { code: Code::TenantNotFound | Code::TenantSuspended, .. })
}

/// The page. Without a tenant it bears nobody's name.
pub fn page(app: &App, tenant: Option<&Tenant>, error: &Error, request_id: &str) -> Result<Reply> {
    let (heading, advice) = words(error);
    let frame = Frame::new(heading, tenant);
    let code = match error {
        Error::Refused { code, .. } => Some(code.as_str()),
        _ => None,
    };
    let (place, label) = match error {
        Error::Refused { code: Code::InvalidLogout, .. } => ("logout", "Sign out here"),
        _ => ("login", "Start again"),
    };
    let start = tenant.filter(|_| can_start(error));
    let start = start.map(|t| (format!("{}/{place}", t.pages(&app.public_url)), label));
    let text = dialect::message(error);
    let page = Trouble { frame: &frame, heading, text: &text, advice, code, start, request_id };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    frame.show(app, status, &page, Forms::None, [])
}
