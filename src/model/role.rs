//! A role: what a grant gives and policy asks for.

use serde_json::Value;

use super::domain::same_id;
use super::fields::{self, Extra, Fields, OptionKind};
use crate::error::{Error, Result};

const OPTIONS: &[(&str, OptionKind)] = &[("immutable", OptionKind::Boolean)];

/// A role. Without a domain it is global.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its id.
    pub id: String,
    /// Its name, unique among global roles or in its domain.
    pub name: String,
    /// The domain of a domain-specific role.
    pub domain_id: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Further attributes.
    pub extra: Extra,
    /// Resource options.
    pub options: Extra,
}

/// What a token says of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What a PATCH changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    name: Option<String>,
    description: Option<Option<String>>,
    options: Option<Extra>,
    extra: Extra,
}

impl Role {
    /// Reads the body of a POST.
    pub fn create(body: &Value, fresh_id: String) -> Result<Self> {
        let mut f = Fields::of(body, "role")?;
        f.ignore(&["id", "links"]);
        let mut options = Extra::new();
        fields::merge_options(&mut options, fields::options(&mut f, OPTIONS)?.unwrap_or_default());
        Ok(Self {
            id: fresh_id,
            name: name(&mut f)?.ok_or_else(|| Error::invalid_field("role", "'name' is a required property"))?,
            domain_id: f.nullable_text("domain_id", 1..=64)?.flatten(),
            description: f.nullable_text("description", 0..=usize::MAX)?.flatten(),
            options,
            extra: f.extra()?,
        })
    }

    /// This role after a PATCH.
    #[must_use]
    pub fn updated(&self, update: Update) -> Self {
        let mut next = self.clone();
        next.name = update.name.unwrap_or(next.name);
        next.description = update.description.unwrap_or(next.description);
        fields::merge(&mut next.extra, update.extra);
        fields::merge_options(&mut next.options, update.options.unwrap_or_default());
        next
    }
}

impl Update {
    /// Reads the body of a PATCH.
    pub fn parse(body: &Value, id: &str, domain_id: Option<&str>) -> Result<Self> {
        let mut f = Fields::of(body, "role")?;
        if f.is_empty() {
            return Err(Error::invalid_field("role", "the object does not have enough properties"));
        }
        same_id(&mut f, id)?;
        f.ignore(&["links"]);
        if let Some(other) = f.nullable_text("domain_id", 1..=64)?
            && other.as_deref() != domain_id
        {
            return Err(Error::invalid("Update of `domain_id` is not allowed."));
        }
        Ok(Self {
            name: name(&mut f)?,
            description: f.nullable_text("description", 0..=usize::MAX)?,
            options: fields::options(&mut f, OPTIONS)?,
            extra: f.extra()?,
        })
    }
}

/// The name, if it is there; it is kept as it was sent.
fn name(f: &mut Fields<'_>) -> Result<Option<String>> {
    let name = f.text("name", 1..=255)?;
    if name.as_deref().is_some_and(|n| n.trim().is_empty()) {
        return Err(Error::invalid_field(f.path("name"), "the value is blank"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_role_is_global_unless_it_names_a_domain_and_stays_where_it_is() {
        let r = Role::create(&json!({"role": {"name": "ops"}}), "r".into()).unwrap();
        assert_eq!(r.domain_id, None);
        assert!(Update::parse(&json!({"role": {"domain_id": "d"}}), "r", None).is_err());
        assert!(Update::parse(&json!({"role": {"domain_id": null, "name": "x"}}), "r", None).is_ok());
    }
}
