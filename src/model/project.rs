//! A project: what a project-scoped token is scoped to. One that acts as a domain is the domain, seen as a project.

use std::collections::BTreeSet;

use serde_json::Value;

use super::domain;
use super::fields::{self, Extra, Fields, OptionKind};
use super::tag;
use crate::error::{Error, Result};

/// The options a project may carry (Keystone's name).
const OPTIONS: &[(&str, OptionKind)] = &[("immutable", OptionKind::Boolean)];

/// What a read may show of the tree. Sent back, it is no attribute: it would stand for the tree that was asked for.
const AROUND: &[&str] = &["parents", "subtree"];

/// A project.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name, unique in its domain (or among domains).
    pub name: String,
    /// The domain it belongs to; none for one that acts as a domain.
    pub domain_id: Option<String>,
    /// The project or domain above it; none for one that acts as a domain.
    pub parent_id: Option<String>,
    /// Tokens scoped to a disabled project are void.
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

/// A project together with what a token has to know of its domain (itself, if it acts as one).
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// The project.
    pub project: Project,
    /// Its domain's name.
    pub domain_name: String,
    /// Whether its domain is enabled.
    pub domain_enabled: bool,
}

/// What the body of a POST asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// The project to be, with domain and parent as the body names them.
    pub project: Project,
    /// Whether it is to act as a domain.
    pub is_domain: bool,
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
    domain_id: Option<Option<String>>,
    parent_id: Option<Option<String>>,
    is_domain: Option<bool>,
}

impl Project {
    /// Whether it acts as a domain.
    pub fn is_domain(&self) -> bool {
        self.domain_id.is_none()
    }

    /// The domain it lies in: its own id if it acts as one.
    pub fn home(&self) -> &str {
        self.domain_id.as_deref().unwrap_or(&self.id)
    }

    /// Reads the body of a POST.
    pub fn create(body: &Value, fresh_id: String) -> Result<Create> {
        let mut f = Fields::of(body, "project")?;
        f.ignore(&["id", "links"]);
        f.ignore(AROUND);
        let name = domain::name(&mut f)?
            .ok_or_else(|| Error::invalid_field(f.path("name"), "'name' is a required property"))?;
        let mut options = Extra::new();
        fields::merge_options(&mut options, fields::options(&mut f, OPTIONS)?.unwrap_or_default());
        let is_domain = f.boolean("is_domain")?.unwrap_or(false);
        let project = Self {
            id: fresh_id,
            name,
            domain_id: f.nullable_text("domain_id", 1..=64)?.flatten(),
            parent_id: f.nullable_text("parent_id", 1..=64)?.flatten(),
            enabled: f.boolean("enabled")?.unwrap_or(true),
            description: f.nullable_text("description", 0..=usize::MAX)?.flatten().unwrap_or_default(),
            tags: tag::member(&mut f)?.unwrap_or_default(),
            options,
            extra: f.extra()?,
        };
        Ok(Create { project, is_domain })
    }

    /// This project after a PATCH, which may repeat but not change where it stands.
    pub fn updated(&self, update: Update) -> Result<Self> {
        if update.domain_id.is_some_and(|d| d != self.domain_id) {
            return Err(Error::invalid("Cannot change Domain ID"));
        }
        if update.parent_id.is_some_and(|p| p != self.parent_id) {
            return Err(Error::forbidden("Update of `parent_id` is not allowed."));
        }
        if update.is_domain.is_some_and(|d| d != self.is_domain()) {
            return Err(Error::invalid("Update of `is_domain` is not allowed."));
        }
        let mut next = self.clone();
        next.name = update.name.unwrap_or(next.name);
        next.enabled = update.enabled.unwrap_or(next.enabled);
        next.description = update.description.unwrap_or(next.description);
        next.tags = update.tags.unwrap_or(next.tags);
        fields::merge(&mut next.extra, update.extra);
        fields::merge_options(&mut next.options, update.options.unwrap_or_default());
        Ok(next)
    }
}

impl Update {
    /// Reads the body of a PATCH.
    pub fn parse(body: &Value, id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "project")?;
        domain::same_id(&mut f, id)?;
        f.ignore(&["links"]);
        f.ignore(AROUND);
        Ok(Self {
            name: domain::name(&mut f)?,
            enabled: f.boolean("enabled")?,
            description: f.nullable_text("description", 0..=usize::MAX)?.map(Option::unwrap_or_default),
            tags: tag::member(&mut f)?,
            options: fields::options(&mut f, OPTIONS)?,
            domain_id: f.nullable_text("domain_id", 1..=64)?,
            parent_id: f.nullable_text("parent_id", 1..=64)?,
            is_domain: f.boolean("is_domain")?,
            extra: f.extra()?,
        })
    }
}

/// The body of a cascading PATCH: whether the whole branch is to be enabled, and nothing else.
pub fn cascade(body: &Value) -> Result<bool> {
    let mut f = Fields::of(body, "project")?;
    let enabled =
        f.boolean("enabled")?.ok_or_else(|| Error::invalid_field("project", "'enabled' is a required property"))?;
    f.finish().map_err(|_| Error::invalid("Cascade update is only allowed for enabled attribute."))?;
    Ok(enabled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn create(inner: Value) -> Result<Create> {
        Project::create(&json!({ "project": inner }), "p".into())
    }

    #[test]
    fn a_project_is_enabled_and_regular_unless_the_body_says_otherwise() {
        let made = create(json!({"name": " a ", "colour": "red", "domain_id": "d"})).unwrap();
        assert_eq!((made.project.name.as_str(), made.project.enabled, made.is_domain), ("a", true, false));
        assert_eq!(made.project.extra.keys().collect::<Vec<_>>(), ["colour"]);
        for (inner, name) in [
            (json!({}), "'name'"),
            (json!({"name": " "}), "name"),
            (json!({"name": "x".repeat(65)}), "name"),
            (json!({"name": "a", "enabled": "yes"}), "enabled"),
            (json!({"name": "a", "is_domain": 1}), "is_domain"),
            (json!({"name": "a", "tags": "x"}), "tags"),
            (json!({"name": "a", "tags": ["x", "x"]}), "tags.1"),
            (json!({"name": "a", "tags": ["x,y"]}), "tags.0"),
            (json!({"name": "a", "tags": [""]}), "tags.0"),
            (json!({"name": "a", "tags": ["x".repeat(256)]}), "tags.0"),
            (json!({"name": "a", "options": {"odd": true}}), "'odd'"),
        ] {
            let text = create(inner.clone()).unwrap_err().to_string();
            assert!(text.contains(name), "{inner}: {text}");
        }
    }

    #[test]
    fn the_tree_that_a_read_showed_is_no_attribute() {
        let around = json!({"name": "a", "parents": [], "subtree": {"p": null}});
        assert!(create(around.clone()).unwrap().project.extra.is_empty());
        let stored = create(json!({"name": "a"})).unwrap().project;
        let next = stored.updated(Update::parse(&json!({ "project": around }), "p").unwrap()).unwrap();
        assert!(next.extra.is_empty());
    }

    #[test]
    fn a_patch_cannot_move_a_project() {
        let mut stored = create(json!({"name": "a", "domain_id": "d"})).unwrap().project;
        stored.parent_id = Some("d".into());
        let patch = |inner: Value| stored.updated(Update::parse(&json!({ "project": inner }), "p").unwrap());
        assert_eq!(patch(json!({"domain_id": "e"})).unwrap_err().status(), 400);
        assert_eq!(patch(json!({"parent_id": "x"})).unwrap_err().status(), 403);
        assert_eq!(patch(json!({"is_domain": true})).unwrap_err().status(), 400);
        let same = patch(json!({"domain_id": "d", "parent_id": "d", "is_domain": false, "name": "b"})).unwrap();
        assert_eq!(same.name, "b");
        assert_eq!(patch(json!({})).unwrap(), stored);
    }

    #[test]
    fn a_cascade_enables_or_disables_and_does_nothing_else() {
        assert_eq!(cascade(&json!({"project": {"enabled": false}})), Ok(false));
        assert!(cascade(&json!({"project": {"enabled": false, "name": "x"}})).is_err());
        assert!(cascade(&json!({"project": {}})).is_err());
    }
}
