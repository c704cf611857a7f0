//! A region: where endpoints are. Regions form trees.

use serde_json::Value;

use super::fields::{self, Extra, Fields};
use crate::error::{Error, Result};

/// A region.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Its id, which its maker may choose; clients take it for its name.
    pub id: String,
    /// For people.
    pub description: String,
    /// The region that it is a part of.
    pub parent_region_id: Option<String>,
    /// Further attributes.
    pub extra: Extra,
}

/// What a PATCH changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    description: Option<String>,
    parent_region_id: Option<Option<String>>,
    extra: Extra,
}

impl Region {
    /// A region of which nothing is known but its id.
    pub fn bare(id: String) -> Self {
        Self { id, description: String::new(), parent_region_id: None, extra: Extra::new() }
    }

    /// Reads the body of a POST, which may name an id, or of a PUT, whose path names it.
    pub fn create(body: &Value, path_id: Option<&str>, fresh_id: String) -> Result<Self> {
        let mut f = Fields::of(body, "region")?;
        f.ignore(&["links"]);
        let id = match (path_id, f.nullable_text("id", 0..=255)?) {
            (Some(path), Some(own)) if own.as_deref() != Some(path) => {
                let own = own.as_deref().unwrap_or("None");
                return Err(Error::invalid(format!("Conflicting region IDs specified: \"{path:.255}\" != \"{own}\"")));
            }
            (Some(path), _) if path.chars().count() > 255 => {
                return Err(Error::invalid_field(f.path("id"), "the value is longer than 255 characters"));
            }
            (Some(path), _) => path.to_owned(),
            (None, own) => own.flatten().filter(|id| !id.is_empty()).unwrap_or(fresh_id),
        };
        Ok(Self {
            id,
            description: description(&mut f)?.unwrap_or_default(),
            parent_region_id: f.nullable_text("parent_region_id", 1..=255)?.flatten(),
            extra: f.extra()?,
        })
    }

    /// This region after a PATCH.
    #[must_use]
    pub fn updated(&self, update: Update) -> Self {
        let mut next = self.clone();
        next.description = update.description.unwrap_or(next.description);
        next.parent_region_id = update.parent_region_id.unwrap_or(next.parent_region_id);
        fields::merge(&mut next.extra, update.extra);
        next
    }
}

impl Update {
    /// Reads the body of a PATCH.
    pub fn parse(body: &Value, id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "region")?;
        if f.is_empty() {
            return Err(Error::invalid_field("region", "the object does not have enough properties"));
        }
        if f.nullable_text("id", 1..=255)?.flatten().is_some_and(|own| own != id) {
            return Err(Error::invalid("Cannot change ID"));
        }
        f.ignore(&["links"]);
        Ok(Self {
            description: description(&mut f)?,
            parent_region_id: f.nullable_text("parent_region_id", 1..=255)?,
            extra: f.extra()?,
        })
    }
}

/// Null is no text, as Keystone keeps it.
fn description(f: &mut Fields<'_>) -> Result<Option<String>> {
    Ok(f.nullable_text("description", 0..=255)?.map(Option::unwrap_or_default))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn create(body: Value, path_id: Option<&str>) -> Result<Region> {
        Region::create(&json!({ "region": body }), path_id, "fresh".into())
    }

    #[test]
    fn a_region_needs_nothing_and_may_choose_its_id() {
        assert_eq!(create(json!({}), None).unwrap(), Region::bare("fresh".into()));
        assert_eq!(create(json!({"id": ""}), None).unwrap().id, "fresh");
        assert_eq!(create(json!({"id": null}), None).unwrap().id, "fresh");
        assert_eq!(create(json!({"id": "Region One"}), None).unwrap().id, "Region One");
        assert_eq!(create(json!({"description": null}), None).unwrap().description, "");
        for bad in [
            json!({"id": 1}),
            json!({"id": "x".repeat(256)}),
            json!({"description": "x".repeat(256)}),
            json!({"parent_region_id": ""}),
        ] {
            assert!(create(bad.clone(), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_put_takes_the_id_of_its_path_and_no_other() {
        assert_eq!(create(json!({}), Some("r")).unwrap().id, "r");
        assert_eq!(create(json!({"id": "r"}), Some("r")).unwrap().id, "r");
        let text = create(json!({"id": "s"}), Some("r")).unwrap_err().to_string();
        assert_eq!(text, "Conflicting region IDs specified: \"r\" != \"s\"");
        assert!(create(json!({"id": null}), Some("r")).is_err());
        assert!(create(json!({}), Some(&"x".repeat(256))).is_err());
    }

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let r = create(json!({"description": "d", "parent_region_id": "p", "a": 1}), Some("r")).unwrap();
        let update = |body: Value| Update::parse(&json!({ "region": body }), "r");
        let next = r.updated(update(json!({"parent_region_id": null, "id": "r"})).unwrap());
        assert_eq!((next.description.as_str(), next.parent_region_id), ("d", None));
        let next = r.updated(update(json!({"description": null, "b": 2})).unwrap());
        assert_eq!((next.description.as_str(), next.parent_region_id.as_deref()), ("", Some("p")));
        assert_eq!((&next.extra["a"], &next.extra["b"]), (&json!(1), &json!(2)));
        assert!(update(json!({})).is_err());
        assert!(update(json!({"id": "s"})).is_err());
    }
}
