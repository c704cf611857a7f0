//! Projects and their hierarchy. One that acts as a domain is that domain, seen and changed through this door as well.
//!
//! A tree changes under the lock of its domain: what a check saw of the tree still holds when the change is made.

mod tags;
mod tree;

use serde_json::{Value, json};

pub use tags::{check_tag, create_tag, delete_tag, delete_tags, list_tags, update_tags};
pub use tree::{Around, Branch, InTree, get};

use super::caller::Caller;
use super::{App, audit, domain, identity};
use crate::error::{Error, Result};
use crate::model::domain::Domain;
use crate::model::fields::{guard_delete, guard_update};
use crate::model::holder::Holder;
use crate::model::list::{Condition, Page, Query};
use crate::model::project::{self, Project, Update};
use crate::model::tag;
use crate::policy::Target;
use crate::store::{self, Conn};

const KIND: &str = "project";

/// 404 for a project.
pub fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find project: {id}."))
}

/// What policy sees of a request about a project.
fn seen(project: Option<&Project>, id: &str) -> Target {
    let shown = |p: &Project| {
        let object = json!({"id": p.id, "domain_id": p.domain_id, "name": p.name, "is_domain": p.is_domain()});
        Target::stored(KIND, &object)
    };
    project.map_or_else(Target::new, shown).and_path("project_id", id)
}

fn duplicate(project: &Project) -> impl FnOnce(Error) -> Error {
    let text = format!(
        "Conflict occurred attempting to store project - it is not permitted to have two projects with either the same \
         name or same id in the same domain: name is {}, project id {}.",
        project.name, project.id
    );
    move |error| match error {
        Error::Conflict { .. } => Error::conflict(text),
        other => other,
    }
}

async fn find(conn: &mut Conn, id: &str) -> Result<Option<Project>> {
    Ok(store::project::get(conn, id).await?.map(|l| l.project))
}

/// Asks policy about a project that may or may not be there.
async fn admitted(app: &App, caller: &Caller, rule: &str, id: &str, body: Option<&Value>) -> Result<Option<Project>> {
    let found = find(&mut app.store.read().await?, id).await?;
    let target = seen(found.as_ref(), id);
    app.allow(caller, rule, &body.map_or(target.clone(), |b| target.and_body(b))).await?;
    Ok(found)
}

/// The project in a transaction that may change it and the tree around it.
async fn held(tx: &mut Conn, id: &str) -> Result<Project> {
    store::project::lock(tx, id).await?;
    find(tx, id).await?.ok_or_else(|| not_found(id))
}

/// One page of projects. A domain-scoped token sees those of its domain.
pub async fn list(app: &App, caller: &Caller, mut query: Query, tags: &tag::Filter) -> Result<Page<Project>> {
    let own = caller.domain_scope();
    let target = Target::stored("domain_id", &json!(own));
    app.allow(caller, "identity:list_projects", &super::and_filters(target, &query)).await?;
    if let Some(own) = own {
        query.conditions.push(Condition::equals("p.domain_id", own));
    }
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && find(&mut conn, marker).await?.is_none_or(|p| own.is_some() && p.domain_id.as_deref() != own)
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::project::list(&mut conn, &query, tags).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One page of the projects on which a user effectively holds a role.
pub async fn list_of_user(app: &App, caller: &Caller, user_id: &str, query: &Query) -> Result<Page<Project>> {
    let user = store::user::get(&mut app.store.read().await?, user_id).await?.map(|i| i.user);
    let target = identity::seen(user.as_ref(), user_id);
    app.allow(caller, "identity:list_user_projects", &super::and_filters(target, query)).await?;
    if user.is_none() {
        return Err(identity::not_found(user_id));
    }
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && find(&mut conn, marker).await?.is_none()
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::project::list_of_holder(&mut conn, &Holder::new(user_id, app.now()), query, false).await?;
    Ok(Page::cut(rows, query.limit))
}

/// Makes a project, or a domain if it is to act as one.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Project> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "project.create", (KIND, ""), done).await
}

/// What the body says of a member, if it is text.
fn named<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body.get(KIND).and_then(|p| p.get(member)).and_then(Value::as_str)
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Project> {
    let as_domain = body.get(KIND).and_then(|p| p.get("is_domain")) == Some(&Value::Bool(true));
    // A body that names no domain means the parent's or else that of the scope; only a stored domain reaches policy.
    let mut conn = app.store.read().await?;
    let parent = match named(body, "parent_id") {
        Some(id) => find(&mut conn, id).await?,
        None => None,
    };
    let fallback = caller.scope_domain().unwrap_or(&app.config.identity.default_domain_id);
    let wished = named(body, "domain_id").unwrap_or_else(|| parent.as_ref().map_or(fallback, Project::home)).to_owned();
    let home = if as_domain { None } else { store::domain::get(&mut conn, &wished).await? };
    drop(conn);
    let target = home.as_ref().map_or_else(Target::new, |d| Target::stored(KIND, &json!({ "domain_id": d.id })));
    app.allow(caller, "identity:create_project", &target.and_body(body)).await?;
    let created = Project::create(body, app.random.hex_id())?;
    let mut project = created.project;

    let mut tx = app.store.write().await?;
    if created.is_domain {
        if project.parent_id.is_some() || project.domain_id.is_some() {
            return Err(Error::invalid("only root projects are allowed to act as domains."));
        }
        let made = Domain {
            id: project.id,
            name: project.name,
            enabled: project.enabled,
            description: project.description,
            tags: project.tags,
            extra: project.extra,
            options: project.options,
        };
        let made = domain::add(app, &mut tx, caller, made).await?;
        app.commit(tx).await?;
        return Ok(as_project(made));
    }
    let domain_id = project.domain_id.take().unwrap_or(wished);
    let parent_id = project.parent_id.take().unwrap_or_else(|| domain_id.clone());
    store::project::lock(&mut tx, &parent_id).await?;
    // What a body refers to is a matter of the body: 400, as Keystone has it.
    let missing = |error: Error| Error::invalid(error.to_string());
    if store::domain::get(&mut tx, &domain_id).await?.is_none() {
        return Err(missing(domain::not_found(&domain_id)));
    }
    let parent = find(&mut tx, &parent_id).await?.ok_or_else(|| missing(not_found(&parent_id)))?;
    check_place(app, &mut tx, &parent, &domain_id).await?;
    project.domain_id = Some(domain_id.clone());
    project.parent_id = Some(parent_id);
    store::project::insert(&mut tx, &project).await.map_err(duplicate(&project))?;
    audit::changed(app, &mut tx, caller, "project.create", (KIND, &project.id), Some(&domain_id), "").await?;
    app.commit(tx).await?;
    Ok(project)
}

/// A domain as the project that acts as one.
fn as_project(d: Domain) -> Project {
    Project {
        id: d.id,
        name: d.name,
        domain_id: None,
        parent_id: None,
        enabled: d.enabled,
        description: d.description,
        tags: d.tags,
        extra: d.extra,
        options: d.options,
    }
}

/// Refuses a place in another domain than the parent's, below something disabled, or too deep.
async fn check_place(app: &App, tx: &mut Conn, parent: &Project, domain_id: &str) -> Result<()> {
    if parent.home() != domain_id {
        return Err(Error::invalid(if parent.is_domain() {
            format!(
                "Cannot create project, the parent ({}) is acting as a domain, but this project's domain id ({domain_id}) \
                 does not match the parent's id.",
                parent.id
            )
        } else {
            format!(
                "Cannot create project, since it specifies its domain_id {domain_id}, but specifies a parent in a \
                 different domain ({}).",
                parent.home()
            )
        }));
    }
    let above = store::project::list_parents(tx, &parent.id).await?;
    if let Some(disabled) = above.iter().chain([parent]).find(|p| !p.enabled) {
        return Err(Error::invalid(format!(
            "cannot create a project in a branch containing a disabled project: {}",
            disabled.id
        )));
    }
    // The domain on top is no level of its own.
    let depth = usize::try_from(app.config.identity.max_project_tree_depth).unwrap_or(usize::MAX);
    if above.len() + 1 > depth {
        return Err(Error::forbidden(format!("Max hierarchy depth reached for {} branch.", parent.id)));
    }
    Ok(())
}

/// Changes a project. Disabling it voids the tokens that are scoped to it.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Project> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "project.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Project> {
    admitted(app, caller, "identity:update_project", id, Some(body)).await?;
    let mut tx = app.store.write().await?;
    let stored = held(&mut tx, id).await?;
    let update = Update::parse(body, id)?;
    guard_update(KIND, id, &stored.options, Some(body))?;
    let next = stored.updated(update)?;
    if !stored.enabled && next.enabled {
        check_above_enabled(&mut tx, id).await?;
    }
    if stored.enabled
        && !next.enabled
        && !stored.is_domain()
        && store::project::list_subtree(&mut tx, id).await?.iter().any(|p| p.enabled)
    {
        return Err(Error::forbidden(format!(
            "Cannot disable project {id} since its subtree contains enabled projects."
        )));
    }
    put(app, &mut tx, caller, &next, &super::named(body, KIND)).await?;
    app.commit(tx).await?;
    Ok(next)
}

async fn check_above_enabled(tx: &mut Conn, id: &str) -> Result<()> {
    if store::project::list_parents(tx, id).await?.iter().any(|p| !p.enabled) {
        return Err(Error::forbidden(format!("Cannot enable project {id} since it has disabled parents")));
    }
    Ok(())
}

/// Writes a changed project, and tells all nodes what that touches.
async fn put(app: &App, tx: &mut Conn, caller: &Caller, next: &Project, detail: &str) -> Result<()> {
    store::project::update(tx, next).await.map_err(duplicate(next))?;
    if next.is_domain() {
        tx.note(crate::model::change::Change::Domain(next.id.clone()));
    }
    audit::changed(app, tx, caller, "project.update", (KIND, &next.id), Some(next.home()), detail).await
}

/// Enables or disables a project and all that is below it.
pub async fn update_cascade(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Project> {
    let done = change_cascade(app, caller, id, body).await;
    audit::refused(app, caller, "project.update", (KIND, id), done).await
}

async fn change_cascade(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Project> {
    admitted(app, caller, "identity:update_project", id, Some(body)).await?;
    let enabled = project::cascade(body)?;
    let mut tx = app.store.write().await?;
    let mut top = held(&mut tx, id).await?;
    if enabled {
        check_above_enabled(&mut tx, id).await?;
    }
    let below = store::project::list_subtree(&mut tx, id).await?;
    top.enabled = enabled;
    for mut project in below.into_iter().chain([top.clone()]).filter(|p| p.enabled != enabled || p.id == id) {
        guard_update(KIND, &project.id, &project.options, None)?;
        project.enabled = enabled;
        put(app, &mut tx, caller, &project, "enabled,cascade").await?;
    }
    app.commit(tx).await?;
    Ok(top)
}

/// Deletes a project that has none below it. Tokens that are scoped to it are void.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id, false).await;
    audit::refused(app, caller, "project.delete", (KIND, id), done).await
}

/// Deletes a project and all that is below it; those must be disabled.
pub async fn delete_cascade(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id, true).await;
    audit::refused(app, caller, "project.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str, cascade: bool) -> Result<()> {
    admitted(app, caller, "identity:delete_project", id, None).await?;
    let mut tx = app.store.write().await?;
    let stored = held(&mut tx, id).await?;
    if stored.is_domain() {
        domain::drop_stored(app, &mut tx, caller, id).await?;
        return app.commit(tx).await;
    }
    if !cascade && store::project::has_children(&mut tx, id).await? {
        return Err(Error::forbidden(format!(
            "Cannot delete the project {id} since it is not a leaf in the hierarchy. Use the cascade option if you want \
             to delete a whole subtree."
        )));
    }
    let below = if cascade { store::project::list_subtree(&mut tx, id).await? } else { Vec::new() };
    if below.iter().any(|p| p.enabled) {
        return Err(Error::forbidden(format!(
            "Cannot delete project {id} since its subtree contains enabled projects."
        )));
    }
    for project in below.iter().rev().chain([&stored]) {
        guard_delete(KIND, &project.id, &project.options)?;
        store::project::delete(&mut tx, &project.id).await?;
        let target = (KIND, project.id.as_str());
        audit::changed(app, &mut tx, caller, "project.delete", target, project.domain_id.as_deref(), "").await?;
    }
    app.commit(tx).await
}

#[cfg(test)]
mod tests;
