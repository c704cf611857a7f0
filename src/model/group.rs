//! A group of users: what it holds, its members hold.

use serde_json::Value;

use super::domain::{name, same_id};
use super::fields::{self, Extra, Fields};
use crate::error::{Error, Result};

/// A group as a token names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its domain.
    pub domain_id: String,
    /// Its name, unique in the domain.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Further attributes.
    pub extra: Extra,
}

/// What a PATCH changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    name: Option<String>,
    description: Option<Option<String>>,
    domain_id: Option<String>,
    extra: Extra,
}

impl Group {
    /// Reads the body of a POST; `domain_id` is the one to use if the body names none.
    pub fn create(body: &Value, fresh_id: String, domain_id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "group")?;
        f.ignore(&["id", "links"]);
        Ok(Self {
            id: fresh_id,
            domain_id: f.id("domain_id")?.unwrap_or_else(|| domain_id.to_owned()),
            name: name(&mut f)?.ok_or_else(|| Error::invalid_field(f.path("name"), "'name' is a required property"))?,
            description: f.nullable_text("description", 0..=usize::MAX)?.unwrap_or_else(|| Some(String::new())),
            extra: f.extra()?,
        })
    }

    /// This group after a PATCH.
    pub fn updated(&self, update: Update) -> Result<Self> {
        if update.domain_id.is_some_and(|d| d != self.domain_id) {
            return Err(Error::invalid("Cannot change Domain ID"));
        }
        let mut next = self.clone();
        next.name = update.name.unwrap_or(next.name);
        next.description = update.description.unwrap_or(next.description);
        fields::merge(&mut next.extra, update.extra);
        Ok(next)
    }
}

impl Update {
    /// Reads the body of a PATCH; it must name something.
    pub fn parse(body: &Value, id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "group")?;
        if f.is_empty() {
            return Err(Error::invalid_field("group", "the object does not have enough properties"));
        }
        same_id(&mut f, id)?;
        f.ignore(&["links"]);
        Ok(Self {
            name: name(&mut f)?,
            description: f.nullable_text("description", 0..=usize::MAX)?,
            domain_id: f.text("domain_id", 1..=64)?,
            extra: f.extra()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_group_lies_where_the_body_or_else_the_caller_says_and_stays_there() {
        let create = |inner: Value| Group::create(&json!({ "group": inner }), "g".into(), "mine");
        assert_eq!(create(json!({"name": "a"})).unwrap().domain_id, "mine");
        let stored = create(json!({"name": "a", "domain_id": "d", "colour": "red"})).unwrap();
        assert_eq!((stored.domain_id.as_str(), &stored.description), ("d", &Some(String::new())));
        let patch = |inner: Value| stored.updated(Update::parse(&json!({ "group": inner }), "g").unwrap());
        assert_eq!(patch(json!({"domain_id": "e"})).unwrap_err().status(), 400);
        let next = patch(json!({"domain_id": "d", "name": "b", "size": 1})).unwrap();
        assert_eq!((next.name.as_str(), next.extra.len()), ("b", 2));
        for bad in [json!({}), json!({"name": ""}), json!({"name": " "}), json!({"name": "x".repeat(65)})] {
            assert!(create(bad.clone()).is_err(), "{bad}");
        }
    }
}
