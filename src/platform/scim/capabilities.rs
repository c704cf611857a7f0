//! What a server can do, by its `/ServiceProviderConfig` and `/ResourceTypes` (RFC 7644 §4, RFC 7643 §5 and §6).

use serde_json::Value;

use super::failure::{Failure, Kind};
use super::resource::{attribute, number, text, truth};
use super::turn::Turn;
use super::user::ENTERPRISE;
use super::wire::{Reply, Request};

/// Most resources of one page that we ask for.
const PAGE: u64 = 100;
/// Most operations of one bulk request, whatever the server takes; its answer has to stay small, too.
const MAX_OPERATIONS: u64 = 100;
/// Largest bulk request, whatever the server takes.
const MAX_PAYLOAD: u64 = 1_048_576;
/// Longest path of an endpoint.
const MAX_ENDPOINT: usize = 100;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Limits of bulk requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bulk {
    /// Most operations of one.
    pub operations: usize,
    /// Most bytes of one.
    pub payload: usize,
}

/// What a server can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// It changes single attributes.
    pub patch: bool,
    /// It takes several operations in one request.
    pub bulk: Option<Bulk>,
    /// It filters lists.
    pub filter: bool,
    /// Resources of one page.
    pub page: u64,
    /// It has versions and changes only the one that is meant.
    pub etag: bool,
    /// It sorts.
    pub sort: bool,
    /// It pages by cursors (RFC 9865), and not by numbers.
    pub cursor: bool,
    /// It has the enterprise extension of users.
    pub enterprise: bool,
    /// Where its users are, below the base.
    pub users: String,
    /// Where its groups are, if it has groups.
    pub groups: Option<String>,
}

impl Default for Capabilities {
    /// What is assumed of a server that does not say.
    fn default() -> Self {
        Self {
            patch: true,
            bulk: None,
            filter: true,
            page: PAGE,
            etag: false,
            sort: false,
            cursor: false,
            enterprise: false,
            users: "/Users".to_owned(),
            groups: Some("/Groups".to_owned()),
        }
    }
}

impl Capabilities {
    /// Asks the server.
    pub(super) async fn read(turn: &mut Turn<'_>) -> Result<Self, Failure> {
        let mut this = Self::default();
        if let Some(said) = document(turn, "/ServiceProviderConfig").await? {
            this.configured(&said);
        }
        if let Some(said) = document(turn, "/ResourceTypes").await? {
            this.typed(&said, turn.wire.base());
        }
        Ok(this)
    }

    fn configured(&mut self, said: &Value) {
        let supported = |name: &str| attribute(said, name).and_then(|f| attribute(f, "supported")).and_then(truth);
        let limit = |name: &str, limit: &str| attribute(said, name).and_then(|f| attribute(f, limit)).and_then(number);
        self.patch = supported("patch").unwrap_or(self.patch);
        self.filter = supported("filter").unwrap_or(self.filter);
        self.etag = supported("etag").unwrap_or(self.etag);
        self.sort = supported("sort").unwrap_or(self.sort);
        self.page = limit("filter", "maxResults").filter(|most| *most > 0).unwrap_or(PAGE).min(PAGE);
        let pages = |by: &str| attribute(said, "pagination").and_then(|f| attribute(f, by)).and_then(truth);
        self.cursor = pages("cursor") == Some(true) && pages("index") == Some(false);
        if supported("bulk") == Some(true) {
            let most = |name: &str, ours: u64| {
                usize::try_from(limit("bulk", name).filter(|most| *most > 0).unwrap_or(ours).min(ours)).unwrap_or(1)
            };
            let operations = most("maxOperations", MAX_OPERATIONS);
            self.bulk = Some(Bulk { operations, payload: most("maxPayloadSize", MAX_PAYLOAD) });
        }
    }

    fn typed(&mut self, said: &Value, base: &str) {
        let listed = attribute(said, "Resources").unwrap_or(said).as_array().map(Vec::as_slice).unwrap_or_default();
        let of = |name: &str, schema: &str| {
            listed.iter().find(|listed| {
                let has = |member: &str, wanted: &str| {
                    text(listed, member).is_some_and(|said| said.eq_ignore_ascii_case(wanted))
                };
                has("schema", schema) || has("name", name) || has("id", name)
            })
        };
        let (users, groups) = (of("User", USER), of("Group", GROUP));
        if let Some(users) = users {
            self.users = endpoint(users, base).unwrap_or_else(|| self.users.clone());
            let extensions = attribute(users, "schemaExtensions").and_then(Value::as_array);
            self.enterprise = extensions.is_some_and(|all| {
                all.iter().any(|one| text(one, "schema").is_some_and(|urn| urn.eq_ignore_ascii_case(ENTERPRISE)))
            });
        }
        if let Some(groups) = groups {
            self.groups = endpoint(groups, base).or_else(|| self.groups.clone());
        } else if users.is_some() {
            self.groups = None;
        }
    }
}

/// A document that a server may have or not.
async fn document(turn: &mut Turn<'_>, target: &str) -> Result<Option<Value>, Failure> {
    match turn.send(&Request::get(target.to_owned())).await {
        Ok(Reply { status, body, .. }) if status.is_success() => Ok(Some(body)),
        // Not there, not yet, or not for everybody.
        Ok(reply) if matches!(reply.status.as_u16(), 404 | 405 | 406 | 410 | 501) => Ok(None),
        Ok(reply) => Err(turn.wire.failure(Kind::Refused, &reply)),
        Err(failure) if failure.status == Some(403) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Where a type has its resources: a path below the base, which is where the credential is meant for.
fn endpoint(listed: &Value, base: &str) -> Option<String> {
    let said = text(listed, "endpoint")?;
    let path = said.strip_prefix(base).unwrap_or(said);
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |part: &str| {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(unreserved)
    };
    (path.len() <= MAX_ENDPOINT && path.split('/').all(plain)).then(|| format!("/{path}"))
}
