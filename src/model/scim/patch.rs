//! Changes (RFC 7644 §3.5.2): reads them, and makes them on the document of a user. Those of groups are in [`super::group`],
//! because nobody reads fifty thousand members to add one.

mod editing;

use serde_json::{Map, Value};

use super::filter::Path;
use super::schema::{self, Mutability, Place};
use super::{Document, Kind};
use crate::error::{Error, Result, ScimFault};

/// Most operations of one change.
const MAX_OPERATIONS: usize = 1_000;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Adds values beside those that are there.
    Add,
    /// Puts values in the place of those that are there.
    Replace,
    /// Takes values away.
    Remove,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub verb: Verb,
    /// Where; the resource as a whole if absent.
    pub path: Option<Path>,
    /// With what.
    pub value: Option<Value>,
}

/// 400 for a body that cannot be read.
fn syntax(message: impl Into<String>) -> Error {
    Error::scim(ScimFault::InvalidSyntax, message)
}

/// A member whatever its letter case; two spellings would be two documents in one.
pub(super) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Result<Option<&'v Value>> {
    let mut found = object.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(syntax(format!("'{name}' stands twice."))),
        (found, None) => Ok(found),
    }
}

/// Reads the operations of a body.
pub fn operations(body: &Value) -> Result<Vec<Operation>> {
    let object = body.as_object().ok_or_else(|| syntax("The body is no object."))?;
    if let Some(schemas) = member(object, "schemas")? {
        let named = schemas.as_array().into_iter().flatten().filter_map(Value::as_str);
        if !named.clone().any(|s| s.eq_ignore_ascii_case(super::PATCH)) {
            return Err(syntax(format!("'schemas' does not name {}.", super::PATCH)));
        }
    }
    let all = member(object, "Operations")?.and_then(Value::as_array);
    let all = all.filter(|all| !all.is_empty()).ok_or_else(|| syntax("'Operations' is no list of operations."))?;
    if all.len() > MAX_OPERATIONS {
        return Err(Error::scim(ScimFault::TooMany, format!("There are more than {MAX_OPERATIONS} operations.")));
    }
    all.iter().map(operation).collect()
}

fn operation(given: &Value) -> Result<Operation> {
    let object = given.as_object().ok_or_else(|| syntax("An operation is no object."))?;
    let op = member(object, "op")?.and_then(Value::as_str).ok_or_else(|| syntax("An operation has no 'op'."))?;
    // Entra ID writes them with a capital letter.
    let verb = match op.to_ascii_lowercase().as_str() {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "remove" => Verb::Remove,
        _ => return Err(syntax(format!("'{op:.20}' is no operation."))),
    };
    let path = match member(object, "path")? {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) => Some(Path::parse(text)?),
        Some(_) => return Err(Error::scim(ScimFault::InvalidPath, "A path is no text.")),
    };
    let value = member(object, "value")?.cloned();
    match (verb, &path, &value) {
        (Verb::Remove, None, _) => {
            Err(Error::scim(ScimFault::NoTarget, "What to remove is not said: there is no path."))
        }
        (Verb::Add | Verb::Replace, _, None) => Err(super::invalid_value("An operation has no value.")),
        (Verb::Add | Verb::Replace, None, Some(value)) if !value.is_object() => {
            Err(super::invalid_value("Without a path the value is an object of attributes."))
        }
        _ => Ok(Operation { verb, path, value }),
    }
}

/// Makes the operations on the document of a user, in order. All of them, or none if one cannot be made.
pub fn apply(document: &Document, operations: &[Operation]) -> Result<Document> {
    let mut next = document.clone();
    for operation in operations {
        apply_one(&mut next, operation)?;
    }
    Ok(next)
}

fn apply_one(document: &mut Document, operation: &Operation) -> Result<()> {
    let given = operation.value.as_ref().unwrap_or(&Value::Null);
    let Some(path) = &operation.path else { return editing::whole(document, operation.verb, given) };
    match schema::place(Kind::User, &path.attribute) {
        Place::Core(attribute) if attribute.mutability == Mutability::ReadOnly => {
            Err(Error::scim(ScimFault::Mutability, format!("'{}' is read-only.", attribute.name)))
        }
        Place::Core(attribute) => editing::attribute(document, attribute, operation.verb, path, given),
        Place::Enterprise(attribute) => {
            schema::in_extension(document, |inner| editing::attribute(inner, attribute, operation.verb, path, given))
        }
        Place::WholeEnterprise if operation.verb == Verb::Remove => {
            document.remove(super::ENTERPRISE);
            Ok(())
        }
        Place::WholeEnterprise => {
            let wrapped = Map::from_iter([(super::ENTERPRISE.to_owned(), given.clone())]);
            editing::whole(document, operation.verb, &Value::Object(wrapped))
        }
        Place::Whole => editing::whole(document, operation.verb, given),
        // What is not kept is not changed either (SCIM-8).
        Place::Nowhere => Ok(()),
    }
}

#[cfg(test)]
mod tests;
