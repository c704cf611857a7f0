//! A mapping (OS-FEDERATION): rules that make a user, groups and projects of what an identity provider asserts.
//!
//! This is the resource. What its rules mean is the engine's business (`mapping_engine`).

use serde_json::Value;

use super::fields::{Fields, wrong_type};
use super::mapping_engine::{Owner, Rules, SchemaVersion};
use crate::error::{Error, Result};

/// What a mapping says; a PUT and a PATCH both give the whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The version of the rules' language.
    pub schema_version: SchemaVersion,
    /// The rules, as they were written.
    pub rules: Value,
}

/// A mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Its id, chosen by whoever makes it; unique over the whole service.
    pub id: String,
    /// The domain whose security administrator made it; none for the cloud's own.
    pub domain_id: Option<String>,
    /// What it says.
    pub document: Document,
}

impl Document {
    /// Reads the body of a PUT or a PATCH. Members that mean nothing are left aside, as SDKs send some.
    pub fn parse(body: &Value) -> Result<Self> {
        let inner = body.get("mapping").ok_or_else(|| Error::invalid("'mapping' is a required property"))?;
        let mut f = Fields::at(inner, "mapping")?;
        let schema_version = schema_version(&mut f)?;
        let rules = f.raw("rules").ok_or_else(|| Error::invalid_field("mapping", "'rules' is a required property"))?;
        Ok(Self { schema_version, rules: rules.clone() })
    }

    /// Checks and compiles the rules as those of a domain, or of the cloud.
    pub fn compile(&self, domain_id: Option<&str>) -> Result<Rules> {
        let owner = domain_id.map_or(Owner::Cloud, |id| Owner::Domain(id.to_owned()));
        Rules::parse(&self.rules, self.schema_version, owner)
    }

    /// Where sound rules first name a domain by this name: `rules[0].local[1]`.
    pub fn place_of_domain(&self, name: &str) -> Option<String> {
        for (i, rule) in self.rules.as_array().into_iter().flatten().enumerate() {
            let mut locals = rule["local"].as_array().into_iter().flatten();
            if let Some(j) = locals.position(|local| names_domain(local, name)) {
                return Some(format!("rules[{i}].local[{j}]"));
            }
        }
        None
    }
}

/// Whether a domain of this name stands somewhere in `value`; one with an id goes by that.
fn names_domain(value: &Value, name: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| names_domain(item, name)),
        Value::Object(map) => {
            let by_name = |d: &Value| d["name"] == name && d["id"].as_str().is_none_or(str::is_empty);
            map.get("domain").is_some_and(by_name) || map.values().any(|item| names_domain(item, name))
        }
        _ => false,
    }
}

impl Mapping {
    /// Its rules, checked and compiled.
    pub fn compile(&self) -> Result<Rules> {
        self.document.compile(self.domain_id.as_deref())
    }
}

/// No version, or an empty one, is the first.
fn schema_version(f: &mut Fields<'_>) -> Result<SchemaVersion> {
    let path = f.path("schema_version");
    match f.raw("schema_version") {
        None | Some(Value::Null) => Ok(SchemaVersion::V1),
        Some(Value::String(text)) if text.is_empty() => Ok(SchemaVersion::V1),
        Some(Value::String(text)) => SchemaVersion::parse(text)
            .ok_or_else(|| Error::invalid_field(path, format!("'{text:.40}' is not one of ['1.0', '2.0', '3.0']"))),
        Some(other) => Err(wrong_type(&path, other, "string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(inner: Value) -> Result<Document> {
        Document::parse(&json!({ "mapping": inner }))
    }

    #[test]
    fn members_that_mean_nothing_are_left_aside() {
        let rules = json!([{"local": [], "remote": [{"type": "x"}]}]);
        let read = parse(json!({"id": "m", "rules": rules, "colour": 1, "links": {}, "schema_version": null})).unwrap();
        assert_eq!(read, Document { schema_version: SchemaVersion::V1, rules });
    }

    #[test]
    fn versions_are_known_ones_and_the_first_if_none_is_named() {
        let version = |v: Value| parse(json!({"rules": [{}], "schema_version": v})).map(|d| d.schema_version.as_str());
        for (value, expected) in [
            (json!(null), "1.0"),
            (json!(""), "1.0"),
            (json!("1.0"), "1.0"),
            (json!("2.0"), "2.0"),
            (json!("3.0"), "3.0"),
        ] {
            assert_eq!(version(value).unwrap(), expected);
        }
        for value in [json!("4.0"), json!("1"), json!(1.0), json!(true)] {
            assert!(version(value.clone()).unwrap_err().to_string().starts_with("mapping.schema_version:"), "{value}");
        }
    }

    #[test]
    fn rules_must_be_there_and_sound() {
        assert!(parse(json!({})).unwrap_err().to_string().contains("'rules' is a required property"));
        for rules in [json!(null), json!({}), json!([]), json!([{}])] {
            let document = parse(json!({ "rules": rules })).unwrap();
            assert!(document.compile(None).unwrap_err().to_string().starts_with("rules"), "{rules}");
        }
        let local = json!({"group": {"name": "staff"}});
        let document = parse(json!({"rules": [{"local": [local], "remote": [{"type": "x"}]}]})).unwrap();
        assert!(document.compile(None).is_err() && document.compile(Some("d")).is_ok());
    }

    #[test]
    fn a_domain_is_found_where_it_is_named() {
        let of = |id: &str, name: &str| json!({"group": {"name": "g", "domain": {"id": id, "name": name}}});
        let rules =
            json!([{"local": [of("", "a")]}, {"local": [of("x", "b"), {"groups": "g", "domain": {"name": "b"}}]}]);
        let document = Document { schema_version: SchemaVersion::V1, rules };
        for (name, place) in [("a", Some("rules[0].local[0]")), ("b", Some("rules[1].local[1]")), ("x", None)] {
            assert_eq!(document.place_of_domain(name).as_deref(), place);
        }
    }
}
