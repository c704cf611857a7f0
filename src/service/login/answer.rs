//! What an application is told (RFC 6749 §4.1.2, RFC 9207).

use super::{Answer, Next, Step};
use crate::error::{Code, Error, Result};
use crate::model::sign_in::Request;
use crate::model::tenant::Tenant;
use crate::service::App;

/// An answer with these parameters, the application's state and our issuer.
fn with(app: &App, tenant: &Tenant, request: &Request, mut parameters: Vec<(&'static str, String)>) -> Answer {
    if let Some(state) = &request.state {
        parameters.push(("state", state.clone()));
    }
    parameters.push(("iss", tenant.issuer(&app.public_url)));
    Answer { redirect_uri: request.redirect_uri.clone(), response_mode: request.response_mode, parameters }
}

/// The code.
pub(super) fn code(app: &App, tenant: &Tenant, request: &Request, code: String) -> Answer {
    with(app, tenant, request, vec![("code", code)])
}

/// Why there is none. What the error says that no application may be told becomes `server_error`.
pub(super) fn refusal(app: &App, tenant: &Tenant, request: &Request, error: &Error) -> Answer {
    let (code, text) = match error {
        Error::Refused { code: Code::Expired, .. } => ("temporarily_unavailable", "authentication_expired".to_owned()),
        Error::Refused { code: Code::AssuranceTooLow, message, .. } if !request.acr_values.is_empty() => {
            ("unmet_authentication_requirements", message.clone())
        }
        Error::Refused { code, message, .. } if !code.for_application().is_empty() => {
            (code.for_application(), message.clone())
        }
        _ => ("server_error", "The sign-in failed.".to_owned()),
    };
    with(app, tenant, request, vec![("error", code.to_owned()), ("error_description", description(&text))])
}

/// What may stand in a description (RFC 6749 §4.1.2.1).
fn description(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '\'' }).collect()
}

/// A sign-in's failure: told to the application if there is one that may be told, shown here otherwise.
pub(super) fn failure(app: &App, tenant: &Tenant, request: Option<&Request>, error: Error) -> Result<Step> {
    let error = as_refusal(error);
    let may_be_told = match &error {
        Error::Refused { code, .. } => !code.for_application().is_empty(),
        _ => false,
    };
    match request.filter(|_| may_be_told) {
        Some(request) => Ok(Step { next: Next::Answer(refusal(app, tenant, request, &error)), cookies: Vec::new() }),
        None => Err(error),
    }
}

/// What upstreams and mappings say of a failure, as a code.
pub(super) fn as_refusal(error: Error) -> Error {
    const BELIEVED: &str = "What the identity provider says cannot be used.";
    match error {
        Error::Unauthorized { reason } => Error::refused_because(Code::ValidationFailed, BELIEVED, reason),
        Error::Invalid { message, .. } => Error::refused_because(Code::ValidationFailed, BELIEVED, message),
        Error::Forbidden { message } | Error::NotFound { message } => {
            Error::refused_because(Code::UpstreamDenied, "This way to sign in is closed.", message)
        }
        Error::Conflict { message } => {
            Error::refused_because(Code::UpstreamError, "The sign-in failed, please try again.", message)
        }
        Error::BadUpstream { message } => {
            Error::refused_because(Code::UpstreamError, "The identity provider failed.", message)
        }
        Error::UpstreamTimeout { message } => {
            Error::refused_because(Code::UpstreamTimeout, "The identity provider did not answer in time.", message)
        }
        other => other,
    }
}
