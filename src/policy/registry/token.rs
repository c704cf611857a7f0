//! Rules that other rules refer to, and those of tokens, revocation and the audit record.

use super::{ALL_SCOPES, RuleDefault, SYSTEM_PROJECT};

const fn base(name: &'static str, check: &'static str, description: &'static str) -> RuleDefault {
    RuleDefault { name, check, scopes: &[], description, operations: &[] }
}

/// Keystone's base rules, and `security_admin` of the Huawei dialect.
pub(super) const BASE: &[RuleDefault] = &[
    base("admin_required", "role:admin or is_admin:1", "The administrator of the cloud."),
    base("service_role", "role:service", "Another service, such as a token validator."),
    base("service_or_admin", "rule:admin_required or rule:service_role", "A service or the administrator."),
    base("owner", "user_id:%(user_id)s", "The user that the path names."),
    base("admin_or_owner", "rule:admin_required or rule:owner", "The administrator or the user that the path names."),
    base("token_subject", "user_id:%(target.token.user_id)s", "The user of the token in X-Subject-Token."),
    base(
        "admin_or_token_subject",
        "rule:admin_required or rule:token_subject",
        "The administrator or the user of the token in X-Subject-Token.",
    ),
    base(
        "service_admin_or_token_subject",
        "rule:service_or_admin or rule:token_subject",
        "A service, the administrator or the user of the token in X-Subject-Token.",
    ),
    base(
        "domain_managed_target_role",
        "'manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s",
        "The roles that a domain's manager may grant and revoke.",
    ),
    base(
        "security_admin",
        "role:secu_admin",
        "The Security Administrator, who manages identity providers within one domain.",
    ),
];

/// Tokens, what a token gives access to, revocation, audit.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "identity:check_token",
        check: "rule:admin_required or (role:reader and system_scope:all) or rule:token_subject",
        scopes: ALL_SCOPES,
        description: "Check that a token is valid.",
        operations: &[("HEAD", "/v3/auth/tokens")],
    },
    RuleDefault {
        name: "identity:validate_token",
        check: "rule:admin_required or (role:reader and system_scope:all) or rule:service_role or rule:token_subject",
        scopes: ALL_SCOPES,
        description: "Validate a token and read what it says.",
        operations: &[("GET", "/v3/auth/tokens")],
    },
    RuleDefault {
        name: "identity:revoke_token",
        check: "rule:admin_required or rule:token_subject",
        scopes: ALL_SCOPES,
        description: "Revoke a token.",
        operations: &[("DELETE", "/v3/auth/tokens")],
    },
    RuleDefault {
        name: "identity:get_auth_catalog",
        check: "",
        scopes: &[],
        description: "Read the service catalog of one's own token.",
        operations: &[("GET", "/v3/auth/catalog"), ("HEAD", "/v3/auth/catalog")],
    },
    RuleDefault {
        name: "identity:get_auth_projects",
        check: "",
        scopes: &[],
        description: "List the projects that one may scope a token to.",
        operations: &[("GET", "/v3/auth/projects"), ("HEAD", "/v3/auth/projects")],
    },
    RuleDefault {
        name: "identity:get_auth_domains",
        check: "",
        scopes: &[],
        description: "List the domains that one may scope a token to.",
        operations: &[("GET", "/v3/auth/domains"), ("HEAD", "/v3/auth/domains")],
    },
    RuleDefault {
        name: "identity:get_auth_system",
        check: "",
        scopes: &[],
        description: "List the systems that one may scope a token to.",
        operations: &[("GET", "/v3/auth/system"), ("HEAD", "/v3/auth/system")],
    },
    RuleDefault {
        name: "identity:list_revoke_events",
        check: "rule:service_or_admin",
        scopes: SYSTEM_PROJECT,
        description: "List revocation events.",
        operations: &[("GET", "/v3/OS-REVOKE/events")],
    },
    RuleDefault {
        name: "identity:list_audit_events",
        check: "rule:admin_required or (role:reader and system_scope:all)",
        scopes: SYSTEM_PROJECT,
        description: "Read the audit record: who did what, when and with what outcome.",
        operations: &[("GET", "/v3/archstone/audit")],
    },
];
