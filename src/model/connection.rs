//! A connection: how this service itself speaks to an identity provider by one protocol (`/connection`, an extension).
//!
//! A connection has a kind, and its settings are the kind's own. A secret is never part of the settings: it is written
//! with them, lies sealed by itself, and is never shown again.

pub mod huawei;
pub mod ldap;
pub mod oidc;
pub mod saml;

use serde_json::{Map, Value, json};

use self::ldap::Ldap;
use self::oidc::Oidc;
use self::saml::Saml;
use super::fields::{Fields, wrong_type};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Name of the resource in bodies, and of the member that wraps it.
pub const MEMBER: &str = "connection";

/// Longest secret, in characters.
const MAX_SECRET: usize = 4_096;

/// A stored connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The identity provider.
    pub idp_id: String,
    /// The protocol at it. It may not exist yet.
    pub protocol_id: String,
    /// What the kind needs.
    pub settings: Settings,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// Settings by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    /// OpenID Connect.
    Oidc(Box<Oidc>),
    /// SAML 2.0.
    Saml(Box<Saml>),
    /// LDAP.
    Ldap(Box<Ldap>),
}

impl Settings {
    /// As written in `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Oidc(_) => "oidc",
            Self::Saml(_) => "saml",
            Self::Ldap(_) => "ldap",
        }
    }

    /// What an identity provider that speaks SAML calls itself, if that is set.
    pub fn entity_id(&self) -> Option<&str> {
        match self {
            Self::Saml(saml) => saml.idp_entity_id.as_deref().filter(|id| id.len() <= 1_024 && !id.contains('\0')),
            Self::Oidc(_) | Self::Ldap(_) => None,
        }
    }

    /// The settings as the database keeps them.
    pub fn encode(&self) -> Result<String> {
        let written = match self {
            Self::Oidc(oidc) => serde_json::to_string(oidc),
            Self::Saml(saml) => serde_json::to_string(saml),
            Self::Ldap(ldap) => serde_json::to_string(ldap),
        };
        written.map_err(|e| Error::internal(format!("a connection's settings cannot be written: {e}")))
    }

    /// Reads what [`Settings::encode`] wrote.
    pub fn decode(kind: &str, text: &str) -> Result<Self> {
        match kind {
            "oidc" => serde_json::from_str(text).map(Self::Oidc).map_err(|e| e.to_string()),
            "saml" => serde_json::from_str(text).map(Self::Saml).map_err(|e| e.to_string()),
            "ldap" => serde_json::from_str(text).map(Self::Ldap).map_err(|e| e.to_string()),
            _ => Err("the kind is unknown".to_owned()),
        }
        .map_err(|e| Error::internal(format!("settings of a connection of the kind '{kind}' cannot be read: {e}")))
    }

    /// The members that a client may write, as it would write them.
    pub fn members(&self) -> Map<String, Value> {
        let mut members = match self {
            Self::Oidc(oidc) => oidc.members(),
            Self::Saml(saml) => object(json!(saml)),
            Self::Ldap(ldap) => object(json!(ldap)),
        };
        members.insert("kind".to_owned(), json!(self.kind()));
        members
    }

    /// Whether a secret given for these settings may still be used with `next`: it must not reach a host that it was not
    /// meant for.
    pub fn secret_stays(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Oidc(old), Self::Oidc(new)) => new.secret_hosts().is_subset(&old.secret_hosts()),
            // The key that signs requests never leaves us.
            (Self::Saml(_), Self::Saml(_)) => true,
            (Self::Ldap(old), Self::Ldap(new)) => new.secret_goes_where(old),
            _ => false,
        }
    }

    fn parse(mut f: Fields<'_>) -> Result<Self> {
        let kind = f.text("kind", 0..=32)?;
        match kind.as_deref() {
            None | Some("oidc") => Oidc::parse(f).map(|oidc| Self::Oidc(Box::new(oidc))),
            Some("saml") => Saml::parse(f).map(|saml| Self::Saml(Box::new(saml))),
            Some(other) => {
                Err(Error::invalid_field(f.path("kind"), format!("'{other}' is not one of ['oidc', 'saml']")))
            }
        }
    }
}

/// The body of a PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// The settings.
    pub settings: Settings,
    /// The secret, if one is given.
    pub secret: Option<Secret>,
}

impl Create {
    /// Reads the body of a PUT.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::of(body, MEMBER)?;
        let (secret, path) = (secret(&mut f)?.flatten(), f.path("client_secret"));
        let settings = Settings::parse(f)?;
        if secret.is_some() && matches!(settings, Settings::Saml(_)) {
            return Err(Error::invalid_field(path, "a connection that speaks SAML has no such secret"));
        }
        Ok(Self { settings, secret })
    }
}

/// What a PATCH changes: the members it names. Null brings a member's default back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    members: Map<String, Value>,
    /// A new secret; null takes it away.
    pub secret: Option<Option<Secret>>,
}

impl Update {
    /// Reads the body of a PATCH; it must name something.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::of(body, MEMBER)?;
        if f.is_empty() {
            return Err(Error::invalid_field(MEMBER, "the object does not have enough properties"));
        }
        let secret = secret(&mut f)?;
        let mut members = body.get(MEMBER).and_then(Value::as_object).cloned().unwrap_or_default();
        members.remove("client_secret");
        Ok(Self { members, secret })
    }

    /// The settings after this change. The kind may only be repeated.
    pub fn apply(&self, stored: &Settings) -> Result<Settings> {
        if self.members.get("kind").is_some_and(|kind| *kind != json!(stored.kind())) {
            return Err(Error::invalid_field(format!("{MEMBER}.kind"), "the kind cannot be changed once it is set"));
        }
        let mut members = stored.members();
        for (name, value) in &self.members {
            match value {
                Value::Null if members.contains_key(name) => drop(members.remove(name)),
                _ => drop(members.insert(name.clone(), value.clone())),
            }
        }
        Settings::parse(Fields::at(&Value::Object(members), MEMBER)?)
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `client_secret`; null is a wish to have none.
fn secret(f: &mut Fields<'_>) -> Result<Option<Option<Secret>>> {
    Ok(f.nullable_text("client_secret", 1..=MAX_SECRET)?.map(|text| text.map(Secret::from)))
}

/// A list of different texts, if it is there.
fn texts(f: &mut Fields<'_>, name: &str, most: usize, longest: usize) -> Result<Option<Vec<String>>> {
    let path = f.path(name);
    let items = match f.raw(name) {
        None => return Ok(None),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong_type(&path, other, "array")),
    };
    if items.len() > most {
        return Err(Error::invalid_field(path, format!("the list has more than {most} items")));
    }
    let mut list: Vec<String> = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let path = format!("{path}.{i}");
        let text = item.as_str().ok_or_else(|| wrong_type(&path, item, "string"))?;
        if text.is_empty() || text.chars().count() > longest {
            return Err(Error::invalid_field(path, format!("the value must have 1 to {longest} characters")));
        }
        if list.iter().any(|l| l == text) {
            return Err(Error::invalid_field(path, "the list has non-unique elements"));
        }
        list.push(text.to_owned());
    }
    Ok(Some(list))
}

#[cfg(test)]
mod tests;
