//! A domain: the container of users, projects and identity providers. It is a project with `is_domain` (one id space).

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{self, Extra, Fields, OptionKind};
use super::tag;
use crate::error::{Error, Result};

/// The options a domain or a project may carry.
pub const OPTIONS: &[(&str, OptionKind)] =
    &[("immutable", OptionKind::Boolean), (LINK_FEDERATED_USERS, OptionKind::Boolean)];

/// Option of a domain whose identity providers call the same people by the same names: who comes through a second one is the
/// user that the first one vouches for.
pub const LINK_FEDERATED_USERS: &str = "link_federated_users";

/// A domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// Its id.
    pub id: String,
    /// Its name, unique among domains.
    pub name: String,
    /// A disabled domain's users cannot sign in, and tokens scoped to it are void.
    pub enabled: bool,
    /// For people.
    pub description: String,
    /// Its tags, each once.
    pub tags: BTreeSet<String>,
    /// Further attributes.
    pub extra: Extra,
    /// Resource options.
    pub options: Extra,
}

/// What a PATCH changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    name: Option<String>,
    enabled: Option<bool>,
    description: Option<String>,
    tags: Option<BTreeSet<String>>,
    options: Option<Extra>,
    extra: Extra,
}

impl Domain {
    /// Reads the body of a POST; `fresh_id` is used unless the body names an id, as Keystone allows with `explicit_domain_id`.
    pub fn create(body: &Value, fresh_id: String) -> Result<Self> {
        let mut f = Fields::of(body, "domain")?;
        let is_hex = |id: &str| id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let id = match f.text("explicit_domain_id", 0..=usize::MAX)? {
            Some(id) if is_hex(&id) => id,
            Some(_) => return Err(Error::invalid("Domain ID does not conform to required UUID format.")),
            None => fresh_id,
        };
        f.ignore(&["id", "links", "domain_id", "parent_id", "is_domain"]);
        let name = name(&mut f)?.ok_or_else(|| Error::invalid_field("domain", "'name' is a required property"))?;
        let enabled = f.boolean("enabled")?.unwrap_or(true);
        let description = f.nullable_text("description", 0..=usize::MAX)?.flatten().unwrap_or_default();
        let tags = tag::member(&mut f)?.unwrap_or_default();
        let mut options = Extra::new();
        fields::merge_options(&mut options, fields::options(&mut f, OPTIONS)?.unwrap_or_default());
        Ok(Self { id, name, enabled, description, tags, options, extra: f.extra()? })
    }

    /// This domain after a PATCH.
    #[must_use]
    pub fn updated(&self, update: Update) -> Self {
        let mut next = self.clone();
        next.name = update.name.unwrap_or(next.name);
        next.enabled = update.enabled.unwrap_or(next.enabled);
        next.description = update.description.unwrap_or(next.description);
        next.tags = update.tags.unwrap_or(next.tags);
        fields::merge(&mut next.extra, update.extra);
        fields::merge_options(&mut next.options, update.options.unwrap_or_default());
        next
    }
}

impl Update {
    /// Reads the body of a PATCH.
    pub fn parse(body: &Value, id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "domain")?;
        if f.is_empty() {
            return Err(Error::invalid_field("domain", "the object does not have enough properties"));
        }
        same_id(&mut f, id)?;
        // What a project says of its place says nothing of a domain's.
        f.ignore(&["links", "domain_id", "parent_id", "is_domain"]);
        Ok(Self {
            name: name(&mut f)?,
            enabled: f.boolean("enabled")?,
            description: f.nullable_text("description", 0..=usize::MAX)?.map(Option::unwrap_or_default),
            tags: tag::member(&mut f)?,
            options: fields::options(&mut f, OPTIONS)?,
            extra: f.extra()?,
        })
    }
}

/// A PATCH may repeat the id but not change it.
pub fn same_id(f: &mut Fields<'_>, id: &str) -> Result<()> {
    match f.nullable_text("id", 0..=64)?.flatten() {
        Some(other) if other != id => Err(Error::invalid("Cannot change ID")),
        _ => Ok(()),
    }
}

/// The name of a domain, a project or a group, if it is there, without space around it.
pub fn name(f: &mut Fields<'_>) -> Result<Option<String>> {
    let name = f.text("name", 1..=64)?;
    if name.as_deref().is_some_and(|n| n.trim().is_empty()) {
        return Err(Error::invalid_field(f.path("name"), "the value is blank"));
    }
    Ok(name.map(|n| n.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_domain_is_enabled_unless_the_body_says_otherwise_and_keeps_further_attributes() {
        let d = Domain::create(&json!({"domain": {"name": "acme", "colour": "red"}}), "id1".into()).unwrap();
        assert_eq!((d.id.as_str(), d.enabled, d.description.as_str()), ("id1", true, ""));
        assert_eq!(d.extra["colour"], "red");
        for bad in [
            json!({}),
            json!({"name": ""}),
            json!({"name": "  "}),
            json!({"name": "x".repeat(65)}),
            json!({"name": "x", "enabled": "yes"}),
        ] {
            assert!(Domain::create(&json!({"domain": bad}), "i".into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let d = Domain::create(&json!({"domain": {"name": "acme", "colour": "red"}}), "id1".into()).unwrap();
        let u = Update::parse(&json!({"domain": {"enabled": false, "size": 3, "id": "id1"}}), "id1").unwrap();
        let next = d.updated(u);
        assert_eq!((next.name.as_str(), next.enabled), ("acme", false));
        assert_eq!((&next.extra["colour"], &next.extra["size"]), (&json!("red"), &json!(3)));
        assert!(Update::parse(&json!({"domain": {"id": "other"}}), "id1").is_err());
    }
}
