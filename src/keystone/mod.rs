//! The Keystone face: Identity v3 and OS-FEDERATION, `X-Auth-Token`. This file is the list of its routes.

mod audit;
mod auth;
mod discovery;
mod domains;
mod grants;
mod identity_providers;
mod revoke;
mod roles;
mod tokens;
mod users;
mod view;

pub use discovery::json_home;

use http::Method;

use crate::http::route::Access::{Open, Rule, Rules};
use crate::http::route::Route;

/// All routes of this face.
pub fn routes() -> Vec<Route> {
    let get = Method::GET;
    let put = Method::PUT;
    let post = Method::POST;
    let patch = Method::PATCH;
    let delete = Method::DELETE;
    let head = Method::HEAD;
    let mut all = vec![
        Route::new(get.clone(), "/", Open, discovery::versions),
        Route::new(get.clone(), "/v3", Open, discovery::version),
        Route::new(get.clone(), "/healthcheck", Open, discovery::healthcheck),
        Route::new(post.clone(), "/v3/auth/tokens", Open, tokens::issue).relation("auth_tokens"),
        Route::new(get.clone(), "/v3/auth/tokens", Rule("identity:validate_token"), tokens::validate)
            .relation("auth_tokens"),
        Route::new(head.clone(), "/v3/auth/tokens", Rule("identity:check_token"), tokens::check),
        Route::new(delete.clone(), "/v3/auth/tokens", Rule("identity:revoke_token"), tokens::revoke),
        Route::new(get.clone(), "/v3/auth/tokens/OS-PKI/revoked", Open, tokens::revoked_list),
        Route::new(get.clone(), "/v3/auth/catalog", Rule("identity:get_auth_catalog"), auth::catalog)
            .relation("auth_catalog"),
        Route::new(get.clone(), "/v3/auth/projects", Rule("identity:get_auth_projects"), auth::projects)
            .relation("auth_projects"),
        Route::new(get.clone(), "/v3/auth/domains", Rule("identity:get_auth_domains"), auth::domains)
            .relation("auth_domains"),
        Route::new(get.clone(), "/v3/auth/system", Rule("identity:get_auth_system"), auth::system)
            .relation("auth_system"),
        Route::new(get.clone(), "/v3/OS-FEDERATION/projects", Rule("identity:get_auth_projects"), auth::projects)
            .relation("ext/OS-FEDERATION/1.0/rel/projects"),
        Route::new(get.clone(), "/v3/OS-FEDERATION/domains", Rule("identity:get_auth_domains"), auth::domains)
            .relation("ext/OS-FEDERATION/1.0/rel/domains"),
        Route::new(get.clone(), "/v3/OS-REVOKE/events", Rule("identity:list_revoke_events"), revoke::list)
            .relation("ext/OS-REVOKE/1.0/rel/events"),
        Route::new(get.clone(), "/v3/archstone/audit", Rule("identity:list_audit_events"), audit::list),
        Route::new(get.clone(), "/v3/domains", Rule("identity:list_domains"), domains::list).relation("domains"),
        Route::new(post.clone(), "/v3/domains", Rule("identity:create_domain"), domains::create).relation("domains"),
        Route::new(get.clone(), "/v3/domains/{domain_id}", Rule("identity:get_domain"), domains::get)
            .relation("domain"),
        Route::new(patch.clone(), "/v3/domains/{domain_id}", Rule("identity:update_domain"), domains::update),
        Route::new(delete.clone(), "/v3/domains/{domain_id}", Rule("identity:delete_domain"), domains::delete),
        Route::new(get.clone(), "/v3/users", Rule("identity:list_users"), users::list).relation("users"),
        Route::new(post.clone(), "/v3/users", Rule("identity:create_user"), users::create).relation("users"),
        Route::new(get.clone(), "/v3/users/{user_id}", Rule("identity:get_user"), users::get).relation("user"),
        Route::new(patch.clone(), "/v3/users/{user_id}", Rule("identity:update_user"), users::update),
        Route::new(delete.clone(), "/v3/users/{user_id}", Rule("identity:delete_user"), users::delete),
        Route::new(post.clone(), "/v3/users/{user_id}/password", Open, users::change_password)
            .relation("user_change_password"),
        Route::new(
            get.clone(),
            "/v3/roles",
            Rules(&["identity:list_roles", "identity:list_domain_roles"]),
            roles::list,
        )
        .relation("roles"),
        Route::new(post, "/v3/roles", Rules(&["identity:create_role", "identity:create_domain_role"]), roles::create)
            .relation("roles"),
        Route::new(
            get.clone(),
            "/v3/roles/{role_id}",
            Rules(&["identity:get_role", "identity:get_domain_role"]),
            roles::get,
        )
        .relation("role"),
        Route::new(
            patch.clone(),
            "/v3/roles/{role_id}",
            Rules(&["identity:update_role", "identity:update_domain_role"]),
            roles::update,
        ),
        Route::new(
            delete.clone(),
            "/v3/roles/{role_id}",
            Rules(&["identity:delete_role", "identity:delete_domain_role"]),
            roles::delete,
        ),
        Route::new(
            get.clone(),
            "/v3/OS-FEDERATION/identity_providers",
            Rule("identity:list_identity_providers"),
            identity_providers::list,
        )
        .relation("ext/OS-FEDERATION/1.0/rel/identity_providers"),
        Route::new(
            get.clone(),
            "/v3/OS-FEDERATION/identity_providers/{idp_id}",
            Rule("identity:get_identity_provider"),
            identity_providers::get,
        )
        .relation("ext/OS-FEDERATION/1.0/rel/identity_provider"),
        Route::new(
            put.clone(),
            "/v3/OS-FEDERATION/identity_providers/{idp_id}",
            Rule("identity:create_identity_provider"),
            identity_providers::create,
        ),
        Route::new(
            patch,
            "/v3/OS-FEDERATION/identity_providers/{idp_id}",
            Rule("identity:update_identity_provider"),
            identity_providers::update,
        ),
        Route::new(
            delete.clone(),
            "/v3/OS-FEDERATION/identity_providers/{idp_id}",
            Rule("identity:delete_identity_provider"),
            identity_providers::delete,
        ),
    ];
    for (list, one, of) in [
        (
            "/v3/projects/{project_id}/users/{user_id}/roles",
            "/v3/projects/{project_id}/users/{user_id}/roles/{role_id}",
            grants::On::Project,
        ),
        (
            "/v3/domains/{domain_id}/users/{user_id}/roles",
            "/v3/domains/{domain_id}/users/{user_id}/roles/{role_id}",
            grants::On::Domain,
        ),
    ] {
        all.extend([
            Route::new(get.clone(), list, Rule("identity:list_grants"), move |app, req| grants::list(app, req, of)),
            Route::new(get.clone(), one, Rule("identity:check_grant"), move |app, req| grants::check(app, req, of)),
            Route::new(put.clone(), one, Rule("identity:create_grant"), move |app, req| grants::create(app, req, of)),
            Route::new(delete.clone(), one, Rule("identity:revoke_grant"), move |app, req| {
                grants::revoke(app, req, of)
            }),
        ]);
    }
    all
}
