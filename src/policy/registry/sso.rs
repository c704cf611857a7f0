//! Rules of the SSO face. What it sets up concerns the whole cloud, so no rule looks at a domain.

use super::{RuleDefault, SYSTEM_PROJECT};

const ADMIN: &str = "rule:admin_required";
const ADMIN_OR_SYSTEM_READER: &str = "(role:reader and system_scope:all) or rule:admin_required";

/// Background jobs.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "sso:list_jobs",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List background jobs.",
        operations: &[("GET", "/api/v1/sso/jobs")],
    },
    RuleDefault {
        name: "sso:get_job",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Show a background job.",
        operations: &[("GET", "/api/v1/sso/jobs/{job_id}")],
    },
    RuleDefault {
        name: "sso:cancel_job",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Cancel a background job.",
        operations: &[("POST", "/api/v1/sso/jobs/{job_id}/cancel")],
    },
];
