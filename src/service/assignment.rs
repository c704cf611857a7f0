//! Grants of roles to users on projects and domains.

use serde_json::json;

use super::caller::Caller;
use super::{App, audit, domain, identity, role};
use crate::error::{Error, Result};
use crate::model::grant::{Grant, Target as On};
use crate::model::role::Role;
use crate::policy::Target;
use crate::store::{self, Conn};

/// What a request about a grant refers to, as far as it exists.
struct Found {
    user: Option<crate::model::user::User>,
    /// Domain of the project, or the domain itself.
    on: Option<String>,
    role: Option<Role>,
}

async fn find(conn: &mut Conn, user_id: &str, on: &On, role_id: Option<&str>) -> Result<Found> {
    let user = store::user::get(conn, user_id).await?.map(|i| i.user);
    let on = match on {
        On::Project(id) => store::project::get(conn, id).await?.map(|l| l.project.domain_id),
        On::Domain(id) => store::domain::get(conn, id).await?.map(|d| d.id),
        On::System => None,
    };
    let role = match role_id {
        Some(id) => store::role::get(conn, id).await?,
        None => None,
    };
    Ok(Found { user, on, role })
}

impl Found {
    fn target(&self, user_id: &str, on: &On, role_id: Option<&str>) -> Target {
        let mut target = Target::new().and_path("user_id", user_id);
        target = match on {
            On::Project(id) => target.and_path("project_id", id),
            On::Domain(id) => target.and_path("domain_id", id),
            On::System => target,
        };
        if let Some(id) = role_id {
            target = target.and_path("role_id", id);
        }
        if let Some(user) = &self.user {
            target = target.and_stored("user", &json!({"id": user.id, "domain_id": user.domain_id}));
        }
        if let Some(domain_id) = &self.on {
            target = match on {
                On::Project(id) => target.and_stored("project", &json!({"id": id, "domain_id": domain_id})),
                On::Domain(_) | On::System => target.and_stored("domain", &json!({ "id": domain_id })),
            };
        }
        if let Some(role) = &self.role {
            target = target.and_stored("role", &json!({"id": role.id, "name": role.name, "domain_id": role.domain_id}));
        }
        target
    }

    /// 404 for the first thing that is not there.
    fn check(&self, user_id: &str, on: &On, role_id: Option<&str>) -> Result<()> {
        if let (Some(id), None) = (role_id, &self.role) {
            return Err(role::not_found(id));
        }
        if self.user.is_none() {
            return Err(identity::not_found(user_id));
        }
        match (on, &self.on) {
            (On::Project(id), None) => Err(Error::not_found(format!("Could not find project: {id}."))),
            (On::Domain(id), None) => Err(domain::not_found(id)),
            _ => Ok(()),
        }
    }
}

fn missing(grant: &Grant) -> Error {
    Error::not_found(format!(
        "Could not find role assignment with role: {}, user or group: {}, project, domain, or system: {}.",
        grant.role_id,
        grant.user_id,
        grant.target.id()
    ))
}

/// Gives a role.
pub async fn create(app: &App, caller: &Caller, grant: &Grant) -> Result<()> {
    let done = change(app, caller, grant, true).await;
    audit::refused(app, caller, "grant.create", ("role", &grant.role_id), done).await
}

/// Takes a role away. Tokens that need it are void at once.
pub async fn revoke(app: &App, caller: &Caller, grant: &Grant) -> Result<()> {
    let done = change(app, caller, grant, false).await;
    audit::refused(app, caller, "grant.revoke", ("role", &grant.role_id), done).await
}

async fn change(app: &App, caller: &Caller, grant: &Grant, give: bool) -> Result<()> {
    let found = find(&mut app.store.read().await?, &grant.user_id, &grant.target, Some(&grant.role_id)).await?;
    let rule = if give { "identity:create_grant" } else { "identity:revoke_grant" };
    app.allow(caller, rule, &found.target(&grant.user_id, &grant.target, Some(&grant.role_id))).await?;
    // Policy may have asked another machine: only now a transaction, and what it rests on is read again.
    let mut tx = app.store.write().await?;
    let found = find(&mut tx, &grant.user_id, &grant.target, Some(&grant.role_id)).await?;
    found.check(&grant.user_id, &grant.target, Some(&grant.role_id))?;
    if give {
        let of_domain = found.role.as_ref().and_then(|r| r.domain_id.as_ref());
        if of_domain.is_some() && of_domain != found.on.as_ref() {
            return Err(Error::forbidden("A domain-specific role can only be granted in its own domain."));
        }
        store::grant::insert(&mut tx, grant).await?;
    } else if !store::grant::delete(&mut tx, grant).await? {
        return Err(missing(grant));
    }
    let action = if give { "grant.create" } else { "grant.revoke" };
    let detail = format!("user={},{}={}", grant.user_id, grant.target.kind(), grant.target.id());
    audit::changed(app, &mut tx, caller, action, ("role", &grant.role_id), found.on.as_deref(), &detail).await?;
    app.commit(tx).await
}

/// 404 unless this very grant exists.
pub async fn check(app: &App, caller: &Caller, grant: &Grant) -> Result<()> {
    let found = find(&mut app.store.read().await?, &grant.user_id, &grant.target, Some(&grant.role_id)).await?;
    app.allow(caller, "identity:check_grant", &found.target(&grant.user_id, &grant.target, Some(&grant.role_id)))
        .await?;
    found.check(&grant.user_id, &grant.target, Some(&grant.role_id))?;
    if store::grant::exists(&mut app.store.read().await?, grant).await? { Ok(()) } else { Err(missing(grant)) }
}

/// The roles that a user was given on a target.
pub async fn list(app: &App, caller: &Caller, user_id: &str, on: &On) -> Result<Vec<Role>> {
    let found = find(&mut app.store.read().await?, user_id, on, None).await?;
    app.allow(caller, "identity:list_grants", &found.target(user_id, on, None)).await?;
    found.check(user_id, on, None)?;
    store::grant::list_roles(&mut app.store.read().await?, user_id, on).await
}
