//! Rules of tenants. An administrator of the cloud looks after all of them, an administrator or manager of a domain after the
//! one that this domain is. Who acts in one domain is asked about as if it were about theirs; what is another's is then not
//! found, which is decided after the rule, by the service.
//!
//! `domain_id` is null for every scope but a domain's, and a null credential matches the constant text `None`; it never
//! matches a tenant's id.

use super::{ALL_SCOPES, RuleDefault, SYSTEM_PROJECT};

const ADMIN: &str = "rule:admin_required";
const WRITE: &str =
    "(rule:admin_required and domain_id:None) or ((role:admin or role:manager) and domain_id:%(target.tenant.id)s)";
const READ: &str = "(rule:admin_required and domain_id:None) or (role:reader and system_scope:all) or ((role:admin or role:manager) and domain_id:%(target.tenant.id)s)";

const TENANTS: &str = "/api/v1/admin/tenants";
const TENANT: &str = "/api/v1/admin/tenants/{tenant_id}";
const APPLICATIONS: &str = "/api/v1/admin/applications";
const APPLICATION: &str = "/api/v1/admin/applications/{application_id}";
const PROVIDERS: &str = "/api/v1/admin/identity-providers";
const PROVIDER: &str = "/api/v1/admin/identity-providers/{idp_id}";

/// Tenants and what belongs to them.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "tenant:list_tenants",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List tenants.",
        operations: &[("GET", TENANTS)],
    },
    RuleDefault {
        name: "tenant:get_tenant",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show a tenant.",
        operations: &[("GET", TENANT)],
    },
    RuleDefault {
        name: "tenant:create_tenant",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Make a domain a tenant, or make both.",
        operations: &[("POST", TENANTS)],
    },
    RuleDefault {
        name: "tenant:update_tenant",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Change a tenant.",
        operations: &[("PATCH", TENANT)],
    },
    RuleDefault {
        name: "tenant:change_slug",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Change the slug of a tenant, or the one that its issuer names.",
        operations: &[("PATCH", TENANT)],
    },
    RuleDefault {
        name: "tenant:delete_tenant",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Delete a tenant; its domain stays.",
        operations: &[("DELETE", TENANT)],
    },
    RuleDefault {
        name: "tenant:list_applications",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List a tenant's applications.",
        operations: &[("GET", APPLICATIONS)],
    },
    RuleDefault {
        name: "tenant:get_application",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show an application, without its secrets.",
        operations: &[("GET", APPLICATION)],
    },
    RuleDefault {
        name: "tenant:create_application",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Make an application.",
        operations: &[("POST", APPLICATIONS)],
    },
    RuleDefault {
        name: "tenant:update_application",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Change an application.",
        operations: &[("PATCH", APPLICATION)],
    },
    RuleDefault {
        name: "tenant:grant_service_audience",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Let an application ask for tokens that open this service itself.",
        operations: &[("POST", APPLICATIONS), ("PATCH", APPLICATION)],
    },
    RuleDefault {
        name: "tenant:delete_application",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Delete an application.",
        operations: &[("DELETE", APPLICATION)],
    },
    RuleDefault {
        name: "tenant:create_application_secret",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Make another secret of an application.",
        operations: &[("POST", "/api/v1/admin/applications/{application_id}/secrets")],
    },
    RuleDefault {
        name: "tenant:delete_application_secret",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Delete a secret of an application.",
        operations: &[("DELETE", "/api/v1/admin/applications/{application_id}/secrets/{secret_id}")],
    },
    RuleDefault {
        name: "tenant:list_identity_providers",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List the identity providers that a tenant could offer.",
        operations: &[("GET", PROVIDERS)],
    },
    RuleDefault {
        name: "tenant:get_identity_provider",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show an identity provider that a tenant could offer, without its secret.",
        operations: &[("GET", PROVIDER)],
    },
    RuleDefault {
        name: "tenant:create_identity_provider",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Make an identity provider of a tenant's own.",
        operations: &[("POST", PROVIDERS)],
    },
    RuleDefault {
        name: "tenant:update_identity_provider",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Change an identity provider of a tenant's own, or what the tenant says of a global one.",
        operations: &[("PATCH", PROVIDER)],
    },
    RuleDefault {
        name: "tenant:delete_identity_provider",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Delete an identity provider of a tenant's own, or forget what the tenant says of a global one.",
        operations: &[("DELETE", PROVIDER)],
    },
    RuleDefault {
        name: "tenant:keep_identity_provider",
        check: ADMIN,
        scopes: SYSTEM_PROJECT,
        description: "Keep a global identity provider for some tenants.",
        operations: &[("PUT", "/api/v1/admin/identity-providers/{idp_id}/tenants")],
    },
    RuleDefault {
        name: "tenant:list_links",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List a user's identities at identity providers.",
        operations: &[("GET", "/api/v1/admin/users/{user_id}/links")],
    },
    RuleDefault {
        name: "tenant:delete_link",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Take a user's identities at an identity provider away.",
        operations: &[("DELETE", "/api/v1/admin/users/{user_id}/links/{idp_id}")],
    },
    RuleDefault {
        name: "tenant:list_traces",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List the last failures of sign-ins at a tenant.",
        operations: &[("GET", "/api/v1/admin/traces")],
    },
    RuleDefault {
        name: "tenant:get_trace",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show all steps of a sign-in at a tenant.",
        operations: &[("GET", "/api/v1/admin/traces/{request_id}")],
    },
];
