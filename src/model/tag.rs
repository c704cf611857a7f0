//! Tags of projects and domains, and what a list asks of them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Fields, wrong_type};
use crate::error::{Error, Result};

/// Most tags of one project.
const MAX_TAGS: usize = 80;
/// Longest tag, in characters.
const MAX_TAG: usize = 255;

/// One tag, as a path carries it.
pub fn check(path: &str, tag: &str) -> Result<()> {
    if tag.is_empty() || tag.chars().count() > MAX_TAG {
        return Err(Error::invalid_field(path, format!("a tag has 1 to {MAX_TAG} characters")));
    }
    // What is left of a blank one is no tag: space around tags is not kept.
    if tag.trim().is_empty() {
        return Err(Error::invalid_field(path, "a tag is not blank"));
    }
    if tag.contains([',', '/']) {
        return Err(Error::invalid_field(path, "a tag holds neither ',' nor '/'"));
    }
    Ok(())
}

/// Refuses more tags than a project may have.
pub fn check_count(path: &str, count: usize) -> Result<()> {
    if count > MAX_TAGS {
        return Err(Error::invalid_field(path, format!("there are more than {MAX_TAGS} tags")));
    }
    Ok(())
}

/// The body of `PUT …/tags`.
pub fn body(body: &Value) -> Result<BTreeSet<String>> {
    let outer = body.as_object().ok_or_else(|| Error::invalid("The request body must be a JSON object."))?;
    if let Some(other) = outer.keys().find(|k| *k != "tags") {
        return Err(Error::invalid(format!("Additional properties are not allowed ('{other:.100}' was unexpected)")));
    }
    tags("tags", outer.get("tags").ok_or_else(|| Error::invalid("'tags' is a required property"))?)
}

/// The member `tags`, if it is there.
pub fn member(f: &mut Fields<'_>) -> Result<Option<BTreeSet<String>>> {
    let path = f.path("tags");
    f.raw("tags").map(|value| tags(&path, value)).transpose()
}

fn tags(path: &str, value: &Value) -> Result<BTreeSet<String>> {
    let items = value.as_array().ok_or_else(|| wrong_type(path, value, "array"))?;
    check_count(path, items.len())?;
    let mut set = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        let path = format!("{path}.{i}");
        let tag = item.as_str().ok_or_else(|| wrong_type(&path, item, "string"))?;
        check(&path, tag)?;
        if !set.insert(tag.trim().to_owned()) {
            return Err(Error::invalid_field(path, "the list has non-unique elements"));
        }
    }
    Ok(set)
}

/// What a list asks of tags: each member holds the tags of one parameter, and all members must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// All of these (`tags`).
    pub all: Vec<String>,
    /// At least one of these (`tags-any`).
    pub any: Vec<String>,
    /// Not all of these (`not-tags`).
    pub not_all: Vec<String>,
    /// None of these (`not-tags-any`).
    pub not_any: Vec<String>,
}

impl Filter {
    /// Reads the parameters; the tags of one are separated by commas, and are no more than a project may have.
    pub fn parse<'q>(parameter: impl Fn(&str) -> Option<&'q str>) -> Result<Self> {
        let of = |name: &str| -> Result<Vec<String>> {
            let tags: Vec<String> = parameter(name).into_iter().flat_map(|t| t.split(',')).map(str::to_owned).collect();
            check_count(name, tags.len())?;
            Ok(tags)
        };
        Ok(Self { all: of("tags")?, any: of("tags-any")?, not_all: of("not-tags")?, not_any: of("not-tags-any")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_blank_tag_is_refused_rather_than_kept_without_a_text() {
        for blank in [" ", "\t", "\u{a0}"] {
            assert_eq!(body(&json!({"tags": [blank]})).unwrap_err().status(), 400);
            assert!(check("tag", blank).is_err());
        }
    }

    #[test]
    fn tags_are_few_short_and_different() {
        let read = |tags: Value| body(&json!({ "tags": tags })).map(|t| t.len());
        let many = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!(read(json!(many(80))), Ok(80));
        assert_eq!(read(json!([" a "])), Ok(1));
        for bad in [
            json!(many(81)),
            json!(["a", " a"]),
            json!(["a,b"]),
            json!(["a/b"]),
            json!([""]),
            json!([" "]),
            json!([1]),
            json!("a"),
        ] {
            assert_eq!(read(bad.clone()).unwrap_err().status(), 400, "{bad}");
        }
        let long = vec!["t"; 81].join(",");
        assert!(Filter::parse(|_| Some(&long)).is_err());
        assert_eq!(Filter::parse(|name| (name == "tags").then_some("a,b")).unwrap().all, ["a", "b"]);
        assert!(body(&json!({})).is_err() && body(&json!({"tags": [], "more": 1})).is_err());
    }
}
