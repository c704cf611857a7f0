//! Rules of the SSO face. What it sets up concerns the whole cloud, so no rule looks at a domain.

use super::{RuleDefault, SYSTEM_PROJECT};

const ADMIN: &str = "rule:admin_required";
const SYSTEM_ADMIN: &str = "role:admin and system_scope:all";
const ADMIN_OR_SYSTEM_READER: &str = "(role:reader and system_scope:all) or rule:admin_required";

const CONFIGURATIONS: &str = "/api/v1/sso/configurations";
const CONFIGURATION: &str = "/api/v1/sso/configurations/{id}";

const PLATFORMS: &str = "/api/v1/platforms";
const PLATFORM: &str = "/api/v1/platforms/{uuid}";

/// Configurations, platforms, and background jobs.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "sso:list_configurations",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List SSO configurations, without their secrets.",
        operations: &[("GET", CONFIGURATIONS), ("HEAD", CONFIGURATIONS)],
    },
    RuleDefault {
        name: "sso:get_configuration",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Show an SSO configuration, without its secrets.",
        operations: &[("GET", CONFIGURATION), ("HEAD", CONFIGURATION)],
    },
    RuleDefault {
        name: "sso:create_configuration",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Make an SSO configuration: an identity provider with all that log-ins through it need.",
        operations: &[("POST", CONFIGURATIONS)],
    },
    RuleDefault {
        name: "sso:update_configuration",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change an SSO configuration.",
        operations: &[("PUT", CONFIGURATION), ("PATCH", CONFIGURATION)],
    },
    RuleDefault {
        name: "sso:grant_administrators",
        check: SYSTEM_ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Give people of a group at an identity provider a role that reaches beyond their domain.",
        operations: &[("POST", CONFIGURATIONS), ("PUT", CONFIGURATION), ("PATCH", CONFIGURATION)],
    },
    RuleDefault {
        name: "sso:delete_configuration",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete an SSO configuration.",
        operations: &[("DELETE", CONFIGURATION)],
    },
    RuleDefault {
        name: "sso:force_delete_configuration",
        check: SYSTEM_ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete an SSO configuration whatever hangs on it.",
        operations: &[("DELETE", CONFIGURATION)],
    },
    RuleDefault {
        name: "sso:preview_delete_configuration",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Say what deleting an SSO configuration would do.",
        operations: &[("POST", "/api/v1/sso/configurations/{id}/previewDelete")],
    },
    RuleDefault {
        name: "sso:test_configuration",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Test what is behind an SSO configuration, stored or not.",
        operations: &[("POST", "/api/v1/sso/configurations/{id}/test"), ("POST", "/api/v1/sso/configurations/test")],
    },
    RuleDefault {
        name: "sso:probe_provider",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Ask an OpenID provider for its configuration.",
        operations: &[("POST", "/api/v1/sso/probe")],
    },
    RuleDefault {
        name: "sso:federate_configuration",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Push an SSO configuration, its users and groups to platforms.",
        operations: &[("POST", "/api/v1/sso/configurations/{id}/federate")],
    },
    RuleDefault {
        name: "sso:unfederate_configuration",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Take an SSO configuration away from platforms.",
        operations: &[("POST", "/api/v1/sso/configurations/{id}/unfederate")],
    },
    RuleDefault {
        name: "sso:list_federations",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List platforms with what is federated to them.",
        operations: &[
            ("GET", "/api/v1/sso/federation/status"),
            ("HEAD", "/api/v1/sso/federation/status"),
            ("GET", "/api/v1/sso/federations"),
            ("HEAD", "/api/v1/sso/federations"),
        ],
    },
    RuleDefault {
        name: "sso:list_provisioning_runs",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List runs that provision users and groups.",
        operations: &[("GET", "/api/v1/sso/federation/jobs"), ("HEAD", "/api/v1/sso/federation/jobs")],
    },
    RuleDefault {
        name: "sso:get_provisioning_run",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Show such a run with its report.",
        operations: &[
            ("GET", "/api/v1/sso/federation/jobs/{job_id}"),
            ("HEAD", "/api/v1/sso/federation/jobs/{job_id}"),
        ],
    },
    RuleDefault {
        name: "sso:list_platforms",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List platforms, without their secrets.",
        operations: &[("GET", PLATFORMS), ("HEAD", PLATFORMS)],
    },
    RuleDefault {
        name: "sso:get_platform",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Show a platform, without its secrets.",
        operations: &[("GET", PLATFORM), ("HEAD", PLATFORM)],
    },
    RuleDefault {
        name: "sso:create_platform",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Register a platform, or say whether it could be.",
        operations: &[("POST", PLATFORMS), ("POST", "/api/v1/platforms/validate")],
    },
    RuleDefault {
        name: "sso:update_platform",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change a platform.",
        operations: &[("PUT", PLATFORM), ("PATCH", PLATFORM)],
    },
    RuleDefault {
        name: "sso:delete_platform",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete a platform.",
        operations: &[("DELETE", PLATFORM)],
    },
    RuleDefault {
        name: "sso:force_delete_platform",
        check: SYSTEM_ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete a platform whatever hangs on it.",
        operations: &[("DELETE", PLATFORM)],
    },
    RuleDefault {
        name: "sso:preview_delete_platform",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Say what deleting a platform would do.",
        operations: &[("POST", "/api/v1/platforms/{uuid}/previewDelete")],
    },
    RuleDefault {
        name: "sso:test_platform",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Try a connection to a platform out.",
        operations: &[("POST", "/api/v1/platforms/test-connection")],
    },
    RuleDefault {
        name: "sso:rotate_platform_keys",
        check: SYSTEM_ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Make another key for a platform, which is told once.",
        operations: &[("POST", "/api/v1/platforms/{uuid}/rotate-keys")],
    },
    RuleDefault {
        name: "sso:open_platform_session",
        check: "",
        scopes: &[],
        description: "Open a session on a platform by one's own token.",
        operations: &[("POST", "/api/v1/federation/platforms/{platform_id}/sso/login")],
    },
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
