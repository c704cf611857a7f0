//! Reading the parts of a document so that every problem of it is told, not only the first.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::Reading;

/// An object that is being read. What is not read is refused by [`Object::finish`].
pub(super) struct Object<'a> {
    path: &'a str,
    map: &'a Map<String, Value>,
    read: Vec<&'static str>,
}

impl<'a> Object<'a> {
    pub(super) fn read(value: &'a Value, path: &'a str, reading: &mut Reading<'_>) -> Option<Self> {
        let Value::Object(map) = value else {
            wrong_type(value, path, "object", reading);
            return None;
        };
        Some(Self { path, map, read: Vec::new() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.push(name);
        self.map.get(name)
    }

    pub(super) fn required(&mut self, name: &'static str, reading: &mut Reading<'_>) -> Option<&'a Value> {
        let value = self.get(name);
        if value.is_none() {
            reading.wrong(self.path, format!("'{name}' is a required property"));
        }
        value
    }

    pub(super) fn text(&mut self, name: &'static str, reading: &mut Reading<'_>) -> Option<&'a str> {
        let value = self.get(name)?;
        if !value.is_string() {
            wrong_type(value, &format!("{}.{name}", self.path), "string", reading);
        }
        value.as_str()
    }

    pub(super) fn boolean(&mut self, name: &'static str, reading: &mut Reading<'_>) -> Option<bool> {
        let value = self.get(name)?;
        if !value.is_boolean() {
            wrong_type(value, &format!("{}.{name}", self.path), "boolean", reading);
        }
        value.as_bool()
    }

    pub(super) fn finish(self, reading: &mut Reading<'_>) {
        for name in self.map.keys().filter(|name| !self.read.contains(&name.as_str())) {
            reading.wrong(self.path, format!("Additional properties are not allowed ('{name:.100}' was unexpected)"));
        }
    }
}

/// A list of a number of items.
pub(super) fn list<'a>(
    value: &'a Value,
    path: &str,
    length: RangeInclusive<usize>,
    reading: &mut Reading<'_>,
) -> Option<&'a [Value]> {
    let Value::Array(items) = value else {
        wrong_type(value, path, "array", reading);
        return None;
    };
    if items.len() < *length.start() {
        reading.wrong(path, "the list is too short");
        return None;
    }
    if items.len() > *length.end() {
        reading.wrong(path, format!("the list has more than {} items", length.end()));
        return None;
    }
    Some(items)
}

pub(super) fn wrong_type(value: &Value, path: &str, wanted: &str, reading: &mut Reading<'_>) {
    reading.wrong(path, format!("the value is of type '{}', expected '{wanted}'", type_name(value)));
}

pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
