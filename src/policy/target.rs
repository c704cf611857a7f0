//! What a rule sees: the object acted on ([`Target`]) and the caller ([`Credentials`]).
//!
//! Invariant I11 (CVE-2026-42999): only [`Target::stored`] and [`Target::and_stored`] write under `target.`, and they are
//! for values read from the store. The body, the query and the path each have a constructor that writes under a prefix of
//! its own, whatever keys the client chose, so no request can name an attribute that a rule trusts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::python;
use super::registry::ScopeType;

/// Members of request bodies that hold secrets.
const SECRETS: [&str; 6] =
    ["password", "original_password", "client_secret", "clientSecret", "bindPassword", "spPrivateKeyPem"];

/// The attributes of a request's object under flat names such as `target.user.domain_id`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target {
    attributes: BTreeMap<String, Value>,
}

impl Target {
    /// A target without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// An object from the store: its members become `target.<kind>.<member>`; a plain value becomes `target.<kind>`.
    ///
    /// For a creation, pass what the service has resolved (the domain it read from the store), never the body itself.
    pub fn stored(kind: &'static str, object: &Value) -> Self {
        Self::new().and_stored(kind, object)
    }

    /// Adds another object from the store.
    #[must_use]
    pub fn and_stored(mut self, kind: &'static str, object: &Value) -> Self {
        flatten(&mut self.attributes, &format!("target.{kind}"), object);
        self
    }

    /// Adds a variable of the path under its bare name, such as `user_id`. Names come from the route table; one with a
    /// dot could be taken for another attribute and goes under `path.` instead.
    #[must_use]
    pub fn and_path(mut self, name: &'static str, value: &str) -> Self {
        let key = if name.contains('.') || name.is_empty() { format!("path.{name}") } else { name.to_owned() };
        self.attributes.insert(key, Value::String(value.to_owned()));
        self
    }

    /// Adds the request body under `request_body.`, without its secrets: a remote check would see them.
    #[must_use]
    pub fn and_body(mut self, body: &Value) -> Self {
        flatten(&mut self.attributes, "request_body", body);
        let secret = |name: &str| SECRETS.contains(&name.rsplit('.').next().unwrap_or_default());
        self.attributes.retain(|name, _| !(name.starts_with("request_body.") && secret(name)));
        self
    }

    /// Adds query parameters under `filter_attr.`.
    #[must_use]
    pub fn and_filters<'a>(mut self, filters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (name, value) in filters {
            self.attributes.insert(format!("filter_attr.{name}"), Value::String(value.to_owned()));
        }
        self
    }

    /// A target exactly as the operator wrote it, nested objects flattened. For `policy check` only: it trusts its input.
    pub(crate) fn given(value: &Value) -> Self {
        let mut attributes = BTreeMap::new();
        if let Value::Object(members) = value {
            for (key, member) in members {
                flatten(&mut attributes, key, member);
            }
        }
        Self { attributes }
    }

    /// The attribute under a flat name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name)
    }

    /// All attributes as one JSON object with flat names.
    pub fn to_value(&self) -> Value {
        Value::Object(self.attributes.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// Nested objects become dotted names; lists stay values; an empty object leaves nothing. The recursion is as deep as the
/// JSON reader allows nesting.
fn flatten(into: &mut BTreeMap<String, Value>, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                flatten(into, &format!("{name}.{key}"), member);
            }
        }
        _ => {
            into.insert(name.to_owned(), value.clone());
        }
    }
}

/// The caller's attributes, built once per caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Credentials {
    attributes: Value,
    scope: ScopeType,
}

/// Attributes that every caller has; absent ones are null, so that `domain_id:None` means "not domain scope".
const ALWAYS: [&str; 6] = ["user_id", "project_id", "domain_id", "system_scope", "user_domain_id", "project_domain_id"];

impl Credentials {
    /// From a JSON object with Keystone's names: `user_id`, `project_id`, `domain_id`, `roles` (names), `system_scope`
    /// (`"all"`), `is_admin`, `user_domain_id`, `project_domain_id`, `group_ids`, `token` (the token body) and so on.
    /// `domain_id` is the token's domain scope and must be null for every other scope.
    pub fn new(attributes: Value) -> Self {
        let mut attributes = members(attributes);
        for name in ALWAYS {
            attributes.entry(name).or_insert(Value::Null);
        }
        attributes.entry("roles").or_insert_with(|| Value::Array(Vec::new()));
        Self::with_scope(attributes)
    }

    /// Credentials exactly as the operator wrote them, with nothing filled in. For `policy check` only.
    pub(crate) fn given(attributes: Value) -> Self {
        Self::with_scope(members(attributes))
    }

    fn with_scope(mut attributes: Map<String, Value>) -> Self {
        let is_true = |map: &Map<String, Value>, name: &str| map.get(name).is_some_and(python::truth);
        if is_true(&attributes, "system_scope")
            && let Some(system) = attributes.get("system_scope").cloned()
        {
            // oslo.policy shows system scope under both names.
            attributes.insert("system".to_owned(), system);
        }
        let scope = if is_true(&attributes, "system") {
            ScopeType::System
        } else if is_true(&attributes, "domain_id") {
            ScopeType::Domain
        } else {
            ScopeType::Project
        };
        Self { attributes: Value::Object(attributes), scope }
    }

    /// The scope that scope types are compared with: system, else domain, else project (an unscoped token, too).
    pub fn scope(&self) -> ScopeType {
        self.scope
    }

    /// The attribute with this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name)
    }

    /// All attributes as a JSON object.
    pub fn as_value(&self) -> &Value {
        &self.attributes
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    /// What a hostile client would like to set.
    fn hostile() -> Value {
        json!({
            "target": {"user": {"domain_id": "evil"}, "token": {"user_id": "evil"}},
            "target.user.domain_id": "evil",
            "user_id": "evil", "domain_id": "evil", "is_admin": 1,
            "token": {"user_id": "evil"}, "": {"target": "evil"},
        })
    }

    fn honest() -> Target {
        Target::stored("user", &json!({"id": "u1", "domain_id": "d1"}))
            .and_stored("token", &json!({"user_id": "u1"}))
            .and_path("user_id", "u1")
    }

    #[test]
    fn secrets_of_a_body_reach_no_check() {
        let body = json!({"user": {"name": "n", "password": "p", "original_password": "o"},
                          "setup": {"connection": {"client_secret": "s", "client_id": "c"}},
                          "oidcConfig": {"clientSecret": "s"}, "ldapConfig": {"bindPassword": "p"}, "samlConfig": {"spPrivateKeyPem": "o"}});
        let target = Target::stored("password", &json!("kept")).and_body(&body);
        let seen = target.to_value().to_string();
        assert!(
            seen.contains("request_body.user.name") && seen.contains("request_body.setup.connection.client_id"),
            "{seen}"
        );
        assert!(!["\"p\"", "\"o\"", "\"s\""].iter().any(|secret| seen.contains(secret)), "{seen}");
    }

    #[test]
    fn stored_objects_are_flat_under_target() {
        let target =
            Target::stored("user", &json!({"id": "u", "options": {"lock": true, "none": {}}, "tags": ["a", {"b": 1}]}))
                .and_stored("domain_id", &json!("d"));
        assert_eq!(
            target.to_value(),
            json!({"target.user.id": "u", "target.user.options.lock": true, "target.user.tags": ["a", {"b": 1}], "target.domain_id": "d"})
        );
    }

    #[test]
    fn ks_pol_2_body_cannot_name_a_trusted_attribute() {
        let plain = honest();
        let attacked = honest().and_body(&hostile());
        for name in [
            "target.user.domain_id",
            "target.token.user_id",
            "user_id",
            "domain_id",
            "is_admin",
            "token.user_id",
            "target",
        ] {
            assert_eq!(attacked.get(name), plain.get(name), "{name}");
        }
        assert!(attacked.attributes.keys().filter(|k| plain.get(k).is_none()).all(|k| k.starts_with("request_body.")));
    }

    #[test]
    fn ks_pol_3_query_cannot_name_a_trusted_attribute() {
        let plain = honest();
        let attacked = honest().and_filters([
            ("target.user.domain_id", "evil"),
            ("user_id", "evil"),
            ("target", "evil"),
            ("", "evil"),
            ("is_admin", "1"),
        ]);
        assert!(attacked.attributes.keys().filter(|k| plain.get(k).is_none()).all(|k| k.starts_with("filter_attr.")));
        assert!(plain.attributes.iter().all(|(k, v)| attacked.get(k) == Some(v)));
    }

    #[test]
    fn ks_pol_4_path_cannot_name_a_trusted_attribute() {
        let attacked =
            honest().and_path("target.user.domain_id", "evil").and_path("token.user_id", "evil").and_path("", "evil");
        assert_eq!(attacked.get("target.user.domain_id"), Some(&json!("d1")));
        assert_eq!(attacked.get("token.user_id"), None);
        assert_eq!(attacked.get("path.token.user_id"), Some(&json!("evil")));
    }

    #[test]
    fn ks_pol_5_body_that_is_no_object_stays_under_its_own_key() {
        for body in [json!("evil"), json!(["target"]), json!(1), json!(null)] {
            let attacked = Target::new().and_body(&body);
            assert_eq!(attacked.attributes.keys().collect::<Vec<_>>(), ["request_body"]);
        }
    }

    #[test]
    fn scope_is_system_then_domain_then_project() {
        let scope = |value: Value| Credentials::new(value).scope();
        assert_eq!(scope(json!({"system_scope": "all", "domain_id": "d"})), ScopeType::System);
        assert_eq!(scope(json!({"domain_id": "d", "project_id": "p"})), ScopeType::Domain);
        assert_eq!(scope(json!({"project_id": "p"})), ScopeType::Project);
        assert_eq!(scope(json!({})), ScopeType::Project);
        assert_eq!(scope(json!("no object")), ScopeType::Project);
        assert_eq!(Credentials::new(json!({"system_scope": "all"})).get("system"), Some(&json!("all")));
    }

    #[test]
    fn absent_standard_attributes_are_null() {
        let creds = Credentials::new(json!({}));
        assert_eq!(creds.get("domain_id"), Some(&Value::Null));
        assert_eq!(creds.get("roles"), Some(&json!([])));
        assert_eq!(Credentials::given(json!({})).get("domain_id"), None);
    }
}
