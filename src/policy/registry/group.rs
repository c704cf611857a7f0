//! Rules of groups and their members: Keystone's defaults with the domain manager persona.
//!
//! `target.group` and `target.user` are the stored objects. When groups are listed, `target.group.domain_id` is the domain
//! that the caller's token is scoped to; a new group's is the domain that the service found for it.

use super::{ALL_SCOPES, RuleDefault};

const READ: &str = "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s)";
const WRITE: &str = "(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s)";
const WRITE_MEMBERS: &str = "(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)";

/// The rules.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "identity:get_group",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show a group.",
        operations: &[("GET", "/v3/groups/{group_id}"), ("HEAD", "/v3/groups/{group_id}")],
    },
    RuleDefault {
        name: "identity:list_groups",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List groups. The target's domain is the one that the caller's token is scoped to.",
        operations: &[("GET", "/v3/groups"), ("HEAD", "/v3/groups")],
    },
    RuleDefault {
        name: "identity:list_groups_for_user",
        check: "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(user_id)s",
        scopes: ALL_SCOPES,
        description: "List the groups that a user is in.",
        operations: &[("GET", "/v3/users/{user_id}/groups"), ("HEAD", "/v3/users/{user_id}/groups")],
    },
    RuleDefault {
        name: "identity:create_group",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Create a group.",
        operations: &[("POST", "/v3/groups")],
    },
    RuleDefault {
        name: "identity:update_group",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Change a group.",
        operations: &[("PATCH", "/v3/groups/{group_id}")],
    },
    RuleDefault {
        name: "identity:delete_group",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Delete a group.",
        operations: &[("DELETE", "/v3/groups/{group_id}")],
    },
    RuleDefault {
        name: "identity:list_users_in_group",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List the users in a group.",
        operations: &[("GET", "/v3/groups/{group_id}/users"), ("HEAD", "/v3/groups/{group_id}/users")],
    },
    RuleDefault {
        name: "identity:check_user_in_group",
        check: "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)",
        scopes: ALL_SCOPES,
        description: "Check that a user is in a group.",
        operations: &[
            ("HEAD", "/v3/groups/{group_id}/users/{user_id}"),
            ("GET", "/v3/groups/{group_id}/users/{user_id}"),
        ],
    },
    RuleDefault {
        name: "identity:add_user_to_group",
        check: WRITE_MEMBERS,
        scopes: ALL_SCOPES,
        description: "Put a user into a group.",
        operations: &[("PUT", "/v3/groups/{group_id}/users/{user_id}")],
    },
    RuleDefault {
        name: "identity:remove_user_from_group",
        check: WRITE_MEMBERS,
        scopes: ALL_SCOPES,
        description: "Take a user out of a group.",
        operations: &[("DELETE", "/v3/groups/{group_id}/users/{user_id}")],
    },
];
