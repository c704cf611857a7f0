//! Which attributes an answer has (RFC 7644 §3.9): `attributes` and `excludedAttributes`. `id` and `schemas` are always there.

use serde_json::{Map, Value};

use super::path::AttributePath;
use super::{ENTERPRISE, invalid_value};
use crate::error::Result;

/// Most attributes that may be named.
const MAX_NAMED: usize = 100;
/// What is always there.
const ALWAYS: [&str; 2] = ["id", "schemas"];

/// Which attributes an answer has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Projection {
    /// All.
    #[default]
    All,
    /// These.
    Only(Vec<AttributePath>),
    /// All but these.
    Without(Vec<AttributePath>),
}

impl Projection {
    /// Reads names. Both at once mean nothing.
    pub fn parse<'n>(
        only: impl IntoIterator<Item = &'n str>,
        without: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self> {
        let (only, without) = (paths(only)?, paths(without)?);
        match (only.is_empty(), without.is_empty()) {
            (true, true) => Ok(Self::All),
            (false, true) => Ok(Self::Only(only)),
            (true, false) => Ok(Self::Without(without)),
            (false, false) => Err(invalid_value("'attributes' and 'excludedAttributes' exclude each other.")),
        }
    }

    /// Whether an attribute, or a part of it, is wanted: what is not need not be read.
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(all) => all.iter().any(|p| p.name.eq_ignore_ascii_case(name) || is_whole(p)),
            Self::Without(all) => !all.iter().any(|p| p.is(name, None)),
        }
    }

    /// The resource with what is wanted of it.
    pub fn of(&self, resource: Value) -> Value {
        let Value::Object(resource) = resource else { return resource };
        Value::Object(match self {
            Self::All => resource,
            Self::Only(all) => only(&resource, all),
            Self::Without(all) => without(resource, all),
        })
    }
}

/// Whether a path means the core schema as a whole.
fn is_whole(path: &AttributePath) -> bool {
    path.name.is_empty() && path.schema.as_deref().is_some_and(|s| s != ENTERPRISE)
}

fn is_enterprise(path: &AttributePath) -> bool {
    path.schema.as_deref().is_some_and(|s| s.eq_ignore_ascii_case(ENTERPRISE))
}

fn paths<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Vec<AttributePath>> {
    let names: Vec<&str> = names.into_iter().map(str::trim).filter(|n| !n.is_empty()).take(MAX_NAMED + 1).collect();
    if names.len() > MAX_NAMED {
        return Err(invalid_value(format!("More than {MAX_NAMED} attributes are named.")));
    }
    let path = |name: &&str| {
        AttributePath::parse(name).ok_or_else(|| invalid_value(format!("'{name:.100}' is no attribute.")))
    };
    names.iter().map(path).collect()
}

fn only(resource: &Map<String, Value>, wanted: &[AttributePath]) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in resource {
        if ALWAYS.contains(&name.as_str()) {
            shown.insert(name.clone(), value.clone());
        } else if name == ENTERPRISE {
            let inner: Vec<AttributePath> = wanted.iter().filter(|p| is_enterprise(p)).cloned().collect();
            let kept =
                if inner.iter().any(|p| p.name.is_empty()) { Some(value.clone()) } else { picked(value, &inner) };
            shown.extend(kept.map(|v| (name.clone(), v)));
        } else {
            let of_it = |p: &&AttributePath| !is_enterprise(p) && (p.name.eq_ignore_ascii_case(name) || is_whole(p));
            let mine: Vec<&AttributePath> = wanted.iter().filter(of_it).collect();
            let kept = match mine.as_slice() {
                [] => None,
                all if all.iter().any(|p| p.sub.is_none()) => Some(value.clone()),
                all => Some(parts(value, &|part| all.iter().any(|p| names_part(p, part)))),
            };
            shown.extend(kept.map(|v| (name.clone(), v)));
        }
    }
    shown
}

/// The attributes of an object that are named.
fn picked(value: &Value, wanted: &[AttributePath]) -> Option<Value> {
    let object = value.as_object()?;
    let kept: Map<String, Value> = object
        .iter()
        .filter(|(n, _)| wanted.iter().any(|p| p.name.eq_ignore_ascii_case(n)))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

fn names_part(path: &AttributePath, part: &str) -> bool {
    path.sub.as_deref().is_some_and(|sub| sub.eq_ignore_ascii_case(part))
}

/// The value, or each of its values, with the parts that are wanted.
fn parts(value: &Value, wants: &dyn Fn(&str) -> bool) -> Value {
    match value {
        Value::Array(all) => all.iter().map(|one| parts(one, wants)).collect(),
        Value::Object(object) => {
            Value::Object(object.iter().filter(|(n, _)| wants(n)).map(|(n, v)| (n.clone(), v.clone())).collect())
        }
        other => other.clone(),
    }
}

fn without(mut resource: Map<String, Value>, unwanted: &[AttributePath]) -> Map<String, Value> {
    for path in unwanted {
        if is_enterprise(path) {
            match (path.name.as_str(), resource.get_mut(ENTERPRISE)) {
                ("", _) => {
                    resource.remove(ENTERPRISE);
                }
                (name, Some(Value::Object(inner))) => inner.retain(|n, _| !n.eq_ignore_ascii_case(name)),
                (_, _) => {}
            }
            continue;
        }
        let found = resource.keys().find(|n| n.eq_ignore_ascii_case(&path.name)).cloned();
        let Some(name) = found.filter(|n| !ALWAYS.contains(&n.as_str())) else { continue };
        match &path.sub {
            None => {
                resource.remove(&name);
            }
            Some(sub) => {
                if let Some(value) = resource.get_mut(&name) {
                    *value = parts(value, &|part| !part.eq_ignore_ascii_case(sub));
                }
            }
        }
    }
    resource
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ann() -> Value {
        json!({
            "id": "1", "schemas": [], "userName": "ann", "name": {"givenName": "A", "familyName": "L"},
            "emails": [{"value": "a@x", "type": "work"}], ENTERPRISE: {"department": "D", "division": "V"},
        })
    }

    #[test]
    fn named_attributes_are_shown_or_left_out_whatever_their_letter_case() {
        let only = |names: &str| Projection::parse(names.split(','), []).unwrap().of(ann());
        let without = |names: &str| Projection::parse([], names.split(',')).unwrap().of(ann());
        assert_eq!(only("USERNAME"), json!({"id": "1", "schemas": [], "userName": "ann"}));
        assert_eq!(only("name.givenName, emails.value")["name"], json!({"givenName": "A"}));
        assert_eq!(only("emails.value")["emails"], json!([{"value": "a@x"}]));
        assert_eq!(only(&format!("{ENTERPRISE}:department"))[ENTERPRISE], json!({"department": "D"}));
        assert_eq!(only(ENTERPRISE)[ENTERPRISE]["division"], "V");
        assert_eq!(only("department").get(ENTERPRISE), None);
        assert_eq!(without("id,schemas"), ann());
        assert_eq!(without("name").get("name"), None);
        assert_eq!(without("name.givenName")["name"], json!({"familyName": "L"}));
        assert_eq!(without(ENTERPRISE).get(ENTERPRISE), None);
        assert_eq!(without("nothing"), ann());
        assert_eq!(only(super::super::USER)["userName"], "ann");
    }

    #[test]
    fn what_is_not_wanted_need_not_be_read() {
        let parse = |only: &'static str, without: &'static str| Projection::parse(only.split(','), without.split(','));
        assert!(!parse("", "Members").unwrap().wants("members"));
        assert!(parse("", "members.display").unwrap().wants("members"));
        assert!(!parse("displayName", "").unwrap().wants("members"));
        assert!(parse("members.value", "").unwrap().wants("members"));
        assert!(parse("", "").unwrap().wants("members"));
        assert!(parse("a", "b").is_err() && parse("a b", "").is_err());
        assert!(Projection::parse(vec!["a"; MAX_NAMED + 1], []).is_err());
    }
}
