//! A user as a directory sees them, and what a directory's words make of one.
//!
//! Name, state and what signing in rests on are the user's own, whoever changed them last; the rest is kept beside the user as
//! the directory said it. So a change by another face is seen here, and none is overwritten by what was kept.

use serde_json::{Map, Value, json};

use super::{Document, ENTERPRISE, MAX_EXTERNAL_ID, MAX_USER_NAME, USER, invalid_value};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::expected::fingerprint;
use crate::model::fields::Extra;
use crate::model::user::{User, normal_email};

/// Most that is kept of one user beside the user, in bytes.
const MAX_KEPT: usize = 65_536;
/// Longest type of an address, in characters, as it is looked for.
const MAX_KIND: usize = 64;
/// Parts of the name that applications are told, which stand among the user's own attributes.
const NAMES: [(&str, &str); 2] = [("givenName", "given_name"), ("familyName", "family_name")];
/// The attributes of a document that are the user's own.
const OWN: [&str; 4] = ["userName", "active", "displayName", "externalId"];

/// What is kept of a user whom a directory looks after.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The directory's own id of them.
    pub external_id: Option<String>,
    /// Whether the directory has made them, rather than taken them over.
    pub made: bool,
    /// What the directory says that is not the user's own.
    pub attributes: Document,
}

/// A user of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// What is kept of them, if a directory looks after them.
    pub record: Option<Record>,
    /// When they were made.
    pub created_at: Timestamp,
    /// When they last changed.
    pub updated_at: Timestamp,
}

/// An e-mail address as it is looked for: in lower case, with its type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EmailKey {
    /// The address.
    pub address: String,
    /// Its type; empty for none.
    pub kind: String,
}

/// A group that a user is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

fn text(document: &Document, name: &str) -> Option<String> {
    document.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// Where the address that counts stands among several: the primary one, else the first.
fn main_of(emails: &[Value]) -> Option<usize> {
    let has_value = |v: &Value| v["value"].is_string();
    let primary = emails.iter().position(|v| v["primary"] == Value::Bool(true) && has_value(v));
    primary.or_else(|| emails.iter().position(has_value))
}

fn emails(document: &Document) -> &[Value] {
    document.get("emails").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn email_key(value: &Value) -> Option<EmailKey> {
    let address = value["value"].as_str()?;
    let address = normal_email(address).unwrap_or_else(|| address.to_lowercase());
    let kind = value["type"].as_str().unwrap_or_default().to_lowercase().chars().take(MAX_KIND).collect();
    Some(EmailKey { address: address.chars().take(320).collect(), kind })
}

impl Record {
    /// The type of the address that counts, as it is looked for.
    pub fn main_email_kind(&self) -> String {
        let all = emails(&self.attributes);
        main_of(all).and_then(|at| email_key(all.get(at)?)).map(|key| key.kind).unwrap_or_default()
    }

    /// The other addresses, as they are looked for.
    pub fn other_emails(&self) -> Vec<EmailKey> {
        let all = emails(&self.attributes);
        let main = main_of(all);
        let others = all.iter().enumerate().filter(|(at, _)| Some(*at) != main).filter_map(|(_, v)| email_key(v));
        let mut keys: Vec<EmailKey> = others.collect();
        keys.sort();
        keys.dedup();
        keys
    }
}

impl Account {
    /// What the directory is shown of them, but for what this service adds.
    pub fn document(&self) -> Document {
        let user = &self.user;
        let mut document = self.record.as_ref().map(|r| r.attributes.clone()).unwrap_or_default();
        document.insert("userName".to_owned(), json!(user.name));
        document.insert("active".to_owned(), json!(user.enabled));
        let own = |name: &str| user.extra.get(name).and_then(Value::as_str).filter(|v| !v.is_empty());
        put(&mut document, "displayName", own("display_name"));
        put(&mut document, "externalId", self.record.as_ref().and_then(|r| r.external_id.as_deref()));
        let mut name = match document.remove("name") {
            Some(Value::Object(name)) => name,
            _ => Map::new(),
        };
        for (part, key) in NAMES {
            put(&mut name, part, own(key));
        }
        if !name.is_empty() {
            document.insert("name".to_owned(), Value::Object(name));
        }
        self.put_emails(&mut document);
        document
    }

    /// The address that counts is the user's own, whatever was kept.
    fn put_emails(&self, document: &mut Document) {
        let mut all = match document.remove("emails") {
            Some(Value::Array(all)) => all,
            _ => Vec::new(),
        };
        match (main_of(&all), self.user.email()) {
            (Some(at), Some(own)) => {
                if let Some(main) = all.get_mut(at) {
                    main["value"] = json!(own);
                }
            }
            (Some(at), None) => {
                all.remove(at);
            }
            (None, Some(own)) => all.insert(0, json!({"value": own, "primary": true})),
            (None, None) => {}
        }
        if !all.is_empty() {
            document.insert("emails".to_owned(), Value::Array(all));
        }
    }

    /// Their version: another one for whatever is shown otherwise.
    pub fn version(&self) -> i64 {
        let shown = serde_json::to_string(&self.document()).unwrap_or_default();
        fingerprint(&format!("{} {shown}", self.user.id))
    }

    /// The resource. `base` is where the tenant's SCIM is.
    pub fn resource(&self, base: &str, groups: &[InGroup]) -> Value {
        let id = &self.user.id;
        let mut resource = self.document();
        let mut schemas = vec![USER];
        if resource.contains_key(ENTERPRISE) {
            schemas.push(ENTERPRISE);
        }
        let group = |g: &InGroup| json!({"value": g.id, "$ref": format!("{base}/Groups/{}", g.id), "display": g.name, "type": "direct"});
        if !groups.is_empty() {
            resource.insert("groups".to_owned(), groups.iter().map(group).collect());
        }
        resource.insert("schemas".to_owned(), json!(schemas));
        resource.insert("id".to_owned(), json!(id));
        let meta = json!({
            "resourceType": "User",
            "created": self.created_at.to_string(),
            "lastModified": self.updated_at.to_string(),
            "location": format!("{base}/Users/{id}"),
            "version": tag(self.version()),
        });
        resource.insert("meta".to_owned(), meta);
        Value::Object(resource)
    }

    /// The account of somebody new.
    pub fn made(document: &Document, id: String, domain_id: &str, now: Timestamp) -> Result<Self> {
        let user = User {
            id,
            domain_id: domain_id.to_owned(),
            name: String::new(),
            enabled: true,
            default_project_id: None,
            extra: Extra::new(),
            options: Extra::new(),
            password_expires_at: None,
        };
        let record = Some(Record { made: true, ..Record::default() });
        Self { user, record, created_at: now, updated_at: now }.changed(document, now, false)
    }

    /// This account as a document has it. What the document does not say is no more, but for whether they are active and the
    /// directory's id, which stay. `keep_email`: an address that they have stays as well.
    pub fn changed(&self, document: &Document, now: Timestamp, keep_email: bool) -> Result<Self> {
        let mut next = self.clone();
        let mut kept: Document =
            document.iter().filter(|(_, v)| !v.is_null()).map(|(n, v)| (n.clone(), v.clone())).collect();
        let user = &mut next.user;
        user.name = text(&kept, "userName").ok_or_else(|| invalid_value("'userName' is missing."))?;
        if user.name.chars().count() > MAX_USER_NAME {
            return Err(invalid_value(format!("'userName' is longer than {MAX_USER_NAME} characters.")));
        }
        user.enabled = kept.get("active").and_then(Value::as_bool).unwrap_or(user.enabled);
        put(&mut user.extra, "display_name", text(&kept, "displayName").as_deref());
        let name = kept.get("name").and_then(Value::as_object);
        for (part, key) in NAMES {
            put(&mut user.extra, key, name.and_then(|n| n.get(part)).and_then(Value::as_str));
        }
        let all = emails(&kept);
        let email = main_of(all).and_then(|at| all.get(at)?["value"].as_str()).map(str::to_owned);
        if !(keep_email && user.email().is_some()) && user.email() != email.as_deref() {
            put(&mut user.extra, "email", email.as_deref());
            user.extra.remove("email_verified");
        }
        let mut record = next.record.take().unwrap_or_default();
        if let Some(id) = document.get("externalId") {
            record.external_id = id.as_str().map(str::to_owned);
        }
        if record.external_id.as_ref().is_some_and(|id| id.chars().count() > MAX_EXTERNAL_ID) {
            return Err(invalid_value(format!("'externalId' is longer than {MAX_EXTERNAL_ID} characters.")));
        }
        kept.retain(|name, _| !OWN.contains(&name.as_str()));
        if let Some(Value::Object(inner)) = kept.get_mut(ENTERPRISE) {
            inner.retain(|_, v| !v.is_null());
            if inner.is_empty() {
                kept.remove(ENTERPRISE);
            }
        }
        if serde_json::to_string(&kept).map_or(usize::MAX, |text| text.len()) > MAX_KEPT {
            return Err(invalid_value(format!("What is said of the user is more than {MAX_KEPT} bytes.")));
        }
        record.attributes = kept;
        next.record = Some(record);
        next.updated_at = now;
        Ok(next)
    }
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    match value {
        Some(value) => object.insert(name.to_owned(), json!(value)),
        None => object.remove(name),
    };
}

/// A version as `meta.version` and `ETag` have it (RFC 7644 §3.14).
pub fn tag(version: i64) -> String {
    format!("W/\"{version}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_000_000);

    fn made(document: Value) -> Account {
        Account::made(document.as_object().unwrap(), "u1".into(), "d1", AT).unwrap()
    }

    #[test]
    fn what_a_directory_says_comes_back_and_what_the_service_uses_is_the_users_own() {
        let said = json!({
            "userName": "ann", "externalId": "e1", "active": true, "displayName": "Ann", "title": "Boss",
            "name": {"givenName": "Ann", "familyName": "Lee", "formatted": "Ann Lee"},
            "emails": [{"value": "h@x", "type": "home"}, {"value": "Ann@x", "type": "Work", "primary": true}],
            ENTERPRISE: {"department": "R&D"},
        });
        let ann = made(said.clone());
        assert_eq!(Value::Object(ann.document()), said);
        assert_eq!((ann.user.email(), ann.user.display_name()), (Some("Ann@x"), "Ann"));
        assert_eq!(ann.user.extra["family_name"], "Lee");
        let record = ann.record.clone().unwrap();
        assert_eq!(record.main_email_kind(), "work");
        assert_eq!(record.other_emails(), [EmailKey { address: "h@x".into(), kind: "home".into() }]);
        let resource = ann.resource("https://s", &[InGroup { id: "g1".into(), name: "G".into() }]);
        assert_eq!(resource["schemas"], json!([USER, ENTERPRISE]));
        assert_eq!(resource["meta"]["location"], "https://s/Users/u1");
        assert_eq!(resource["groups"][0]["$ref"], "https://s/Groups/g1");
        assert!(resource["meta"]["version"].as_str().unwrap().starts_with("W/\""));
    }

    #[test]
    fn a_change_by_another_face_is_seen_and_changes_the_version() {
        let mut ann =
            made(json!({"userName": "ann", "emails": [{"value": "a@x", "type": "work"}], "name": {"givenName": "A"}}));
        let before = ann.version();
        ann.user.extra.insert("email".into(), json!("b@x"));
        ann.user.extra.insert("given_name".into(), json!("B"));
        ann.user.enabled = false;
        let document = ann.document();
        assert_eq!(document["emails"], json!([{"value": "b@x", "type": "work"}]));
        assert_eq!((&document["name"]["givenName"], &document["active"]), (&json!("B"), &json!(false)));
        assert_ne!(ann.version(), before);
        ann.user.extra.remove("email");
        assert!(ann.document().get("emails").is_none());
    }

    #[test]
    fn what_a_document_leaves_out_is_gone_but_for_state_and_external_id() {
        let ann =
            made(json!({"userName": "ann", "externalId": "e", "active": false, "title": "T", "displayName": "A"}));
        let next = ann.changed(json!({"userName": "bob"}).as_object().unwrap(), AT, false).unwrap();
        assert_eq!(Value::Object(next.document()), json!({"userName": "bob", "externalId": "e", "active": false}));
        let cleared =
            ann.changed(json!({"userName": "bob", "externalId": null}).as_object().unwrap(), AT, false).unwrap();
        assert!(cleared.record.unwrap().external_id.is_none());
        for bad in [
            json!({}),
            json!({"userName": null}),
            json!({"userName": "x".repeat(256)}),
            json!({"userName": "x", "externalId": "x".repeat(256)}),
        ] {
            assert!(ann.changed(bad.as_object().unwrap(), AT, false).is_err(), "{bad:.40}");
        }
    }

    #[test]
    fn scim_3_a_new_address_is_not_taken_for_sure_and_may_be_told_to_stay() {
        let mut ann = made(json!({"userName": "ann", "emails": [{"value": "a@x"}]}));
        ann.user.extra.insert("email_verified".into(), json!(true));
        let other = json!({"userName": "ann", "emails": [{"value": "b@x"}]});
        let next = ann.changed(other.as_object().unwrap(), AT, false).unwrap();
        assert_eq!((next.user.email(), next.user.is_email_verified()), (Some("b@x"), false));
        let kept = ann.changed(other.as_object().unwrap(), AT, true).unwrap();
        assert_eq!((kept.user.email(), kept.user.is_email_verified()), (Some("a@x"), true));
        assert_eq!(kept.document()["emails"][0]["value"], "a@x");
    }
}
