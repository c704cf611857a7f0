//! A protocol of an identity provider (OS-FEDERATION): a way to log in there, and the mapping that reads what comes back.

use serde_json::Value;

use super::fields::Fields;
use crate::error::{Error, Result};

/// A protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    /// The identity provider.
    pub idp_id: String,
    /// Its id, unique below the identity provider.
    pub id: String,
    /// The mapping; none only where users exist already.
    pub mapping_id: Option<String>,
    /// The attribute that tells the identity provider's remote id; an empty one tells as little as none.
    pub remote_id_attribute: Option<String>,
}

/// The body of a PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// See [`Protocol::mapping_id`].
    pub mapping_id: Option<String>,
    /// See [`Protocol::remote_id_attribute`].
    pub remote_id_attribute: Option<String>,
}

/// What a PATCH changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The new mapping.
    pub mapping_id: Option<String>,
    remote_id_attribute: Option<String>,
}

/// 400 for a protocol without a mapping where it needs one.
pub fn mapping_required() -> Error {
    Error::invalid_field("protocol", "'mapping_id' is a required property")
}

impl Create {
    /// Reads the body of a PUT.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::of(body, "protocol")?;
        let create = Self {
            mapping_id: f.text("mapping_id", 1..=64)?,
            remote_id_attribute: f.nullable_text("remote_id_attribute", 0..=64)?.flatten(),
        };
        f.finish()?;
        Ok(create)
    }

    /// The protocol to be.
    pub fn into_protocol(self, idp_id: &str, id: &str) -> Protocol {
        Protocol {
            idp_id: idp_id.to_owned(),
            id: id.to_owned(),
            mapping_id: self.mapping_id,
            remote_id_attribute: self.remote_id_attribute,
        }
    }
}

impl Update {
    /// Reads the body of a PATCH; it must name something.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::of(body, "protocol")?;
        let empty = f.is_empty();
        let update = Self {
            mapping_id: f.text("mapping_id", 1..=64)?,
            remote_id_attribute: f.text("remote_id_attribute", 0..=64)?,
        };
        f.finish()?;
        if empty { Err(mapping_required()) } else { Ok(update) }
    }
}

impl Protocol {
    /// This protocol after a PATCH.
    pub fn updated(&self, update: Update) -> Self {
        Self {
            mapping_id: update.mapping_id.or_else(|| self.mapping_id.clone()),
            remote_id_attribute: update.remote_id_attribute.or_else(|| self.remote_id_attribute.clone()),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn create(inner: Value) -> Result<Create> {
        Create::parse(&json!({ "protocol": inner }))
    }

    fn update(inner: Value) -> Result<Update> {
        Update::parse(&json!({ "protocol": inner }))
    }

    #[test]
    fn the_schema_refuses_what_it_must_and_names_the_member() {
        for (inner, name) in [
            (json!({"mapping_id": null}), "protocol.mapping_id"),
            (json!({"mapping_id": ""}), "protocol.mapping_id"),
            (json!({"mapping_id": "m".repeat(65)}), "protocol.mapping_id"),
            (json!({"mapping_id": "m", "remote_id_attribute": 1}), "protocol.remote_id_attribute"),
            (json!({"mapping_id": "m", "remote_id_attribute": "x".repeat(65)}), "protocol.remote_id_attribute"),
            (json!({"mapping_id": "m", "id": "x"}), "'id'"),
            (json!({"mapping_id": "m", "idp_id": "x"}), "'idp_id'"),
        ] {
            assert!(create(inner.clone()).unwrap_err().to_string().contains(name), "{inner}");
            assert!(update(inner.clone()).unwrap_err().to_string().contains(name), "{inner}");
        }
        assert!(create(json!({"mapping_id": "m", "remote_id_attribute": null})).is_ok());
        assert!(update(json!({"mapping_id": "m", "remote_id_attribute": null})).is_err());
        assert!(update(json!({})).unwrap_err().to_string().contains("'mapping_id' is a required property"));
    }

    #[test]
    fn a_patch_leaves_what_it_does_not_name() {
        let stored =
            create(json!({"mapping_id": "m", "remote_id_attribute": "iss"})).unwrap().into_protocol("ACME", "saml");
        let next = stored.updated(update(json!({"mapping_id": "n"})).unwrap());
        assert_eq!(next, Protocol { mapping_id: Some("n".into()), ..stored.clone() });
        let next = stored.updated(update(json!({"remote_id_attribute": ""})).unwrap());
        assert_eq!(next, Protocol { remote_id_attribute: Some(String::new()), ..stored });
    }
}
