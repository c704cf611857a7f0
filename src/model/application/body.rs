//! Bodies of requests about applications, and what their settings must be together.

use serde_json::{Map, Value, json};

use super::{Application, AuthMethod, GrantType, Kind, Settings};
use crate::error::{Error, Result};
use crate::model::fields::{Fields, wrong_type};
use crate::model::setting::{
    Read, boolean, checked, finish, missing, name, number, put, put_maybe, texts, word, words,
};
use crate::model::tenant::{ACCESS_TOKEN_SECS, address, algorithm};
use crate::model::web;

/// Most addresses and origins of one application, each.
const MAX_ADDRESSES: usize = 100;
/// Most scopes, audiences and identity providers of one application, each.
const MAX_NAMES: usize = 100;
/// Most users and groups that one application is for, each.
const MAX_ASSIGNED: usize = 1_000;
/// Most public keys of one application.
const MAX_KEYS: usize = 20;
/// Most bytes of its public keys.
const MAX_JWKS: usize = 64 * 1024;
/// Members of a key that only its owner may know (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// How long secrets may go on beside a new one, in seconds: ninety days.
const LONGEST_OVERLAP: i64 = 90 * 86_400;

/// The body of a POST.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it may do anything.
    pub enabled: bool,
    /// The rest.
    pub settings: Settings,
}

impl Create {
    /// Reads the body of a POST.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        f.ignore(&["tenant_id"]);
        let kind = word(&mut f, "type", Kind::ALL, Kind::as_str)?.flatten().ok_or_else(|| missing(&f, "type"))?;
        let mut settings = Settings::of_kind(kind);
        settings.merge(&mut f, kind)?;
        let create = Self {
            name: name(&mut f, "name")?.ok_or_else(|| missing(&f, "name"))?,
            kind,
            enabled: boolean(&mut f, "enabled")?.flatten().unwrap_or(true),
            settings,
        };
        finish(&f)?;
        Ok(create)
    }
}

impl Application {
    /// This application after a PATCH: what is absent stays, null brings the default back.
    pub fn updated(&self, body: &Value) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        if f.text("type", 0..=16)?.is_some_and(|kind| kind != self.kind.as_str()) {
            return Err(Error::invalid_field("type", "the type cannot be changed once it is set"));
        }
        let mut next = self.clone();
        next.name = name(&mut f, "name")?.unwrap_or(next.name);
        put(&mut next.enabled, boolean(&mut f, "enabled")?, true);
        next.settings.merge(&mut f, self.kind)?;
        finish(&f)?;
        Ok(next)
    }

    /// Whether it has secrets.
    pub fn has_secrets(&self) -> bool {
        self.kind.is_confidential() && self.settings.auth_method == AuthMethod::ClientSecret
    }
}

/// How long the secrets before a new one go on, in seconds; none: as long as they would have.
pub fn expires_previous_in_secs(body: &Value) -> Result<Option<i64>> {
    let mut f = Fields::at(body, "")?;
    let secs = number(&mut f, "expires_previous_in_secs", 0..=LONGEST_OVERLAP)?.flatten();
    finish(&f)?;
    Ok(secs)
}

impl Settings {
    /// The defaults of a kind.
    pub fn of_kind(kind: Kind) -> Self {
        let auth_method = if kind.is_confidential() { AuthMethod::ClientSecret } else { AuthMethod::None };
        match kind {
            Kind::Service => Self { grant_types: vec![GrantType::ClientCredentials], ..Self::default() },
            Kind::Web | Kind::Spa | Kind::Native => Self { auth_method, ..Self::default() },
        }
    }

    fn merge(&mut self, f: &mut Fields<'_>, kind: Kind) -> Result<()> {
        let default = Self::of_kind(kind);
        let native = kind == Kind::Native;
        let scope = |text: &str| if web::is_scope(text) { Ok(()) } else { Err("is no scope".into()) };
        put(&mut self.redirect_uris, redirects(f, "redirect_uris", native)?, default.redirect_uris);
        put(&mut self.logout_uris, redirects(f, "logout_uris", native)?, default.logout_uris);
        let origins = texts(f, "allowed_origins", MAX_ADDRESSES, web::MAX_URL, web::origin)?;
        put(&mut self.allowed_origins, origins, default.allowed_origins);
        put(&mut self.allowed_scopes, texts(f, "allowed_scopes", MAX_NAMES, 255, scope)?, default.allowed_scopes);
        let named = f.raw("default_scopes").is_some();
        put(&mut self.default_scopes, texts(f, "default_scopes", MAX_NAMES, 255, scope)?, default.default_scopes);
        if !named {
            // What nobody names follows what is allowed.
            self.default_scopes.retain(|scope| self.allowed_scopes.contains(scope));
        }
        put(&mut self.grant_types, words(f, "grant_types", GrantType::ALL, GrantType::as_str)?, default.grant_types);
        put(&mut self.auth_method, word(f, "auth_method", AuthMethod::ALL, AuthMethod::as_str)?, default.auth_method);
        put_maybe(&mut self.jwks, jwks(f)?);
        put_maybe(&mut self.jwks_uri, address(f, "jwks_uri")?);
        put(&mut self.allowed_idps, names(f, "allowed_idps", MAX_NAMES, 64)?, default.allowed_idps);
        put(&mut self.third_party, boolean(f, "third_party")?, default.third_party);
        put(&mut self.assigned_users, names(f, "assigned_users", MAX_ASSIGNED, 64)?, default.assigned_users);
        put(&mut self.assigned_groups, names(f, "assigned_groups", MAX_ASSIGNED, 64)?, default.assigned_groups);
        put(&mut self.service_audience, boolean(f, "service_audience")?, default.service_audience);
        put(&mut self.may_introspect, boolean(f, "may_introspect")?, default.may_introspect);
        put(&mut self.audiences, names(f, "audiences", MAX_NAMES, 255)?, default.audiences);
        put_maybe(&mut self.access_token_secs, number(f, "access_token_secs", ACCESS_TOKEN_SECS)?);
        put_maybe(&mut self.id_token_alg, algorithm(f, "id_token_alg")?);
        put(&mut self.groups_as_ids, boolean(f, "groups_as_ids")?, default.groups_as_ids);
        put_maybe(&mut self.backchannel_logout_uri, address(f, "backchannel_logout_uri")?);
        let initiate = checked(f, "initiate_login_uri", web::MAX_URL, |text| web::redirect_uri(text, false))?;
        put_maybe(&mut self.initiate_login_uri, initiate);
        self.check(kind)
    }

    /// What the members must be together.
    fn check(&self, kind: Kind) -> Result<()> {
        let wrong = |member: &str, text: &str| Err(Error::invalid_field(member, text));
        match (kind.is_confidential(), self.auth_method) {
            (true, AuthMethod::None) => return wrong("auth_method", "an application of this type proves who it is"),
            (false, AuthMethod::ClientSecret | AuthMethod::PrivateKeyJwt) => {
                return wrong("auth_method", "an application of this type can keep no secret; use 'none'");
            }
            _ => {}
        }
        if self.auth_method == AuthMethod::PrivateKeyJwt && self.jwks.is_none() && self.jwks_uri.is_none() {
            return wrong("auth_method", "'private_key_jwt' needs jwks or jwks_uri");
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return wrong("jwks_uri", "keys are either given by jwks or fetched from jwks_uri");
        }
        if !kind.is_confidential() {
            let of_secrets = [GrantType::ClientCredentials, GrantType::TokenExchange];
            if self.grant_types.iter().any(|grant| of_secrets.contains(grant)) {
                return wrong("grant_types", "only applications that prove who they are get tokens by that");
            }
            if self.may_introspect {
                return wrong("may_introspect", "only applications that prove who they are may ask about tokens");
            }
        }
        if kind == Kind::Service
            && self.grant_types.contains(&GrantType::AuthorizationCode)
            && self.redirect_uris.is_empty()
        {
            return wrong("redirect_uris", "codes have nowhere to go");
        }
        match self.default_scopes.iter().position(|scope| !self.allowed_scopes.contains(scope)) {
            Some(at) => wrong(&format!("default_scopes.{at}"), "is not one of allowed_scopes"),
            None => Ok(()),
        }
    }
}

fn redirects(f: &mut Fields<'_>, name: &str, native: bool) -> Read<Vec<String>> {
    texts(f, name, MAX_ADDRESSES, web::MAX_URL, |text| web::redirect_uri(text, native))
}

/// Ids and the like: nothing that a log or a header could not hold.
fn names(f: &mut Fields<'_>, name: &str, most: usize, longest: usize) -> Read<Vec<String>> {
    texts(f, name, most, longest, |text| {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) { Err("holds blanks".into()) } else { Ok(()) }
    })
}

/// Public keys (RFC 7517 §5). One that shows its private half is refused: nobody but its owner may have that.
fn jwks(f: &mut Fields<'_>) -> Read<Value> {
    let path = f.path("jwks");
    let wrong = |text: &str| Err(Error::invalid_field(&path, text));
    let set = match f.raw("jwks") {
        None => return Ok(None),
        Some(Value::Null) => return Ok(Some(None)),
        Some(Value::Object(set)) => set,
        Some(other) => return Err(wrong_type(&path, other, "object")),
    };
    let Some(Value::Array(keys)) = set.get("keys") else { return wrong("has no list 'keys'") };
    if keys.is_empty() || keys.len() > MAX_KEYS {
        return wrong(&format!("must have 1 to {MAX_KEYS} keys"));
    }
    for (i, key) in keys.iter().enumerate() {
        let path = format!("{path}.keys.{i}");
        let key = key.as_object().ok_or_else(|| wrong_type(&path, key, "object"))?;
        if !public_key(key) {
            return Err(Error::invalid_field(path, "must be a public key of the type RSA, EC or OKP"));
        }
    }
    let kept = json!({ "keys": keys });
    if kept.to_string().len() > MAX_JWKS {
        return wrong(&format!("is over {MAX_JWKS} bytes"));
    }
    Ok(Some(Some(kept)))
}

fn public_key(key: &Map<String, Value>) -> bool {
    let known = key.get("kty").and_then(Value::as_str).is_some_and(|kty| ["RSA", "EC", "OKP"].contains(&kty));
    known && !PRIVATE.iter().any(|member| key.contains_key(*member))
}

#[cfg(test)]
mod tests;
