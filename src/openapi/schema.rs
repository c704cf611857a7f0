//! Words for JSON schemas (2020-12, the dialect of OpenAPI 3.1).

use serde_json::{Map, Value, json};

/// Any text.
pub fn text() -> Value {
    json!({"type": "string"})
}

/// A text of so many characters.
pub fn text_of(least: usize, most: usize) -> Value {
    json!({"type": "string", "minLength": least, "maxLength": most})
}

/// A name: it must not be blank.
pub fn name_of(most: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": most, "pattern": "\\S", "examples": ["example"]})
}

/// One of these words.
pub fn word(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

/// A truth value.
pub fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// A truth value in a query: there, and in none of Keystone's many spellings of false.
pub fn switch() -> Value {
    json!({"type": ["boolean", "string"]})
}

/// A whole number from 0, as large as one likes.
pub fn from_zero() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// A whole number from 0.
pub fn count(most: i64) -> Value {
    json!({"type": "integer", "minimum": 0, "maximum": most})
}

/// A time with its zone.
pub fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// A time as Keystone writes some of them: UTC without saying so. Null is never.
pub fn end() -> Value {
    json!({"type": ["string", "null"], "pattern": "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}$"})
}

/// An absolute URL of this service.
pub fn link() -> Value {
    json!({"type": "string", "format": "uri"})
}

/// This, or null.
pub fn nullable(mut schema: Value) -> Value {
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    match schema.get("type").cloned() {
        Some(Value::String(kind)) => {
            schema["type"] = json!([kind, "null"]);
            schema
        }
        _ => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}

/// A list of these.
pub fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// A schema that has a name.
pub fn named(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The same schema with a word for people.
pub fn says(mut schema: Value, description: &str) -> Value {
    schema["description"] = json!(description);
    schema
}

/// An object with these members and no others; those that end with `?` may be absent.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut schema = open(members);
    schema["additionalProperties"] = json!(false);
    schema
}

/// An object with these members and any others.
pub fn open<const N: usize>(members: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = members.iter().map(|(n, _)| *n).filter(|n| !n.ends_with('?')).collect();
    let properties: Map<String, Value> =
        members.iter().map(|(n, s)| (n.trim_end_matches('?').to_owned(), s.clone())).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// The links of one page of a list.
pub fn page_links() -> Value {
    object([("next", nullable(link())), ("self", link()), ("previous", json!({"type": "null"}))])
}

/// One page of a list whose member is called so.
pub fn page(member: &str, items: Value) -> Value {
    object([
        (member, list(items)),
        ("links", named("PageLinks")),
        ("truncated?", says(json!({"const": true}), "There is a further page.")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_with_a_question_mark_may_be_absent() {
        let schema = object([("a", text()), ("b?", nullable(text()))]);
        assert_eq!(schema["required"], json!(["a"]));
        assert_eq!(schema["properties"]["b"], json!({"type": ["string", "null"]}));
        assert_eq!(schema["additionalProperties"], json!(false));
    }

    #[test]
    fn null_is_one_of_the_words_and_stands_beside_a_reference() {
        assert_eq!(nullable(word(&["a"])), json!({"type": ["string", "null"], "enum": ["a", null]}));
        assert_eq!(nullable(named("X"))["anyOf"][1], json!({"type": "null"}));
    }
}
