//! Rules of connections: the same people who manage identity providers say how this service speaks to them.

use super::federation::{READ, SETUP, WRITE};
use super::{ALL_SCOPES, RuleDefault};

const CONNECTION: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/connection";
const OPENID_CONNECT_CONFIG: &str = "/v3.0/OS-FEDERATION/identity-providers/{idp_id}/openid-connect-config";

/// Connections to identity providers, in both forms.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "identity:create_connection",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Set up how this service speaks to an identity provider.",
        operations: &[("PUT", CONNECTION), ("POST", OPENID_CONNECT_CONFIG), ("PUT", SETUP)],
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
