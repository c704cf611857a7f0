//! Rules of OS-FEDERATION.
//!
//! Keystone lets the administrator manage identity providers with a system- or project-scoped token. The security
//! administrator of the Huawei dialect works in a domain, so the domain scope is registered here, and the rule itself
//! keeps a domain-scoped administrator out: `domain_id` is null for every other scope, and a null credential matches the
//! constant text `None`. It is a positive check: an attribute that is missing altogether denies.
//! What a security administrator sees and owns is decided after the rule, by the tenancy filter of the service.

use super::{ALL_SCOPES, RuleDefault};

const WRITE: &str = "(rule:admin_required and domain_id:None) or rule:security_admin";
const READ: &str =
    "(rule:admin_required and domain_id:None) or (role:reader and system_scope:all) or rule:security_admin";

const CONNECTION: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/connection";
const OPENID_CONNECT_CONFIG: &str = "/v3.0/OS-FEDERATION/identity-providers/{idp_id}/openid-connect-config";

/// Identity providers and how to speak to them.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "identity:create_identity_provider",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Create an identity provider.",
        operations: &[("PUT", "/v3/OS-FEDERATION/identity_providers/{idp_id}")],
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
        name: "identity:create_connection",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Set up how this service speaks to an identity provider.",
        operations: &[("PUT", CONNECTION), ("POST", OPENID_CONNECT_CONFIG)],
    },
    RuleDefault {
        name: "identity:get_connection",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show how this service speaks to an identity provider, without its secret.",
        operations: &[
            ("GET", CONNECTION),
            ("HEAD", CONNECTION),
            ("GET", OPENID_CONNECT_CONFIG),
            ("HEAD", OPENID_CONNECT_CONFIG),
        ],
    },
    RuleDefault {
        name: "identity:update_connection",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Change how this service speaks to an identity provider.",
        operations: &[("PATCH", CONNECTION), ("PUT", OPENID_CONNECT_CONFIG)],
    },
    RuleDefault {
        name: "identity:delete_connection",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Delete how this service speaks to an identity provider.",
        operations: &[("DELETE", CONNECTION)],
    },
];
