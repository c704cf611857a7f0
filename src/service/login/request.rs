//! An application's authorization request, checked before anybody is sent anywhere (RFC 6749 §4.1.1, OpenID Connect Core
//! §3.1.2.1, RFC 7636, RFC 8707; tenant-login §4.1).
//!
//! Until application and redirect URI are known to be right, a failure is shown here; from then on the application is told.

use std::sync::Arc;

use super::{Answer, answer};
use crate::error::{Code, Error, Result};
use crate::model::application::{GrantType, Kind};
use crate::model::sign_in::{Prompt, Request, ResponseMode};
use crate::model::tenant::Tenant;
use crate::service::tenant::{self, Client};
use crate::service::{App, oauth};

/// Longest value of a parameter, in bytes.
const MAX_VALUE: usize = 2_048;
/// Longest `state`, in bytes.
const MAX_STATE: usize = 4_096;
/// Most scopes that are looked at.
const MAX_SCOPES: usize = 100;
/// The parameters that make a request one of an application.
pub const OAUTH: [&str; 8] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];
/// The others that are read.
const MORE: [&str; 12] = [
    "response_mode",
    "prompt",
    "max_age",
    "acr_values",
    "login_hint",
    "idp_hint",
    "ui_locales",
    "id_token_hint",
    "request",
    "request_uri",
    "login",
    "resource",
];

/// Parameters of a request, in order.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a>(pub &'a [(String, String)]);

impl<'a> Parameters<'a> {
    /// The value of a parameter; an empty one counts as none.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// Refuses what we read if it stands twice (RFC 6749 §3.1), is too long or has control characters in it.
    pub fn check(self) -> Result<()> {
        for name in OAUTH.iter().chain(&MORE) {
            let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v);
            let Some(value) = values.next() else { continue };
            let wrong = |why: &str| Err(Error::refused(Code::InvalidRequest, format!("{name}: {why}")));
            if values.next().is_some() {
                return wrong("the parameter stands twice");
            }
            if value.len() > if *name == "state" { MAX_STATE } else { MAX_VALUE } {
                return wrong("the value is too long");
            }
            if value.chars().any(char::is_control) {
                return wrong("the value has control characters");
            }
        }
        Ok(())
    }

    /// Whether an application asks.
    pub fn is_of_application(self) -> bool {
        OAUTH.iter().any(|name| self.get(name).is_some())
    }
}

/// What a request comes to.
pub enum Asked {
    /// It is in order.
    Right(Box<Request>, Arc<Client>),
    /// The application is told why it is not.
    Wrong(Answer, Error),
}

/// Whether a redirect URI is one of an application's: the same text. On the loopback address of a device the port is the
/// application's to choose (RFC 8252 §7.3).
pub(super) fn is_registered(client: &Client, uri: &str) -> bool {
    let application = &client.application;
    let registered = &application.settings.redirect_uris;
    if registered.iter().any(|r| r == uri) {
        return true;
    }
    let Some(portless) = without_port(uri).filter(|_| application.kind == Kind::Native) else { return false };
    registered.iter().filter_map(|r| without_port(r)).any(|r| r == portless)
}

/// A redirect URI on a loopback address, as literal, without its port: what stands before and behind.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let host = ["http://127.0.0.1", "http://[::1]"].into_iter().find(|host| uri.starts_with(host))?;
    let rest = &uri[host.len()..];
    let path = rest.find('/').unwrap_or(rest.len());
    let port = &rest[..path];
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok_and(|p| p > 0));
    is_port.then_some((host, &rest[path..]))
}

/// Reads and checks a request of an application.
///
/// # Errors
/// What may not be told to whoever the redirect URI belongs to.
pub async fn read(app: &App, tenant: &Tenant, parameters: Parameters<'_>) -> Result<Asked> {
    parameters.check()?;
    let missing = |name: &str| Error::refused(Code::InvalidRequest, format!("{name} is missing"));
    let client_id = parameters.get("client_id").ok_or_else(|| missing("client_id"))?;
    let client = tenant::client(app, &tenant.id, client_id).await?.filter(|c| c.application.enabled);
    let client = client.filter(|c| c.application.kind != Kind::Service);
    let unknown = || Error::refused(Code::UnknownApplication, "The application is not known here.");
    let client = client.ok_or_else(unknown)?;
    let redirect_uri = parameters.get("redirect_uri").ok_or_else(|| missing("redirect_uri"))?;
    if !is_registered(&client, redirect_uri) {
        return Err(Error::refused(Code::InvalidRedirectUri, "The redirect URI is not one of the application's."));
    }
    let response_mode = match parameters.get("response_mode") {
        None => Some(ResponseMode::Query),
        Some(text) => ResponseMode::parse(text),
    };
    let state = parameters.get("state").map(str::to_owned);
    let mut request = Request {
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        response_mode: response_mode.unwrap_or(ResponseMode::Query),
        scopes: Vec::new(),
        state,
        nonce: parameters.get("nonce").map(str::to_owned),
        code_challenge: None,
        prompt: Vec::new(),
        max_age: None,
        acr_values: words(parameters.get("acr_values")),
        login_hint: parameters.get("login_hint").filter(|h| h.len() <= 320).map(str::to_owned),
        ui_locales: parameters.get("ui_locales").map(str::to_owned),
        resource: None,
        expected_user: None,
    };
    let checked = if response_mode.is_none() {
        Err(Error::refused(Code::InvalidRequest, "response_mode: query or form_post"))
    } else {
        fill(app, tenant, &client, parameters, &mut request).await
    };
    match checked {
        Ok(()) => Ok(Asked::Right(Box::new(request), client)),
        Err(error @ Error::Refused { .. }) => Ok(Asked::Wrong(answer::refusal(app, tenant, &request, &error), error)),
        Err(other) => Err(other),
    }
}

fn words(text: Option<&str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in text.unwrap_or_default().split(' ').filter(|w| !w.is_empty()).take(MAX_SCOPES) {
        if all.iter().all(|w| w != word) {
            all.push(word.to_owned());
        }
    }
    all
}

/// Checks what the application is told of.
async fn fill(
    app: &App,
    tenant: &Tenant,
    client: &Client,
    parameters: Parameters<'_>,
    request: &mut Request,
) -> Result<()> {
    let settings = &client.application.settings;
    if parameters.get("request").is_some() {
        return Err(Error::refused(Code::RequestNotSupported, "request objects are not taken"));
    }
    if parameters.get("request_uri").is_some() {
        return Err(Error::refused(Code::RequestUriNotSupported, "request_uri is not taken"));
    }
    match parameters.get("response_type") {
        Some("code") => {}
        None => return Err(Error::refused(Code::InvalidRequest, "response_type is missing")),
        Some(_) => return Err(Error::refused(Code::UnsupportedResponseType, "response_type: code only")),
    }
    if !settings.grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(Error::refused(Code::UnauthorizedClient, "the application does not use authorization codes"));
    }
    request.code_challenge = challenge(tenant, client, parameters)?;
    let audience = oauth::scopes::audience(app, &client.application, parameters.get("resource"))?;
    request.resource = audience.into_iter().next();
    request.scopes = scopes(client, parameters.get("scope"))?;
    request.prompt = prompts(parameters.get("prompt"))?;
    if let Some(text) = parameters.get("max_age") {
        let age = text.parse::<i64>().ok().filter(|age| *age >= 0);
        request.max_age =
            Some(age.ok_or_else(|| Error::refused(Code::InvalidRequest, "max_age: a number of seconds"))?);
    }
    if let Some(hint) = parameters.get("id_token_hint") {
        let wrong = |_| Error::refused(Code::InvalidRequest, "id_token_hint: no ID token of this issuer");
        let hint = oauth::hint::id_token_hint(app, tenant, hint).await.map_err(wrong)?;
        request.expected_user = Some(hint.user_id);
    }
    Ok(())
}

/// The S256 challenge. Who has no secret must send one, and `plain` is none (RFC 9700 §2.1.1).
fn challenge(tenant: &Tenant, client: &Client, parameters: Parameters<'_>) -> Result<Option<String>> {
    let wrong = |why: &str| Err(Error::refused(Code::InvalidRequest, why));
    let (challenge, method) = (parameters.get("code_challenge"), parameters.get("code_challenge_method"));
    let needed = !client.application.kind.is_confidential() || tenant.settings.require_pkce;
    match (challenge, method) {
        (None, None) if needed => wrong("code_challenge is missing: PKCE with S256 is needed"),
        (None, None) => Ok(None),
        (None, Some(_)) => wrong("code_challenge_method without code_challenge"),
        (Some(_), None) => wrong("code_challenge_method: S256 only, and it is missing"),
        (Some(challenge), Some("S256")) => {
            let is_digest = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if challenge.len() == 43 && challenge.bytes().all(is_digest) {
                Ok(Some(challenge.to_owned()))
            } else {
                wrong("code_challenge: 43 characters of base64url")
            }
        }
        (Some(_), Some(_)) => wrong("code_challenge_method: S256 only"),
    }
}

/// What the application gets of the scopes that it asks for.
fn scopes(client: &Client, asked: Option<&str>) -> Result<Vec<String>> {
    let mut scopes = match asked {
        None => client.application.settings.default_scopes.clone(),
        Some(_) => words(asked),
    };
    scopes.retain(|scope| oauth::scopes::permits(&client.application, scope));
    if scopes.is_empty() {
        return Err(Error::refused(Code::InvalidScope, "scope: nothing that the application may have"));
    }
    Ok(scopes)
}

fn prompts(asked: Option<&str>) -> Result<Vec<Prompt>> {
    let mut prompts = Vec::new();
    for word in words(asked) {
        let prompt = Prompt::parse(&word);
        prompts.push(prompt.ok_or_else(|| Error::refused(Code::InvalidRequest, "prompt: an unknown value"))?);
    }
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return Err(Error::refused(Code::InvalidRequest, "prompt: none stands alone"));
    }
    Ok(prompts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_redir_the_port_is_free_on_a_loopback_literal_and_nothing_else_is() {
        let same = |a: &str, b: &str| without_port(a).is_some() && without_port(a) == without_port(b);
        assert!(same("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"));
        assert!(same("http://[::1]:1/cb?x=1", "http://[::1]:2/cb?x=1"));
        for other in [
            "http://localhost:1/cb",
            "http://127.0.0.1:1/other",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:1@evil.example/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:/cb",
            "https://127.0.0.1/cb",
            "http://127.0.0.1/cb#x",
        ] {
            assert!(!same("http://127.0.0.1/cb", other), "{other}");
        }
    }

    #[test]
    fn op_az_6_a_parameter_that_stands_twice_is_refused_and_an_unknown_one_is_not_looked_at() {
        let parameters = |all: &[(&str, &str)]| {
            let all: Vec<(String, String)> = all.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            Parameters(&all).check().is_ok()
        };
        assert!(parameters(&[("state", "a"), ("foo", "1"), ("foo", "2")]));
        assert!(!parameters(&[("state", "a"), ("state", "a")]));
        assert!(!parameters(&[("state", "a\r\nb")]));
        assert!(!parameters(&[("nonce", &"n".repeat(2_049))]));
        assert!(parameters(&[("state", &"n".repeat(4_096))]));
    }
}
