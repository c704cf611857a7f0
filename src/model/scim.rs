//! SCIM 2.0 (RFC 7643, 7644) as data: what a directory may say of people and groups, and how it asks and changes.
//!
//! All of it is pure. What comes in is read against [`schema`]: attributes that are not there are dropped, as are `password`
//! and `roles` (SCIM-8), so nothing else can reach an account. Every reader has bounds, because directories are far away.

pub mod account;
pub mod bulk;
pub mod discovery;
pub mod filter;
pub mod group;
pub mod patch;
pub mod path;
pub mod projection;
pub mod schema;
pub mod search;
pub mod token;

use serde_json::{Map, Value};

use crate::error::{Error, ScimFault};

/// The attributes of a resource under their names in the schema; those of an extension stand under its URN.
pub type Document = Map<String, Value>;

/// The schema of users.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The schema of what enterprises say of users beside that.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The schema of lists.
pub const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The schema of searches.
pub const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// The schema of changes.
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The schema of several requests in one.
pub const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The schema of the answers to them.
pub const BULK_ANSWER: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// The schema of failures.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Longest name of a user, in characters.
pub const MAX_USER_NAME: usize = 255;
/// Longest name of a group, in characters.
pub const MAX_GROUP_NAME: usize = 64;
/// Longest id at the directory, in characters.
pub const MAX_EXTERNAL_ID: usize = 255;
/// Most resources in one answer.
pub const MAX_RESULTS: i64 = 200;
/// Resources in one answer that says nothing of how many.
pub const DEFAULT_RESULTS: i64 = 100;
/// Largest body, in bytes.
pub const MAX_BODY: usize = 1_048_576;

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Users.
    User,
    /// Groups.
    Group,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Where its resources are, behind the base.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// The URN of its schema.
    pub fn schema(self) -> &'static str {
        match self {
            Self::User => USER,
            Self::Group => GROUP,
        }
    }
}

/// 400 for a value that does not fit.
fn invalid_value(message: impl Into<String>) -> Error {
    Error::scim(ScimFault::InvalidValue, message)
}

/// The form in which a name is looked for: letter case does not count.
pub fn key(name: &str) -> String {
    name.to_lowercase()
}
