//! What differs between a resource as it is and as it is wanted, said by PATCH (RFC 7644 §3.5.2) or laid over the whole
//! (§3.5.1).

use serde_json::{Map, Value, json};

use super::resource::{Remote, member, put, take, truth};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Members that the server alone sets, and one that never goes out.
const NOT_SENT: [&str; 3] = ["meta", "groups", "password"];

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the top.
    Top(&'static str),
    /// In a complex attribute.
    In(&'static str, &'static str),
    /// In an extension.
    Extension(&'static str, &'static str),
}

impl Place {
    /// Its value now.
    pub fn read(self, body: &Map<String, Value>) -> Option<&Value> {
        match self {
            Self::Top(name) => member(body, name),
            Self::In(outer, name) | Self::Extension(outer, name) => member(member(body, outer)?.as_object()?, name),
        }
    }

    /// Puts a value there.
    pub fn write(self, body: &mut Map<String, Value>, value: Value) {
        let (outer, name) = match self {
            Self::Top(name) => return put(body, name, value),
            Self::In(outer, name) | Self::Extension(outer, name) => (outer, name),
        };
        let mut held = match take(body, outer) {
            Some(Value::Object(held)) => held,
            _ => Map::new(),
        };
        put(&mut held, name, value);
        body.insert(outer.to_owned(), held.into());
        if matches!(self, Self::Extension(..)) {
            announce(body, outer);
        }
    }

    fn path(self) -> String {
        match self {
            Self::Top(name) => name.to_owned(),
            Self::In(outer, name) => format!("{outer}.{name}"),
            Self::Extension(urn, name) => format!("{urn}:{name}"),
        }
    }
}

/// Names an extension among the schemas of a body.
fn announce(body: &mut Map<String, Value>, urn: &str) {
    let mut schemas = match take(body, "schemas") {
        Some(Value::Array(schemas)) => schemas,
        _ => Vec::new(),
    };
    if !schemas.iter().any(|schema| schema.as_str().is_some_and(|schema| schema.eq_ignore_ascii_case(urn))) {
        schemas.push(urn.into());
    }
    body.insert("schemas".to_owned(), schemas.into());
}

/// One attribute that is to be another.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which.
    pub place: Place,
    /// What it is to be.
    pub value: Value,
    /// Whether there is one now.
    pub there: bool,
}

impl Change {
    /// One to a resource as it is now.
    pub fn to(remote: &Remote, place: Place, value: Value) -> Self {
        Self { place, value, there: place.read(&remote.body).is_some() }
    }

    fn operation(&self) -> Value {
        let op = if self.there { "replace" } else { "add" };
        json!({"op": op, "path": self.place.path(), "value": self.value})
    }
}

/// The body of a PATCH.
pub fn patch(operations: Vec<Value>) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

/// The body of a PATCH that makes those changes.
pub fn patch_of(changes: &[Change]) -> Value {
    patch(changes.iter().map(Change::operation).collect())
}

/// The body of a PUT that makes them and leaves the rest as it is.
pub fn overlaid(remote: &Remote, changes: &[Change]) -> Value {
    let mut body = remote.body.clone();
    body.retain(|name, _| !NOT_SENT.iter().any(|not| not.eq_ignore_ascii_case(name)));
    for change in changes {
        change.place.write(&mut body, change.value.clone());
    }
    body.into()
}

/// Changes to one resource, as they are found.
pub struct Changes<'a> {
    remote: &'a Remote,
    found: Vec<Change>,
}

impl<'a> Changes<'a> {
    /// None yet.
    pub fn to(remote: &'a Remote) -> Self {
        Self { remote, found: Vec::new() }
    }

    /// A text; `same` tells whether two are the same. Whether it has to change.
    pub fn text(&mut self, place: Place, wanted: Option<&str>, same: fn(&str, &str) -> bool) -> bool {
        let Some(wanted) = wanted else { return false };
        let there = place.read(&self.remote.body).and_then(Value::as_str);
        let differs = !there.is_some_and(|there| same(there, wanted));
        if differs {
            self.value(place, wanted.into());
        }
        differs
    }

    /// A truth value, which `unsaid` is where there is none.
    pub fn truth(&mut self, place: Place, wanted: bool, unsaid: bool) {
        if place.read(&self.remote.body).and_then(truth).unwrap_or(unsaid) != wanted {
            self.value(place, wanted.into());
        }
    }

    /// Any value.
    pub fn value(&mut self, place: Place, wanted: Value) {
        self.found.push(Change::to(self.remote, place, wanted));
    }

    /// What was found.
    pub fn found(self) -> Vec<Change> {
        self.found
    }
}

/// Texts are the same as they are written.
pub fn exactly(a: &str, b: &str) -> bool {
    a == b
}

/// Case does not count.
pub fn in_any_case(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}
