//! A mapping (OS-FEDERATION): rules that make a user, groups and projects of what an identity provider asserts.
//!
//! This is the resource. What its rules mean is the engine's business (`mapping_engine`).

use serde_json::Value;

use super::fields::{Fields, wrong_type};
use crate::error::{Error, Result};

/// Which version of the rules' language a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaVersion {
    /// `1.0`.
    V1,
    /// `2.0`.
    V2,
    /// `3.0`.
    V3,
}

impl SchemaVersion {
    /// As written in `schema_version`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
            Self::V3 => "3.0",
        }
    }

    /// Reads `schema_version`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::V1, Self::V2, Self::V3].into_iter().find(|v| v.as_str() == text)
    }
}

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
        let path = f.path("rules");
        let rules = f.raw("rules").ok_or_else(|| Error::invalid_field("mapping", "'rules' is a required property"))?;
        match rules {
            Value::Array(items) if items.is_empty() => Err(Error::invalid_field(path, "[] is too short")),
            Value::Array(_) => Ok(Self { schema_version, rules: rules.clone() }),
            other => Err(wrong_type(&path, other, "array")),
        }
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
    fn rules_must_be_there() {
        for inner in [json!({}), json!({"rules": null}), json!({"rules": {}}), json!({"rules": []})] {
            assert!(parse(inner.clone()).unwrap_err().to_string().contains("rules"), "{inner}");
        }
    }
}
