//! A service of the catalog: something with an API, such as compute or identity. Its endpoints say where it is.

use serde_json::Value;

use super::domain::same_id;
use super::fields::{self, Extra, Fields};
use crate::error::{Error, Result};

/// A service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its id.
    pub id: String,
    /// Which API it has, such as `identity`.
    pub kind: String,
    /// Its name; several services may have the same one, or none.
    pub name: String,
    /// A disabled service is in no catalog, nor are its endpoints.
    pub enabled: bool,
    /// Further attributes; `description` is one of them, as in Keystone.
    pub extra: Extra,
}

/// What a PATCH changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    kind: Option<String>,
    name: Option<String>,
    enabled: Option<bool>,
    extra: Extra,
}

impl Service {
    /// Reads the body of a POST.
    pub fn create(body: &Value, fresh_id: String) -> Result<Self> {
        let mut f = Fields::of(body, "service")?;
        f.ignore(&["id", "links"]);
        Ok(Self {
            id: fresh_id,
            kind: f.required_text("type", 1..=255)?,
            name: f.text("name", 1..=255)?.unwrap_or_default(),
            enabled: f.boolean("enabled")?.unwrap_or(true),
            extra: f.extra()?,
        })
    }

    /// This service after a PATCH.
    #[must_use]
    pub fn updated(&self, update: Update) -> Self {
        let mut next = self.clone();
        next.kind = update.kind.unwrap_or(next.kind);
        next.name = update.name.unwrap_or(next.name);
        next.enabled = update.enabled.unwrap_or(next.enabled);
        fields::merge(&mut next.extra, update.extra);
        next
    }
}

impl Update {
    /// Reads the body of a PATCH.
    pub fn parse(body: &Value, id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "service")?;
        if f.is_empty() {
            return Err(Error::invalid_field("service", "the object does not have enough properties"));
        }
        same_id(&mut f, id)?;
        f.ignore(&["links"]);
        Ok(Self {
            kind: f.text("type", 1..=255)?,
            name: f.text("name", 1..=255)?,
            enabled: f.boolean("enabled")?,
            extra: f.extra()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_service_needs_a_type_only() {
        let s = Service::create(&json!({"service": {"type": "compute", "description": "d"}}), "s".into()).unwrap();
        assert_eq!((s.kind.as_str(), s.name.as_str(), s.enabled), ("compute", "", true));
        assert_eq!(s.extra["description"], "d");
        for bad in [
            json!({}),
            json!({"type": ""}),
            json!({"type": null}),
            json!({"type": "x".repeat(256)}),
            json!({"type": "x", "name": ""}),
            json!({"type": "x", "enabled": "True"}),
        ] {
            assert!(Service::create(&json!({"service": bad}), "s".into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_patch_names_something_and_changes_only_that() {
        let s = Service::create(&json!({"service": {"type": "compute", "name": "n", "a": 1}}), "s".into()).unwrap();
        let u = Update::parse(&json!({"service": {"id": "s", "enabled": false, "b": 2}}), "s").unwrap();
        let next = s.updated(u);
        assert_eq!((next.kind.as_str(), next.name.as_str(), next.enabled), ("compute", "n", false));
        assert_eq!((&next.extra["a"], &next.extra["b"]), (&json!(1), &json!(2)));
        for bad in [json!({}), json!({"id": "other"}), json!({"name": ""}), json!({"enabled": null})] {
            assert!(Update::parse(&json!({"service": bad}), "s").is_err(), "{bad}");
        }
    }
}
