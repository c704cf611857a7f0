//! The Keystone face: Identity v3 and OS-FEDERATION, `X-Auth-Token`. This file is the list of its routes.

mod audit;
mod auth;
mod browser;
mod connections;
mod discovery;
mod domains;
mod endpoints;
mod federated_auth;
mod federation;
mod grants;
mod groups;
mod identity_providers;
mod implied_roles;
mod keystone_to_keystone;
mod login_diagnostics;
mod mapping_explain;
mod mappings;
mod openid_connect_config;
mod pages;
mod projects;
mod protocols;
mod regions;
mod revoke;
mod role_assignments;
mod roles;
mod saml;
mod saml_metadata;
mod service_providers;
mod services;
mod setup;
mod tokens;
mod users;
mod view;

pub use discovery::json_home;

use crate::http::route::Access::{Open, Rules};
use crate::http::route::Route;

/// All routes of this face.
pub fn routes() -> Vec<Route> {
    [
        tokens_and_scopes(),
        projects_and_domains(),
        users_and_groups(),
        roles(),
        grants::routes(),
        catalog(),
        federation::routes(),
        connections::routes(),
        saml::routes(),
        saml_metadata::routes(),
        keystone_to_keystone::routes(),
    ]
    .concat()
}

/// Discovery, tokens, what a token gives access to, and the audit trail.
fn tokens_and_scopes() -> Vec<Route> {
    vec![
        Route::get("/", Open, discovery::versions),
        Route::get("/v3", Open, discovery::version),
        Route::get("/healthcheck", Open, discovery::healthcheck),
        Route::post("/v3/auth/tokens", Open, tokens::issue).relation("auth_tokens"),
        Route::get("/v3/auth/tokens", "identity:validate_token", tokens::validate).relation("auth_tokens"),
        Route::head("/v3/auth/tokens", "identity:check_token", tokens::check),
        Route::delete("/v3/auth/tokens", "identity:revoke_token", tokens::revoke),
        Route::get("/v3/auth/tokens/OS-PKI/revoked", Open, tokens::revoked_list),
        Route::get("/v3/auth/catalog", "identity:get_auth_catalog", auth::catalog).relation("auth_catalog"),
        Route::get("/v3/auth/projects", "identity:get_auth_projects", auth::projects).relation("auth_projects"),
        Route::get("/v3/auth/domains", "identity:get_auth_domains", auth::domains).relation("auth_domains"),
        Route::get("/v3/auth/system", "identity:get_auth_system", auth::system).relation("auth_system"),
        Route::get("/v3/OS-FEDERATION/projects", "identity:get_auth_projects", auth::projects)
            .relation("ext/OS-FEDERATION/1.0/rel/projects"),
        Route::get("/v3/OS-FEDERATION/domains", "identity:get_auth_domains", auth::domains)
            .relation("ext/OS-FEDERATION/1.0/rel/domains"),
        Route::get("/v3/OS-REVOKE/events", "identity:list_revoke_events", revoke::list)
            .relation("ext/OS-REVOKE/1.0/rel/events"),
        Route::get("/v3/archstone/audit", "identity:list_audit_events", audit::list),
    ]
}

/// Domains and projects.
fn projects_and_domains() -> Vec<Route> {
    vec![
        Route::get("/v3/domains", "identity:list_domains", domains::list).relation("domains"),
        Route::post("/v3/domains", "identity:create_domain", domains::create).relation("domains"),
        Route::get("/v3/domains/{domain_id}", "identity:get_domain", domains::get).relation("domain"),
        Route::patch("/v3/domains/{domain_id}", "identity:update_domain", domains::update),
        Route::delete("/v3/domains/{domain_id}", "identity:delete_domain", domains::delete),
        Route::get("/v3/projects", "identity:list_projects", projects::list).relation("projects"),
        Route::post("/v3/projects", "identity:create_project", projects::create),
        Route::get("/v3/projects/{project_id}", "identity:get_project", projects::get).relation("project"),
        Route::patch("/v3/projects/{project_id}", "identity:update_project", projects::update),
        Route::delete("/v3/projects/{project_id}", "identity:delete_project", projects::delete),
        Route::patch("/v3/projects/{project_id}/cascade", "identity:update_project", projects::update_cascade),
        Route::delete("/v3/projects/{project_id}/cascade", "identity:delete_project", projects::delete_cascade),
        Route::get("/v3/projects/{project_id}/tags", "identity:list_project_tags", projects::list_tags)
            .relation("project_tags"),
        Route::put("/v3/projects/{project_id}/tags", "identity:update_project_tags", projects::update_tags),
        Route::delete("/v3/projects/{project_id}/tags", "identity:delete_project_tags", projects::delete_tags),
        Route::get("/v3/projects/{project_id}/tags/{value}", "identity:get_project_tag", projects::check_tag),
        Route::put("/v3/projects/{project_id}/tags/{value}", "identity:create_project_tag", projects::create_tag),
        Route::delete("/v3/projects/{project_id}/tags/{value}", "identity:delete_project_tag", projects::delete_tag),
    ]
}

/// Users and groups.
fn users_and_groups() -> Vec<Route> {
    vec![
        Route::get("/v3/users", "identity:list_users", users::list).relation("users"),
        Route::post("/v3/users", "identity:create_user", users::create).relation("users"),
        Route::get("/v3/users/{user_id}", "identity:get_user", users::get).relation("user"),
        Route::patch("/v3/users/{user_id}", "identity:update_user", users::update),
        Route::post("/v3/users/{user_id}/password", Open, users::change_password).relation("user_change_password"),
        Route::delete("/v3/users/{user_id}", "identity:delete_user", users::delete),
        Route::get("/v3/users/{user_id}/projects", "identity:list_user_projects", projects::list_of_user)
            .relation("user_projects"),
        Route::get("/v3/users/{user_id}/groups", "identity:list_groups_for_user", groups::list_of_user)
            .relation("user_groups"),
        Route::get("/v3/groups", "identity:list_groups", groups::list).relation("groups"),
        Route::post("/v3/groups", "identity:create_group", groups::create),
        Route::get("/v3/groups/{group_id}", "identity:get_group", groups::get).relation("group"),
        Route::patch("/v3/groups/{group_id}", "identity:update_group", groups::update),
        Route::delete("/v3/groups/{group_id}", "identity:delete_group", groups::delete),
        Route::get("/v3/groups/{group_id}/users", "identity:list_users_in_group", groups::list_users)
            .relation("group_users"),
        Route::get("/v3/groups/{group_id}/users/{user_id}", "identity:check_user_in_group", groups::check_user)
            .relation("group_user"),
        Route::put("/v3/groups/{group_id}/users/{user_id}", "identity:add_user_to_group", groups::add_user),
        Route::delete("/v3/groups/{group_id}/users/{user_id}", "identity:remove_user_from_group", groups::remove_user),
    ]
}

/// Roles, what they imply, and the list of their assignments.
fn roles() -> Vec<Route> {
    vec![
        Route::get("/v3/roles", Rules(&["identity:list_roles", "identity:list_domain_roles"]), roles::list)
            .relation("roles"),
        Route::post("/v3/roles", Rules(&["identity:create_role", "identity:create_domain_role"]), roles::create)
            .relation("roles"),
        Route::get("/v3/roles/{role_id}", Rules(&["identity:get_role", "identity:get_domain_role"]), roles::get)
            .relation("role"),
        Route::patch(
            "/v3/roles/{role_id}",
            Rules(&["identity:update_role", "identity:update_domain_role"]),
            roles::update,
        ),
        Route::delete(
            "/v3/roles/{role_id}",
            Rules(&["identity:delete_role", "identity:delete_domain_role"]),
            roles::delete,
        ),
        Route::get("/v3/roles/{prior_role_id}/implies", "identity:list_implied_roles", implied_roles::list)
            .relation("implied_roles"),
        Route::get(
            "/v3/roles/{prior_role_id}/implies/{implied_role_id}",
            "identity:get_implied_role",
            implied_roles::get,
        )
        .relation("implied_role"),
        Route::head(
            "/v3/roles/{prior_role_id}/implies/{implied_role_id}",
            "identity:check_implied_role",
            implied_roles::check,
        ),
        Route::put(
            "/v3/roles/{prior_role_id}/implies/{implied_role_id}",
            "identity:create_implied_role",
            implied_roles::create,
        ),
        Route::delete(
            "/v3/roles/{prior_role_id}/implies/{implied_role_id}",
            "identity:delete_implied_role",
            implied_roles::delete,
        ),
        Route::get("/v3/role_inferences", "identity:list_role_inference_rules", implied_roles::list_all)
            .relation("role_inferences"),
        Route::get(
            "/v3/role_assignments",
            Rules(&["identity:list_role_assignments", "identity:list_role_assignments_for_tree"]),
            role_assignments::list,
        )
        .relation("role_assignments"),
    ]
}

/// Services, their endpoints, and regions.
fn catalog() -> Vec<Route> {
    vec![
        Route::get("/v3/services", "identity:list_services", services::list).relation("services"),
        Route::post("/v3/services", "identity:create_service", services::create),
        Route::get("/v3/services/{service_id}", "identity:get_service", services::get).relation("service"),
        Route::patch("/v3/services/{service_id}", "identity:update_service", services::update),
        Route::delete("/v3/services/{service_id}", "identity:delete_service", services::delete),
        Route::get("/v3/endpoints", "identity:list_endpoints", endpoints::list).relation("endpoints"),
        Route::post("/v3/endpoints", "identity:create_endpoint", endpoints::create),
        Route::get("/v3/endpoints/{endpoint_id}", "identity:get_endpoint", endpoints::get).relation("endpoint"),
        Route::patch("/v3/endpoints/{endpoint_id}", "identity:update_endpoint", endpoints::update),
        Route::delete("/v3/endpoints/{endpoint_id}", "identity:delete_endpoint", endpoints::delete),
        Route::get("/v3/regions", "identity:list_regions", regions::list).relation("regions"),
        Route::post("/v3/regions", "identity:create_region", regions::create),
        Route::get("/v3/regions/{region_id}", "identity:get_region", regions::get).relation("region"),
        Route::put("/v3/regions/{region_id}", "identity:create_region", regions::create_at),
        Route::patch("/v3/regions/{region_id}", "identity:update_region", regions::update),
        Route::delete("/v3/regions/{region_id}", "identity:delete_region", regions::delete),
    ]
}
