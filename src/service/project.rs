//! Projects and their hierarchy. One that acts as a domain is that domain, seen and changed through this door as well.
//!
//! A tree changes under the lock of its domain: what a check saw of the tree still holds when the change is made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::{App, audit, domain, identity};
use crate::error::{Error, Result};
use crate::model::domain::Domain;
use crate::model::fields::guard_immutable;
use crate::model::list::{Condition, Page, Query};
use crate::model::project::{self, Project, TagFilter, Update};
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
pub async fn list(app: &App, caller: &Caller, mut query: Query, tags: &TagFilter) -> Result<Page<Project>> {
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
    let rows = store::project::list_of_user(&mut conn, user_id, query, false).await?;
    Ok(Page::cut(rows, query.limit))
}

/// How much of the tree around it one project is shown with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Around {
    /// None of it.
    #[default]
    Nothing,
    /// As projects, those only on which the caller holds a role.
    List,
    /// As nested ids.
    Ids,
}

/// One project with what was asked for around it.
#[derive(Debug)]
pub struct InTree {
    /// The project.
    pub project: Project,
    /// Those above it, nearest first.
    pub parents: Option<Branch>,
    /// Those below it.
    pub subtree: Option<Branch>,
}

/// A part of the tree.
#[derive(Debug)]
pub enum Branch {
    /// As projects.
    List(Vec<Project>),
    /// As nested ids; null at the end of a branch.
    Ids(Value),
}

/// One project.
pub async fn get(app: &App, caller: &Caller, id: &str, parents: Around, subtree: Around) -> Result<InTree> {
    let found = admitted(app, caller, "identity:get_project", id, None).await?;
    let project = found.ok_or_else(|| not_found(id))?;
    let mut conn = app.store.read().await?;
    let parents = match parents {
        Around::Nothing => None,
        Around::List => {
            let all = store::project::list_parents(&mut conn, id).await?;
            Some(Branch::List(usable(&mut conn, caller, all).await?))
        }
        Around::Ids => Some(Branch::Ids(upwards(&store::project::list_parents(&mut conn, id).await?))),
    };
    let subtree = match subtree {
        Around::Nothing => None,
        Around::List => {
            let all = store::project::list_subtree(&mut conn, id).await?;
            Some(Branch::List(usable(&mut conn, caller, all).await?))
        }
        Around::Ids => Some(Branch::Ids(downwards(id, &store::project::list_subtree(&mut conn, id).await?))),
    };
    Ok(InTree { project, parents, subtree })
}

/// Those of some projects on which the caller holds a role.
async fn usable(conn: &mut Conn, caller: &Caller, projects: Vec<Project>) -> Result<Vec<Project>> {
    let query = Query::all(usize::MAX);
    let mine: BTreeSet<String> =
        store::project::list_of_user(conn, caller.user_id(), &query, false).await?.into_iter().map(|p| p.id).collect();
    Ok(projects.into_iter().filter(|p| mine.contains(&p.id)).collect())
}

/// `{parent: {its parent: … null}}`; null for what stands on top.
fn upwards(parents: &[Project]) -> Value {
    parents.iter().rev().fold(Value::Null, |above, p| Value::Object(Map::from_iter([(p.id.clone(), above)])))
}

/// `{child: {its child: … null}, …}`; null for what has no children. `below` has parents before their children.
fn downwards(id: &str, below: &[Project]) -> Value {
    let mut nested: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for p in below.iter().rev() {
        let own = nested.remove(p.id.as_str()).map_or(Value::Null, Value::Object);
        nested.entry(p.parent_id.as_deref().unwrap_or_default()).or_default().insert(p.id.clone(), own);
    }
    nested.remove(id).map_or(Value::Null, Value::Object)
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
    guard_immutable(KIND, id, &stored.options, Some(body))?;
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
        guard_immutable(KIND, &project.id, &project.options, None)?;
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
        guard_immutable(KIND, &project.id, &project.options, None)?;
        store::project::delete(&mut tx, &project.id).await?;
        let target = (KIND, project.id.as_str());
        audit::changed(app, &mut tx, caller, "project.delete", target, project.domain_id.as_deref(), "").await?;
    }
    app.commit(tx).await
}

/// The tags of a project.
pub async fn list_tags(app: &App, caller: &Caller, id: &str) -> Result<BTreeSet<String>> {
    let found = admitted(app, caller, "identity:list_project_tags", id, None).await?;
    found.map(|p| p.tags).ok_or_else(|| not_found(id))
}

/// 404 unless the project has this tag.
pub async fn check_tag(app: &App, caller: &Caller, id: &str, tag: &str) -> Result<()> {
    let found = admitted(app, caller, "identity:get_project_tag", id, None).await?.ok_or_else(|| not_found(id))?;
    if found.tags.contains(tag) { Ok(()) } else { Err(no_tag(tag)) }
}

fn no_tag(tag: &str) -> Error {
    Error::not_found(format!("Could not find project tag: {tag}."))
}

/// Gives a project exactly these tags.
pub async fn update_tags(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<BTreeSet<String>> {
    let wished = || project::tags_body(body);
    retag(app, caller, "identity:update_project_tags", id, |tags| {
        *tags = wished()?;
        Ok(())
    })
    .await
}

/// Takes all tags away.
pub async fn delete_tags(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let clear = |tags: &mut BTreeSet<String>| {
        tags.clear();
        Ok(())
    };
    retag(app, caller, "identity:delete_project_tags", id, clear).await.map(drop)
}

/// Adds a tag.
pub async fn create_tag(app: &App, caller: &Caller, id: &str, tag: &str) -> Result<()> {
    let add = |tags: &mut BTreeSet<String>| {
        project::check_tag("tag", tag)?;
        tags.insert(tag.to_owned());
        project::check_tag_count("tag", tags.len())
    };
    retag(app, caller, "identity:create_project_tag", id, add).await.map(drop)
}

/// Takes a tag away.
pub async fn delete_tag(app: &App, caller: &Caller, id: &str, tag: &str) -> Result<()> {
    let take = |tags: &mut BTreeSet<String>| if tags.remove(tag) { Ok(()) } else { Err(no_tag(tag)) };
    retag(app, caller, "identity:delete_project_tag", id, take).await.map(drop)
}

async fn retag(
    app: &App,
    caller: &Caller,
    rule: &str,
    id: &str,
    edit: impl FnOnce(&mut BTreeSet<String>) -> Result<()>,
) -> Result<BTreeSet<String>> {
    let done = edit_tags(app, caller, rule, id, edit).await;
    audit::refused(app, caller, "project.update", (KIND, id), done).await
}

async fn edit_tags(
    app: &App,
    caller: &Caller,
    rule: &str,
    id: &str,
    edit: impl FnOnce(&mut BTreeSet<String>) -> Result<()>,
) -> Result<BTreeSet<String>> {
    admitted(app, caller, rule, id, None).await?;
    let mut tx = app.store.write().await?;
    let mut project = held(&mut tx, id).await?;
    edit(&mut project.tags)?;
    put(app, &mut tx, caller, &project, "tags").await?;
    app.commit(tx).await?;
    Ok(project.tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(id: &str, parent: &str) -> Project {
        let body = json!({"project": {"name": id, "domain_id": "d", "parent_id": parent}});
        Project::create(&body, id.into()).unwrap().project
    }

    #[test]
    fn ids_nest_as_the_tree_does() {
        let below = [project("a", "top"), project("b", "top"), project("c", "a"), project("e", "c")];
        assert_eq!(downwards("top", &below), json!({"a": {"c": {"e": null}}, "b": null}));
        assert_eq!(downwards("top", &[]), Value::Null);
        assert_eq!(upwards(&[project("a", "d"), project("d", "x")]), json!({"a": {"d": null}}));
        assert_eq!(upwards(&[]), Value::Null);
    }
}
