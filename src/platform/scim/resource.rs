//! Resources as servers give them: attribute names and schema URNs in any case (RFC 7643 §2.1), ids and versions.

use serde_json::{Map, Value};

use super::filter::is_id;
use super::wire::Reply;

/// What is kept of a resource that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The server's id of it.
    pub id: String,
    /// Its version, if the server gives versions.
    pub version: Option<String>,
}

/// A resource as it was read.
#[derive(Debug, Clone)]
pub struct Remote {
    /// The server's id.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// The whole of it.
    pub body: Map<String, Value>,
}

impl Remote {
    /// Reads an answer; `None` if it has no resource with an id.
    pub fn read(reply: Reply) -> Option<Self> {
        let id = id(&reply.body)?;
        let Value::Object(body) = reply.body else { return None };
        Some(Self { id, version: reply.version, body })
    }

    /// What is kept of it.
    pub fn known(&self) -> Known {
        Known { id: self.id.clone(), version: self.version.clone() }
    }

    /// One of its attributes.
    pub fn get(&self, name: &str) -> Option<&Value> {
        member(&self.body, name)
    }
}

/// A resource's id; some servers have numbers.
pub fn id(resource: &Value) -> Option<String> {
    let id = match attribute(resource, "id")? {
        Value::String(id) => id.clone(),
        Value::Number(id) if id.is_u64() => id.to_string(),
        _ => return None,
    };
    is_id(&id).then_some(id)
}

/// A member of an object, its name in any case.
pub fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let other = || object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    object.get(name).or_else(other).filter(|value| !value.is_null())
}

/// The same of a value that may be none.
pub fn attribute<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    member(value.as_object()?, name)
}

/// The same as text that says something.
pub fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    attribute(value, name)?.as_str().filter(|t| !t.is_empty())
}

/// A truth value, also one in quotes.
pub fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A number, also one in quotes, as statuses are.
pub fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The name that a member has in an object, which may differ by its case.
fn named(object: &Map<String, Value>, name: &str) -> Option<String> {
    if object.contains_key(name) {
        return Some(name.to_owned());
    }
    object.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()
}

/// Puts a member, under the name that it has there already if it has one.
pub fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    let name = named(object, name).unwrap_or_else(|| name.to_owned());
    object.insert(name, value);
}

/// Takes a member out.
pub fn take(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    object.remove(&named(object, name)?)
}
