//! Rules of SCIM. A directory is known by `scim_tenant_id`, the tenant of its token, and has no role: no other rule lets it
//! do anything. Administrators of the cloud and of the tenant's domain may do the same as it.

use super::{ALL_SCOPES, RuleDefault};

const WRITE: &str =
    "(rule:admin_required and domain_id:None) or ((role:admin or role:manager) and domain_id:%(target.tenant.id)s)";
const READ: &str = "(rule:admin_required and domain_id:None) or (role:reader and system_scope:all) or ((role:admin or role:manager) and domain_id:%(target.tenant.id)s)";
const DIRECTORY: &str = "scim_tenant_id:%(target.tenant.id)s or (rule:admin_required and domain_id:None) or ((role:admin or role:manager) and domain_id:%(target.tenant.id)s)";
const LOOK: &str = "scim_tenant_id:%(target.tenant.id)s or (rule:admin_required and domain_id:None) or (role:reader and system_scope:all) or ((role:admin or role:manager) and domain_id:%(target.tenant.id)s)";

const TOKENS: &str = "/api/v1/admin/tenants/{tenant_id}/scim-tokens";
const TOKEN: &str = "/api/v1/admin/tenants/{tenant_id}/scim-tokens/{token_id}";
const CONFIG: &str = "/api/v1/tenants/{tenant_id}/scim/v2/ServiceProviderConfig";
const TYPES: &str = "/api/v1/tenants/{tenant_id}/scim/v2/ResourceTypes";
const TYPE: &str = "/api/v1/tenants/{tenant_id}/scim/v2/ResourceTypes/{resource_type}";
const SCHEMAS: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Schemas";
const SCHEMA: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Schemas/{schema}";
const ME: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Me";
const SEARCH: &str = "/api/v1/tenants/{tenant_id}/scim/v2/.search";
const BULK: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Bulk";
const USERS: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Users";
const USERS_SEARCH: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Users/.search";
const USER: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Users/{user_id}";
const GROUPS: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Groups";
const GROUPS_SEARCH: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Groups/.search";
const GROUP: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Groups/{group_id}";

const fn rule(
    name: &'static str,
    check: &'static str,
    description: &'static str,
    operations: &'static [(&'static str, &'static str)],
) -> RuleDefault {
    RuleDefault { name, check, scopes: ALL_SCOPES, description, operations }
}

/// Tokens of directories, and what these do.
pub(super) const RULES: &[RuleDefault] = &[
    rule(
        "tenant:list_scim_tokens",
        READ,
        "List a tenant's SCIM tokens, which are not shown themselves.",
        &[("GET", TOKENS)],
    ),
    rule("tenant:create_scim_token", WRITE, "Make a SCIM token of a tenant.", &[("POST", TOKENS)]),
    rule("tenant:delete_scim_token", WRITE, "Delete a SCIM token of a tenant.", &[("DELETE", TOKEN)]),
    rule(
        "tenant:show_scim_service",
        LOOK,
        "Show what a tenant's SCIM can do.",
        &[("GET", CONFIG), ("GET", TYPES), ("GET", TYPE), ("GET", SCHEMAS), ("GET", SCHEMA), ("GET", ME)],
    ),
    rule(
        "tenant:list_scim_users",
        LOOK,
        "List a tenant's users by SCIM.",
        &[("GET", USERS), ("POST", USERS_SEARCH), ("POST", SEARCH)],
    ),
    rule("tenant:get_scim_user", LOOK, "Show a user of a tenant by SCIM.", &[("GET", USER)]),
    rule("tenant:create_scim_user", DIRECTORY, "Make a user of a tenant by SCIM.", &[("POST", USERS)]),
    rule("tenant:update_scim_user", DIRECTORY, "Change a user of a tenant by SCIM.", &[("PUT", USER), ("PATCH", USER)]),
    rule("tenant:delete_scim_user", DIRECTORY, "Delete a user of a tenant by SCIM.", &[("DELETE", USER)]),
    rule(
        "tenant:list_scim_groups",
        LOOK,
        "List a tenant's groups by SCIM.",
        &[("GET", GROUPS), ("POST", GROUPS_SEARCH), ("POST", SEARCH)],
    ),
    rule("tenant:get_scim_group", LOOK, "Show a group of a tenant by SCIM.", &[("GET", GROUP)]),
    rule("tenant:create_scim_group", DIRECTORY, "Make a group of a tenant by SCIM.", &[("POST", GROUPS)]),
    rule(
        "tenant:update_scim_group",
        DIRECTORY,
        "Change a group of a tenant by SCIM.",
        &[("PUT", GROUP), ("PATCH", GROUP)],
    ),
    rule("tenant:delete_scim_group", DIRECTORY, "Delete a group of a tenant by SCIM.", &[("DELETE", GROUP)]),
    rule(
        "tenant:use_scim_bulk",
        DIRECTORY,
        "Have several things done by one request of SCIM; the rule of each is asked as well.",
        &[("POST", BULK)],
    ),
];
