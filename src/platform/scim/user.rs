//! Users as they are sent (RFC 7643 §4.1, §4.3): a list of attributes that has neither passwords nor roles, whatever the
//! source knows (SCIM-8).

use serde_json::{Map, Value, json};

use super::change::{Change, Changes, Place, exactly, in_any_case};
use super::failure::{Failure, Kind};
use super::resource::{Remote, attribute, text};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension.
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Longest value.
pub(super) const MAX_VALUE: usize = 1_024;

/// A user as it is wanted. What is `None` is not spoken of: a server's own value of it stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// Our key.
    pub external_id: String,
    /// The name by which the server's people know the user.
    pub user_name: String,
    /// Whether the user may sign in there.
    pub active: bool,
    /// The name for display.
    pub display_name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// The e-mail address at work.
    pub email: Option<String>,
    /// The telephone number at work.
    pub phone: Option<String>,
    /// For a server that has the enterprise extension.
    pub enterprise: Enterprise,
}

/// A user's place in an enterprise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enterprise {
    /// The number as an employee.
    pub employee_number: Option<String>,
    /// The organization.
    pub organization: Option<String>,
    /// The department.
    pub department: Option<String>,
}

impl Enterprise {
    fn all(&self) -> [(&'static str, Option<&str>); 3] {
        [
            ("employeeNumber", self.employee_number.as_deref()),
            ("organization", self.organization.as_deref()),
            ("department", self.department.as_deref()),
        ]
    }
}

impl User {
    /// # Errors
    /// `Refused` for a user without key or name, or with a value that is too long.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let required = [("externalId", &self.external_id), ("userName", &self.user_name)];
        if let Some((name, _)) = required.iter().find(|(_, value)| value.trim().is_empty()) {
            return Err(Failure::new(Kind::Refused, format!("the user has no {name}")));
        }
        let optional = [&self.display_name, &self.given_name, &self.family_name, &self.email, &self.phone];
        let texts = required.iter().map(|(_, value)| value.as_str());
        let texts = texts.chain(optional.into_iter().filter_map(Option::as_deref));
        let mut texts = texts.chain(self.enterprise.all().into_iter().filter_map(|(_, value)| value));
        if texts.any(|value| value.len() > MAX_VALUE) {
            return Err(Failure::new(Kind::Refused, format!("the user has a value of over {MAX_VALUE} bytes")));
        }
        Ok(())
    }

    /// The body that creates it.
    pub(super) fn body(&self, enterprise: bool) -> Value {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([SCHEMA]));
        let mut put = |place: Place, value: Option<Value>| {
            if let Some(value) = value {
                place.write(&mut body, value);
            }
        };
        let given = |value: &Option<String>| value.clone().map(Value::from);
        put(Place::Top("externalId"), Some(self.external_id.clone().into()));
        put(Place::Top("userName"), Some(self.user_name.clone().into()));
        put(Place::Top("active"), Some(self.active.into()));
        put(Place::Top("displayName"), given(&self.display_name));
        put(Place::In("name", "givenName"), given(&self.given_name));
        put(Place::In("name", "familyName"), given(&self.family_name));
        put(Place::In("name", "formatted"), given(&self.formatted()));
        let one =
            |value: &Option<String>| value.as_ref().map(|v| json!([{"value": v, "type": "work", "primary": true}]));
        put(Place::Top("emails"), one(&self.email));
        put(Place::Top("phoneNumbers"), one(&self.phone));
        if enterprise {
            for (name, value) in self.enterprise.all() {
                put(Place::Extension(ENTERPRISE, name), value.map(Value::from));
            }
        }
        body.into()
    }

    /// What has to change at the server. At `first_contact`, with a user that was known by its name alone, e-mail addresses
    /// and telephone numbers that are there stay: whoever gave them is not known to be us (SCIM-3).
    pub(super) fn changes(&self, remote: &Remote, first_contact: bool, enterprise: bool) -> Vec<Change> {
        let mut changes = Changes::to(remote);
        changes.text(Place::Top("externalId"), Some(&self.external_id), exactly);
        changes.text(Place::Top("userName"), Some(&self.user_name), in_any_case);
        changes.truth(Place::Top("active"), self.active, true);
        changes.text(Place::Top("displayName"), self.display_name.as_deref(), exactly);
        let given = changes.text(Place::In("name", "givenName"), self.given_name.as_deref(), exactly);
        let family = changes.text(Place::In("name", "familyName"), self.family_name.as_deref(), exactly);
        if given || family {
            // By itself it is not compared: many servers make it of the other two, each in its own way.
            changes.text(Place::In("name", "formatted"), self.formatted().as_deref(), exactly);
        }
        for (name, wanted, same) in [
            ("emails", self.email.as_deref(), in_any_case as fn(&str, &str) -> bool),
            ("phoneNumbers", self.phone.as_deref(), same_number),
        ] {
            let there = remote.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if let Some(wanted) = wanted.filter(|_| there.is_empty() || !first_contact)
                && let Some(wanted) = at_work(there, wanted, same)
            {
                changes.value(Place::Top(name), wanted);
            }
        }
        if enterprise {
            for (name, value) in self.enterprise.all() {
                changes.text(Place::Extension(ENTERPRISE, name), value, exactly);
            }
        }
        changes.found()
    }

    /// The whole name.
    fn formatted(&self) -> Option<String> {
        let parts: Vec<&str> = [&self.given_name, &self.family_name].into_iter().filter_map(Option::as_deref).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// Values as they are wanted, with the others that are there; `None` if they are so already. Ours is the one for work.
fn at_work(there: &[Value], wanted: &str, same: fn(&str, &str) -> bool) -> Option<Value> {
    let kind = |value: &Value| text(value, "type").map(str::to_lowercase);
    let ours = |value: &&Value| kind(value).is_none_or(|kind| kind == "work");
    if there.iter().filter(ours).any(|value| text(value, "value").is_some_and(|value| same(value, wanted))) {
        return None;
    }
    let mut all = there.to_vec();
    match all.iter_mut().find(|value| kind(value).is_some_and(|kind| kind == "work")) {
        Some(held) => {
            let primary = attribute(held, "primary").cloned();
            *held = json!({"value": wanted, "type": "work"});
            if let Some(primary) = primary {
                held["primary"] = primary;
            }
        }
        None => {
            // At most one is primary, and it is the server's choice if it has made one.
            let chosen = all.iter().any(|value| attribute(value, "primary") == Some(&Value::Bool(true)));
            all.push(json!({"value": wanted, "type": "work", "primary": !chosen}));
        }
    }
    Some(all.into())
}

/// Numbers are the same by their digits.
fn same_number(a: &str, b: &str) -> bool {
    let digits = |text: &str| text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>();
    a == b || (!digits(a).is_empty() && digits(a) == digits(b))
}
