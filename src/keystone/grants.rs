//! `/v3/projects|domains|system/…/users|groups/{id}/roles[/{role_id}]`, and the same under OS-INHERIT

use std::sync::Arc;

use http::Method;

use super::view;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Access::Rule;
use crate::http::route::Route;
use crate::model::grant::{Actor, Grant, Target};
use crate::service::{App, assignment};

/// Whose and where the grants of a path are.
#[derive(Debug, Clone, Copy)]
struct Kind {
    group: bool,
    on: On,
    inherited: bool,
}

#[derive(Debug, Clone, Copy)]
enum On {
    Project,
    Domain,
    System,
}

/// A family of paths: that of the list, that of one grant, its kind, and the JSON-home relations of the two.
type Family = (&'static str, &'static str, Kind, &'static str, &'static str);

const fn kind(on: On, group: bool, inherited: bool) -> Kind {
    Kind { group, on, inherited }
}

const FAMILIES: [Family; 10] = [
    (
        "/v3/projects/{project_id}/users/{user_id}/roles",
        "/v3/projects/{project_id}/users/{user_id}/roles/{role_id}",
        kind(On::Project, false, false),
        "project_user_roles",
        "project_user_role",
    ),
    (
        "/v3/projects/{project_id}/groups/{group_id}/roles",
        "/v3/projects/{project_id}/groups/{group_id}/roles/{role_id}",
        kind(On::Project, true, false),
        "project_group_roles",
        "project_group_role",
    ),
    (
        "/v3/domains/{domain_id}/users/{user_id}/roles",
        "/v3/domains/{domain_id}/users/{user_id}/roles/{role_id}",
        kind(On::Domain, false, false),
        "domain_user_roles",
        "domain_user_role",
    ),
    (
        "/v3/domains/{domain_id}/groups/{group_id}/roles",
        "/v3/domains/{domain_id}/groups/{group_id}/roles/{role_id}",
        kind(On::Domain, true, false),
        "domain_group_roles",
        "domain_group_role",
    ),
    (
        "/v3/system/users/{user_id}/roles",
        "/v3/system/users/{user_id}/roles/{role_id}",
        kind(On::System, false, false),
        "system_user_roles",
        "system_user_role",
    ),
    (
        "/v3/system/groups/{group_id}/roles",
        "/v3/system/groups/{group_id}/roles/{role_id}",
        kind(On::System, true, false),
        "system_group_roles",
        "system_group_role",
    ),
    (
        "/v3/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects",
        kind(On::Project, false, true),
        "ext/OS-INHERIT/1.0/rel/project_user_roles_inherited_to_projects",
        "ext/OS-INHERIT/1.0/rel/project_user_role_inherited_to_projects",
    ),
    (
        "/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects",
        kind(On::Project, true, true),
        "ext/OS-INHERIT/1.0/rel/project_group_roles_inherited_to_projects",
        "ext/OS-INHERIT/1.0/rel/project_group_role_inherited_to_projects",
    ),
    (
        "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects",
        kind(On::Domain, false, true),
        "ext/OS-INHERIT/1.0/rel/domain_user_roles_inherited_to_projects",
        "ext/OS-INHERIT/1.0/rel/domain_user_role_inherited_to_projects",
    ),
    (
        "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects",
        kind(On::Domain, true, true),
        "ext/OS-INHERIT/1.0/rel/domain_group_roles_inherited_to_projects",
        "ext/OS-INHERIT/1.0/rel/domain_group_role_inherited_to_projects",
    ),
];

/// The routes of all families.
pub fn routes() -> Vec<Route> {
    let mut all = Vec::new();
    for (many, one, kind, relations, relation) in FAMILIES {
        let rule = |for_user, for_group, other| match (kind.on, kind.group) {
            (On::System, false) => Rule(for_user),
            (On::System, true) => Rule(for_group),
            _ => Rule(other),
        };
        let may_list = rule(
            "identity:list_system_grants_for_user",
            "identity:list_system_grants_for_group",
            "identity:list_grants",
        );
        let may_check = rule(
            "identity:check_system_grant_for_user",
            "identity:check_system_grant_for_group",
            "identity:check_grant",
        );
        let may_create = rule(
            "identity:create_system_grant_for_user",
            "identity:create_system_grant_for_group",
            "identity:create_grant",
        );
        let may_revoke = rule(
            "identity:revoke_system_grant_for_user",
            "identity:revoke_system_grant_for_group",
            "identity:revoke_grant",
        );
        all.extend([
            Route::new(Method::GET, many, may_list, move |app, req| list(app, req, kind)).relation(relations),
            Route::new(Method::GET, one, may_check, move |app, req| check(app, req, kind)).relation(relation),
            Route::new(Method::PUT, one, may_create, move |app, req| create(app, req, kind)),
            Route::new(Method::DELETE, one, may_revoke, move |app, req| revoke(app, req, kind)),
        ]);
    }
    all
}

fn actor(req: &Request, kind: Kind) -> Result<Actor> {
    Ok(if kind.group {
        Actor::Group(req.param("group_id")?.to_owned())
    } else {
        Actor::User(req.param("user_id")?.to_owned())
    })
}

fn target(req: &Request, kind: Kind) -> Result<Target> {
    Ok(match kind.on {
        On::Project => Target::Project(req.param("project_id")?.to_owned()),
        On::Domain => Target::Domain(req.param("domain_id")?.to_owned()),
        On::System => Target::System,
    })
}

fn grant(req: &Request, kind: Kind) -> Result<Grant> {
    Ok(Grant {
        actor: actor(req, kind)?,
        target: target(req, kind)?,
        role_id: req.param("role_id")?.to_owned(),
        inherited: kind.inherited,
    })
}

/// `GET …/roles`
async fn list(app: Arc<App>, req: Request, kind: Kind) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let roles = assignment::list(&app, &caller, &actor(&req, kind)?, &target(&req, kind)?, kind.inherited).await?;
    let page = view::whole(roles);
    Ok(Reply::ok(&view::collection(&app, &req, "roles", &page, 0, |r| view::role(&app, r), |r| r.id.clone())))
}

/// `GET` and `HEAD …/roles/{role_id}`
async fn check(app: Arc<App>, req: Request, kind: Kind) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    assignment::check(&app, &caller, &grant(&req, kind)?).await?;
    Ok(Reply::no_content())
}

/// `PUT …/roles/{role_id}`
async fn create(app: Arc<App>, req: Request, kind: Kind) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    assignment::create(&app, &caller, &grant(&req, kind)?).await?;
    Ok(Reply::no_content())
}

/// `DELETE …/roles/{role_id}`
async fn revoke(app: Arc<App>, req: Request, kind: Kind) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    assignment::revoke(&app, &caller, &grant(&req, kind)?).await?;
    Ok(Reply::no_content())
}
