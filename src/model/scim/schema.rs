//! The attributes that are kept of users and groups, and what may stand in each (RFC 7643 §2, §4, §7).
//!
//! The table is the allow-list: it says what is read, what is stored, what is shown and what `/Schemas` announces.

mod attributes;
mod reading;

use serde_json::{Value, json};

use super::path::AttributePath;
use super::{ENTERPRISE, Kind};

pub(super) use reading::in_extension;
pub use reading::{document, value};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// A truth value.
    Boolean,
    /// Where something is.
    Reference,
    /// Several parts.
    Complex,
}

/// Whether a value may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// It may.
    ReadWrite,
    /// It is said by this service.
    ReadOnly,
    /// It is set once.
    Immutable,
}

/// An attribute, or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What a value is.
    pub kind: Type,
    /// Whether it has several.
    pub multi: bool,
    /// Whether it must be there.
    pub required: bool,
    /// Whether letter case counts.
    pub case_exact: bool,
    /// Whether it may be changed.
    pub mutability: Mutability,
    /// Whether no two resources of a tenant have the same.
    pub unique: bool,
    /// Values that are usual.
    pub canonical: &'static [&'static str],
    /// What a reference leads to.
    pub leads_to: &'static [&'static str],
    /// Its parts.
    pub parts: &'static [Attribute],
    /// For people.
    pub description: &'static str,
}

impl Attribute {
    /// The part of that name.
    pub fn part(&self, name: &str) -> Option<&'static Attribute> {
        self.parts.iter().find(|part| part.name.eq_ignore_ascii_case(name))
    }

    /// As `/Schemas` shows it.
    fn shown(&self) -> Value {
        let kind = match self.kind {
            Type::Text => "string",
            Type::Boolean => "boolean",
            Type::Reference => "reference",
            Type::Complex => "complex",
        };
        let mutability = match self.mutability {
            Mutability::ReadWrite => "readWrite",
            Mutability::ReadOnly => "readOnly",
            Mutability::Immutable => "immutable",
        };
        let mut shown = json!({
            "name": self.name,
            "type": kind,
            "multiValued": self.multi,
            "description": self.description,
            "required": self.required,
            "mutability": mutability,
            "returned": "default",
        });
        if self.kind != Type::Boolean && self.kind != Type::Complex {
            shown["caseExact"] = json!(self.case_exact);
        }
        if self.kind != Type::Complex {
            shown["uniqueness"] = json!(if self.unique { "server" } else { "none" });
        }
        if !self.canonical.is_empty() {
            shown["canonicalValues"] = json!(self.canonical);
        }
        if self.kind == Type::Reference {
            shown["referenceTypes"] = json!(self.leads_to);
        }
        if self.kind == Type::Complex {
            shown["subAttributes"] = self.parts.iter().map(Self::shown).collect();
        }
        shown
    }
}

/// The attributes of a kind's own schema.
pub fn core(kind: Kind) -> &'static [Attribute] {
    match kind {
        Kind::User => attributes::USER,
        Kind::Group => attributes::GROUP,
    }
}

/// What enterprises say of users beside that.
pub fn enterprise() -> &'static [Attribute] {
    attributes::ENTERPRISE
}

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// To an attribute of every resource, or of the kind's own schema.
    Core(&'static Attribute),
    /// To an attribute of the enterprise schema.
    Enterprise(&'static Attribute),
    /// To that schema as a whole.
    WholeEnterprise,
    /// To the resource as a whole.
    Whole,
    /// To what is not kept.
    Nowhere,
}

/// Where a path leads in resources of a kind. Letter case does not count (RFC 7643 §2.1).
pub fn place(kind: Kind, path: &AttributePath) -> Place {
    let named = |all: &'static [Attribute]| all.iter().find(|a| a.name.eq_ignore_ascii_case(&path.name));
    match &path.schema {
        None => named(attributes::COMMON).or_else(|| named(core(kind))).map_or(Place::Nowhere, Place::Core),
        Some(schema) if schema.eq_ignore_ascii_case(kind.schema()) => match path.name.as_str() {
            "" => Place::Whole,
            _ => named(core(kind)).or_else(|| named(attributes::COMMON)).map_or(Place::Nowhere, Place::Core),
        },
        Some(schema) if kind == Kind::User && schema.eq_ignore_ascii_case(ENTERPRISE) => match path.name.as_str() {
            "" => Place::WholeEnterprise,
            _ => named(attributes::ENTERPRISE).map_or(Place::Nowhere, Place::Enterprise),
        },
        Some(_) => Place::Nowhere,
    }
}

/// The schemas, as `/Schemas` shows them.
pub fn schemas() -> Vec<Value> {
    let one = |id: &str, name: &str, description: &str, attributes: &[Attribute]| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": id,
            "name": name,
            "description": description,
            "attributes": attributes.iter().map(Attribute::shown).collect::<Vec<_>>(),
        })
    };
    vec![
        one(super::USER, "User", "A user of the tenant", attributes::USER),
        one(super::GROUP, "Group", "A group of users of the tenant", attributes::GROUP),
        one(ENTERPRISE, "EnterpriseUser", "What an enterprise says of a user", attributes::ENTERPRISE),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_an_attribute_whatever_its_letter_case_and_nowhere_else() {
        let at = |kind, text: &str| place(kind, &AttributePath::parse(text).unwrap());
        let name = |place: Place| match place {
            Place::Core(a) => a.name,
            Place::Enterprise(a) => a.name,
            Place::WholeEnterprise => "enterprise",
            Place::Whole => "whole",
            Place::Nowhere => "",
        };
        for (kind, text, expected) in [
            (Kind::User, "USERNAME", "userName"),
            (Kind::User, "externalid", "externalId"),
            (Kind::User, "urn:ietf:params:scim:schemas:core:2.0:user:userName", "userName"),
            (Kind::User, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:Department", "department"),
            (Kind::User, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "enterprise"),
            (Kind::User, "urn:ietf:params:scim:schemas:core:2.0:User", "whole"),
            (Kind::User, "department", ""),
            (Kind::User, "password", ""),
            (Kind::User, "roles", ""),
            (Kind::User, "members", ""),
            (Kind::Group, "members", "members"),
            (Kind::Group, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", ""),
            (Kind::Group, "urn:x:y:displayName", ""),
        ] {
            assert_eq!(name(at(kind, text)), expected, "{text}");
        }
    }

    #[test]
    fn scim_8_no_schema_announces_passwords_or_roles() {
        let text = Value::from(schemas()).to_string().to_lowercase();
        for never in ["password", "\"roles\"", "entitlements", "x509"] {
            assert!(!text.contains(never), "{never}");
        }
    }
}
