//! Rules of OS-FEDERATION.
//!
//! Keystone lets the administrator manage identity providers, protocols and mappings with a system- or project-scoped token. The security
//! administrator of the Huawei dialect works in a domain, so the domain scope is registered here, and the rule itself
//! keeps a domain-scoped administrator out: `domain_id` is null for every other scope, and a null credential matches the
//! constant text `None`. It is a positive check: an attribute that is missing altogether denies.
//! What a security administrator sees and owns is decided after the rule, by the tenancy filter of the service.

use super::{ALL_SCOPES, RuleDefault, SYSTEM_PROJECT};

pub(super) const WRITE: &str = "(rule:admin_required and domain_id:None) or rule:security_admin";
pub(super) const READ: &str =
    "(rule:admin_required and domain_id:None) or (role:reader and system_scope:all) or rule:security_admin";

/// The route that makes an identity provider with all that it needs.
pub(super) const SETUP: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/setup";

const ADMIN: &str = "rule:admin_required";
const ADMIN_OR_SYSTEM_READER: &str = "rule:admin_required or (role:reader and system_scope:all)";

/// Identity providers, their protocols, mappings, service providers.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "identity:create_identity_provider",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Create an identity provider.",
        operations: &[("PUT", "/v3/OS-FEDERATION/identity_providers/{idp_id}"), ("PUT", SETUP)],
    },
    RuleDefault {
        name: "identity:list_identity_providers",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List identity providers.",
        operations: &[
            ("GET", "/v3/OS-FEDERATION/identity_providers"),
            ("HEAD", "/v3/OS-FEDERATION/identity_providers"),
        ],
    },
    RuleDefault {
        name: "identity:get_identity_provider",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show an identity provider.",
        operations: &[
            ("GET", "/v3/OS-FEDERATION/identity_providers/{idp_id}"),
            ("HEAD", "/v3/OS-FEDERATION/identity_providers/{idp_id}"),
        ],
    },
    RuleDefault {
        name: "identity:update_identity_provider",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Change an identity provider.",
        operations: &[("PATCH", "/v3/OS-FEDERATION/identity_providers/{idp_id}")],
    },
    RuleDefault {
        name: "identity:delete_identity_provider",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Delete an identity provider.",
        operations: &[("DELETE", "/v3/OS-FEDERATION/identity_providers/{idp_id}")],
    },
    RuleDefault {
        name: "identity:list_identity_provider_logins",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Show what the last log-ins at an identity provider came to.",
        operations: &[
            ("GET", "/v3/OS-FEDERATION/identity_providers/{idp_id}/logins"),
            ("HEAD", "/v3/OS-FEDERATION/identity_providers/{idp_id}/logins"),
        ],
    },
    RuleDefault {
        name: "identity:create_protocol",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Create a protocol of an identity provider.",
        operations: &[("PUT", "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}"), ("PUT", SETUP)],
    },
    RuleDefault {
        name: "identity:list_protocols",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List the protocols of an identity provider.",
        operations: &[
            ("GET", "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols"),
            ("HEAD", "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols"),
        ],
    },
    RuleDefault {
        name: "identity:get_protocol",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show a protocol of an identity provider.",
        operations: &[
            ("GET", "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}"),
            ("HEAD", "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}"),
        ],
    },
    RuleDefault {
        name: "identity:update_protocol",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Change a protocol of an identity provider.",
        operations: &[("PATCH", "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}")],
    },
    RuleDefault {
        name: "identity:delete_protocol",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Delete a protocol of an identity provider.",
        operations: &[("DELETE", "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}")],
    },
    RuleDefault {
        name: "identity:create_mapping",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Create a mapping.",
        operations: &[("PUT", "/v3/OS-FEDERATION/mappings/{mapping_id}"), ("PUT", SETUP)],
    },
    RuleDefault {
        name: "identity:list_mappings",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List mappings.",
        operations: &[("GET", "/v3/OS-FEDERATION/mappings"), ("HEAD", "/v3/OS-FEDERATION/mappings")],
    },
    RuleDefault {
        name: "identity:get_mapping",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show a mapping.",
        operations: &[
            ("GET", "/v3/OS-FEDERATION/mappings/{mapping_id}"),
            ("HEAD", "/v3/OS-FEDERATION/mappings/{mapping_id}"),
        ],
    },
    RuleDefault {
        name: "identity:update_mapping",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Change a mapping.",
        operations: &[("PATCH", "/v3/OS-FEDERATION/mappings/{mapping_id}")],
    },
    RuleDefault {
        name: "identity:delete_mapping",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Delete a mapping.",
        operations: &[("DELETE", "/v3/OS-FEDERATION/mappings/{mapping_id}")],
    },
    RuleDefault {
        name: "identity:explain_mapping",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Show what a mapping would make of an assertion.",
        operations: &[("POST", "/v3/OS-FEDERATION/mappings/{mapping_id}/explain")],
    },
    RuleDefault {
        name: "identity:create_service_provider",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Create a service provider.",
        operations: &[("PUT", "/v3/OS-FEDERATION/service_providers/{service_provider_id}")],
    },
    RuleDefault {
        name: "identity:list_service_providers",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List service providers.",
        operations: &[("GET", "/v3/OS-FEDERATION/service_providers"), ("HEAD", "/v3/OS-FEDERATION/service_providers")],
    },
    RuleDefault {
        name: "identity:get_service_provider",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Show a service provider.",
        operations: &[
            ("GET", "/v3/OS-FEDERATION/service_providers/{service_provider_id}"),
            ("HEAD", "/v3/OS-FEDERATION/service_providers/{service_provider_id}"),
        ],
    },
    RuleDefault {
        name: "identity:update_service_provider",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change a service provider.",
        operations: &[("PATCH", "/v3/OS-FEDERATION/service_providers/{service_provider_id}")],
    },
    RuleDefault {
        name: "identity:delete_service_provider",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete a service provider.",
        operations: &[("DELETE", "/v3/OS-FEDERATION/service_providers/{service_provider_id}")],
    },
];
