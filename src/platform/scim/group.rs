//! Groups as they are sent (RFC 7643 §4.2), without their members, which are changed on their own.

use serde_json::{Value, json};

use super::change::{Change, Changes, Place, exactly};
use super::failure::{Failure, Kind};
use super::resource::Remote;
use super::user::MAX_VALUE;

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A group as it is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Our key.
    pub external_id: String,
    /// The name by which people know it.
    pub display_name: String,
}

impl Group {
    /// # Errors
    /// `Refused` for a group without key or name, or with one that is too long.
    pub(super) fn check(&self) -> Result<(), Failure> {
        for (name, value) in [("externalId", &self.external_id), ("displayName", &self.display_name)] {
            if value.trim().is_empty() {
                return Err(Failure::new(Kind::Refused, format!("the group has no {name}")));
            }
            if value.len() > MAX_VALUE {
                return Err(Failure::new(Kind::Refused, format!("the group has a {name} of over {MAX_VALUE} bytes")));
            }
        }
        Ok(())
    }

    /// The body that creates it.
    pub(super) fn body(&self) -> Value {
        json!({"schemas": [SCHEMA], "externalId": self.external_id, "displayName": self.display_name})
    }

    /// What has to change at the server.
    pub(super) fn changes(&self, remote: &Remote) -> Vec<Change> {
        let mut changes = Changes::to(remote);
        changes.text(Place::Top("externalId"), Some(&self.external_id), exactly);
        changes.text(Place::Top("displayName"), Some(&self.display_name), exactly);
        changes.found()
    }
}
