//! Results and explanations as JSON: results in the form that Keystone's engine gives.

use serde_json::{Map, Value, json};

use super::{DomainRef, Explanation, Mapped, MappedProject, SchemaVersion, UserKind};

impl UserKind {
    /// As written in `user.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ephemeral => "ephemeral",
            Self::Local => "local",
        }
    }
}

impl DomainRef {
    /// As written in mappings.
    pub fn document(&self) -> Value {
        let members = [("id", &self.id), ("name", &self.name)];
        members
            .into_iter()
            .filter_map(|(k, v)| v.as_ref().map(|v| (k.to_owned(), json!(v))))
            .collect::<Map<_, _>>()
            .into()
    }
}

impl MappedProject {
    fn document(&self, version: SchemaVersion) -> Value {
        let roles: Vec<Value> = self.roles.iter().map(|role| json!({"name": role})).collect();
        let mut project = json!({"name": self.name, "roles": roles});
        put_domain(&mut project, self.domain.as_ref(), version);
        project
    }
}

impl Mapped {
    /// `user`, `group_ids` and `group_names` (sorted), `projects`. From 2.0 on a domain that nothing names is null: it is
    /// the identity provider's.
    pub fn document(&self, version: SchemaVersion) -> Value {
        let mut user = json!({"type": UserKind::Ephemeral.as_str()});
        let mut domain = self.default_domain.as_ref();
        if let Some(mapped) = &self.user {
            user = json!({"type": mapped.kind.as_str()});
            for (name, text) in [("id", &mapped.id), ("name", &mapped.name), ("email", &mapped.email)] {
                if let Some(text) = text {
                    user[name] = json!(text);
                }
            }
            domain = mapped.domain.as_ref();
        }
        put_domain(&mut user, domain, version);
        let group_names: Vec<Value> = self
            .group_names
            .iter()
            .map(|group| json!({"name": group.name, "domain": group.domain.document()}))
            .collect();
        json!({
            "user": user,
            "group_ids": self.group_ids,
            "group_names": group_names,
            "projects": self.projects.iter().map(|project| project.document(version)).collect::<Vec<_>>(),
        })
    }
}

fn put_domain(object: &mut Value, domain: Option<&DomainRef>, version: SchemaVersion) {
    match domain {
        Some(domain) => object["domain"] = domain.document(),
        None if version >= SchemaVersion::V2 => object["domain"] = Value::Null,
        None => {}
    }
}

impl Explanation {
    /// `rules` with what was seen, `result` or `error`, `warnings`.
    pub fn document(&self) -> Value {
        let rules: Vec<Value> = self
            .rules
            .iter()
            .map(|tried| {
                let remote: Vec<Value> = tried
                    .entries
                    .iter()
                    .map(|seen| {
                        let mut entry = json!({
                            "type": seen.attribute,
                            "condition": seen.condition,
                            "values": seen.values,
                            "passed": seen.passed,
                            "reason": seen.reason,
                        });
                        if seen.condition.is_some() {
                            entry["listed"] = json!(seen.listed);
                            entry["regex"] = json!(seen.regex);
                        }
                        if seen.slot.is_some() {
                            entry["slot"] = json!(seen.slot);
                            entry["given"] = json!(seen.given);
                        }
                        entry
                    })
                    .collect();
                json!({"rule": tried.rule, "matched": tried.matched, "remote": remote})
            })
            .collect();
        let mut warnings = self.warnings.clone();
        let mut document = json!({"schema_version": self.version.as_str(), "rules": rules});
        match &self.outcome {
            Ok(mapped) => {
                warnings.extend_from_slice(&mapped.warnings);
                document["result"] = mapped.document(self.version);
            }
            Err(refusal) => document["error"] = json!(refusal.message),
        }
        document["warnings"] = json!(warnings);
        document
    }
}
