//! An OpenID Connect connection as Huawei Cloud's `openid-connect-config` writes it (keystone-api §2.3).
//!
//! It is the connection of the protocol `oidc`, with keys that the administrator pins and ID tokens that come straight
//! from the browser. What that form does not know stays as it is.

use serde_json::{Value, json};

use super::oidc::{AccessMode, Oidc, ResponseMode, ResponseType};
use crate::error::{Error, Result};
use crate::model::fields::Fields;

/// The member that wraps it.
pub const MEMBER: &str = "openid_connect_config";
/// The protocol whose connection it is.
pub const PROTOCOL: &str = "oidc";

/// Scopes that may be asked for.
const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// The settings of a new connection.
pub fn create(body: &Value) -> Result<Oidc> {
    let fields = Fields::of(body, MEMBER)?;
    let stated = body.get(MEMBER).and_then(Value::as_object);
    for name in ["access_mode", "idp_url", "client_id", "signing_key"] {
        if stated.is_none_or(|members| members.get(name).is_none_or(Value::is_null)) {
            return Err(Error::invalid_field(MEMBER, format!("'{name}' is a required property")));
        }
    }
    changed(fields, &Oidc { response_type: ResponseType::IdToken, ..Oidc::default() }, true)
}

/// The settings after a partial change.
pub fn update(body: &Value, stored: &Oidc) -> Result<Oidc> {
    changed(Fields::of(body, MEMBER)?, stored, false)
}

fn changed(mut f: Fields<'_>, stored: &Oidc, new: bool) -> Result<Oidc> {
    let mut next = stored.clone();
    if let Some(mode) = text(&mut f, "access_mode", 1, 32)? {
        next.access_mode = AccessMode::parse(&mode).ok_or_else(|| {
            Error::invalid_field(
                f.path("access_mode"),
                format!("'{mode}' is not one of ['program_console', 'program']"),
            )
        })?;
    }
    if let Some(url) = text(&mut f, "idp_url", 10, 255)? {
        // What is known of another issuer's endpoints is not true of this one.
        if next.issuer.as_ref() != Some(&url) {
            next.discovery_url = None;
        }
        next.issuer = Some(url);
    }
    if let Some(id) = text(&mut f, "client_id", 5, 255)? {
        next.client_id = id;
    }
    if let Some(key) = text(&mut f, "signing_key", 10, 30_000)? {
        if !serde_json::from_str::<Value>(&key).is_ok_and(|v| v["keys"].is_array()) {
            return Err(Error::invalid_field(f.path("signing_key"), "the value is not the text of a JWK set"));
        }
        (next.jwks, next.jwks_uri) = (Some(key), None);
    }
    let endpoint = text(&mut f, "authorization_endpoint", 10, 255)?;
    let scope = text(&mut f, "scope", 1, 255)?;
    let response_type = text(&mut f, "response_type", 1, 32)?;
    let response_mode = text(&mut f, "response_mode", 1, 32)?;
    if next.access_mode == AccessMode::Program {
        next.authorization_endpoint = None;
        f.finish()?;
        return Ok(next);
    }
    if new || stored.access_mode == AccessMode::Program {
        let stated = [
            ("authorization_endpoint", &endpoint),
            ("scope", &scope),
            ("response_type", &response_type),
            ("response_mode", &response_mode),
        ];
        if let Some((name, _)) = stated.iter().find(|(_, value)| value.is_none()) {
            return Err(Error::invalid_field(MEMBER, format!("'{name}' is a required property")));
        }
    }
    if let Some(url) = endpoint {
        next.authorization_endpoint = Some(url);
    }
    if let Some(scope) = scope {
        next.scopes = scopes(&f, &scope)?;
    }
    if let Some(kind) = response_type {
        if kind != ResponseType::IdToken.as_str() {
            return Err(Error::invalid_field(f.path("response_type"), format!("'{kind}' is not one of ['id_token']")));
        }
        next.response_type = ResponseType::IdToken;
        if next.response_mode == ResponseMode::Query {
            next.response_mode = ResponseMode::FormPost;
        }
    }
    if let Some(mode) = response_mode {
        next.response_mode = ResponseMode::parse(&mode)
            .filter(|m| {
                *m == ResponseMode::FormPost
                    || (*m == ResponseMode::Fragment && next.response_type == ResponseType::IdToken)
            })
            .ok_or_else(|| {
                Error::invalid_field(
                    f.path("response_mode"),
                    format!("'{mode}' is not one of ['fragment', 'form_post']"),
                )
            })?;
    }
    f.finish()?;
    Ok(next)
}

/// A text; null counts as absent, as this form shows null for what does not apply.
fn text(f: &mut Fields<'_>, name: &str, least: usize, most: usize) -> Result<Option<String>> {
    Ok(f.nullable_text(name, least..=most)?.flatten())
}

fn scopes(f: &Fields<'_>, text: &str) -> Result<Vec<String>> {
    let wrong = |why: &str| Error::invalid_field(f.path("scope"), why);
    let mut list: Vec<String> = Vec::new();
    for scope in text.split(' ').filter(|s| !s.is_empty()) {
        if !SCOPES.contains(&scope) {
            return Err(wrong(&format!("'{scope:.64}' is not one of ['openid', 'email', 'profile']")));
        }
        if !list.iter().any(|l| l == scope) {
            list.push(scope.to_owned());
        }
    }
    if !list.iter().any(|s| s == "openid") {
        return Err(wrong("the scope 'openid' is missing"));
    }
    Ok(list)
}

/// The configuration as this form shows it.
pub fn shown(oidc: &Oidc) -> Value {
    let console = oidc.access_mode == AccessMode::ProgramConsole;
    json!({
        "access_mode": oidc.access_mode.as_str(),
        "idp_url": oidc.issuer,
        "client_id": oidc.client_id,
        "signing_key": oidc.jwks,
        "authorization_endpoint": oidc.authorization_endpoint.as_ref().filter(|_| console),
        "scope": console.then(|| oidc.scopes.join(" ")),
        "response_type": console.then(|| oidc.response_type.as_str()),
        "response_mode": console.then(|| oidc.response_mode.as_str()),
    })
}
