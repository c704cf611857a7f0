//! One operation on the document of a user.

use serde_json::{Map, Value};

use super::super::filter::{self, Path};
use super::super::schema::{self, Attribute, Type, value};
use super::super::{Document, ENTERPRISE, Kind, invalid_value};
use super::Verb;
use crate::error::{Error, Result, ScimFault};

/// The operation on the resource as a whole: its value is an object of attributes.
pub(super) fn whole(document: &mut Document, verb: Verb, given: &Value) -> Result<()> {
    let object = given.as_object().ok_or_else(|| invalid_value("The value is no object of attributes."))?;
    for (name, given) in schema::document(Kind::User, object)? {
        match (name.as_str(), given) {
            (ENTERPRISE, Value::Object(given)) => schema::in_extension(document, |inner| {
                for (name, given) in given {
                    if let Some(attribute) = schema::enterprise().iter().find(|a| a.name == name) {
                        set(inner, attribute, verb, given)?;
                    }
                }
                Ok(())
            })?,
            (name, given) => {
                let path = super::super::path::AttributePath { schema: None, name: name.to_owned(), sub: None };
                if let schema::Place::Core(attribute) = schema::place(Kind::User, &path) {
                    set(document, attribute, verb, given)?;
                }
            }
        }
    }
    Ok(())
}

/// The operation on an attribute, on some of its values, or on a part of them.
pub(super) fn attribute(
    document: &mut Document,
    attribute: &'static Attribute,
    verb: Verb,
    path: &Path,
    given: &Value,
) -> Result<()> {
    let part = match &path.sub {
        None => None,
        Some(name) => match attribute.part(name) {
            Some(part) => Some(part),
            // A part that is not kept.
            None => return Ok(()),
        },
    };
    match (&path.filter, part) {
        (None, None) if verb == Verb::Remove => remove(document, attribute, given),
        (None, None) => set(document, attribute, verb, value(attribute, given)?),
        (None, Some(part)) if !attribute.multi => {
            let given = if verb == Verb::Remove { Value::Null } else { value(part, given)? };
            let mut inner = match document.remove(attribute.name) {
                Some(Value::Object(inner)) => inner,
                _ => Map::new(),
            };
            assign(&mut inner, part.name, given);
            if !inner.is_empty() {
                document.insert(attribute.name.to_owned(), Value::Object(inner));
            }
            Ok(())
        }
        (filter, part) => values(document, attribute, verb, filter.as_ref(), part, given),
    }
}

fn assign(object: &mut Document, name: &str, value: Value) {
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
}

/// Adds or replaces an attribute; the value has been read.
fn set(document: &mut Document, attribute: &Attribute, verb: Verb, given: Value) -> Result<()> {
    let before = document.get_mut(attribute.name);
    match (before, given) {
        (Some(Value::Object(before)), Value::Object(given)) if attribute.kind == Type::Complex => {
            // Parts that are not named stay (RFC 7644 §3.5.2.1, §3.5.2.3).
            for (name, value) in given {
                assign(before, &name, value);
            }
            if before.is_empty() {
                document.remove(attribute.name);
            }
        }
        (Some(Value::Array(before)), Value::Array(given)) if verb == Verb::Add => {
            add_values(before, given);
            check_values(attribute, before)?;
        }
        (Some(_), Value::Null) if verb == Verb::Add => {}
        (_, given) => assign(document, attribute.name, without_nulls(given)),
    }
    Ok(())
}

/// Parts that are null are none.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(parts) = &mut value {
        parts.retain(|_, part| !part.is_null());
        if parts.is_empty() {
            return Value::Null;
        }
    }
    value
}

/// A new primary value takes that from the one before.
fn add_values(before: &mut Vec<Value>, given: Vec<Value>) {
    if given.iter().any(is_primary) {
        take_primary(before);
    }
    for one in given {
        if !before.contains(&one) {
            before.push(one);
        }
    }
}

fn is_primary(value: &Value) -> bool {
    value["primary"] == Value::Bool(true)
}

fn take_primary(values: &mut [Value]) {
    for value in values.iter_mut().filter(|v| is_primary(v)) {
        value["primary"] = Value::Bool(false);
    }
}

fn check_values(attribute: &Attribute, values: &[Value]) -> Result<()> {
    // What is read again is within bounds.
    value(attribute, &Value::Array(values.to_vec())).map(drop)
}

/// Takes an attribute away, or those of its values that are named.
fn remove(document: &mut Document, attribute: &Attribute, given: &Value) -> Result<()> {
    if attribute.required {
        return Err(Error::scim(ScimFault::Mutability, format!("'{}' must be there.", attribute.name)));
    }
    match (document.get_mut(attribute.name), value(attribute, given)?) {
        (Some(Value::Array(before)), Value::Array(named)) => {
            before.retain(|one| {
                !named.iter().any(|n| one == n || (n["value"] != Value::Null && one["value"] == n["value"]))
            });
            if before.is_empty() {
                document.remove(attribute.name);
            }
        }
        _ => {
            document.remove(attribute.name);
        }
    }
    Ok(())
}

/// The operation on some values of an attribute that has several.
fn values(
    document: &mut Document,
    attribute: &'static Attribute,
    verb: Verb,
    chosen: Option<&filter::Filter>,
    part: Option<&'static Attribute>,
    given: &Value,
) -> Result<()> {
    if !attribute.multi {
        return Err(Error::scim(ScimFault::InvalidPath, format!("'{}' has one value only.", attribute.name)));
    }
    let mut all = match document.remove(attribute.name) {
        Some(Value::Array(all)) => all,
        _ => Vec::new(),
    };
    let mut places = Vec::new();
    for (index, item) in all.iter().enumerate() {
        let item = item.as_object().ok_or_else(|| Error::internal("a value of a user is no object"))?;
        let holds = match chosen {
            None => true,
            Some(filter) => filter::matches(filter, attribute, item)?,
        };
        if holds {
            places.push(index);
        }
    }
    match verb {
        Verb::Remove => match part {
            None => {
                let mut index = 0;
                all.retain(|_| {
                    index += 1;
                    !places.contains(&(index - 1))
                });
            }
            Some(part) => change(&mut all, &places, |item| assign(item, part.name, Value::Null)),
        },
        Verb::Replace if places.is_empty() => {
            let text = format!("No value of '{}' is the one that the path names.", attribute.name);
            return Err(Error::scim(ScimFault::NoTarget, text));
        }
        Verb::Add if places.is_empty() => {
            let mut item = chosen.map(|filter| named_by(filter, attribute)).transpose()?.unwrap_or_default();
            put(&mut item, attribute, part, given)?;
            add_values(&mut all, vec![Value::Object(item)]);
        }
        Verb::Add | Verb::Replace => {
            let mut fresh = Document::new();
            put(&mut fresh, attribute, part, given)?;
            if fresh.get("primary") == Some(&Value::Bool(true)) {
                take_primary(&mut all);
            }
            change(&mut all, &places, |item| {
                if part.is_none() && verb == Verb::Replace {
                    item.clear();
                }
                item.extend(fresh.clone());
                if let Some(part) = part
                    && fresh.is_empty()
                {
                    item.remove(part.name);
                }
            });
        }
    }
    all.retain(|item| item.as_object().is_some_and(|parts| !parts.is_empty()));
    check_values(attribute, &all)?;
    if !all.is_empty() {
        document.insert(attribute.name.to_owned(), Value::Array(all));
    }
    Ok(())
}

fn change(all: &mut [Value], places: &[usize], with: impl Fn(&mut Document)) {
    for place in places {
        if let Some(Value::Object(item)) = all.get_mut(*place) {
            with(item);
        }
    }
}

/// Writes what was given into a value: the part, or all parts.
fn put(item: &mut Document, attribute: &Attribute, part: Option<&Attribute>, given: &Value) -> Result<()> {
    match part {
        Some(part) => {
            let given = value(part, given)?;
            assign(item, part.name, given);
        }
        None => {
            let one = match value(attribute, given)? {
                Value::Array(mut all) if all.len() == 1 => all.remove(0),
                Value::Null => Value::Null,
                _ => return Err(invalid_value(format!("One value of '{}' is needed.", attribute.name))),
            };
            if let Value::Object(parts) = one {
                item.extend(parts);
            }
        }
    }
    Ok(())
}

/// The parts that a value must have for the filter to hold: `type eq "work"` makes one of that type.
fn named_by(filter: &filter::Filter, attribute: &Attribute) -> Result<Document> {
    let mut item = Document::new();
    let terms = match filter {
        filter::Filter::And(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    for term in terms {
        let filter::Filter::Term(path, filter::Compare::Equal, literal) = term else {
            let text = format!("No value of '{}' is the one that the path names.", attribute.name);
            return Err(Error::scim(ScimFault::NoTarget, text));
        };
        if let Some(part) = attribute.part(&path.name) {
            let literal = value(part, literal)?;
            assign(&mut item, part.name, literal);
        }
    }
    Ok(item)
}
