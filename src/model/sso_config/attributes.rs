//! Attribute mappings (sso-api §3.4): which claim of the identity provider is which of our fields.

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::ProviderType;
use crate::error::{Error, Result};
use crate::model::fields::wrong_type;

/// Our fields, with what they are called by OpenID providers, SAML identity providers and directories unless a
/// configuration says otherwise.
const FIELDS: [(&str, [&str; 3]); 8] = [
    ("username", ["preferred_username", "uid", "uid"]),
    ("email", ["email", "mail", "mail"]),
    ("displayName", ["name", "displayName", "cn"]),
    ("givenName", ["given_name", "givenName", "givenName"]),
    ("familyName", ["family_name", "sn", "sn"]),
    ("phone", ["phone_number", "telephoneNumber", "telephoneNumber"]),
    ("groups", ["groups", "groups", "memberOf"]),
    ("externalId", ["sub", "__NAMEID__", "entryUUID"]),
];

/// Longest name of a claim.
const MAX_CLAIM: usize = 255;

/// The mappings that a configuration has of its own, in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(&'static str, String)>);

/// The keys of a body's `attributeMappings` in the order in which they stand there.
#[derive(Debug, Default, Deserialize)]
pub struct Order {
    #[serde(default, rename = "attributeMappings")]
    mappings: Keys,
}

impl Order {
    /// The keys.
    pub fn keys(self) -> Vec<String> {
        self.mappings.0
    }
}

/// The keys of an object.
#[derive(Debug, Default)]
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Keys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl Attributes {
    /// Reads the member `attributeMappings`. `order` has its keys as they stood in the body, as an object has no order
    /// once it is read.
    pub fn parse(value: &Value, order: &[String]) -> Result<Self> {
        const PATH: &str = "attributeMappings";
        let map = value.as_object().ok_or_else(|| wrong_type(PATH, value, "object"))?;
        let place = |key: &String| order.iter().position(|k| k == key).unwrap_or(usize::MAX);
        let mut keys: Vec<&String> = map.keys().collect();
        keys.sort_by_key(|key| place(key));
        let mut read = Vec::with_capacity(keys.len());
        for key in keys {
            let path = format!("{PATH}.{key:.64}");
            let Some((field, _)) = FIELDS.iter().find(|(field, _)| field == key) else {
                let all = FIELDS.map(|(field, _)| field).join(", ");
                return Err(Error::invalid_field(path, format!("there is no such field; there are {all}")));
            };
            let claim = match map.get(key) {
                Some(Value::String(claim)) => claim.trim(),
                Some(other) => return Err(wrong_type(&path, other, "string")),
                None => continue,
            };
            if claim.is_empty() || claim.chars().count() > MAX_CLAIM || claim.chars().any(char::is_control) {
                return Err(Error::invalid_field(
                    path,
                    format!("must have 1 to {MAX_CLAIM} characters, no control characters"),
                ));
            }
            read.push((*field, claim.to_owned()));
        }
        Ok(Self(read))
    }

    /// As the database keeps it: a list of pairs, which has an order.
    pub fn encode(&self) -> String {
        json!(self.0).to_string()
    }

    /// Reads what [`Attributes::encode`] wrote.
    pub fn decode(text: &str) -> Result<Self> {
        let pairs: Vec<(String, String)> = serde_json::from_str(text)
            .map_err(|e| Error::internal(format!("attribute mappings cannot be read: {e}")))?;
        let known = |(key, claim): (String, String)| {
            FIELDS.iter().find(|(field, _)| *field == key).map(|(field, _)| (*field, claim))
        };
        Ok(Self(pairs.into_iter().filter_map(known).collect()))
    }

    /// What was written, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(field, claim)| (*field, claim.as_str()))
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claim that is a field, by its own mapping or the default.
    pub fn claim(&self, field: &str, kind: ProviderType) -> &str {
        if let Some((_, claim)) = self.0.iter().find(|(own, _)| *own == field) {
            return claim;
        }
        let column = match kind {
            ProviderType::Oidc => 0,
            ProviderType::Saml => 1,
            ProviderType::Ldap => 2,
        };
        FIELDS.iter().find(|(own, _)| *own == field).map_or("", |(_, names)| names[column])
    }
}
