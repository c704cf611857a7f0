//! How a configuration is to be deleted, and what that would do (sso-api §4.5).

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::model::fields::wrong_type;

/// Longest delay.
const MAX_GRACE_SECS: i64 = 30 * 24 * 3_600;

/// What becomes of what hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// Nothing is deleted as long as something hangs on it.
    Restrict,
    /// It goes with it, in the request.
    Foreground,
    /// It goes with it, later.
    Background,
    /// It stays.
    Orphan,
}

impl Propagation {
    /// All that are offered.
    pub const ALL: [Self; 4] = [Self::Restrict, Self::Foreground, Self::Background, Self::Orphan];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restrict => "Restrict",
            Self::Foreground => "Foreground",
            Self::Background => "Background",
            Self::Orphan => "Orphan",
        }
    }

    /// Reads what is written.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str().eq_ignore_ascii_case(text))
    }
}

/// The options of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// See [`Propagation`].
    pub propagation: Propagation,
    /// Whatever hangs on it.
    pub force: bool,
    /// Seconds until anything is looked at.
    pub grace_secs: i64,
    /// Credentials that were made elsewhere are revoked.
    pub revoke_remote_credentials: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { propagation: Propagation::Restrict, force: false, grace_secs: 0, revoke_remote_credentials: false }
    }
}

impl Options {
    /// Reads the member `options` of a preview's body.
    pub fn parse(body: &Value) -> Result<Self> {
        let none = Map::new();
        let map = match body.get("options") {
            None | Some(Value::Null) => &none,
            Some(Value::Object(map)) => map,
            Some(other) => return Err(wrong_type("options", other, "object")),
        };
        let flag = |name: &str| match map.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(b)) => Ok(*b),
            Some(other) => Err(wrong_type(&format!("options.{name}"), other, "boolean")),
        };
        Self::of(
            match map.get("propagationPolicy") {
                None | Some(Value::Null) => "",
                Some(Value::String(text)) => text,
                Some(other) => return Err(wrong_type("options.propagationPolicy", other, "string")),
            },
            flag("force")?,
            match map.get("gracePeriodSeconds") {
                None | Some(Value::Null) => 0,
                Some(value) => {
                    value.as_i64().ok_or_else(|| wrong_type("options.gracePeriodSeconds", value, "integer"))?
                }
            },
            flag("revokeRemoteCredentials")?,
        )
    }

    /// Reads them from a query with dotted names: `?options.propagationPolicy=Foreground`.
    pub fn of_query<'q>(get: impl Fn(&str) -> Option<&'q str>) -> Result<Self> {
        let flag = |name: &str| match get(name).unwrap_or_default() {
            "" | "false" => Ok(false),
            "true" => Ok(true),
            _ => Err(Error::invalid_field(name, "must be true or false")),
        };
        let grace = get("options.gracePeriodSeconds").filter(|text| !text.is_empty()).unwrap_or("0");
        Self::of(
            get("options.propagationPolicy").unwrap_or_default(),
            flag("options.force")?,
            grace.parse().map_err(|_| Error::invalid_field("options.gracePeriodSeconds", "must be a whole number"))?,
            flag("options.revokeRemoteCredentials")?,
        )
    }

    fn of(policy: &str, force: bool, grace_secs: i64, revoke_remote_credentials: bool) -> Result<Self> {
        let propagation = match policy {
            "" => Propagation::Restrict,
            text => Propagation::parse(text).ok_or_else(|| {
                let all = Propagation::ALL.map(Propagation::as_str).join(", ");
                Error::invalid_field("options.propagationPolicy", format!("must be one of {all}"))
            })?,
        };
        if !(0..=MAX_GRACE_SECS).contains(&grace_secs) {
            return Err(Error::invalid_field("options.gracePeriodSeconds", format!("must be 0 to {MAX_GRACE_SECS}")));
        }
        Ok(Self { propagation, force, grace_secs, revoke_remote_credentials })
    }
}

/// A thing that hangs on a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What a deletion would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// What stands in its way.
    pub blockers: Vec<Resource>,
    /// What would go with it.
    pub cascade: Vec<Resource>,
    /// What would stay behind.
    pub orphans: Vec<Resource>,
    /// What would be done elsewhere first.
    pub finalizers: Vec<Finalizer>,
}

/// A step elsewhere that comes before a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finalizer {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: &'static str,
}

impl Finalizer {
    /// A step.
    pub fn new(name: String, description: &'static str) -> Self {
        Self { name, description }
    }
}
