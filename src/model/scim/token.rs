//! A token by which a directory changes the users and groups of one tenant, and nothing else.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::fields::Fields;

/// What every such token begins with, so that it is known when it is found where it should not be.
pub const PREFIX: &str = "asc_scim_";
/// Longest life, in seconds: ten years.
const MAX_LIFE_SECS: i64 = 315_360_000;

/// A token, but for the token itself, of which only a digest is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimToken {
    /// Its id.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; never, if absent.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// The body that makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// What people call it.
    pub name: String,
    /// How long it lives, in seconds; for ever, if absent.
    pub expires_in_secs: Option<i64>,
}

impl Create {
    /// Reads the body.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        let name = f.required_text("name", 1..=255)?;
        if name.trim().is_empty() {
            return Err(Error::invalid_field("name", "the value is blank"));
        }
        let expires_in_secs = f.nullable_count("expires_in_secs", MAX_LIFE_SECS)?.flatten();
        if expires_in_secs == Some(0) {
            return Err(Error::invalid_field("expires_in_secs", "must be 1 or more"));
        }
        f.finish()?;
        Ok(Self { name, expires_in_secs })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_has_a_name_and_may_end() {
        let parse = |body: Value| Create::parse(&body);
        assert_eq!(parse(json!({"name": "Okta"})).unwrap(), Create { name: "Okta".into(), expires_in_secs: None });
        assert_eq!(parse(json!({"name": "O", "expires_in_secs": 60})).unwrap().expires_in_secs, Some(60));
        for bad in [
            json!({}),
            json!({"name": " "}),
            json!({"name": 1}),
            json!({"name": "x".repeat(256)}),
            json!({"name": "x", "expires_in_secs": 0}),
            json!({"name": "x", "expires_in_secs": -1}),
            json!({"name": "x", "expires_in_secs": MAX_LIFE_SECS + 1}),
            json!({"name": "x", "tenant_id": "y"}),
        ] {
            assert!(parse(bad.clone()).is_err(), "{bad}");
        }
    }
}
