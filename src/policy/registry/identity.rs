//! Rules of domains, users and roles: Keystone's defaults with the domain manager persona.
//!
//! What the targets hold: `target.domain`, `target.user` and `target.role` are the stored objects. When
//! domains or users are listed, `target.domain.id` or `target.domain_id` is the domain of the caller's own scope and absent
//! without one. A new user's `target.user.domain_id` is the domain that the service found for it.

use super::{ALL_SCOPES, RuleDefault, SYSTEM_PROJECT};

const ADMIN: &str = "rule:admin_required";
const ADMIN_OR_SYSTEM_READER: &str = "rule:admin_required or (role:reader and system_scope:all)";
const ADMIN_OR_DOMAIN_MANAGER: &str =
    "(rule:admin_required) or (role:manager and token.domain.id:%(target.user.domain_id)s)";

/// Domains, users, roles.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "identity:get_domain",
        check: "rule:admin_required or \
            (role:reader and system_scope:all) or token.domain.id:%(target.domain.id)s or token.project.domain.id:%(target.domain.id)s",
        scopes: ALL_SCOPES,
        description: "Show a domain.",
        operations: &[("GET", "/v3/domains/{domain_id}")],
    },
    RuleDefault {
        name: "identity:list_domains",
        check: "rule:admin_required or (role:reader and system_scope:all) or \
            (role:reader and domain_id:%(target.domain.id)s)",
        scopes: ALL_SCOPES,
        description: "List domains. The target's domain is the one that the caller's token is scoped to.",
        operations: &[("GET", "/v3/domains")],
    },
    RuleDefault {
        name: "identity:create_domain",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Create a domain.",
        operations: &[("POST", "/v3/domains")],
    },
    RuleDefault {
        name: "identity:update_domain",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change a domain.",
        operations: &[("PATCH", "/v3/domains/{domain_id}")],
    },
    RuleDefault {
        name: "identity:delete_domain",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete a domain.",
        operations: &[("DELETE", "/v3/domains/{domain_id}")],
    },
    RuleDefault {
        name: "identity:get_user",
        check: "(rule:admin_required) or (role:reader and system_scope:all) or \
            (role:reader and token.domain.id:%(target.user.domain_id)s) or user_id:%(target.user.id)s",
        scopes: ALL_SCOPES,
        description: "Show a user.",
        operations: &[("GET", "/v3/users/{user_id}"), ("HEAD", "/v3/users/{user_id}")],
    },
    RuleDefault {
        name: "identity:list_users",
        check: "(rule:admin_required) or (role:reader and system_scope:all) or \
            (role:reader and domain_id:%(target.domain_id)s)",
        scopes: ALL_SCOPES,
        description: "List users. The target's domain is the one that the caller's token is scoped to.",
        operations: &[("GET", "/v3/users"), ("HEAD", "/v3/users")],
    },
    RuleDefault {
        name: "identity:create_user",
        check: ADMIN_OR_DOMAIN_MANAGER,
        scopes: ALL_SCOPES,
        description: "Create a user.",
        operations: &[("POST", "/v3/users")],
    },
    RuleDefault {
        name: "identity:update_user",
        check: ADMIN_OR_DOMAIN_MANAGER,
        scopes: ALL_SCOPES,
        description: "Change a user, administrative password resets included.",
        operations: &[("PATCH", "/v3/users/{user_id}")],
    },
    RuleDefault {
        name: "identity:delete_user",
        check: ADMIN_OR_DOMAIN_MANAGER,
        scopes: ALL_SCOPES,
        description: "Delete a user.",
        operations: &[("DELETE", "/v3/users/{user_id}")],
    },
    RuleDefault {
        name: "identity:get_role",
        check: "(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and \
            rule:domain_managed_target_role)",
        scopes: ALL_SCOPES,
        description: "Show a role.",
        operations: &[("GET", "/v3/roles/{role_id}"), ("HEAD", "/v3/roles/{role_id}")],
    },
    RuleDefault {
        name: "identity:list_roles",
        check: "(rule:admin_required or (role:reader and system_scope:all)) or \
            (role:manager and not domain_id:None)",
        scopes: ALL_SCOPES,
        description: "List roles. A manager needs a domain-scoped token.",
        operations: &[("GET", "/v3/roles"), ("HEAD", "/v3/roles")],
    },
    RuleDefault {
        name: "identity:create_role",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Create a role.",
        operations: &[("POST", "/v3/roles")],
    },
    RuleDefault {
        name: "identity:update_role",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change a role.",
        operations: &[("PATCH", "/v3/roles/{role_id}")],
    },
    RuleDefault {
        name: "identity:delete_role",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete a role.",
        operations: &[("DELETE", "/v3/roles/{role_id}")],
    },
    RuleDefault {
        name: "identity:get_domain_role",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Show a role that belongs to a domain.",
        operations: &[("GET", "/v3/roles/{role_id}"), ("HEAD", "/v3/roles/{role_id}")],
    },
    RuleDefault {
        name: "identity:list_domain_roles",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List the roles that belong to a domain.",
        operations: &[("GET", "/v3/roles?domain_id={domain_id}"), ("HEAD", "/v3/roles?domain_id={domain_id}")],
    },
    RuleDefault {
        name: "identity:create_domain_role",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Create a role that belongs to a domain.",
        operations: &[("POST", "/v3/roles")],
    },
    RuleDefault {
        name: "identity:update_domain_role",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change a role that belongs to a domain.",
        operations: &[("PATCH", "/v3/roles/{role_id}")],
    },
    RuleDefault {
        name: "identity:delete_domain_role",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete a role that belongs to a domain.",
        operations: &[("DELETE", "/v3/roles/{role_id}")],
    },
];
