//! One project with what stands above and below it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{admitted, not_found};
use crate::error::Result;
use crate::model::holder::Holder;
use crate::model::list::Query;
use crate::model::project::Project;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{self, Conn};

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
    let holder = caller.holder(app.now());
    let parents = match parents {
        Around::Nothing => None,
        Around::List => {
            let all = store::project::list_parents(&mut conn, id).await?;
            Some(Branch::List(usable(&mut conn, &holder, all).await?))
        }
        Around::Ids => Some(Branch::Ids(upwards(&store::project::list_parents(&mut conn, id).await?))),
    };
    let subtree = match subtree {
        Around::Nothing => None,
        Around::List => {
            let all = store::project::list_subtree(&mut conn, id).await?;
            Some(Branch::List(usable(&mut conn, &holder, all).await?))
        }
        Around::Ids => Some(Branch::Ids(downwards(id, &store::project::list_subtree(&mut conn, id).await?))),
    };
    Ok(InTree { project, parents, subtree })
}

/// Those of some projects on which somebody holds a role.
async fn usable(conn: &mut Conn, holder: &Holder<'_>, projects: Vec<Project>) -> Result<Vec<Project>> {
    let query = Query::all(usize::MAX);
    let mine: BTreeSet<String> =
        store::project::list_of_holder(conn, holder, &query, false).await?.into_iter().map(|p| p.id).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
