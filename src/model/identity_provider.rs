//! An identity provider (OS-FEDERATION), in the union of the Keystone and the Huawei/OTC dialects.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Fields, wrong_type};
use crate::error::{Error, Result};

/// Longest remote id, in characters: an Entra issuer has 75.
const MAX_REMOTE_ID: usize = 255;
/// Most remote ids of one identity provider.
const MAX_REMOTE_IDS: usize = 1_000;
/// Most minutes of `authorization_ttl`: what Keystone's integer column holds.
const MAX_TTL: i64 = i32::MAX as i64;
/// A description is as long as a body may be.
const MAX_DESCRIPTION: usize = usize::MAX;

/// How its users appear here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SsoType {
    /// Users are made by the mapping's rules (Keystone's ephemeral users).
    VirtualUser,
    /// Users exist already and are found by an external identity id.
    IamUser,
}

impl SsoType {
    /// As written in `sso_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VirtualUser => "virtual_user_sso",
            Self::IamUser => "iam_user_sso",
        }
    }

    /// Reads `sso_type`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::VirtualUser, Self::IamUser].into_iter().find(|t| t.as_str() == text)
    }
}

/// An identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its id, chosen by whoever makes it; unique over the whole service.
    pub id: String,
    /// The domain of its users.
    pub domain_id: String,
    /// The domain was made together with it.
    pub auto_domain: bool,
    /// Made by a security administrator, for their own domain.
    pub owned: bool,
    /// A disabled one signs nobody in.
    pub enabled: bool,
    /// For people.
    pub description: Option<String>,
    /// How long memberships that it asserts last, in minutes.
    pub authorization_ttl: Option<i64>,
    /// How its users appear here.
    pub sso_type: SsoType,
    /// The names under which it is known at the other side (entity ids, issuers), sorted.
    pub remote_ids: BTreeSet<String>,
}

/// The body of a PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// The domain it names, if it names one.
    pub domain_id: Option<String>,
    /// The rest.
    pub enabled: bool,
    /// See [`IdentityProvider::description`].
    pub description: Option<String>,
    /// See [`IdentityProvider::authorization_ttl`].
    pub authorization_ttl: Option<i64>,
    /// See [`IdentityProvider::sso_type`].
    pub sso_type: SsoType,
    /// See [`IdentityProvider::remote_ids`].
    pub remote_ids: BTreeSet<String>,
}

/// What a PATCH changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    enabled: Option<bool>,
    description: Option<Option<String>>,
    authorization_ttl: Option<Option<i64>>,
    /// Repeats what is stored, or the update is refused.
    sso_type: Option<SsoType>,
    /// The whole new list.
    pub remote_ids: Option<BTreeSet<String>>,
}

impl Create {
    /// Reads the body of a PUT.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::of(body, "identity_provider")?;
        let create = Self {
            domain_id: f.nullable_id("domain_id")?.flatten(),
            enabled: f.boolean("enabled")?.unwrap_or(false),
            description: f.nullable_text("description", 0..=MAX_DESCRIPTION)?.flatten(),
            authorization_ttl: f.nullable_count("authorization_ttl", MAX_TTL)?.flatten(),
            sso_type: sso_type(&mut f)?.unwrap_or(SsoType::VirtualUser),
            remote_ids: remote_ids(&mut f)?.unwrap_or_default(),
        };
        f.finish()?;
        Ok(create)
    }

    /// The identity provider to be.
    pub fn into_provider(self, id: String, domain_id: String, auto_domain: bool, owned: bool) -> IdentityProvider {
        IdentityProvider {
            id,
            domain_id,
            auto_domain,
            owned,
            enabled: self.enabled,
            description: self.description,
            authorization_ttl: self.authorization_ttl,
            sso_type: self.sso_type,
            remote_ids: self.remote_ids,
        }
    }
}

impl Update {
    /// Reads the body of a PATCH; it must name something.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::of(body, "identity_provider")?;
        if f.is_empty() {
            return Err(Error::invalid_field("identity_provider", "the object does not have enough properties"));
        }
        let update = Self {
            enabled: f.boolean("enabled")?,
            description: f.nullable_text("description", 0..=MAX_DESCRIPTION)?,
            authorization_ttl: f.nullable_count("authorization_ttl", MAX_TTL)?,
            sso_type: sso_type(&mut f)?,
            remote_ids: remote_ids(&mut f)?,
        };
        f.finish()?;
        Ok(update)
    }
}

impl IdentityProvider {
    /// How long memberships last that it asserts, in seconds. None and 0 both mean the default, as in Keystone.
    pub fn membership_secs(&self, default_minutes: u32) -> i64 {
        let minutes = self.authorization_ttl.filter(|ttl| *ttl > 0);
        minutes.unwrap_or(i64::from(default_minutes)).saturating_mul(60)
    }

    /// This identity provider after a PATCH; `sso_type` may only be repeated.
    pub fn updated(&self, update: Update) -> Result<Self> {
        if update.sso_type.is_some_and(|t| t != self.sso_type) {
            return Err(Error::invalid_field(
                "identity_provider.sso_type",
                "the type cannot be changed once it is set",
            ));
        }
        Ok(Self {
            enabled: update.enabled.unwrap_or(self.enabled),
            description: update.description.unwrap_or_else(|| self.description.clone()),
            authorization_ttl: update.authorization_ttl.unwrap_or(self.authorization_ttl),
            remote_ids: update.remote_ids.unwrap_or_else(|| self.remote_ids.clone()),
            ..self.clone()
        })
    }
}

fn sso_type(f: &mut Fields<'_>) -> Result<Option<SsoType>> {
    let Some(text) = f.text("sso_type", 0..=64)? else { return Ok(None) };
    SsoType::parse(&text).map(Some).ok_or_else(|| {
        Error::invalid_field(f.path("sso_type"), format!("'{text}' is not one of ['virtual_user_sso', 'iam_user_sso']"))
    })
}

/// `None` when absent; null empties the list.
fn remote_ids(f: &mut Fields<'_>) -> Result<Option<BTreeSet<String>>> {
    let path = f.path("remote_ids");
    let items = match f.raw("remote_ids") {
        None => return Ok(None),
        Some(Value::Null) => return Ok(Some(BTreeSet::new())),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong_type(&path, other, "array")),
    };
    if items.len() > MAX_REMOTE_IDS {
        return Err(Error::invalid_field(path, format!("the list has more than {MAX_REMOTE_IDS} items")));
    }
    let mut set = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        let path = format!("{path}.{i}");
        let text = item.as_str().ok_or_else(|| wrong_type(&path, item, "string"))?;
        if text.chars().count() > MAX_REMOTE_ID {
            return Err(Error::invalid_field(path, format!("the value is longer than {MAX_REMOTE_ID} characters")));
        }
        if !set.insert(text.to_owned()) {
            return Err(Error::invalid_field(path, "the list has non-unique elements"));
        }
    }
    Ok(Some(set))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn create(inner: Value) -> Result<Create> {
        Create::parse(&json!({ "identity_provider": inner }))
    }

    fn stored() -> IdentityProvider {
        create(json!({"remote_ids": ["b", "a"]})).unwrap().into_provider("ACME".into(), "d".into(), true, false)
    }

    #[test]
    fn defaults_are_disabled_and_virtual_user_sso() {
        let c = create(json!({})).unwrap();
        assert_eq!((c.enabled, c.sso_type, c.remote_ids.len(), c.domain_id), (false, SsoType::VirtualUser, 0, None));
    }

    #[test]
    fn the_schema_refuses_what_it_must_and_names_the_member() {
        for (inner, name) in [
            (json!({"enabled": "true"}), "enabled"),
            (json!({"enabled": null}), "enabled"),
            (json!({"description": 1}), "description"),
            (json!({"remote_ids": "x"}), "remote_ids"),
            (json!({"remote_ids": ["x", 1]}), "remote_ids.1"),
            (json!({"remote_ids": ["x", "x"]}), "remote_ids.1"),
            (json!({"remote_ids": ["x".repeat(256)]}), "remote_ids.0"),
            (json!({"authorization_ttl": -1}), "authorization_ttl"),
            (json!({"authorization_ttl": 1.5}), "authorization_ttl"),
            (json!({"authorization_ttl": "5"}), "authorization_ttl"),
            (json!({"domain_id": "no spaces"}), "domain_id"),
            (json!({"domain_id": ""}), "domain_id"),
            (json!({"sso_type": "saml"}), "sso_type"),
            (json!({"id": "x"}), "'id'"),
            (json!({"links": {}}), "'links'"),
            (json!({"protocols": []}), "'protocols'"),
        ] {
            let text = create(inner.clone()).unwrap_err().to_string();
            assert!(text.contains(name), "{inner}: {text}");
        }
        assert!(create(json!({"remote_ids": ["x".repeat(255)], "authorization_ttl": 0, "domain_id": null})).is_ok());
    }

    #[test]
    fn a_patch_must_name_something_and_cannot_move_it() {
        for inner in [json!({}), json!({"domain_id": "x"}), json!({"id": "x"})] {
            assert!(Update::parse(&json!({ "identity_provider": inner })).is_err());
        }
        assert!(
            Update::parse(&json!({})).unwrap_err().to_string().contains("'identity_provider' is a required property")
        );
    }

    #[test]
    fn a_patch_replaces_the_remote_ids_as_a_whole_and_null_empties_them() {
        let patch = |inner: Value| Update::parse(&json!({ "identity_provider": inner })).unwrap();
        assert_eq!(stored().updated(patch(json!({"enabled": true}))).unwrap().remote_ids.len(), 2);
        assert_eq!(stored().updated(patch(json!({"remote_ids": ["c"]}))).unwrap().remote_ids.len(), 1);
        assert_eq!(stored().updated(patch(json!({"remote_ids": null}))).unwrap().remote_ids.len(), 0);
        assert!(stored().updated(patch(json!({"sso_type": "iam_user_sso"}))).is_err());
        assert!(stored().updated(patch(json!({"sso_type": "virtual_user_sso"}))).is_ok());
    }
}
