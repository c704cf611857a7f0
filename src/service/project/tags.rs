//! The tags of projects.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{KIND, admitted, held, not_found, put};
use crate::error::{Error, Result};
use crate::model::fields::guard_update;
use crate::model::tag;
use crate::service::caller::Caller;
use crate::service::{App, audit};

/// The tags of a project.
pub async fn list_tags(app: &App, caller: &Caller, id: &str) -> Result<BTreeSet<String>> {
    let found = admitted(app, caller, "identity:list_project_tags", id, None).await?;
    found.map(|p| p.tags).ok_or_else(|| not_found(id))
}

/// 404 unless the project has this tag.
pub async fn check_tag(app: &App, caller: &Caller, id: &str, name: &str) -> Result<()> {
    let found = admitted(app, caller, "identity:get_project_tag", id, None).await?.ok_or_else(|| not_found(id))?;
    if found.tags.contains(name) { Ok(()) } else { Err(no_tag(name)) }
}

fn no_tag(name: &str) -> Error {
    Error::not_found(format!("Could not find project tag: {name}."))
}

/// Gives a project exactly these tags.
pub async fn update_tags(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<BTreeSet<String>> {
    let replace = |tags: &mut BTreeSet<String>| {
        *tags = tag::body(body)?;
        Ok(())
    };
    retag(app, caller, "identity:update_project_tags", id, replace).await
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
pub async fn create_tag(app: &App, caller: &Caller, id: &str, name: &str) -> Result<()> {
    let add = |tags: &mut BTreeSet<String>| {
        tag::check("tag", name)?;
        if !tags.insert(name.trim().to_owned()) {
            return Err(Error::invalid_field("tag", "the project has this tag already"));
        }
        tag::check_count("tag", tags.len())
    };
    retag(app, caller, "identity:create_project_tag", id, add).await.map(drop)
}

/// Takes a tag away.
pub async fn delete_tag(app: &App, caller: &Caller, id: &str, name: &str) -> Result<()> {
    let take = |tags: &mut BTreeSet<String>| if tags.remove(name) { Ok(()) } else { Err(no_tag(name)) };
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
    guard_update(KIND, id, &project.options, None)?;
    edit(&mut project.tags)?;
    put(app, &mut tx, caller, &project, "tags").await?;
    app.commit(tx).await?;
    Ok(project.tags)
}
