//! What a body asks for: which platforms, and what becomes of their users and groups (sso-api §4.8, §4.11).

use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::federation::{Deprovision, Wanted};
use crate::model::fields::{Fields, wrong_type};

const MEMBER: &str = "platformUuids";
/// Most platforms of one call.
const MAX_PLATFORMS: usize = 100;
/// Longest id that is looked for.
const MAX_ID: usize = 64;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The platforms, each once, in the order asked.
    pub platform_ids: Vec<String>,
    /// See [`Deprovision`].
    pub deprovision: Deprovision,
    /// However many users are deactivated by it.
    pub unlimited: bool,
}

impl Asked {
    /// Reads a body. Platforms are a list, or a text with commas.
    pub fn parse(body: &Value, wanted: Wanted) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        let texts: Vec<&str> = match f.raw(MEMBER) {
            None | Some(Value::Null) => return Err(Error::invalid_field(MEMBER, "is needed")),
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => {
                let texts = items.iter().map(|item| match item {
                    Value::String(text) => Ok(text.as_str()),
                    other => Err(wrong_type(MEMBER, other, "list of strings")),
                });
                texts.collect::<Result<_>>()?
            }
            Some(other) => return Err(wrong_type(MEMBER, other, "list of strings")),
        };
        let mut platform_ids: Vec<String> = Vec::new();
        for id in texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|id| !id.is_empty()) {
            if id.len() > MAX_ID || id.chars().any(char::is_control) {
                return Err(Error::invalid_field(MEMBER, format!("'{id:.40}' is no id of a platform")));
            }
            if !platform_ids.iter().any(|known| known == id) {
                platform_ids.push(id.to_owned());
            }
            if platform_ids.len() > MAX_PLATFORMS {
                return Err(Error::invalid_field(MEMBER, format!("must name {MAX_PLATFORMS} platforms at most")));
            }
        }
        if platform_ids.is_empty() {
            return Err(Error::invalid_field(MEMBER, "must name a platform"));
        }
        let deprovision = match f.nullable_text("deprovision", 0..=32)?.flatten().as_deref() {
            None | Some("") => Deprovision::None,
            Some(_) if wanted == Wanted::Present => Deprovision::None,
            Some(word) => Deprovision::parse(word).ok_or_else(|| {
                let all: Vec<&str> = Deprovision::ALL.iter().map(|d| d.as_str()).collect();
                Error::invalid_field("deprovision", format!("must be one of {}", all.join(", ")))
            })?,
        };
        let unlimited = match f.raw("allowMassDeactivation") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(it)) => *it,
            Some(other) => return Err(wrong_type("allowMassDeactivation", other, "boolean")),
        };
        Ok(Self { platform_ids, deprovision, unlimited })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn platforms_are_a_list_or_a_text_with_commas_each_once_and_in_order() {
        for ids in [json!(["b", "a", "b"]), json!("b,a"), json!(" b , a ,"), json!(["b,a"])] {
            let asked = Asked::parse(&json!({"platformUuids": ids, "tenantUuid": "x"}), Wanted::Present).unwrap();
            assert_eq!(asked.platform_ids, ["b", "a"]);
        }
        let many: Vec<String> = (0..101).map(|n| format!("p{n}")).collect();
        for ids in [
            json!(null),
            json!([]),
            json!(""),
            json!(" , "),
            json!(7),
            json!([7]),
            json!([null]),
            json!(many),
            json!("x".repeat(65)),
        ] {
            let read = Asked::parse(&json!({"platformUuids": ids}), Wanted::Present);
            assert!(matches!(&read, Err(Error::Invalid { field: Some(field), .. }) if field == MEMBER), "{ids}");
        }
    }

    #[test]
    fn what_becomes_of_people_is_one_of_three_words() {
        let asked = |word: &str| Asked::parse(&json!({"platformUuids": "p", "deprovision": word}), Wanted::Absent);
        assert_eq!(asked("delete").unwrap().deprovision, Deprovision::Delete);
        assert!(matches!(asked("burn"), Err(Error::Invalid { field: Some(field), .. }) if field == "deprovision"));
    }
}
