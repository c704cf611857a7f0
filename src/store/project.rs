//! Projects, those that act as domains among them, their place in the hierarchy, and tags.

use std::collections::BTreeSet;

use super::sql::Sql;
use super::{Conn, json};
use crate::error::Result;
use crate::model::change::Change;
use crate::model::fields::Extra;
use crate::model::holder::Holder;
use crate::model::list::Query;
use crate::model::project::{Located, Project};
use crate::model::tag;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    domain_id: Option<String>,
    parent_id: Option<String>,
    enabled: bool,
    description: String,
    extra: String,
    options: String,
    tags: Option<String>,
    domain_name: String,
    domain_enabled: bool,
}

impl TryFrom<Row> for Located {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        let project = Project {
            extra: json::object("projects", &row.id, &row.extra)?,
            options: json::object("projects", &row.id, &row.options)?,
            id: row.id,
            name: row.name,
            domain_id: row.domain_id,
            parent_id: row.parent_id,
            enabled: row.enabled,
            description: row.description,
            tags: split_tags(row.tags.as_deref()),
        };
        Ok(Self { project, domain_name: row.domain_name, domain_enabled: row.domain_enabled })
    }
}

/// Tags as [`COLUMNS`] reads them: a tag holds no comma.
pub(super) fn split_tags(tags: Option<&str>) -> BTreeSet<String> {
    tags.into_iter().flat_map(|t| t.split(',')).map(str::to_owned).collect()
}

const COLUMNS: &str = "SELECT p.id, p.name, p.domain_id, p.parent_id, p.enabled, p.description, p.extra, p.options, \
     (SELECT string_agg(t.name, ',') FROM project_tags t WHERE t.project_id = p.id) AS tags, \
     d.name AS domain_name, d.enabled AS domain_enabled \
     FROM projects p JOIN projects d ON d.id = COALESCE(p.domain_id, p.id) WHERE TRUE";

/// Adds a project that is no domain. A taken id or name is a conflict.
pub async fn insert(conn: &mut Conn, project: &Project) -> Result<()> {
    Sql::new(
        "INSERT INTO projects (id, name, domain_id, parent_id, is_domain, enabled, description, extra, options) \
         VALUES ($1, $2, $3, $4, FALSE, $5, $6, $7, $8)",
    )
    .bind(&project.id)
    .bind(&project.name)
    .bind(&project.domain_id)
    .bind(&project.parent_id)
    .bind(project.enabled)
    .bind(&project.description)
    .bind(json::text(&project.extra))
    .bind(json::text(&project.options))
    .run(conn)
    .await?;
    put_tags(conn, &project.id, &project.tags).await
}

/// Gives a project or a domain exactly these tags.
pub(super) async fn put_tags(conn: &mut Conn, id: &str, tags: &BTreeSet<String>) -> Result<()> {
    Sql::new("DELETE FROM project_tags WHERE project_id = $1").bind(id).run(conn).await?;
    for tag in tags {
        Sql::new("INSERT INTO project_tags (project_id, name) VALUES ($1, $2)").bind(id).bind(tag).run(conn).await?;
    }
    Ok(())
}

/// The project of that id with its domain.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Located>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND p.id = ", id).first(conn).await?;
    row.map(Located::try_from).transpose()
}

/// The project of that name in a domain.
pub async fn get_by_name(conn: &mut Conn, domain_id: &str, name: &str) -> Result<Option<Located>> {
    // The index on names is that of regular projects.
    let row: Option<Row> = Sql::new(COLUMNS)
        .push_bind(" AND NOT p.is_domain AND p.domain_id = ", domain_id)
        .push_bind(" AND p.name = ", name)
        .first(conn)
        .await?;
    row.map(Located::try_from).transpose()
}

fn projects(rows: Vec<Row>) -> Result<Vec<Project>> {
    rows.into_iter().map(|r| Located::try_from(r).map(|l| l.project)).collect()
}

impl Sql {
    /// Adds what a list asks of tags; the project stands as `p`.
    fn tagged(mut self, tags: &tag::Filter) -> Self {
        const HAS: &str = "EXISTS (SELECT 1 FROM project_tags t WHERE t.project_id = p.id AND t.name = ";
        for (open, between, names) in [
            (" AND (", " AND ", &tags.all),
            (" AND (", " OR ", &tags.any),
            (" AND NOT (", " AND ", &tags.not_all),
            (" AND NOT (", " OR ", &tags.not_any),
        ] {
            for (i, name) in names.iter().enumerate() {
                self = self.push(if i == 0 { open } else { between }).push_bind(HAS, name).push(")");
            }
            if !names.is_empty() {
                self = self.push(")");
            }
        }
        self
    }
}

/// One page of projects, with one more row than asked for if there is a next page.
pub async fn list(conn: &mut Conn, query: &Query, tags: &tag::Filter) -> Result<Vec<Project>> {
    projects(Sql::new(COLUMNS).filter(&query.conditions).tagged(tags).page(query, "p.id").all(conn).await?)
}

/// One page of the projects on which somebody effectively holds a role, as [`list`]. `enabled_only` leaves out those that a
/// token cannot be scoped to.
pub async fn list_of_holder(
    conn: &mut Conn,
    holder: &Holder<'_>,
    query: &Query,
    enabled_only: bool,
) -> Result<Vec<Project>> {
    let sql = Sql::new(COLUMNS).push(
        " AND p.id IN (WITH RECURSIVE useful (id) AS ( \
           SELECT id FROM roles WHERE domain_id IS NULL \
           UNION SELECT i.prior_role_id FROM implied_roles i JOIN useful u ON i.implied_role_id = u.id), ",
    );
    let sql = sql.actors(holder).push(
        ", mine (target_id, target_kind, inherited) AS ( \
           SELECT g.target_id, g.target_kind, g.inherited FROM actors a \
           JOIN grants g ON g.actor_id = a.id AND g.actor_kind = a.kind JOIN useful u ON u.id = g.role_id), \
         reached (id) AS ( \
           SELECT c.id FROM mine m JOIN projects c ON c.parent_id = m.target_id WHERE m.inherited \
           UNION SELECT c.id FROM reached r JOIN projects c ON c.parent_id = r.id) \
         SELECT target_id FROM mine WHERE target_kind = 'project' AND NOT inherited UNION SELECT id FROM reached)",
    );
    let sql = if enabled_only { sql.push(" AND p.enabled AND d.enabled") } else { sql };
    projects(sql.filter(&query.conditions).page(query, "p.id").all(conn).await?)
}

/// The projects above one, its parent first; a domain is the last.
pub async fn list_parents(conn: &mut Conn, id: &str) -> Result<Vec<Project>> {
    let rows: Vec<Row> = Sql::new(
        "WITH RECURSIVE above (id, depth) AS ( \
           SELECT parent_id, 1 FROM projects WHERE id = $1 AND parent_id IS NOT NULL \
           UNION ALL SELECT q.parent_id, a.depth + 1 FROM above a JOIN projects q ON q.id = a.id \
             WHERE q.parent_id IS NOT NULL) \
         SELECT p.id, p.name, p.domain_id, p.parent_id, p.enabled, p.description, p.extra, p.options, \
           (SELECT string_agg(t.name, ',') FROM project_tags t WHERE t.project_id = p.id) AS tags, \
           d.name AS domain_name, d.enabled AS domain_enabled \
         FROM above a JOIN projects p ON p.id = a.id JOIN projects d ON d.id = COALESCE(p.domain_id, p.id) \
         ORDER BY a.depth",
    )
    .bind(id)
    .all(conn)
    .await?;
    projects(rows)
}

/// All projects below one, parents before their children.
pub async fn list_subtree(conn: &mut Conn, id: &str) -> Result<Vec<Project>> {
    let rows: Vec<Row> = Sql::new(
        "WITH RECURSIVE below (id, depth) AS ( \
           SELECT id, 1 FROM projects WHERE parent_id = $1 \
           UNION ALL SELECT q.id, b.depth + 1 FROM below b JOIN projects q ON q.parent_id = b.id) \
         SELECT p.id, p.name, p.domain_id, p.parent_id, p.enabled, p.description, p.extra, p.options, \
           (SELECT string_agg(t.name, ',') FROM project_tags t WHERE t.project_id = p.id) AS tags, \
           d.name AS domain_name, d.enabled AS domain_enabled \
         FROM below b JOIN projects p ON p.id = b.id JOIN projects d ON d.id = COALESCE(p.domain_id, p.id) \
         ORDER BY b.depth, p.id",
    )
    .bind(id)
    .all(conn)
    .await?;
    projects(rows)
}

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

/// Whether any project stands right below one.
pub async fn has_children(conn: &mut Conn, id: &str) -> Result<bool> {
    let count: Option<Count> =
        Sql::new("SELECT COUNT(*) AS n FROM (SELECT 1 FROM projects WHERE parent_id = $1 LIMIT 1) c")
            .bind(id)
            .first(conn)
            .await?;
    Ok(count.is_some_and(|c| c.n > 0))
}

#[derive(sqlx::FromRow)]
struct Options {
    id: String,
    options: String,
}

/// Id and options of the projects of a domain that have any options.
pub async fn list_options_in_domain(conn: &mut Conn, domain_id: &str) -> Result<Vec<(String, Extra)>> {
    let rows: Vec<Options> =
        Sql::new("SELECT id, options FROM projects WHERE domain_id = $1 AND options <> '{}' ORDER BY id")
            .bind(domain_id)
            .all(conn)
            .await?;
    rows.into_iter()
        .map(|r| Ok((json::object("projects", &r.id, &r.options)?, r.id)))
        .map(|r| r.map(|(o, i)| (i, o)))
        .collect()
}

/// Keeps the rows of a project and of its whole domain's root for this transaction, so that neither it nor the tree around
/// it changes while the tree is looked at; false if there is no such project.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    let root = "UPDATE projects SET id = id WHERE id = (SELECT COALESCE(domain_id, id) FROM projects WHERE id = $1)";
    Sql::new(root).bind(id).run(conn).await?;
    Ok(Sql::new("UPDATE projects SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes a project over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, project: &Project) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE projects SET name = $1, enabled = $2, description = $3, extra = $4, options = $5 WHERE id = $6",
    )
    .bind(&project.name)
    .bind(project.enabled)
    .bind(&project.description)
    .bind(json::text(&project.extra))
    .bind(json::text(&project.options))
    .bind(&project.id)
    .run(conn)
    .await?;
    put_tags(conn, &project.id, &project.tags).await?;
    conn.note(Change::Project(project.id.clone()));
    Ok(touched == 1)
}

/// Deletes a project without children, with the grants on it; it is nobody's default project any more. False if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    Sql::new("DELETE FROM grants WHERE target_kind = 'project' AND target_id = $1").bind(id).run(conn).await?;
    Sql::new("UPDATE users SET default_project_id = NULL WHERE default_project_id = $1").bind(id).run(conn).await?;
    let touched = Sql::new("DELETE FROM projects WHERE NOT is_domain AND id = $1").bind(id).run(conn).await?;
    conn.note(Change::Project(id.to_owned()));
    Ok(touched == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::grant::{Actor, Grant, Target};
    use crate::model::list::{Condition, Query};
    use crate::store::tests::{a_domain, a_group, a_project, a_role, a_user, on_both};
    use crate::store::{domain, grant, group, implied_role, role, user};

    const NOW: Timestamp = Timestamp(1);

    /// `d` → `a` → `b` → `c`, and `x` beside `a`.
    async fn plant(tx: &mut Conn) {
        domain::insert(tx, &a_domain("d")).await.unwrap();
        for (id, parent) in [("a", "d"), ("b", "a"), ("c", "b"), ("x", "d")] {
            let mut project = a_project(id, "d");
            project.parent_id = Some(parent.into());
            project.tags = BTreeSet::from([format!("tag-{id}"), "all".to_owned()]);
            insert(tx, &project).await.unwrap();
        }
    }

    fn ids(projects: &[Project]) -> Vec<&str> {
        projects.iter().map(|p| p.id.as_str()).collect()
    }

    fn holder(user_id: &str) -> Holder<'_> {
        Holder::new(user_id, Timestamp(0))
    }

    #[tokio::test]
    async fn the_tree_is_read_upwards_and_downwards() {
        on_both(async |store| {
            let mut tx = store.write().await.unwrap();
            plant(&mut tx).await;
            assert_eq!(ids(&list_parents(&mut tx, "c").await.unwrap()), ["b", "a", "d"]);
            assert_eq!(ids(&list_parents(&mut tx, "d").await.unwrap()), Vec::<&str>::new());
            assert_eq!(ids(&list_subtree(&mut tx, "d").await.unwrap()), ["a", "x", "b", "c"]);
            assert_eq!(ids(&list_subtree(&mut tx, "c").await.unwrap()), Vec::<&str>::new());
            assert!(has_children(&mut tx, "b").await.unwrap() && !has_children(&mut tx, "c").await.unwrap());
        })
        .await;
    }

    #[tokio::test]
    async fn lists_are_filtered_by_all_any_not_all_and_none_of_some_tags() {
        on_both(async |store| {
            let mut tx = store.write().await.unwrap();
            plant(&mut tx).await;
            let query = Query { conditions: vec![Condition::equals("p.domain_id", "d")], ..Query::all(10) };
            let text = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
            for (filter, expected) in [
                (tag::Filter { all: text(&["all", "tag-a"]), ..tag::Filter::default() }, vec!["a"]),
                (tag::Filter { any: text(&["tag-x", "tag-a"]), ..tag::Filter::default() }, vec!["a", "x"]),
                (tag::Filter { not_all: text(&["all", "tag-a"]), ..tag::Filter::default() }, vec!["b", "c", "x"]),
                (tag::Filter { not_any: text(&["tag-x", "tag-a"]), ..tag::Filter::default() }, vec!["b", "c"]),
                (
                    tag::Filter { any: text(&["all"]), not_any: text(&["tag-c"]), ..tag::Filter::default() },
                    vec!["a", "b", "x"],
                ),
            ] {
                assert_eq!(ids(&list(&mut tx, &query, &filter).await.unwrap()), expected, "{filter:?}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_users_projects_are_those_where_a_role_of_theirs_has_an_effect() {
        on_both(async |store| {
            let mut tx = store.write().await.unwrap();
            plant(&mut tx).await;
            user::insert(&mut tx, &a_user("u", "d"), NOW).await.unwrap();
            group::insert(&mut tx, &a_group("g", "d")).await.unwrap();
            group::add_member(&mut tx, "g", "u").await.unwrap();
            role::insert(&mut tx, &a_role("r")).await.unwrap();
            let mut own = a_role("own");
            own.domain_id = Some("d".into());
            role::insert(&mut tx, &own).await.unwrap();
            let grant = |actor, project: &str, role_id: &str, inherited| Grant {
                actor,
                target: Target::Project(project.into()),
                role_id: role_id.into(),
                inherited,
            };
            let (user, group) = (Actor::User("u".into()), Actor::Group("g".into()));
            // A role of a domain that implies nothing has no effect.
            grant::insert(&mut tx, &grant(user.clone(), "x", "own", false)).await.unwrap();
            grant::insert(&mut tx, &grant(group, "a", "r", true)).await.unwrap();
            let all = Query::all(10);
            assert_eq!(ids(&list_of_holder(&mut tx, &holder("u"), &all, true).await.unwrap()), ["b", "c"]);
            implied_role::insert(&mut tx, "own", "r").await.unwrap();
            assert_eq!(ids(&list_of_holder(&mut tx, &holder("u"), &all, true).await.unwrap()), ["b", "c", "x"]);
            let roles = grant::effective_roles(&mut tx, &holder("u"), &Target::Project("x".into())).await.unwrap();
            assert_eq!(roles.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["r"]);
            let inherited = grant::effective_roles(&mut tx, &holder("u"), &Target::Project("c".into())).await.unwrap();
            assert_eq!(inherited.len(), 1);
            assert!(
                grant::effective_roles(&mut tx, &holder("u"), &Target::Project("a".into())).await.unwrap().is_empty()
            );
            group::remove_member(&mut tx, "g", "u").await.unwrap();
            assert!(
                grant::effective_roles(&mut tx, &holder("u"), &Target::Project("c".into())).await.unwrap().is_empty()
            );
        })
        .await;
    }

    #[tokio::test]
    async fn a_domains_inherited_role_holds_on_every_project_of_it_and_not_on_itself() {
        on_both(async |store| {
            let mut tx = store.write().await.unwrap();
            plant(&mut tx).await;
            user::insert(&mut tx, &a_user("u", "d"), NOW).await.unwrap();
            role::insert(&mut tx, &a_role("r")).await.unwrap();
            let mut inherited = Grant::of_user("u", Target::Domain("d".into()), "r");
            inherited.inherited = true;
            grant::insert(&mut tx, &inherited).await.unwrap();
            assert_eq!(
                ids(&list_of_holder(&mut tx, &holder("u"), &Query::all(10), true).await.unwrap()),
                ["a", "b", "c", "x"]
            );
            assert_eq!(
                grant::effective_roles(&mut tx, &holder("u"), &Target::Project("c".into())).await.unwrap().len(),
                1
            );
            assert!(
                grant::effective_roles(&mut tx, &holder("u"), &Target::Domain("d".into())).await.unwrap().is_empty()
            );
            assert!(domain::list_of_holder(&mut tx, &holder("u")).await.unwrap().is_empty());
            inherited.inherited = false;
            grant::insert(&mut tx, &inherited).await.unwrap();
            assert_eq!(domain::list_of_holder(&mut tx, &holder("u")).await.unwrap().len(), 1);
        })
        .await;
    }
}
