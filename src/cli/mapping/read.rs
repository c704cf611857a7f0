//! Reading rules and assertions from files.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::model::assertion::Assertion;
use crate::model::mapping_engine::SchemaVersion;

/// Most bytes of a file.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The text of a file, or of standard input for `-`.
pub(in crate::cli) fn file(path: &Path) -> Result<String> {
    let name = path.display();
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(MAX_FILE).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
    };
    match read {
        Ok(read) if read as u64 == MAX_FILE => Err(Error::invalid(format!("{name}: longer than {MAX_FILE} bytes"))),
        Ok(_) => Ok(text),
        Err(error) => Err(Error::invalid(format!("{name}: {error}"))),
    }
}

/// The rules of a document, and the version that it names: `{"mapping": {"rules": […], "schema_version": …}}`, the inner
/// object, or the bare list.
pub(super) fn rules(text: &str) -> Result<(Value, Option<Value>)> {
    let mut document: Value = serde_json::from_str(text).map_err(|e| Error::invalid(format!("the rules: {e}")))?;
    if let Some(mapping) = document.get_mut("mapping") {
        document = mapping.take();
    }
    match document {
        Value::Object(mut map) => match map.remove("rules") {
            Some(rules) => Ok((rules, map.remove("schema_version"))),
            None => Err(Error::invalid("'rules' is a required property")),
        },
        rules => Ok((rules, None)),
    }
}

/// A version, where nothing and the empty text mean 1.0.
pub(super) fn version(value: Option<&Value>) -> Result<SchemaVersion> {
    match value {
        None | Some(Value::Null) => Ok(SchemaVersion::V1),
        Some(Value::String(text)) if text.is_empty() => Ok(SchemaVersion::V1),
        Some(value) => value.as_str().and_then(SchemaVersion::parse).ok_or_else(|| {
            Error::invalid_field("schema_version", format!("{value:.60} is not one of ['1.0', '2.0', '3.0']"))
        }),
    }
}

/// An assertion: a JSON object, or `name: value` lines as keystone-manage reads them. An object of texts alone is read as
/// an environment is (`;` between values); one with a list in it as claims, whose values are not split.
pub(super) fn assertion(text: &str, prefix: &str) -> Result<Assertion> {
    let wanted = |name: &str| name.starts_with(prefix);
    if text.trim_start().starts_with('{') {
        let map: Map<String, Value> =
            serde_json::from_str(text).map_err(|e| Error::invalid(format!("the assertion: {e}")))?;
        let map: Map<String, Value> = map.into_iter().filter(|(name, _)| wanted(name)).collect();
        if map.values().any(Value::is_array) {
            return claims(&map);
        }
        return Assertion::of_texts(map.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))));
    }
    let mut named = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else {
            let number = number + 1;
            return Err(Error::invalid(format!("the assertion: line {number} is not of the form 'name: value'")));
        };
        named.push((name.trim(), value.trim()));
    }
    Assertion::of_texts(named.into_iter().filter(|(name, _)| wanted(name)))
}

/// Claims: texts, and lists of texts. Anything else is not there.
pub(super) fn claims(map: &Map<String, Value>) -> Result<Assertion> {
    Assertion::of_values(map.iter().map(|(name, value)| {
        let values = match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        (name.as_str(), values)
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_come_in_three_forms() {
        for text in [r#"[1]"#, r#"{"rules": [1]}"#, r#"{"mapping": {"rules": [1], "id": "m"}}"#] {
            assert_eq!(rules(text).unwrap(), (json!([1]), None));
        }
        let (_, named) = rules(r#"{"rules": [], "schema_version": "2.0"}"#).unwrap();
        assert_eq!(version(named.as_ref()).unwrap(), SchemaVersion::V2);
        assert!(rules("{}").is_err() && rules("x").is_err());
        assert_eq!(version(Some(&json!(""))).unwrap(), SchemaVersion::V1);
        assert!(version(Some(&json!(2.0))).is_err() && version(Some(&json!("2"))).is_err());
    }

    #[test]
    fn assertions_come_in_two_forms() {
        let lines = assertion("\nOIDC_email: a@b:c \n  G:x;y\nE:\n", "").unwrap();
        assert_eq!(lines.get("OIDC_email").unwrap(), ["a@b:c"]);
        assert_eq!(lines.get("G").unwrap(), ["x", "y"]);
        assert_eq!(lines.get("E").unwrap(), [""]);
        assert!(assertion("OIDC_email: a\nG: x", "OIDC_").unwrap().get("G").is_none());
        assert!(assertion("G", "").unwrap_err().to_string().contains("line 1"));
        let texts = assertion(r#"{"G": "x;y", "N": 7}"#, "").unwrap();
        assert_eq!(texts.get("G").unwrap(), ["x", "y"]);
        assert!(texts.get("N").is_none());
        let claims = assertion(r#"{"G": ["x;y", 7, "z"], "E": [], "U": "a;b"}"#, "").unwrap();
        assert_eq!(claims.get("G").unwrap(), ["x;y", "z"]);
        assert_eq!(claims.get("U").unwrap(), ["a;b"]);
        assert!(claims.get("E").is_none());
    }
}
