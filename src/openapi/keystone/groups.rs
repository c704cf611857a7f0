//! `/v3/groups`

use serde_json::{Value, json};

use super::users::filtered;
use super::{id, links};
use crate::openapi::operation::Operation;
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{end, name_of, named, nullable, page, text};

const ALL: &str = "/v3/groups";
const ONE: &str = "/v3/groups/{group_id}";
const MEMBER: &str = "/v3/groups/{group_id}/users/{user_id}";

/// All of them.
pub fn operations() -> Vec<Operation> {
    let of_user = Operation::get("/v3/users/{user_id}/groups", "ListUserGroups", "Groups that a user is in.");
    vec![
        Operation::get(ALL, "ListGroups", "List groups.")
            .filters(&["id", "domain_id", "name"])
            .pages()
            .lists("GroupList"),
        Operation::post(ALL, "CreateGroup", "Make a group.")
            .takes_named("GroupCreate")
            .makes("GroupEnvelope")
            .refuses(&[404]),
        Operation::get(ONE, "GetGroup", "Show a group.").shows("GroupEnvelope"),
        Operation::patch(ONE, "UpdateGroup", "Change a group.").takes_named("GroupUpdate").changes("GroupEnvelope"),
        Operation::delete(ONE, "DeleteGroup", "Delete a group.").done(),
        filtered(Operation::get("/v3/groups/{group_id}/users", "ListGroupUsers", "Users who are in a group."))
            .lists("UserList"),
        Operation::get(MEMBER, "CheckGroupUser", "Whether a user is in a group.").done(),
        Operation::put(MEMBER, "AddGroupUser", "Put a user into a group.").done(),
        Operation::delete(MEMBER, "RemoveGroupUser", "Take a user out of a group.").done(),
        of_user.filters(&["id", "domain_id", "name"]).pages().lists("MembershipList"),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let mut all = Resource::new(
        "Group",
        "group",
        "groups",
        vec![
            Member::id(text()),
            Member::needed("name", name_of(64)),
            Member::taken("domain_id", id()),
            Member::taken("description", nullable(text())),
            Member::shown("links", links()),
        ],
    )
    .with_extra()
    .schemas();
    let ending = json!({
        "type": "object",
        "properties": {"membership_expires_at": end()},
        "required": ["membership_expires_at"],
    });
    all.push(("MembershipList".to_owned(), page("groups", json!({"allOf": [named("Group"), ending]}))));
    all
}
