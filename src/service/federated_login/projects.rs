//! The projects that a mapping provides for, with roles on them.

use std::collections::BTreeSet;

use super::groups::domain;
use super::{Route, keep_within};
use crate::error::{Error, Result};
use crate::model::fields::Extra;
use crate::model::grant::{Grant, Target};
use crate::model::mapping_engine::{Mapped, MappedProject, SchemaVersion};
use crate::model::project::Project;
use crate::model::role::Role;
use crate::model::user::User;
use crate::service::{App, role_reach};
use crate::store::{self, Conn};

/// Longest name of a project, in characters.
const MAX_NAME: usize = 64;

/// Makes the projects that are not there and gives the user the roles. From 3.0 on the user's roles on projects become
/// exactly those.
pub(super) async fn provide(app: &App, tx: &mut Conn, route: &Route, mapped: &Mapped, user: &User) -> Result<()> {
    let version = route.mapping.as_ref().map(|m| m.document.schema_version);
    if mapped.projects.is_empty() && version != Some(SchemaVersion::V3) {
        return Ok(());
    }
    let mut asserted = BTreeSet::new();
    for wanted in &mapped.projects {
        let project_id = project(app, tx, route, wanted).await?;
        for name in &wanted.roles {
            let role = role(tx, &user.domain_id, name).await?;
            check_reach(tx, route, &role).await?;
            asserted.insert((project_id.clone(), role.id));
        }
    }
    let held: BTreeSet<_> = store::grant::list_on_projects(tx, &user.id).await?.into_iter().collect();
    let grant = |(project, role): &(String, String)| Grant::of_user(&user.id, Target::Project(project.clone()), role);
    for new in asserted.difference(&held) {
        store::grant::insert(tx, &grant(new)).await?;
    }
    if version == Some(SchemaVersion::V3) {
        for old in held.difference(&asserted) {
            store::grant::delete(tx, &grant(old)).await?;
        }
    }
    Ok(())
}

/// What would be provided, without making anything: each project with its id if it is there.
pub(super) async fn preview(
    conn: &mut Conn,
    route: &Route,
    mapped: &Mapped,
    user_domain_id: &str,
) -> Result<Vec<(MappedProject, Option<String>)>> {
    let mut all = Vec::new();
    for wanted in &mapped.projects {
        let domain_id = domain(conn, route, wanted.domain.as_ref()).await?;
        keep_within(route, &domain_id, "a project")?;
        for name in &wanted.roles {
            let role = role(conn, user_domain_id, name).await?;
            check_reach(conn, route, &role).await?;
        }
        let found = store::project::get_by_name(conn, &domain_id, &wanted.name).await?;
        all.push((wanted.clone(), found.map(|p| p.project.id)));
    }
    Ok(all)
}

async fn project(app: &App, tx: &mut Conn, route: &Route, wanted: &MappedProject) -> Result<String> {
    let domain_id = domain(tx, route, wanted.domain.as_ref()).await?;
    keep_within(route, &domain_id, "a project")?;
    if let Some(found) = store::project::get_by_name(tx, &domain_id, &wanted.name).await? {
        return Ok(found.project.id);
    }
    if !(1..=MAX_NAME).contains(&wanted.name.chars().count()) || wanted.name.contains('\0') {
        return Err(Error::unauthorized("the mapping names a project whose name no project can have"));
    }
    let project = Project {
        id: app.random.hex_id(),
        name: wanted.name.clone(),
        domain_id: Some(domain_id.clone()),
        parent_id: Some(domain_id),
        enabled: true,
        description: String::new(),
        tags: BTreeSet::new(),
        extra: Extra::new(),
        options: Extra::new(),
    };
    store::project::insert(tx, &project).await?;
    Ok(project.id)
}

async fn role(tx: &mut Conn, domain_id: &str, name: &str) -> Result<Role> {
    let found = match store::role::get_global(tx, name).await? {
        Some(role) => Some(role),
        None => store::role::get_of_domain(tx, domain_id, name).await?,
    };
    found.ok_or_else(|| Error::unauthorized(format!("the mapping names a role that is not there: {name}")))
}

/// Refuses a role that, itself or by what it implies, would make somebody of one domain an administrator of more.
async fn check_reach(tx: &mut Conn, route: &Route, role: &Role) -> Result<()> {
    if route.kept_to().is_none() {
        return Ok(());
    }
    if role_reach::is_beyond_domain(tx, &role.id).await? {
        return Err(Error::unauthorized("a mapping of one domain names a role that reaches beyond it"));
    }
    Ok(())
}
