//! Rules of grants, implied roles and the list of role assignments: Keystone's defaults with the domain manager persona.
//!
//! `target.user` or `target.group`, `target.project` or `target.domain` and `target.role` are the stored objects. When role
//! assignments are listed, `target.domain_id` is the domain that the caller's token is scoped to or, for a tree, that of its
//! top.

use super::{ALL_SCOPES, RuleDefault, SYSTEM_PROJECT};

const ADMIN: &str = "rule:admin_required";
const ADMIN_OR_SYSTEM_READER: &str = "rule:admin_required or (role:reader and system_scope:all)";
const LIST: &str = "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.domain_id)s and not None:%(target.domain_id)s)";
const CHANGE_GRANT: &str = "(rule:admin_required) or \
    ((role:admin and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or \
    (role:admin and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or \
    (role:admin and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or \
    (role:admin and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and \
    (domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s) or \
    ((role:manager and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or \
    (role:manager and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or \
    (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or \
    (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and \
    rule:domain_managed_target_role";

/// The rules.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "identity:check_grant",
        check: "(rule:admin_required) or ((role:reader and system_scope:all) or \
            ((role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or \
            (role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or \
            (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or \
            (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and \
            (domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s))",
        scopes: ALL_SCOPES,
        description: "Check that a user or group has a role on a project or domain.",
        operations: &[
            ("HEAD", "/v3/projects/{project_id}/users/{user_id}/roles/{role_id}"),
            ("GET", "/v3/projects/{project_id}/users/{user_id}/roles/{role_id}"),
            ("HEAD", "/v3/projects/{project_id}/groups/{group_id}/roles/{role_id}"),
            ("GET", "/v3/projects/{project_id}/groups/{group_id}/roles/{role_id}"),
            ("HEAD", "/v3/domains/{domain_id}/users/{user_id}/roles/{role_id}"),
            ("GET", "/v3/domains/{domain_id}/users/{user_id}/roles/{role_id}"),
            ("HEAD", "/v3/domains/{domain_id}/groups/{group_id}/roles/{role_id}"),
            ("GET", "/v3/domains/{domain_id}/groups/{group_id}/roles/{role_id}"),
            ("HEAD", "/v3/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"),
            ("GET", "/v3/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"),
            ("HEAD", "/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"),
            ("GET", "/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"),
            ("HEAD", "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"),
            ("GET", "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"),
            ("HEAD", "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"),
            ("GET", "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"),
        ],
    },
    RuleDefault {
        name: "identity:list_grants",
        check: "(rule:admin_required) or ((role:reader and system_scope:all) or \
            (role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or \
            (role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or \
            (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or \
            (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s))",
        scopes: ALL_SCOPES,
        description: "List the roles that a user or group has on a project or domain.",
        operations: &[
            ("GET", "/v3/projects/{project_id}/users/{user_id}/roles"),
            ("HEAD", "/v3/projects/{project_id}/users/{user_id}/roles"),
            ("GET", "/v3/projects/{project_id}/groups/{group_id}/roles"),
            ("HEAD", "/v3/projects/{project_id}/groups/{group_id}/roles"),
            ("GET", "/v3/domains/{domain_id}/users/{user_id}/roles"),
            ("HEAD", "/v3/domains/{domain_id}/users/{user_id}/roles"),
            ("GET", "/v3/domains/{domain_id}/groups/{group_id}/roles"),
            ("HEAD", "/v3/domains/{domain_id}/groups/{group_id}/roles"),
            ("GET", "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/inherited_to_projects"),
            ("GET", "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/inherited_to_projects"),
        ],
    },
    RuleDefault {
        name: "identity:create_grant",
        check: CHANGE_GRANT,
        scopes: ALL_SCOPES,
        description: "Give a user or group a role on a project or domain.",
        operations: &[
            ("PUT", "/v3/projects/{project_id}/users/{user_id}/roles/{role_id}"),
            ("PUT", "/v3/projects/{project_id}/groups/{group_id}/roles/{role_id}"),
            ("PUT", "/v3/domains/{domain_id}/users/{user_id}/roles/{role_id}"),
            ("PUT", "/v3/domains/{domain_id}/groups/{group_id}/roles/{role_id}"),
            ("PUT", "/v3/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"),
            ("PUT", "/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"),
            ("PUT", "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"),
            ("PUT", "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"),
        ],
    },
    RuleDefault {
        name: "identity:revoke_grant",
        check: CHANGE_GRANT,
        scopes: ALL_SCOPES,
        description: "Take a role of a user or group on a project or domain away.",
        operations: &[
            ("DELETE", "/v3/projects/{project_id}/users/{user_id}/roles/{role_id}"),
            ("DELETE", "/v3/projects/{project_id}/groups/{group_id}/roles/{role_id}"),
            ("DELETE", "/v3/domains/{domain_id}/users/{user_id}/roles/{role_id}"),
            ("DELETE", "/v3/domains/{domain_id}/groups/{group_id}/roles/{role_id}"),
            ("DELETE", "/v3/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"),
            ("DELETE", "/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"),
            ("DELETE", "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"),
            ("DELETE", "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"),
        ],
    },
    RuleDefault {
        name: "identity:list_system_grants_for_user",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List the roles that a user has on the system.",
        operations: &[("HEAD", "/v3/system/users/{user_id}/roles"), ("GET", "/v3/system/users/{user_id}/roles")],
    },
    RuleDefault {
        name: "identity:check_system_grant_for_user",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Check that a user has a role on the system.",
        operations: &[
            ("HEAD", "/v3/system/users/{user_id}/roles/{role_id}"),
            ("GET", "/v3/system/users/{user_id}/roles/{role_id}"),
        ],
    },
    RuleDefault {
        name: "identity:create_system_grant_for_user",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Give a user a role on the system.",
        operations: &[("PUT", "/v3/system/users/{user_id}/roles/{role_id}")],
    },
    RuleDefault {
        name: "identity:revoke_system_grant_for_user",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Take a role of a user on the system away.",
        operations: &[("DELETE", "/v3/system/users/{user_id}/roles/{role_id}")],
    },
    RuleDefault {
        name: "identity:list_system_grants_for_group",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List the roles that a group has on the system.",
        operations: &[("HEAD", "/v3/system/groups/{group_id}/roles"), ("GET", "/v3/system/groups/{group_id}/roles")],
    },
    RuleDefault {
        name: "identity:check_system_grant_for_group",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Check that a group has a role on the system.",
        operations: &[
            ("HEAD", "/v3/system/groups/{group_id}/roles/{role_id}"),
            ("GET", "/v3/system/groups/{group_id}/roles/{role_id}"),
        ],
    },
    RuleDefault {
        name: "identity:create_system_grant_for_group",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Give a group a role on the system.",
        operations: &[("PUT", "/v3/system/groups/{group_id}/roles/{role_id}")],
    },
    RuleDefault {
        name: "identity:revoke_system_grant_for_group",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Take a role of a group on the system away.",
        operations: &[("DELETE", "/v3/system/groups/{group_id}/roles/{role_id}")],
    },
    RuleDefault {
        name: "identity:get_implied_role",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Show that a role implies another.",
        operations: &[("GET", "/v3/roles/{prior_role_id}/implies/{implied_role_id}")],
    },
    RuleDefault {
        name: "identity:check_implied_role",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Check that a role implies another.",
        operations: &[("HEAD", "/v3/roles/{prior_role_id}/implies/{implied_role_id}")],
    },
    RuleDefault {
        name: "identity:list_implied_roles",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List the roles that a role implies.",
        operations: &[("GET", "/v3/roles/{prior_role_id}/implies"), ("HEAD", "/v3/roles/{prior_role_id}/implies")],
    },
    RuleDefault {
        name: "identity:create_implied_role",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Let a role imply another.",
        operations: &[("PUT", "/v3/roles/{prior_role_id}/implies/{implied_role_id}")],
    },
    RuleDefault {
        name: "identity:delete_implied_role",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Let a role no longer imply another.",
        operations: &[("DELETE", "/v3/roles/{prior_role_id}/implies/{implied_role_id}")],
    },
    RuleDefault {
        name: "identity:list_role_inference_rules",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List all implied roles.",
        operations: &[("GET", "/v3/role_inferences"), ("HEAD", "/v3/role_inferences")],
    },
    RuleDefault {
        name: "identity:list_role_assignments",
        check: LIST,
        scopes: ALL_SCOPES,
        description: "List role assignments.",
        operations: &[("GET", "/v3/role_assignments"), ("HEAD", "/v3/role_assignments")],
    },
    RuleDefault {
        name: "identity:list_role_assignments_for_tree",
        check: LIST,
        scopes: ALL_SCOPES,
        description: "List the role assignments of a project and all below it.",
        operations: &[
            ("GET", "/v3/role_assignments?include_subtree"),
            ("HEAD", "/v3/role_assignments?include_subtree"),
        ],
    },
];
