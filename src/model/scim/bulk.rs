//! Several requests in one (RFC 7644 §3.7). A resource that one of them makes is named by the others as `bulkId:…`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::patch::member;
use super::{BULK, Kind, invalid_value};
use crate::error::{Error, Result, ScimFault};

/// Most requests in one.
pub const MAX_OPERATIONS: usize = 100;
/// Longest id of a request.
const MAX_ID: usize = 256;
/// What stands before the id of a request where a resource's is meant.
const REFERENCE: &str = "bulkId:";

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Makes a resource.
    Post,
    /// Puts one in the place of what is there.
    Put,
    /// Changes one.
    Patch,
    /// Deletes one.
    Delete,
}

impl Method {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Post, Self::Put, Self::Patch, Self::Delete].into_iter().find(|m| m.as_str().eq_ignore_ascii_case(text))
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub method: Method,
    /// What others call the resource that it makes.
    pub bulk_id: Option<String>,
    /// The version that it is made for, as `If-Match` has it.
    pub version: Option<String>,
    /// Of which kind.
    pub kind: Kind,
    /// Which one; none where it makes one.
    pub id: Option<String>,
    /// Its body.
    pub data: Value,
}

/// All requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Bulk {
    /// After so many failures the rest is left.
    pub fail_on_errors: Option<u64>,
    /// The requests, in order; one that cannot be read fails by itself.
    pub operations: Vec<(Value, Result<Operation>)>,
}

fn syntax(message: impl Into<String>) -> Error {
    Error::scim(ScimFault::InvalidSyntax, message)
}

impl Bulk {
    /// Reads a body.
    pub fn parse(body: &Value) -> Result<Self> {
        let object = body.as_object().ok_or_else(|| syntax("The body is no object."))?;
        let schemas = member(object, "schemas")?.and_then(Value::as_array).into_iter().flatten();
        if !schemas.filter_map(Value::as_str).any(|s| s.eq_ignore_ascii_case(BULK)) {
            return Err(syntax(format!("'schemas' does not name {BULK}.")));
        }
        let fail_on_errors = match member(object, "failOnErrors")? {
            None | Some(Value::Null) => None,
            Some(n) => {
                let n = n.as_u64().filter(|n| *n > 0);
                Some(n.ok_or_else(|| invalid_value("'failOnErrors' is no number of at least 1."))?)
            }
        };
        let all = member(object, "Operations")?.and_then(Value::as_array);
        let all = all.ok_or_else(|| syntax("'Operations' is no list."))?;
        if all.len() > MAX_OPERATIONS {
            // RFC 7644 §3.7.4 has 413 for it.
            return Err(Error::TooLarge { limit: super::MAX_BODY });
        }
        let mut seen = BTreeSet::new();
        let mut operations = Vec::with_capacity(all.len());
        for given in all {
            let read = operation(given);
            if let Ok(Operation { bulk_id: Some(id), .. }) = &read
                && !seen.insert(id.clone())
            {
                return Err(invalid_value(format!("The bulkId '{id:.100}' stands twice.")));
            }
            operations.push((given.clone(), read));
        }
        Ok(Self { fail_on_errors, operations })
    }
}

fn operation(given: &Value) -> Result<Operation> {
    let object = given.as_object().ok_or_else(|| syntax("An operation is no object."))?;
    let text = |name: &str| -> Result<Option<String>> {
        match member(object, name)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(syntax(format!("'{name}' is no text."))),
        }
    };
    let method = text("method")?.and_then(|m| Method::parse(&m)).ok_or_else(|| syntax("'method' is no method."))?;
    let bulk_id = text("bulkId")?.filter(|id| !id.is_empty());
    if bulk_id.as_ref().is_some_and(|id| id.len() > MAX_ID) {
        return Err(invalid_value(format!("A bulkId is longer than {MAX_ID} bytes.")));
    }
    if method == Method::Post && bulk_id.is_none() {
        return Err(syntax("What makes a resource needs a 'bulkId'."));
    }
    let path = text("path")?.unwrap_or_default();
    let wrong = || Error::scim(ScimFault::InvalidPath, format!("'{path:.100}' is no path for {}.", method.as_str()));
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let endpoint = parts.next().unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|k| k.endpoint() == endpoint).ok_or_else(wrong)?;
    let id = parts.next().filter(|id| !id.is_empty()).map(str::to_owned);
    if id.is_some() == (method == Method::Post) || id.as_ref().is_some_and(|id| id.contains('/')) {
        return Err(wrong());
    }
    let data = member(object, "data")?.cloned().unwrap_or_default();
    if method != Method::Delete && !data.is_object() {
        return Err(syntax("'data' is no object."));
    }
    Ok(Operation { method, bulk_id, version: text("version")?, kind, id, data })
}

impl Operation {
    /// The same with the ids of resources that have been made; or the name of one that has not been yet.
    pub fn resolved(&self, made: &BTreeMap<String, String>) -> std::result::Result<Self, String> {
        let mut next = self.clone();
        if let Some(id) = &mut next.id {
            resolve(id, made)?;
        }
        walk(&mut next.data, made)?;
        Ok(next)
    }
}

fn resolve(text: &mut String, made: &BTreeMap<String, String>) -> std::result::Result<(), String> {
    if let Some(name) = text.strip_prefix(REFERENCE) {
        *text = made.get(name).ok_or_else(|| name.to_owned())?.clone();
    }
    Ok(())
}

/// The reader of JSON has bounded the depth.
fn walk(value: &mut Value, made: &BTreeMap<String, String>) -> std::result::Result<(), String> {
    match value {
        Value::String(text) => resolve(text, made),
        Value::Array(all) => all.iter_mut().try_for_each(|one| walk(one, made)),
        Value::Object(object) => object.values_mut().try_for_each(|one| walk(one, made)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bulk(operations: Value) -> Result<Bulk> {
        Bulk::parse(&json!({"schemas": [BULK], "Operations": operations}))
    }

    #[test]
    fn requests_are_read_and_one_that_is_none_fails_by_itself() {
        let read = bulk(json!([
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "a"}},
            {"method": "patch", "path": "/Groups/g1", "data": {"Operations": []}, "version": "W/\"1\""},
            {"method": "DELETE", "path": "Users/bulkId:u"},
            {"method": "GET", "path": "/Users"},
            {"method": "POST", "path": "/Users", "data": {}},
            {"method": "POST", "path": "/Users/x", "bulkId": "x", "data": {}},
            {"method": "PUT", "path": "/Users", "data": {}},
            {"method": "PUT", "path": "/Users/a/b", "data": {}},
            {"method": "PUT", "path": "/Schemas/a", "data": {}},
            {"method": "PUT", "path": "/Users/a"},
            7,
        ]))
        .unwrap();
        let good: Vec<bool> = read.operations.iter().map(|(_, o)| o.is_ok()).collect();
        assert_eq!(good, [true, true, true, false, false, false, false, false, false, false, false]);
    }

    #[test]
    fn there_are_bounds_and_each_name_stands_once() {
        let one = |id: usize| json!({"method": "POST", "path": "/Users", "bulkId": id.to_string(), "data": {}});
        assert!(bulk((0..MAX_OPERATIONS).map(one).collect()).is_ok());
        assert_eq!(bulk((0..=MAX_OPERATIONS).map(one).collect()).unwrap_err().status(), 413);
        assert!(bulk(json!([one(1), one(1)])).is_err());
        assert!(Bulk::parse(&json!({"Operations": []})).is_err());
        for bad in [json!(0), json!(-1), json!("1")] {
            assert!(Bulk::parse(&json!({"schemas": [BULK], "Operations": [], "failOnErrors": bad})).is_err());
        }
    }

    #[test]
    fn references_become_ids_once_these_are_known() {
        let given = json!([{"method": "PUT", "path": "/Groups/bulkId:g", "data": {"members": [{"value": "bulkId:u"}], "x": "bulkId"}}]);
        let operation = bulk(given).unwrap().operations.remove(0).1.unwrap();
        let mut made = BTreeMap::from([("g".to_owned(), "1".to_owned())]);
        assert_eq!(operation.resolved(&made), Err("u".to_owned()));
        made.insert("u".to_owned(), "2".to_owned());
        let done = operation.resolved(&made).unwrap();
        assert_eq!((done.id.as_deref(), &done.data["members"][0]["value"]), (Some("1"), &json!("2")));
    }
}
