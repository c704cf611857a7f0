//! Reads what comes in against the table: known attributes under their own names and in their own types, and nothing else.
//!
//! Directories take liberties, and those that do no harm are let pass: truth values and numbers as texts, a single value where
//! several may be and the other way round, the value alone in the place of an object with it, names with dots, the URN before
//! a name. An empty text is no value.

use serde_json::{Map, Value};

use super::super::path::AttributePath;
use super::super::{Document, ENTERPRISE, Kind, invalid_value};
use super::{Attribute, Mutability, Place, Type, place};
use crate::error::{Error, Result, ScimFault};

/// Longest text, in characters.
const MAX_TEXT: usize = 1_024;
/// Most values of one attribute.
const MAX_VALUES: usize = 50;

/// Reads a resource, or part of one. Attributes that are null or empty are there as null; members of groups are left out, as
/// there may be very many.
pub fn document(kind: Kind, object: &Map<String, Value>) -> Result<Document> {
    let mut read = Document::new();
    for (name, given) in object {
        let Some(path) = AttributePath::parse(name) else { continue };
        match place(kind, &path) {
            Place::Core(attribute) if attribute.name == "members" => {}
            Place::Core(attribute) => put(&mut read, attribute, &path, given)?,
            Place::Enterprise(attribute) => in_extension(&mut read, |inner| put(inner, attribute, &path, given))?,
            Place::WholeEnterprise => {
                let inner = given.as_object().ok_or_else(|| invalid_value(format!("{ENTERPRISE} is no object.")))?;
                for (name, given) in inner {
                    let path = AttributePath::parse(&format!("{ENTERPRISE}:{name}"));
                    if let Some(path) = path
                        && let Place::Enterprise(attribute) = place(kind, &path)
                    {
                        in_extension(&mut read, |inner| put(inner, attribute, &path, given))?;
                    }
                }
            }
            Place::Whole => {
                let inner = given.as_object().ok_or_else(|| invalid_value("The schema's value is no object."))?;
                // One level only: a schema does not stand in itself.
                let inner = inner.iter().filter(|(name, _)| !name.contains(':'));
                for (name, given) in document(kind, &inner.map(|(n, v)| (n.clone(), v.clone())).collect())? {
                    insert(&mut read, &name, given)?;
                }
            }
            Place::Nowhere => {}
        }
    }
    Ok(read)
}

/// Works on the part of a document that is of the enterprise schema, which is left out where nothing is in it.
pub(in crate::model::scim) fn in_extension(
    document: &mut Document,
    work: impl FnOnce(&mut Document) -> Result<()>,
) -> Result<()> {
    let mut inner = match document.remove(ENTERPRISE) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    let done = work(&mut inner);
    if !inner.is_empty() {
        document.insert(ENTERPRISE.to_owned(), Value::Object(inner));
    }
    done
}

fn put(read: &mut Document, attribute: &'static Attribute, path: &AttributePath, given: &Value) -> Result<()> {
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(());
    }
    let Some(sub) = &path.sub else { return insert(read, attribute.name, value(attribute, given)?) };
    let Some(part) = attribute.part(sub).filter(|_| !attribute.multi) else { return Ok(()) };
    let given = value(part, given)?;
    match read.entry(attribute.name).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => insert(inner, part.name, given),
        _ => Ok(()),
    }
}

/// Two spellings of one name would be two documents in one.
fn insert(read: &mut Document, name: &str, value: Value) -> Result<()> {
    match read.get_mut(name) {
        None => {
            read.insert(name.to_owned(), value);
            Ok(())
        }
        Some(Value::Object(before)) if value.is_object() => {
            let Value::Object(more) = value else { return Ok(()) };
            more.into_iter().try_for_each(|(name, value)| insert(before, &name, value))
        }
        Some(_) => Err(Error::scim(ScimFault::InvalidSyntax, format!("'{name}' stands twice."))),
    }
}

/// Reads the value of an attribute; null for none.
pub fn value(attribute: &Attribute, given: &Value) -> Result<Value> {
    if !attribute.multi {
        return match given {
            Value::Array(one) if one.len() == 1 && attribute.kind == Type::Complex => single(attribute, &one[0]),
            given => single(attribute, given),
        };
    }
    let given = match given {
        Value::Array(all) => all.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    if given.len() > MAX_VALUES {
        return Err(invalid_value(format!("'{}' has more than {MAX_VALUES} values.", attribute.name)));
    }
    let mut all = Vec::new();
    for one in given {
        let one = single(attribute, one)?;
        if !one.is_null() && !all.contains(&one) {
            all.push(one);
        }
    }
    if all.iter().filter(|one| one["primary"] == Value::Bool(true)).count() > 1 {
        return Err(invalid_value(format!("More than one value of '{}' is primary.", attribute.name)));
    }
    Ok(if all.is_empty() { Value::Null } else { Value::Array(all) })
}

fn single(attribute: &Attribute, given: &Value) -> Result<Value> {
    let wrong = |wanted: &str| Err(invalid_value(format!("'{}' is no {wanted}.", attribute.name)));
    match (attribute.kind, given) {
        (_, Value::Null) => Ok(Value::Null),
        (Type::Boolean, Value::Bool(_)) => Ok(given.clone()),
        (Type::Boolean, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "" => Ok(Value::Null),
            _ => wrong("truth value"),
        },
        (Type::Boolean, _) => wrong("truth value"),
        (Type::Text | Type::Reference, Value::String(text)) => match text.trim() {
            "" => Ok(Value::Null),
            text if text.chars().count() > MAX_TEXT => {
                Err(invalid_value(format!("'{}' is longer than {MAX_TEXT} characters.", attribute.name)))
            }
            text => Ok(Value::String(text.to_owned())),
        },
        (Type::Text, Value::Number(number)) => Ok(Value::String(number.to_string())),
        (Type::Text | Type::Reference, _) => wrong("text"),
        (Type::Complex, Value::Object(object)) => parts(attribute, object),
        (Type::Complex, Value::String(_)) => match attribute.part("value") {
            Some(part) => match single(part, given)? {
                Value::Null => Ok(Value::Null),
                value => Ok(Value::Object([(part.name.to_owned(), value)].into_iter().collect())),
            },
            None => wrong("object"),
        },
        (Type::Complex, _) => wrong("object"),
    }
}

fn parts(attribute: &Attribute, object: &Map<String, Value>) -> Result<Value> {
    let mut read = Document::new();
    for (name, given) in object {
        if let Some(part) = attribute.part(name).filter(|p| p.mutability != Mutability::ReadOnly) {
            let value = single(part, given)?;
            insert(&mut read, part.name, value)?;
        }
    }
    read.retain(|_, value| !value.is_null());
    Ok(if read.is_empty() { Value::Null } else { Value::Object(read) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(given: Value) -> Result<Value> {
        document(Kind::User, given.as_object().unwrap()).map(Value::Object)
    }

    #[test]
    fn scim_8_what_is_not_in_the_table_is_dropped() {
        let given = json!({
            "schemas": ["x"], "id": "1", "meta": {"version": "1"}, "groups": [{"value": "g"}],
            "userName": "ann", "password": "hush", "roles": [{"value": "admin"}], "entitlements": ["x"], "enabled": true,
            "urn:x:y:2.0:Z": {"a": 1}, "domain_id": "d", "name": {"givenName": "Ann", "evil": 1},
            "emails": [{"value": "a@b", "type": "work", "evil": true}], "__proto__": {"a": 1}, "x.y.z": 1,
        });
        let expected =
            json!({"userName": "ann", "name": {"givenName": "Ann"}, "emails": [{"value": "a@b", "type": "work"}]});
        assert_eq!(read(given).unwrap(), expected);
    }

    #[test]
    fn liberties_that_directories_take_are_let_pass() {
        let given = json!({
            "USERNAME": " ann ", "active": "False", "name.givenName": "Ann", "name.familyName": "Lee", "emails": "a@b",
            "urn:ietf:params:scim:schemas:core:2.0:User:title": "Boss", "nickName": "",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": 7,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": "m1", "Department": null},
        });
        let expected = json!({
            "userName": "ann", "active": false, "name": {"givenName": "Ann", "familyName": "Lee"},
            "emails": [{"value": "a@b"}], "title": "Boss", "nickName": null,
            ENTERPRISE: {"employeeNumber": "7", "manager": {"value": "m1"}, "department": null},
        });
        assert_eq!(read(given).unwrap(), expected);
    }

    #[test]
    fn wrong_types_doubles_and_too_much_are_refused() {
        for bad in [
            json!({"userName": {}}),
            json!({"userName": ["a"]}),
            json!({"userName": "a", "username": "b"}),
            json!({"active": 1}),
            json!({"active": "maybe"}),
            json!({"name": "Ann"}),
            json!({"name": [{}, {}]}),
            json!({"emails": [1]}),
            json!({"emails": [{"value": "a@b", "primary": true}, {"value": "c@d", "primary": true}]}),
            json!({"emails": vec![json!("x@y"); MAX_VALUES + 1]}),
            json!({"title": "x".repeat(MAX_TEXT + 1)}),
            json!({ENTERPRISE: "x"}),
        ] {
            assert_eq!(read(bad.clone()).unwrap_err().status(), 400, "{bad}");
        }
    }
}
