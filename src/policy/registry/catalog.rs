//! Rules of the catalog: services, endpoints, regions. Keystone's defaults; no rule looks at the object.

use super::{ALL_SCOPES, RuleDefault, SYSTEM_PROJECT};

const ADMIN: &str = "rule:admin_required";
const ADMIN_OR_SYSTEM_READER: &str = "rule:admin_required or (role:reader and system_scope:all)";

/// Services, endpoints, regions.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "identity:get_service",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Show a service.",
        operations: &[("GET", "/v3/services/{service_id}")],
    },
    RuleDefault {
        name: "identity:list_services",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List services.",
        operations: &[("GET", "/v3/services")],
    },
    RuleDefault {
        name: "identity:create_service",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Create a service.",
        operations: &[("POST", "/v3/services")],
    },
    RuleDefault {
        name: "identity:update_service",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change a service.",
        operations: &[("PATCH", "/v3/services/{service_id}")],
    },
    RuleDefault {
        name: "identity:delete_service",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete a service with its endpoints.",
        operations: &[("DELETE", "/v3/services/{service_id}")],
    },
    RuleDefault {
        name: "identity:get_endpoint",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "Show an endpoint.",
        operations: &[("GET", "/v3/endpoints/{endpoint_id}")],
    },
    RuleDefault {
        name: "identity:list_endpoints",
        check: ADMIN_OR_SYSTEM_READER,
        scopes: SYSTEM_PROJECT,
        description: "List endpoints.",
        operations: &[("GET", "/v3/endpoints")],
    },
    RuleDefault {
        name: "identity:create_endpoint",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Create an endpoint.",
        operations: &[("POST", "/v3/endpoints")],
    },
    RuleDefault {
        name: "identity:update_endpoint",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change an endpoint.",
        operations: &[("PATCH", "/v3/endpoints/{endpoint_id}")],
    },
    RuleDefault {
        name: "identity:delete_endpoint",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete an endpoint.",
        operations: &[("DELETE", "/v3/endpoints/{endpoint_id}")],
    },
    RuleDefault {
        name: "identity:get_region",
        check: "",
        scopes: ALL_SCOPES,
        description: "Show a region.",
        operations: &[("GET", "/v3/regions/{region_id}"), ("HEAD", "/v3/regions/{region_id}")],
    },
    RuleDefault {
        name: "identity:list_regions",
        check: "",
        scopes: ALL_SCOPES,
        description: "List regions.",
        operations: &[("GET", "/v3/regions"), ("HEAD", "/v3/regions")],
    },
    RuleDefault {
        name: "identity:create_region",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Create a region.",
        operations: &[("POST", "/v3/regions"), ("PUT", "/v3/regions/{region_id}")],
    },
    RuleDefault {
        name: "identity:update_region",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change a region.",
        operations: &[("PATCH", "/v3/regions/{region_id}")],
    },
    RuleDefault {
        name: "identity:delete_region",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete a region with those below it.",
        operations: &[("DELETE", "/v3/regions/{region_id}")],
    },
];
