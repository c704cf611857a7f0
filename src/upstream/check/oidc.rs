//! OpenID providers: their description, their keys and, where that can be tried, whether they know us (Discovery 1.0 §4,
//! RFC 6749 §4.4).

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::{Outcome, Run, list, place, quote, status};
use crate::egress::{Egress, Kind, Trouble};
use crate::error::{Error, Result};
use crate::model::connection::oidc::{AccessMode, Algorithm, AuthMethod, Oidc, ResponseType};
use crate::model::issuer::{self, WELL_KNOWN};
use crate::secret::Secret;
use crate::upstream::oidc::discovery::Configuration;
use crate::upstream::oidc::{KeySet, endpoints, pinned_keys};

const JSON: &str = "application/json";

/// What a provider says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// What it calls itself.
    pub issuer: Option<String>,
    /// Where browsers are sent.
    pub authorization_endpoint: Option<String>,
    /// Where codes are exchanged.
    pub token_endpoint: Option<String>,
    /// Where further claims are.
    pub userinfo_endpoint: Option<String>,
    /// Where sessions are ended.
    pub end_session_endpoint: Option<String>,
    /// Where its keys are.
    pub jwks_uri: Option<String>,
    /// The scopes that it knows.
    pub scopes_supported: Option<Vec<String>>,
    /// What it can be asked for.
    pub response_types_supported: Option<Vec<String>>,
}

/// A provider's configuration, read leniently.
struct Described(Map<String, Value>);

impl Described {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// A list of texts; `None` if it is not announced.
    fn list(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.0.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
    }

    fn owned_list(&self, name: &str) -> Option<Vec<String>> {
        self.list(name).map(|texts| texts.into_iter().map(str::to_owned).collect())
    }

    /// Whether a list is announced and lacks `item`.
    fn lacks(&self, name: &str, item: &str) -> bool {
        self.list(name).is_some_and(|texts| !texts.contains(&item))
    }
}

/// See [`super::Checks::admit`].
pub fn admit(egress: &Egress, oidc: &Oidc) -> Result<()> {
    for (name, url) in oidc.urls() {
        egress.check_url(url).map_err(|e| Error::invalid_field(field(name), e.to_string()))?;
    }
    pinned_keys(oidc).map(drop)
}

/// A member's name on the SSO face.
fn field(member: &str) -> String {
    let name = match member {
        "discovery_url" => "wellKnownUrl".to_owned(),
        member => {
            let mut words = member.split('_');
            let first = words.next().unwrap_or_default().to_owned();
            words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
        }
    };
    format!("oidcConfig.{name}")
}

/// Checks the provider of a connection.
pub async fn check(run: &mut Run<'_>, oidc: &Oidc, secret: Option<&Secret>) -> Outcome<()> {
    run.report.issuer.clone_from(&oidc.issuer);
    run.report.authorization_endpoint.clone_from(&oidc.authorization_endpoint);
    run.report.token_endpoint.clone_from(&oidc.token_endpoint);
    let described = if says_all(oidc) { None } else { Some(describe(run, oidc).await?) };
    if let Some(described) = &described {
        offers(run, oidc, secret, described)?;
    }
    keys(run, oidc, described.as_ref()).await?;
    match (&described, secret) {
        (Some(described), Some(secret)) if oidc.token_endpoint_auth_method != AuthMethod::None => {
            credentials(run, oidc, secret, described).await
        }
        _ => Ok(()),
    }
}

/// Whether log-ins never ask for the provider's configuration, because the connection itself says everything.
fn says_all(oidc: &Oidc) -> bool {
    let browsers = oidc.access_mode != AccessMode::Program;
    let codes = browsers && oidc.response_type == ResponseType::Code;
    oidc.issuer.is_some()
        && (oidc.jwks.is_some() || oidc.jwks_uri.is_some())
        && (!browsers || oidc.authorization_endpoint.is_some())
        && (!codes || oidc.token_endpoint.is_some())
        && (!codes || !oidc.fetch_userinfo || oidc.userinfo_endpoint.is_some())
}

/// Fetches and reads the provider's configuration; what a log-in would refuse is refused.
async fn describe(run: &mut Run<'_>, oidc: &Oidc) -> Outcome<Described> {
    let url = oidc.configuration_url().ok_or("The configuration names neither issuer nor discovery document.")?;
    let what = format!("The discovery document {}", place(&url));
    let text = run.document(Kind::Discovery, &what, &url, JSON).await?;
    let described = read(&text, &what)?;
    run.report.issuer = described.owned("issuer");
    for (report, name) in [
        (&mut run.report.authorization_endpoint, "authorization_endpoint"),
        (&mut run.report.token_endpoint, "token_endpoint"),
    ] {
        if report.is_none() {
            *report = described.owned(name);
        }
    }
    let issuer = described.text("issuer").ok_or_else(|| format!("{what} does not name its 'issuer'."))?;
    if !oidc.is_issuer(issuer) {
        let wanted = oidc.issuer.as_deref().or_else(|| url.strip_suffix(WELL_KNOWN)).unwrap_or(&url);
        let advice = if issuer::same(issuer, wanted) { " Write the issuer in the very same way." } else { "" };
        return Err(format!("{what} is that of the issuer {}, not of {}.{advice}", quote(issuer), quote(wanted)));
    }
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "introspection_endpoint", "jwks_uri"]
    {
        match described.0.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(url)) => {
                let checked = run.egress.check_url(url);
                checked.map_err(|e| Trouble::NotAllowed(e.to_string()).told(&format!("The provider's '{name}'")))?;
            }
            Some(_) => return Err(format!("{what} has a '{name}' that is no text.")),
        }
    }
    Configuration::parse(&text, run.egress).map_err(|_| format!("{what} cannot be used."))?;
    Ok(described)
}

fn read(text: &[u8], what: &str) -> Outcome<Described> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(members)) => Ok(Described(members)),
        Ok(_) => Err(format!("{what} is no JSON object.")),
        Err(_) => Err(format!("{what} is no JSON. Check the URL.")),
    }
}

/// Whether the provider offers what the connection uses.
fn offers(run: &mut Run<'_>, oidc: &Oidc, secret: Option<&Secret>, described: &Described) -> Outcome<()> {
    const WHO: &str = "The provider's discovery document";
    let trusted: Vec<&str> = oidc.algorithms.iter().map(|a| a.as_str()).collect();
    if let Some(signs) = described.list("id_token_signing_alg_values_supported")
        && !signs.iter().any(|alg| trusted.contains(alg))
    {
        return Err(format!(
            "The provider signs with {}, and the configuration trusts only {}. Use one algorithm on both sides.",
            list(&signs),
            list(&trusted)
        ));
    }
    if oidc.access_mode != AccessMode::Program {
        if run.report.authorization_endpoint.is_none() {
            return Err(format!("{WHO} names no 'authorization_endpoint'."));
        }
        let wanted = oidc.response_type.as_str();
        match described.list("response_types_supported") {
            Some(types) if !types.contains(&wanted) => {
                return Err(format!("The provider offers the response types {}, not {}.", list(&types), quote(wanted)));
            }
            Some(_) => {}
            None => run.warn(format!("{WHO} does not say which response types are offered.")),
        }
        if described.lacks("response_modes_supported", oidc.response_mode.as_str()) {
            run.warn(format!("The provider does not announce the response mode '{}'.", oidc.response_mode.as_str()));
        }
        if let Some(known) = described.list("scopes_supported") {
            let unknown: Vec<&String> = oidc.scopes.iter().filter(|s| !known.contains(&s.as_str())).collect();
            if !unknown.is_empty() {
                run.warn(format!("The provider does not announce the scopes {}.", list(&unknown)));
            }
        }
    }
    if oidc.access_mode != AccessMode::Program && oidc.response_type == ResponseType::Code {
        if run.report.token_endpoint.is_none() {
            return Err(format!("{WHO} names no 'token_endpoint'."));
        }
        if described.lacks("code_challenge_methods_supported", "S256") {
            run.warn("The provider does not announce PKCE with 'S256', which every log-in uses.");
        }
        let method = if secret.is_some() { oidc.token_endpoint_auth_method } else { AuthMethod::None };
        if described.lacks("token_endpoint_auth_methods_supported", method.as_str()) {
            run.warn(match method {
                AuthMethod::None => "The provider announces no clients without a secret, and none is set.".to_owned(),
                method => format!("The provider does not announce '{}' at its token endpoint.", method.as_str()),
            });
        }
    }
    Ok(())
}

/// Whether there are keys to verify with.
async fn keys(run: &mut Run<'_>, oidc: &Oidc, described: Option<&Described>) -> Outcome<()> {
    if oidc.jwks.is_some() {
        let pinned = pinned_keys(oidc).map_err(|_| "The pinned keys cannot be used.".to_owned())?;
        return usable("The pinned key set", pinned.as_deref(), &oidc.algorithms);
    }
    let url = oidc.jwks_uri.as_deref().or_else(|| described.and_then(|d| d.text("jwks_uri")));
    let url = url.ok_or("The provider's discovery document names no 'jwks_uri', so no token could be verified.")?;
    let what = format!("The provider's key set {}", place(url));
    let text = run.document(Kind::Jwks, &what, url, JSON).await?;
    let keys = KeySet::parse(&text).map_err(|why| format!("{what} cannot be used: {why}."))?;
    usable(&what, Some(&keys), &oidc.algorithms)
}

fn usable(what: &str, keys: Option<&KeySet>, trusted: &[Algorithm]) -> Outcome<()> {
    if keys.is_some_and(|keys| keys.serves(trusted)) {
        return Ok(());
    }
    let names: Vec<&str> = trusted.iter().map(|a| a.as_str()).collect();
    Err(format!("{what} has no signing key for any algorithm that the configuration trusts ({}).", list(&names)))
}

/// Whether the provider knows client and secret, where it has a grant that needs nobody else.
async fn credentials(run: &mut Run<'_>, oidc: &Oidc, secret: &Secret, described: &Described) -> Outcome<()> {
    if !described.list("grant_types_supported").is_some_and(|grants| grants.contains(&"client_credentials")) {
        return Ok(());
    }
    let Some(url) = run.report.token_endpoint.clone() else { return Ok(()) };
    let what = format!("The provider's token endpoint {}", place(&url));
    what.clone_into(&mut run.asking);
    let form = vec![("grant_type", "client_credentials")];
    let (headers, body) = endpoints::authenticated(oidc, secret, form)
        .map_err(|_| "Client id or client secret cannot be sent: they are no text.".to_owned())?;
    let answer = run.egress.ask(Kind::Token, Method::POST, &url, headers, Bytes::from(body)).await;
    let answer = answer.map_err(|trouble| trouble.told(&what))?;
    if answer.status.is_success() {
        return Ok(());
    }
    // The answer's own words stay where they are; only codes of RFC 6749 §5.2 count.
    let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let code = said.as_ref().and_then(|said| said.get("error")).and_then(Value::as_str);
    match (code, answer.status) {
        (Some("invalid_client"), _) | (None, StatusCode::UNAUTHORIZED) => Err(format!(
            "The provider does not accept client id and client secret, sent as '{}'. Check all three.",
            oidc.token_endpoint_auth_method.as_str()
        )),
        (Some(_), status) if status.is_client_error() => Ok(()),
        (_, s) if s.is_server_error() || s == StatusCode::NOT_FOUND || s == StatusCode::METHOD_NOT_ALLOWED => {
            Err(format!("{what} does not work: it answered {}.", status(s)))
        }
        (_, s) => {
            run.warn(format!("{what} answered {}, so the client secret is not proven.", status(s)));
            Ok(())
        }
    }
}

/// See [`super::Checks::probe`].
pub async fn probe(egress: &Egress, issuer: &str) -> Result<Found> {
    let issuer = issuer.strip_suffix(WELL_KNOWN).unwrap_or(issuer);
    // By itself: together with what is put behind it `https://` would have a host.
    egress.check_url(issuer).map_err(|e| Error::invalid_field("issuer", e.to_string()))?;
    let url = format!("{}{WELL_KNOWN}", issuer.strip_suffix('/').unwrap_or(issuer));
    egress.check_url(&url).map_err(|e| Error::invalid_field("issuer", e.to_string()))?;
    let what = format!("The discovery document {}", place(&url));
    let answer = egress.ask(Kind::Discovery, Method::GET, &url, endpoints::accept_json(), Bytes::new()).await;
    let answer = answer.map_err(|trouble| match trouble {
        // The same as for an address that says so by itself.
        Trouble::NotAllowed(rule) => Error::invalid_field("issuer", rule),
        Trouble::Timeout => Error::upstream_timeout(trouble.told(&what)),
        trouble => Error::bad_upstream(trouble.told(&what)),
    })?;
    if answer.status != StatusCode::OK {
        let text = format!("{what} is not there: the server answered {}. Check the URL.", status(answer.status));
        return Err(Error::bad_upstream(text));
    }
    let described = read(&answer.body, &what).map_err(Error::bad_upstream)?;
    let named = described.text("issuer");
    let named = named.ok_or_else(|| Error::bad_upstream(format!("{what} does not name its 'issuer'.")))?;
    if !issuer::same(named, issuer) {
        let text = format!("{what} is that of the issuer {}, not of {}.", quote(named), quote(issuer));
        return Err(Error::bad_upstream(text));
    }
    Ok(Found {
        issuer: described.owned("issuer"),
        authorization_endpoint: described.owned("authorization_endpoint"),
        token_endpoint: described.owned("token_endpoint"),
        userinfo_endpoint: described.owned("userinfo_endpoint"),
        end_session_endpoint: described.owned("end_session_endpoint"),
        jwks_uri: described.owned("jwks_uri"),
        scopes_supported: described.owned_list("scopes_supported"),
        response_types_supported: described.owned_list("response_types_supported"),
    })
}
