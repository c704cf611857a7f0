//! Grants: roles of users and groups on projects, domains and the whole deployment, inherited ones among them (OS-INHERIT).

use serde_json::json;

use super::caller::Caller;
use super::{App, audit, domain, group, identity, project, role};
use crate::error::{Error, Result};
use crate::model::grant::{Actor, Grant, Target as On};
use crate::model::role::Role;
use crate::policy::Target;
use crate::store::{self, Conn};

/// What a request about a grant refers to, as far as it exists.
struct Found {
    /// Domain of the user or group.
    actor: Option<String>,
    /// Domain of the project, or the domain itself.
    on: Option<String>,
    role: Option<Role>,
}

async fn find(conn: &mut Conn, actor: &Actor, on: &On, role_id: Option<&str>) -> Result<Found> {
    let actor = match actor {
        Actor::User(id) => store::user::get(conn, id).await?.map(|i| i.user.domain_id),
        Actor::Group(id) => store::group::get(conn, id).await?.map(|g| g.domain_id),
    };
    let on = match on {
        On::Project(id) => store::project::get(conn, id).await?.map(|l| l.project.home().to_owned()),
        On::Domain(id) => store::domain::get(conn, id).await?.map(|d| d.id),
        On::System => None,
    };
    let role = match role_id {
        Some(id) => store::role::get(conn, id).await?,
        None => None,
    };
    Ok(Found { actor, on, role })
}

impl Found {
    fn target(&self, actor: &Actor, on: &On, role_id: Option<&str>) -> Target {
        let mut target = match actor {
            Actor::User(id) => Target::new().and_path("user_id", id),
            Actor::Group(id) => Target::new().and_path("group_id", id),
        };
        target = match on {
            On::Project(id) => target.and_path("project_id", id),
            On::Domain(id) => target.and_path("domain_id", id),
            On::System => target,
        };
        if let Some(id) = role_id {
            target = target.and_path("role_id", id);
        }
        if let Some(domain_id) = &self.actor {
            target = target.and_stored(actor.kind(), &json!({"id": actor.id(), "domain_id": domain_id}));
        }
        if let Some(domain_id) = &self.on {
            target = match on {
                On::Project(id) => {
                    // What acts as a domain lies in none: managing that domain is not enough to say who acts on it.
                    let domain_id = Some(domain_id).filter(|d| *d != id);
                    target.and_stored("project", &json!({"id": id, "domain_id": domain_id}))
                }
                On::Domain(_) | On::System => target.and_stored("domain", &json!({ "id": domain_id })),
            };
        }
        if let Some(role) = &self.role {
            target = target.and_stored("role", &json!({"id": role.id, "name": role.name, "domain_id": role.domain_id}));
        }
        target
    }

    /// 404 for the first thing that is not there.
    fn check(&self, actor: &Actor, on: &On, role_id: Option<&str>) -> Result<()> {
        if let (Some(id), None) = (role_id, &self.role) {
            return Err(role::not_found(id));
        }
        if self.actor.is_none() {
            return Err(match actor {
                Actor::User(id) => identity::not_found(id),
                Actor::Group(id) => group::not_found(id),
            });
        }
        match (on, &self.on) {
            (On::Project(id), None) => Err(project::not_found(id)),
            (On::Domain(id), None) => Err(domain::not_found(id)),
            _ => Ok(()),
        }
    }
}

/// What is done with grants; each has a rule of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    List,
    Check,
    Create,
    Revoke,
}

/// The rule of an act: grants on the whole deployment have their own, for users and for groups.
fn rule(act: Act, actor: &Actor, on: &On) -> &'static str {
    match (act, on, actor) {
        (Act::List, On::System, Actor::User(_)) => "identity:list_system_grants_for_user",
        (Act::Check, On::System, Actor::User(_)) => "identity:check_system_grant_for_user",
        (Act::Create, On::System, Actor::User(_)) => "identity:create_system_grant_for_user",
        (Act::Revoke, On::System, Actor::User(_)) => "identity:revoke_system_grant_for_user",
        (Act::List, On::System, Actor::Group(_)) => "identity:list_system_grants_for_group",
        (Act::Check, On::System, Actor::Group(_)) => "identity:check_system_grant_for_group",
        (Act::Create, On::System, Actor::Group(_)) => "identity:create_system_grant_for_group",
        (Act::Revoke, On::System, Actor::Group(_)) => "identity:revoke_system_grant_for_group",
        (Act::List, ..) => "identity:list_grants",
        (Act::Check, ..) => "identity:check_grant",
        (Act::Create, ..) => "identity:create_grant",
        (Act::Revoke, ..) => "identity:revoke_grant",
    }
}

fn missing(grant: &Grant) -> Error {
    Error::not_found(format!(
        "Could not find role assignment with role: {}, user or group: {}, project, domain, or system: {}.",
        grant.role_id,
        grant.actor.id(),
        grant.target.id()
    ))
}

/// Gives a role.
pub async fn create(app: &App, caller: &Caller, grant: &Grant) -> Result<()> {
    let done = change(app, caller, grant, Act::Create).await;
    audit::refused(app, caller, "grant.create", ("role", &grant.role_id), done).await
}

/// Takes a role away. Tokens that need it are void at once.
pub async fn revoke(app: &App, caller: &Caller, grant: &Grant) -> Result<()> {
    let done = change(app, caller, grant, Act::Revoke).await;
    audit::refused(app, caller, "grant.revoke", ("role", &grant.role_id), done).await
}

async fn change(app: &App, caller: &Caller, grant: &Grant, act: Act) -> Result<()> {
    let (actor, on, role_id) = (&grant.actor, &grant.target, Some(grant.role_id.as_str()));
    let found = find(&mut app.store.read().await?, actor, on, role_id).await?;
    app.allow(caller, rule(act, actor, on), &found.target(actor, on, role_id)).await?;
    // Policy may have asked another machine: only now a transaction, and what it rests on is read again.
    let mut tx = app.store.write().await?;
    let found = find(&mut tx, actor, on, role_id).await?;
    if act == Act::Revoke && found.role.is_some() && found.actor.is_none() {
        // Who is gone holds nothing, which is all that is to be said.
        return Err(missing(grant));
    }
    found.check(actor, on, role_id)?;
    let action = if act == Act::Create {
        check_domain_role(grant, &found)?;
        store::grant::insert(&mut tx, grant).await?;
        "grant.create"
    } else {
        if !store::grant::delete(&mut tx, grant).await? {
            return Err(missing(grant));
        }
        "grant.revoke"
    };
    let inherited = if grant.inherited { ",inherited" } else { "" };
    let detail = format!("{}={},{}={}{inherited}", actor.kind(), actor.id(), on.kind(), on.id());
    audit::changed(app, &mut tx, caller, action, ("role", &grant.role_id), found.on.as_deref(), &detail).await?;
    app.commit(tx).await
}

/// A domain-specific role is for the projects of its domain; on a domain Keystone lets it be.
fn check_domain_role(grant: &Grant, found: &Found) -> Result<()> {
    let of_domain = found.role.as_ref().and_then(|r| r.domain_id.as_ref());
    match (&grant.target, of_domain) {
        (_, None) => Ok(()),
        (On::System, Some(_)) => Err(Error::invalid(format!(
            "Role {} is a domain-specific role. Unable to use a domain-specific role in a system assignment.",
            grant.role_id
        ))),
        (On::Project(id), Some(domain)) if found.on.as_ref() != Some(domain) => Err(Error::forbidden(format!(
            "Project {id} must be in the same domain as the role {} being assigned.",
            grant.role_id
        ))),
        _ => Ok(()),
    }
}

/// 404 unless this very grant exists.
pub async fn check(app: &App, caller: &Caller, grant: &Grant) -> Result<()> {
    let (actor, on, role_id) = (&grant.actor, &grant.target, Some(grant.role_id.as_str()));
    let found = find(&mut app.store.read().await?, actor, on, role_id).await?;
    app.allow(caller, rule(Act::Check, actor, on), &found.target(actor, on, role_id)).await?;
    found.check(actor, on, role_id)?;
    if store::grant::exists(&mut app.store.read().await?, grant).await? { Ok(()) } else { Err(missing(grant)) }
}

/// The roles that an actor was given on a target.
pub async fn list(app: &App, caller: &Caller, actor: &Actor, on: &On, inherited: bool) -> Result<Vec<Role>> {
    let found = find(&mut app.store.read().await?, actor, on, None).await?;
    app.allow(caller, rule(Act::List, actor, on), &found.target(actor, on, None)).await?;
    found.check(actor, on, None)?;
    store::grant::list_roles(&mut app.store.read().await?, actor, on, inherited).await
}
