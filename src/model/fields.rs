//! Reading a JSON object member by member, with an error that names the member.
//!
//! [`Fields`] remembers what has been read, so that [`Fields::finish`] can refuse the rest and [`Fields::extra`] can keep it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Arbitrary further attributes, as Identity v3 lets users, domains, projects and roles carry.
pub type Extra = Map<String, Value>;

/// Most bytes that the further attributes of one object may take as JSON.
const MAX_EXTRA: usize = 32 * 1024;

/// A JSON object that is being read.
#[derive(Debug)]
pub struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
    read: BTreeSet<&'a str>,
}

impl<'a> Fields<'a> {
    /// The object under `member` of `body`, which must be the body's only member.
    pub fn of(body: &'a Value, member: &str) -> Result<Self> {
        let outer = body.as_object().ok_or_else(|| Error::invalid("The request body must be a JSON object."))?;
        let inner = outer.get(member).ok_or_else(|| Error::invalid(format!("'{member}' is a required property")))?;
        if let Some(other) = outer.keys().find(|k| k.as_str() != member) {
            return Err(unexpected(other));
        }
        Self::at(inner, member)
    }

    /// The object `value`, which stands at `path` of the body.
    pub fn at(value: &'a Value, path: &str) -> Result<Self> {
        let map = value.as_object().ok_or_else(|| wrong_type(path, value, "object"))?;
        Ok(Self { path: path.to_owned(), map, read: BTreeSet::new() })
    }

    /// The object `map`, which stands at `path` of the body.
    pub fn of_map(map: &'a Map<String, Value>, path: &str) -> Self {
        Self { path: path.to_owned(), map, read: BTreeSet::new() }
    }

    /// The full path of a member, for errors.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// True when the object has no member at all.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The raw member, if it is there.
    pub fn raw(&mut self, name: &str) -> Option<&'a Value> {
        let (key, value) = self.map.get_key_value(name)?;
        self.read.insert(key);
        Some(value)
    }

    /// A string, if it is there; null is refused.
    pub fn text(&mut self, name: &str, length: std::ops::RangeInclusive<usize>) -> Result<Option<String>> {
        match self.raw(name) {
            None => Ok(None),
            Some(value) => self.check_text(name, value, length).map(Some),
        }
    }

    /// A string that must be there.
    pub fn required_text(&mut self, name: &str, length: std::ops::RangeInclusive<usize>) -> Result<String> {
        self.text(name, length)?
            .ok_or_else(|| Error::invalid_field(self.path.clone(), format!("'{name}' is a required property")))
    }

    /// A string or null, if it is there: `None` when absent, `Some(None)` for null.
    pub fn nullable_text(
        &mut self,
        name: &str,
        length: std::ops::RangeInclusive<usize>,
    ) -> Result<Option<Option<String>>> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => self.check_text(name, value, length).map(|t| Some(Some(t))),
        }
    }

    /// A truth value, if it is there.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(other) => Err(wrong_type(&self.path(name), other, "boolean")),
        }
    }

    /// A whole number ≥ 0 or null, if it is there.
    pub fn nullable_count(&mut self, name: &str, max: i64) -> Result<Option<Option<i64>>> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => {
                let n = value.as_i64().ok_or_else(|| wrong_type(&self.path(name), value, "integer"))?;
                if n < 0 {
                    return Err(Error::invalid_field(self.path(name), format!("{n} is less than the minimum of 0")));
                }
                if n > max {
                    return Err(Error::invalid_field(
                        self.path(name),
                        format!("{n} is greater than the maximum of {max}"),
                    ));
                }
                Ok(Some(Some(n)))
            }
        }
    }

    /// An object, if it is there.
    pub fn object(&mut self, name: &str) -> Result<Option<&'a Map<String, Value>>> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(wrong_type(&self.path(name), other, "object")),
        }
    }

    /// A string as an id: 1 to 64 letters, digits and `-`.
    pub fn id(&mut self, name: &str) -> Result<Option<String>> {
        let id = self.text(name, 1..=64)?;
        if let Some(text) = &id
            && !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            return Err(Error::invalid_field(self.path(name), format!("'{text}' does not match '^[a-zA-Z0-9-]+$'")));
        }
        Ok(id)
    }

    /// An id or null.
    pub fn nullable_id(&mut self, name: &str) -> Result<Option<Option<String>>> {
        match self.raw(name) {
            Some(Value::Null) => Ok(Some(None)),
            _ => self.id(name).map(|id| id.map(Some)),
        }
    }

    /// Members that may be sent back unchanged but never set: their value is ignored.
    pub fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.raw(name);
        }
    }

    /// Refuses what has not been read.
    pub fn finish(self) -> Result<()> {
        match self.rest() {
            None => Ok(()),
            Some(name) => Err(unexpected(name)),
        }
    }

    /// The first member that has not been read.
    pub fn rest(&self) -> Option<&'a str> {
        self.map.keys().map(String::as_str).find(|k| !self.read.contains(k))
    }

    /// Keeps what has not been read.
    pub fn extra(self) -> Result<Extra> {
        let extra: Extra = self
            .map
            .iter()
            .filter(|(k, _)| !self.read.contains(k.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if let Some(long) = extra.keys().find(|k| k.is_empty() || k.len() > 255) {
            return Err(Error::invalid_field(
                self.path,
                format!("the attribute name '{long:.40}' must have 1 to 255 bytes"),
            ));
        }
        if serde_json::to_string(&extra).map_or(usize::MAX, |t| t.len()) > MAX_EXTRA {
            return Err(Error::invalid_field(self.path, format!("further attributes are over {MAX_EXTRA} bytes")));
        }
        Ok(extra)
    }

    fn check_text(&self, name: &str, value: &Value, length: std::ops::RangeInclusive<usize>) -> Result<String> {
        let text = value.as_str().ok_or_else(|| wrong_type(&self.path(name), value, "string"))?;
        let count = text.chars().count();
        if count < *length.start() {
            return Err(Error::invalid_field(self.path(name), "the value is too short"));
        }
        if count > *length.end() {
            return Err(Error::invalid_field(
                self.path(name),
                format!("the value is longer than {} characters", length.end()),
            ));
        }
        Ok(text.to_owned())
    }
}

fn unexpected(name: &str) -> Error {
    Error::invalid(format!("Additional properties are not allowed ('{name:.100}' was unexpected)"))
}

/// An id of 1 to 64 characters, as the URL carried it.
pub fn check_id(id: &str) -> Result<()> {
    if id.chars().count() > 64 {
        return Err(Error::invalid(
            "String length exceeded. The length of string 'id' exceeds the limit of column id(CHAR(64)).",
        ));
    }
    Ok(())
}

/// 400 for a value of the wrong type; the value itself is not repeated, as it may be large or secret.
pub fn wrong_type(path: &str, value: &Value, wanted: &str) -> Error {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Error::invalid_field(path, format!("the value is of type '{got}', expected '{wanted}'"))
}

/// Adds the members of `patch` to `extra`, as Keystone's PATCH does: one level deep, null is kept as null.
pub fn merge(extra: &mut Extra, patch: Extra) {
    extra.extend(patch);
}

/// The `options` member: an object of the names in `known`, each of the type that goes with it; null removes an option.
pub fn options(fields: &mut Fields<'_>, known: &[(&str, OptionKind)]) -> Result<Option<Extra>> {
    let path = fields.path("options");
    let Some(map) = fields.object("options")? else { return Ok(None) };
    for (name, value) in map {
        let Some((_, kind)) = known.iter().find(|(n, _)| n == name) else { return Err(unexpected(name)) };
        let path = format!("{path}.{name}");
        match (kind, value) {
            (_, Value::Null) | (OptionKind::Boolean, Value::Bool(_)) => {}
            (OptionKind::Boolean, other) => return Err(wrong_type(&path, other, "boolean")),
            (OptionKind::MfaRules, value) => check_mfa_rules(&path, value)?,
        }
    }
    Ok(Some(map.clone()))
}

/// What a resource option holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// True or false.
    Boolean,
    /// A list of lists of method names.
    MfaRules,
}

fn check_mfa_rules(path: &str, value: &Value) -> Result<()> {
    let rules = value.as_array().ok_or_else(|| wrong_type(path, value, "array"))?;
    for rule in rules {
        let methods = rule.as_array().ok_or_else(|| wrong_type(path, rule, "array"))?;
        if methods.is_empty() || !methods.iter().all(Value::is_string) {
            return Err(Error::invalid_field(path, "each rule is a list of method names"));
        }
        if repeats(methods) {
            return Err(Error::invalid_field(path, "a rule names a method twice"));
        }
    }
    if repeats(rules) {
        return Err(Error::invalid_field(path, "a rule stands twice in the list"));
    }
    Ok(())
}

/// Whether one of the values stands there again.
fn repeats(values: &[Value]) -> bool {
    let mut seen = BTreeSet::new();
    !values.iter().all(|v| seen.insert(v.to_string()))
}

/// Stores `patch` over `options`: a null takes the option away.
pub fn merge_options(options: &mut Extra, patch: Extra) {
    for (name, value) in patch {
        if value.is_null() {
            options.remove(&name);
        } else {
            options.insert(name, value);
        }
    }
}

/// True when the options say `immutable`.
pub fn is_immutable(options: &Extra) -> bool {
    options.get("immutable").and_then(Value::as_bool).unwrap_or(false)
}

/// Refuses to change an immutable resource, unless the body of this change does nothing but lift the immutability.
pub fn guard_update(kind: &str, id: &str, options: &Extra, body: Option<&Value>) -> Result<()> {
    let members = body.and_then(|b| b.get(kind)).and_then(Value::as_object).filter(|m| m.len() == 1);
    let lift = members.and_then(|m| m.get("options")).and_then(Value::as_object).and_then(|o| o.get("immutable"));
    let lifted = lift.is_some_and(|v| v.is_null() || v == &Value::Bool(false));
    if is_immutable(options) && !lifted { Err(immutable("update", kind, id)) } else { Ok(()) }
}

/// Refuses to delete an immutable resource.
pub fn guard_delete(kind: &str, id: &str, options: &Extra) -> Result<()> {
    if is_immutable(options) { Err(immutable("delete", kind, id)) } else { Ok(()) }
}

/// 403 in Keystone's words.
fn immutable(act: &str, kind: &str, id: &str) -> Error {
    Error::forbidden(format!(
        "Unable to {act} immutable {kind} resource: `{id}. Set resource option \"immutable\" to false first."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_read_by_type_and_the_rest_is_refused_by_name() {
        let body = json!({"thing": {"name": "x", "on": true, "odd": 1}});
        let mut f = Fields::of(&body, "thing").unwrap();
        assert_eq!(f.required_text("name", 1..=5).unwrap(), "x");
        assert_eq!(f.boolean("on").unwrap(), Some(true));
        assert_eq!(f.nullable_text("gone", 0..=5).unwrap(), None);
        let text = f.finish().unwrap_err().to_string();
        assert!(text.contains("'odd'"), "{text}");
    }

    #[test]
    fn a_missing_or_foreign_wrapper_is_named() {
        assert!(Fields::of(&json!({}), "thing").unwrap_err().to_string().contains("'thing' is a required property"));
        let both = json!({"thing": {}, "other": 1});
        assert!(Fields::of(&both, "thing").unwrap_err().to_string().contains("'other'"));
        assert!(Fields::of(&json!([]), "thing").is_err());
    }

    #[test]
    fn wrong_types_and_lengths_name_the_path() {
        let body = json!({"t": {"a": 1, "b": "toolong", "c": -1, "d": null}});
        let mut f = Fields::of(&body, "t").unwrap();
        for error in [
            f.text("a", 0..=9).unwrap_err(),
            f.text("b", 0..=3).unwrap_err(),
            f.nullable_count("c", 9).unwrap_err(),
            f.boolean("d").unwrap_err(),
        ] {
            assert!(error.to_string().starts_with("t."), "{error}");
        }
    }

    #[test]
    fn options_are_known_typed_and_removed_by_null() {
        let body = json!({"t": {"options": {"immutable": null}}});
        let patch =
            options(&mut Fields::of(&body, "t").unwrap(), &[("immutable", OptionKind::Boolean)]).unwrap().unwrap();
        let mut stored = json!({"immutable": true}).as_object().unwrap().clone();
        assert!(guard_delete("role", "r", &stored).is_err());
        assert!(guard_update("t", "r", &stored, Some(&body)).is_ok());
        let more = json!({"t": {"name": "x", "options": {"immutable": false}}});
        assert!(guard_update("t", "r", &stored, Some(&more)).is_err());
        merge_options(&mut stored, patch);
        assert!(stored.is_empty());
        let odd = json!({"t": {"options": {"x": true}}});
        assert!(options(&mut Fields::of(&odd, "t").unwrap(), &[]).is_err());
    }
}
