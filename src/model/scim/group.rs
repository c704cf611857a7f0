//! A group as a directory sees it, and changes of one. Members are never read to be changed: what is to be done about them
//! is said, and the store does it in pieces (SCIM-4).

use serde_json::{Map, Value, json};

use super::filter::{Compare, Filter, invalid};
use super::patch::{Operation, Verb, member};
use super::path::AttributePath;
use super::schema::{self, Mutability, Place, value};
use super::{GROUP, Kind, MAX_EXTERNAL_ID, MAX_GROUP_NAME, account::tag, invalid_value};
use crate::clock::Timestamp;
use crate::error::{Error, Result, ScimFault};
use crate::model::group::Group;

/// Longest id of a user, in bytes.
const MAX_ID: usize = 64;

/// What is kept of a group that a directory looks after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The directory's own id of it.
    pub external_id: Option<String>,
    /// Whether the directory has made it, rather than taken it over.
    pub made: bool,
    /// When it came to be looked after.
    pub created_at: Timestamp,
}

/// A group of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The group.
    pub group: Group,
    /// What is kept of it, if a directory looks after it.
    pub record: Option<Record>,
    /// Counts its changes, those of its members as well.
    pub version: i64,
    /// When it last changed, if that is known.
    pub updated_at: Option<Timestamp>,
}

/// What is done about members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// These come in.
    Add(Vec<String>),
    /// These go.
    Remove(Vec<String>),
    /// These stay or come in, all others go.
    Replace(Vec<String>),
}

/// What is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Another name.
    pub display_name: Option<String>,
    /// Another id at the directory; `Some(None)` takes it away.
    pub external_id: Option<Option<String>>,
    /// What is done about members, in order.
    pub members: Vec<MemberChange>,
}

impl Entry {
    /// The resource; the ids of `members` are left out if they are not wanted. `base` is where the tenant's SCIM is.
    pub fn resource(&self, base: &str, members: Option<&[String]>) -> Value {
        let id = &self.group.id;
        let mut meta = json!({
            "resourceType": "Group",
            "location": format!("{base}/Groups/{id}"),
            "version": tag(self.version),
        });
        if let Some(record) = self.record.as_ref().filter(|r| r.made) {
            meta["created"] = json!(record.created_at.to_string());
        }
        if let Some(at) = self.updated_at {
            meta["lastModified"] = json!(at.to_string());
        }
        let mut resource = json!({"schemas": [GROUP], "id": id, "displayName": self.group.name, "meta": meta});
        if let Some(external_id) = self.record.as_ref().and_then(|r| r.external_id.as_ref()) {
            resource["externalId"] = json!(external_id);
        }
        if let Some(members) = members.filter(|all| !all.is_empty()) {
            let one = |id: &String| json!({"value": id, "$ref": format!("{base}/Users/{id}"), "type": "User"});
            resource["members"] = members.iter().map(one).collect();
        }
        resource
    }
}

impl Change {
    /// Reads the body that makes a group or takes the place of one.
    pub fn of_body(body: &Value) -> Result<Self> {
        let object = body.as_object().ok_or_else(|| invalid_value("The body is no object."))?;
        let mut change = Self::default();
        change.take(object, Verb::Replace)?;
        if change.display_name.is_none() {
            return Err(invalid_value("'displayName' is missing."));
        }
        Ok(change)
    }

    /// Reads operations.
    pub fn of_operations(operations: &[Operation]) -> Result<Self> {
        let mut change = Self::default();
        for operation in operations {
            change.add(operation)?;
        }
        Ok(change)
    }

    fn add(&mut self, operation: &Operation) -> Result<()> {
        let given = operation.value.as_ref().unwrap_or(&Value::Null);
        let whole = |given: &Value| given.as_object().cloned().ok_or_else(|| invalid_value("The value is no object."));
        let Some(path) = &operation.path else { return self.take(&whole(given)?, operation.verb) };
        let attribute = match schema::place(Kind::Group, &path.attribute) {
            Place::Core(attribute) => attribute,
            Place::Whole => return self.take(&whole(given)?, operation.verb),
            Place::Enterprise(_) | Place::WholeEnterprise | Place::Nowhere => return Ok(()),
        };
        if attribute.mutability == Mutability::ReadOnly {
            return Err(Error::scim(ScimFault::Mutability, format!("'{}' is read-only.", attribute.name)));
        }
        if attribute.name != "members" {
            if path.filter.is_some() || path.sub.is_some() {
                let text = format!("'{}' has one value only, without parts.", attribute.name);
                return Err(Error::scim(ScimFault::InvalidPath, text));
            }
            let given = if operation.verb == Verb::Remove { Value::Null } else { value(attribute, given)? };
            return self.set(attribute.name, given);
        }
        let change = match (&path.filter, operation.verb) {
            (Some(filter), Verb::Remove) => MemberChange::Remove(named_by(filter)?),
            (Some(_), Verb::Add | Verb::Replace) => {
                return Err(Error::scim(ScimFault::Mutability, "A member is not changed into another."));
            }
            (None, verb) => changes_by(verb, given)?,
        };
        self.members.push(change);
        Ok(())
    }

    /// The attributes of an object.
    fn take(&mut self, object: &Map<String, Value>, verb: Verb) -> Result<()> {
        for (name, given) in schema::document(Kind::Group, object)? {
            self.set(&name, given)?;
        }
        let is_members = |name: &str| {
            let path = AttributePath::parse(name).filter(|p| p.sub.is_none());
            path.is_some_and(|p| matches!(schema::place(Kind::Group, &p), Place::Core(a) if a.name == "members"))
        };
        // The same in two spellings would be two groups in one.
        member(object, "members")?;
        for (_, given) in object.iter().filter(|(name, _)| is_members(name)) {
            self.members.push(changes_by(verb, given)?);
        }
        Ok(())
    }

    fn set(&mut self, name: &str, given: Value) -> Result<()> {
        let given = given.as_str().map(str::to_owned);
        let check = |text: &Option<String>, most: usize| match text {
            Some(text) if text.chars().count() > most => {
                Err(invalid_value(format!("'{name}' is longer than {most} characters.")))
            }
            _ => Ok(()),
        };
        match name {
            "displayName" => {
                check(&given, MAX_GROUP_NAME)?;
                let missing = || Error::scim(ScimFault::InvalidValue, "'displayName' must be there.");
                self.display_name = Some(given.ok_or_else(missing)?);
            }
            "externalId" => {
                check(&given, MAX_EXTERNAL_ID)?;
                self.external_id = Some(given);
            }
            _ => {}
        }
        Ok(())
    }
}

fn changes_by(verb: Verb, given: &Value) -> Result<MemberChange> {
    let ids = ids(given)?;
    Ok(match verb {
        Verb::Add => MemberChange::Add(ids),
        Verb::Replace => MemberChange::Replace(ids),
        // Entra ID says whom in the value; without one, everybody goes.
        Verb::Remove if given.is_null() => MemberChange::Replace(Vec::new()),
        Verb::Remove => MemberChange::Remove(ids),
    })
}

/// The ids of a list of members, each an object or the id alone.
fn ids(given: &Value) -> Result<Vec<String>> {
    let all = match given {
        Value::Null => &[],
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let id = |one: &Value| -> Result<String> {
        let named = match one {
            Value::Object(object) => member(object, "value")?,
            other => Some(other),
        };
        let id = named.and_then(Value::as_str).filter(|id| !id.is_empty() && id.len() <= MAX_ID);
        id.map(str::to_owned).ok_or_else(|| invalid_value("A member has no 'value' that is the id of a user."))
    };
    all.iter().map(id).collect()
}

/// The ids that a filter names: `value eq "…"`, or several of these with `or`.
fn named_by(filter: &Filter) -> Result<Vec<String>> {
    match filter {
        Filter::Or(all) => Ok(all.iter().map(named_by).collect::<Result<Vec<_>>>()?.concat()),
        Filter::Term(path, Compare::Equal, Value::String(id)) if path.is("value", None) => Ok(vec![id.clone()]),
        _ => Err(invalid("Members are chosen by 'value eq' only.")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::patch;
    use super::*;

    fn change(operations: Value) -> Result<Change> {
        Change::of_operations(&patch::operations(&json!({ "Operations": operations }))?)
    }

    fn ids(all: &[&str]) -> Vec<String> {
        all.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn members_are_added_removed_and_replaced_without_reading_them() {
        let of = |operation: Value| change(json!([operation])).unwrap().members.remove(0);
        let two = json!([{"value": "a"}, {"value": "b", "display": "B"}]);
        let add = MemberChange::Add(ids(&["a", "b"]));
        assert_eq!(of(json!({"op": "add", "path": "members", "value": two})), add);
        assert_eq!(of(json!({"op": "Add", "value": {"members": two}})), add);
        assert_eq!(
            of(json!({"op": "add", "path": "members", "value": {"value": "a"}})),
            MemberChange::Add(ids(&["a"]))
        );
        assert_eq!(
            of(json!({"op": "replace", "path": "members", "value": two})),
            MemberChange::Replace(ids(&["a", "b"]))
        );
        assert_eq!(of(json!({"op": "remove", "path": r#"members[value eq "a"]"#})), MemberChange::Remove(ids(&["a"])));
        let or = r#"members[value eq "a" or value eq "b"]"#;
        assert_eq!(of(json!({"op": "remove", "path": or})), MemberChange::Remove(ids(&["a", "b"])));
        assert_eq!(
            of(json!({"op": "Remove", "path": "members", "value": two})),
            MemberChange::Remove(ids(&["a", "b"]))
        );
        assert_eq!(of(json!({"op": "remove", "path": "members"})), MemberChange::Replace(vec![]));
    }

    #[test]
    fn names_are_changed_and_what_is_not_kept_is_not() {
        let got = change(json!([
            {"op": "replace", "path": "displayName", "value": "G"}, {"op": "add", "path": "externalId", "value": "e"},
            {"op": "replace", "value": {"id": "x", "displayName": "H", "owners": []}}, {"op": "add", "path": "owners", "value": []},
        ]));
        let expected = Change { display_name: Some("H".into()), external_id: Some(Some("e".into())), members: vec![] };
        assert_eq!(got.unwrap(), expected);
        assert_eq!(change(json!([{"op": "remove", "path": "externalId"}])).unwrap().external_id, Some(None));
        for (bad, fault) in [
            (json!({"op": "remove", "path": "displayName"}), "invalidValue"),
            (json!({"op": "replace", "path": "displayName", "value": "x".repeat(65)}), "invalidValue"),
            (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
            (json!({"op": "replace", "path": r#"members[value eq "a"].type"#, "value": "x"}), "mutability"),
            (json!({"op": "remove", "path": r#"members[display eq "a"]"#}), "invalidFilter"),
            (json!({"op": "remove", "path": r#"members[value eq "a" and value eq "b"]"#}), "invalidFilter"),
            (json!({"op": "add", "path": "members", "value": [{"display": "a"}]}), "invalidValue"),
            (json!({"op": "add", "path": "members", "value": [{"value": 1}]}), "invalidValue"),
            (json!({"op": "add", "path": "members", "value": [{"value": "x".repeat(65)}]}), "invalidValue"),
            (json!({"op": "replace", "path": "displayName.x", "value": "x"}), "invalidPath"),
        ] {
            match change(json!([bad.clone()])) {
                Err(Error::Scim { fault: got, .. }) => assert_eq!(got.as_str(), fault, "{bad}"),
                other => panic!("{bad}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_body_that_names_no_members_says_nothing_of_them() {
        let body = |body: Value| Change::of_body(&body);
        assert_eq!(body(json!({"displayName": "G"})).unwrap().members, []);
        assert_eq!(body(json!({"displayName": "G", "members": []})).unwrap().members, [MemberChange::Replace(vec![])]);
        assert!(body(json!({"members": []})).is_err());
        assert!(body(json!({"displayName": "G", "members": [], "Members": []})).is_err());
    }
}
