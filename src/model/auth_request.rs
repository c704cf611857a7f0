//! The body of `POST /v3/auth/tokens`: who one says one is, with what proof, and for which scope.

use serde_json::Value;

use super::fields::{Fields, wrong_type};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// The methods that can be used in this body.
pub const METHODS: [&str; 2] = ["password", "token"];

/// Most methods in one request.
const MAX_METHODS: usize = 8;
/// Longest name or id in it, in characters.
const MAX_NAME: usize = 255;
/// Longest token in it, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// A domain as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainName {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// A user as a request names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserName {
    /// By id.
    Id(String),
    /// By name in a domain.
    Name(String, DomainName),
}

/// A scope as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// None named: the user's default project, if they can use it.
    Default,
    /// Explicitly none.
    Unscoped,
    /// A project by id.
    Project(String),
    /// A project by name.
    ProjectByName(String, DomainName),
    /// A domain.
    Domain(DomainName),
    /// The whole deployment.
    System,
}

/// A proof of identity.
#[derive(Debug)]
pub enum Proof {
    /// A password.
    Password(UserName, Secret),
    /// A token that is still valid.
    Token(Secret),
}

/// The whole request.
#[derive(Debug)]
pub struct AuthRequest {
    /// One of each method at most.
    pub proofs: Vec<Proof>,
    /// The scope.
    pub scope: Asked,
}

impl AuthRequest {
    /// Reads the body. A method that is not offered is its own error, which tells those that are.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut outer = Fields::of(body, "auth")?;
        let identity =
            outer.raw("identity").ok_or_else(|| Error::invalid_field("auth", "'identity' is a required property"))?;
        let scope = outer.raw("scope");
        let mut identity = Fields::at(identity, "auth.identity")?;
        let methods = match identity.raw("methods") {
            None => return Err(Error::invalid_field("auth.identity", "'methods' is a required property")),
            Some(Value::Array(methods)) if methods.len() <= MAX_METHODS => methods,
            Some(Value::Array(_)) => return Err(Error::invalid_field("auth.identity.methods", "too many methods")),
            Some(other) => return Err(wrong_type("auth.identity.methods", other, "array")),
        };
        let mut names: Vec<&str> = Vec::new();
        for method in methods {
            let name = method.as_str().ok_or_else(|| wrong_type("auth.identity.methods", method, "string"))?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if let Some(unknown) = names.iter().find(|n| !METHODS.contains(n)) {
            tracing::debug!(method = %unknown.escape_debug(), "unsupported authentication method");
            return Err(Error::UnsupportedMethod { methods: METHODS.map(str::to_owned).to_vec() });
        }
        if names.is_empty() {
            return Err(Error::UnsupportedMethod { methods: METHODS.map(str::to_owned).to_vec() });
        }
        let mut proofs = Vec::with_capacity(names.len());
        for name in names {
            let payload = identity
                .raw(name)
                .ok_or_else(|| Error::invalid_field("auth.identity", format!("'{name}' is a required property")))?;
            proofs.push(if name == "password" { password(payload)? } else { token(payload)? });
        }
        Ok(Self { proofs, scope: scope.map_or(Ok(Asked::Default), asked)? })
    }
}

/// What `POST /v3.0/OS-AUTH/id-token/tokens` of the Huawei dialect asks for.
#[derive(Debug)]
pub struct IdTokenRequest {
    /// The identity provider's token.
    pub token: Secret,
    /// The wished scope; none means an unscoped token.
    pub scope: Asked,
}

impl IdTokenRequest {
    /// Reads the body.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut auth = Fields::of(body, "auth")?;
        let given = auth.raw("id_token");
        let given = given.ok_or_else(|| Error::invalid_field("auth", "'id_token' is a required property"))?;
        let mut given = Fields::at(given, "auth.id_token")?;
        let token = given.required_text("id", 1..=MAX_TOKEN)?;
        let scope = auth.raw("scope").map_or(Ok(Asked::Unscoped), asked)?;
        Ok(Self { token: Secret::new(token.into_bytes()), scope })
    }
}

/// What `POST /v3/auth/OS-FEDERATION/saml2` asks for.
#[derive(Debug)]
pub struct AssertionRequest {
    /// The token that says who it is about.
    pub token: Secret,
    /// The service provider that it is for.
    pub service_provider_id: String,
}

impl AssertionRequest {
    /// Reads the body, which has nothing else.
    pub fn parse(body: &Value) -> Result<Self> {
        let missing = |path: &str, name: &str| Error::invalid_field(path, format!("'{name}' is a required property"));
        let mut auth = Fields::of(body, "auth")?;
        let identity = auth.raw("identity").ok_or_else(|| missing("auth", "identity"))?;
        let scope = auth.raw("scope").ok_or_else(|| missing("auth", "scope"))?;
        auth.finish()?;
        let mut identity = Fields::at(identity, "auth.identity")?;
        let by_token = |methods: &Value| methods.as_array().is_some_and(|m| m.iter().all(|name| name == "token"));
        if identity.raw("methods").is_some_and(|methods| !by_token(methods)) {
            return Err(Error::invalid_field("auth.identity.methods", "the only method is 'token'"));
        }
        let token = identity.raw("token").ok_or_else(|| missing("auth.identity", "token"))?;
        identity.finish()?;
        let mut token = Fields::at(token, "auth.identity.token")?;
        let id = token.required_text("id", 1..=MAX_TOKEN)?;
        token.finish()?;
        let mut scope = Fields::at(scope, "auth.scope")?;
        let sp = scope.raw("service_provider").ok_or_else(|| missing("auth.scope", "service_provider"))?;
        scope.finish()?;
        let mut sp = Fields::at(sp, "auth.scope.service_provider")?;
        let service_provider_id = sp.required_text("id", 1..=64)?;
        sp.finish()?;
        Ok(Self { token: Secret::new(id.into_bytes()), service_provider_id })
    }
}

fn password(payload: &Value) -> Result<Proof> {
    let mut outer = Fields::at(payload, "auth.identity.password")?;
    let user = outer
        .raw("user")
        .ok_or_else(|| Error::invalid_field("auth.identity.password", "'user' is a required property"))?;
    let mut user = Fields::at(user, "auth.identity.password.user")?;
    let secret = match user.raw("password") {
        Some(Value::String(text)) => Secret::new(text.as_bytes()),
        Some(other) => return Err(wrong_type("auth.identity.password.user.password", other, "string")),
        None => return Err(Error::invalid_field("auth.identity.password.user", "'password' is a required property")),
    };
    let id = user.text("id", 1..=MAX_NAME)?;
    let name = user.text("name", 1..=MAX_NAME)?;
    let who = match (id, name) {
        (Some(id), _) => UserName::Id(id),
        (None, Some(name)) => UserName::Name(name, domain(&mut user, "auth.identity.password.user")?),
        (None, None) => {
            return Err(Error::invalid_field("auth.identity.password.user", "'id' or 'name' is a required property"));
        }
    };
    Ok(Proof::Password(who, secret))
}

fn token(payload: &Value) -> Result<Proof> {
    let mut f = Fields::at(payload, "auth.identity.token")?;
    match f.raw("id") {
        Some(Value::String(text)) if text.len() <= MAX_TOKEN => Ok(Proof::Token(Secret::new(text.as_bytes()))),
        Some(Value::String(_)) => Err(Error::unauthorized("the token is too long")),
        Some(other) => Err(wrong_type("auth.identity.token.id", other, "string")),
        None => Err(Error::invalid_field("auth.identity.token", "'id' is a required property")),
    }
}

/// The `domain` member, by id or by name.
fn domain(f: &mut Fields<'_>, path: &str) -> Result<DomainName> {
    let value = f.raw("domain").ok_or_else(|| Error::invalid_field(path, "'domain' is a required property"))?;
    named_domain(value, &format!("{path}.domain"))
}

fn named_domain(value: &Value, path: &str) -> Result<DomainName> {
    let mut f = Fields::at(value, path)?;
    let id = f.text("id", 1..=MAX_NAME)?;
    let name = f.text("name", 1..=MAX_NAME)?;
    match (id, name) {
        (Some(id), _) => Ok(DomainName::Id(id)),
        (None, Some(name)) => Ok(DomainName::Name(name)),
        (None, None) => Err(Error::invalid_field(path, "'id' or 'name' is a required property")),
    }
}

fn asked(scope: &Value) -> Result<Asked> {
    if scope == "unscoped" {
        return Ok(Asked::Unscoped);
    }
    let map = scope.as_object().ok_or_else(|| wrong_type("auth.scope", scope, "object"))?;
    let mut members = map.iter();
    let (Some((kind, value)), None) = (members.next(), members.next()) else {
        return Err(Error::invalid_field(
            "auth.scope",
            "exactly one of 'project', 'domain', 'system', 'unscoped' must be given",
        ));
    };
    match kind.as_str() {
        "unscoped" => Ok(Asked::Unscoped),
        "project" => {
            let mut f = Fields::at(value, "auth.scope.project")?;
            let id = f.text("id", 1..=MAX_NAME)?;
            let name = f.text("name", 1..=MAX_NAME)?;
            match (id, name) {
                (Some(id), _) => Ok(Asked::Project(id)),
                (None, Some(name)) => Ok(Asked::ProjectByName(name, domain(&mut f, "auth.scope.project")?)),
                (None, None) => {
                    Err(Error::invalid_field("auth.scope.project", "'id' or 'name' is a required property"))
                }
            }
        }
        "domain" => Ok(Asked::Domain(named_domain(value, "auth.scope.domain")?)),
        "system" => match Fields::at(value, "auth.scope.system")?.boolean("all")? {
            Some(true) => Ok(Asked::System),
            _ => Err(Error::invalid_field("auth.scope.system", "'all' must be true")),
        },
        other => Err(Error::invalid_field("auth.scope", format!("'{other:.40}' is not a scope that is offered"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with_scope(scope: Value) -> Result<Asked> {
        AuthRequest::parse(&json!({"auth": {"identity": {"methods": ["token"], "token": {"id": "t"}}, "scope": scope}}))
            .map(|r| r.scope)
    }

    fn with_identity(identity: Value) -> Result<AuthRequest> {
        AuthRequest::parse(&json!({"auth": {"identity": identity}}))
    }

    #[test]
    fn every_scope_is_read_and_exactly_one_may_stand() {
        assert_eq!(with_scope(json!("unscoped")), Ok(Asked::Unscoped));
        assert_eq!(with_scope(json!({"unscoped": {}})), Ok(Asked::Unscoped));
        assert_eq!(with_scope(json!({"project": {"id": "p"}})), Ok(Asked::Project("p".into())));
        assert_eq!(
            with_scope(json!({"project": {"name": "p", "domain": {"name": "d"}}})),
            Ok(Asked::ProjectByName("p".into(), DomainName::Name("d".into())))
        );
        assert_eq!(with_scope(json!({"domain": {"id": "d"}})), Ok(Asked::Domain(DomainName::Id("d".into()))));
        assert_eq!(with_scope(json!({"system": {"all": true}})), Ok(Asked::System));
        for bad in [
            json!({}),
            json!({"project": {"id": "p"}, "domain": {"id": "d"}}),
            json!({"project": {"name": "p"}}),
            json!({"project": {}}),
            json!({"system": {"all": false}}),
            json!({"system": {}}),
            json!({"OS-TRUST:trust": {"id": "x"}}),
            json!(5),
        ] {
            assert_eq!(with_scope(bad.clone()).unwrap_err().status(), 400, "{bad}");
        }
    }

    #[test]
    fn a_request_without_its_parts_names_the_missing_one() {
        assert!(AuthRequest::parse(&json!({})).unwrap_err().to_string().contains("'auth'"));
        for (identity, name) in [
            (json!({}), "'methods'"),
            (json!({"methods": ["password"]}), "'password'"),
            (json!({"methods": ["password"], "password": {}}), "'user'"),
            (json!({"methods": ["password"], "password": {"user": {"id": "u"}}}), "'password'"),
            (json!({"methods": ["password"], "password": {"user": {"name": "u", "password": "x"}}}), "'domain'"),
            (json!({"methods": ["token"], "token": {}}), "'id'"),
            (json!({"methods": "token"}), "methods"),
        ] {
            let error = with_identity(identity.clone()).unwrap_err();
            assert_eq!(error.status(), 400, "{identity}");
            assert!(error.to_string().contains(name), "{identity}: {error}");
        }
    }

    #[test]
    fn an_unsupported_method_tells_the_supported_ones() {
        let error = with_identity(json!({"methods": ["password", "smoke-signals"]})).unwrap_err();
        assert!(matches!(error, Error::UnsupportedMethod { methods } if methods == ["password", "token"]));
    }

    #[test]
    fn a_method_named_twice_counts_once_and_the_password_is_not_shown() {
        let r = with_identity(
            json!({"methods": ["password", "password"], "password": {"user": {"id": "u", "password": "hush"}}}),
        )
        .unwrap();
        assert_eq!(r.proofs.len(), 1);
        assert!(!format!("{r:?}").contains("hush"));
    }
}
