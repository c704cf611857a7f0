//! Rules of people's sessions at tenants. `target.tenant.id` is the tenant's id, which is its domain's: for a token that is
//! scoped to a domain, the one of that domain.

use super::{ALL_SCOPES, RuleDefault};

const READ: &str = "(rule:admin_required and domain_id:None) or (role:reader and system_scope:all) or \
    ((role:admin or role:manager) and domain_id:%(target.tenant.id)s)";
const WRITE: &str = "(rule:admin_required and domain_id:None) or \
    ((role:admin or role:manager) and domain_id:%(target.tenant.id)s)";

const SESSIONS: &str = "/api/v1/admin/sessions";
const SESSION: &str = "/api/v1/admin/sessions/{session_id}";

/// Sessions.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "tenant:list_sessions",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List the sessions at a tenant that have not ended.",
        operations: &[("GET", SESSIONS), ("HEAD", SESSIONS)],
    },
    RuleDefault {
        name: "tenant:get_session",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show a session at a tenant, and what became of telling applications that it has ended.",
        operations: &[("GET", SESSION), ("HEAD", SESSION)],
    },
    RuleDefault {
        name: "tenant:delete_session",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "End a session at a tenant.",
        operations: &[("DELETE", SESSION)],
    },
    RuleDefault {
        name: "tenant:revoke_sessions",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "End all sessions at a tenant, or all of one user there.",
        operations: &[("POST", "/api/v1/admin/sessions/revoke-all")],
    },
];
