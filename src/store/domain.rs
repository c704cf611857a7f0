//! Domains: rows of `projects` with `is_domain`.

use super::sql::Sql;
use super::{Conn, json, project};
use crate::error::Result;
use crate::model::change::Change;
use crate::model::domain::Domain;
use crate::model::holder::Holder;
use crate::model::list::Query;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    enabled: bool,
    description: String,
    extra: String,
    options: String,
    tags: Option<String>,
}

impl TryFrom<Row> for Domain {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            extra: json::object("projects", &row.id, &row.extra)?,
            options: json::object("projects", &row.id, &row.options)?,
            id: row.id,
            name: row.name,
            enabled: row.enabled,
            description: row.description,
            tags: project::split_tags(row.tags.as_deref()),
        })
    }
}

const COLUMNS: &str = "SELECT id, name, enabled, description, extra, options, \
     (SELECT string_agg(t.name, ',') FROM project_tags t WHERE t.project_id = projects.id) AS tags \
     FROM projects WHERE is_domain";

/// Adds a domain. A taken id or name is a conflict.
pub async fn insert(conn: &mut Conn, domain: &Domain) -> Result<()> {
    Sql::new(
        "INSERT INTO projects (id, name, domain_id, parent_id, is_domain, enabled, description, extra, options) \
         VALUES ($1, $2, NULL, NULL, TRUE, $3, $4, $5, $6)",
    )
    .bind(&domain.id)
    .bind(&domain.name)
    .bind(domain.enabled)
    .bind(&domain.description)
    .bind(json::text(&domain.extra))
    .bind(json::text(&domain.options))
    .run(conn)
    .await?;
    project::put_tags(conn, &domain.id, &domain.tags).await
}

/// The domain of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Domain>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Domain::try_from).transpose()
}

/// The domain of that name.
pub async fn get_by_name(conn: &mut Conn, name: &str) -> Result<Option<Domain>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND name = ", name).first(conn).await?;
    row.map(Domain::try_from).transpose()
}

/// One page of domains, with one more row than asked for if there is a next page.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<Domain>> {
    let rows: Vec<Row> = Sql::new(COLUMNS).filter(&query.conditions).page(query, "id").all(conn).await?;
    rows.into_iter().map(Domain::try_from).collect()
}

/// The enabled domains on which somebody effectively holds a role.
pub async fn list_of_holder(conn: &mut Conn, holder: &Holder<'_>) -> Result<Vec<Domain>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push(
            " AND enabled AND id IN (WITH RECURSIVE useful (id) AS ( \
               SELECT id FROM roles WHERE domain_id IS NULL \
               UNION SELECT i.prior_role_id FROM implied_roles i JOIN useful u ON i.implied_role_id = u.id), ",
        )
        .actors(holder)
        .push(
            " SELECT g.target_id FROM actors a JOIN grants g ON g.actor_id = a.id AND g.actor_kind = a.kind \
             JOIN useful u ON u.id = g.role_id WHERE g.target_kind = 'domain' AND NOT g.inherited) ORDER BY id",
        )
        .all(conn)
        .await?;
    rows.into_iter().map(Domain::try_from).collect()
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE projects SET id = id WHERE id = $1 AND is_domain").bind(id).run(conn).await? == 1)
}

/// Writes a domain over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, domain: &Domain) -> Result<bool> {
    let touched = Sql::new("UPDATE projects SET name = $1, enabled = $2, description = $3, extra = $4, options = $5 WHERE is_domain AND id = $6")
        .bind(&domain.name)
        .bind(domain.enabled)
        .bind(&domain.description)
        .bind(json::text(&domain.extra))
        .bind(json::text(&domain.options))
        .bind(&domain.id)
        .run(conn)
        .await?;
    project::put_tags(conn, &domain.id, &domain.tags).await?;
    conn.note(Change::Domain(domain.id.clone()));
    Ok(touched == 1)
}

/// Deletes a domain with everything in it: identity providers, mappings, roles, groups, users, projects, all their grants.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<()> {
    const STEPS: [&str; 13] = [
        "DELETE FROM identity_providers WHERE domain_id = $1",
        "DELETE FROM mappings WHERE domain_id = $1",
        "DELETE FROM grants WHERE target_kind IN ('domain', 'project') AND target_id = $1",
        "DELETE FROM grants WHERE target_kind = 'project' AND target_id IN (SELECT id FROM projects WHERE domain_id = $1)",
        "DELETE FROM grants WHERE actor_kind = 'user' AND actor_id IN (SELECT id FROM users WHERE domain_id = $1)",
        "DELETE FROM grants WHERE actor_kind = 'group' AND actor_id IN (SELECT id FROM user_groups WHERE domain_id = $1)",
        "DELETE FROM user_groups WHERE domain_id = $1",
        "DELETE FROM users WHERE domain_id = $1",
        "DELETE FROM roles WHERE domain_id = $1",
        "UPDATE users SET default_project_id = NULL WHERE default_project_id IN (SELECT id FROM projects WHERE domain_id = $1)",
        "UPDATE projects SET parent_id = domain_id WHERE domain_id = $1",
        "DELETE FROM projects WHERE domain_id = $1",
        "DELETE FROM projects WHERE is_domain AND id = $1",
    ];
    for step in STEPS {
        Sql::new(step).bind(id).run(conn).await?;
    }
    conn.note(Change::Domain(id.to_owned()));
    conn.note(Change::All);
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

/// True when nothing but the domain itself is there: no user, group, project, role, grant, identity provider or mapping.
pub async fn is_empty(conn: &mut Conn, id: &str) -> Result<bool> {
    let count: Option<Count> = Sql::new(
        "SELECT (SELECT COUNT(*) FROM users WHERE domain_id = $1) + (SELECT COUNT(*) FROM projects WHERE domain_id = $2) \
         + (SELECT COUNT(*) FROM roles WHERE domain_id = $3) + (SELECT COUNT(*) FROM identity_providers WHERE domain_id = $4) \
         + (SELECT COUNT(*) FROM grants WHERE target_kind IN ('domain', 'project') AND target_id = $5) \
         + (SELECT COUNT(*) FROM user_groups WHERE domain_id = $6) \
         + (SELECT COUNT(*) FROM mappings WHERE domain_id = $7) AS n",
    )
    .bind(id)
    .bind(id)
    .bind(id)
    .bind(id)
    .bind(id)
    .bind(id)
    .bind(id)
    .first(conn)
    .await?;
    Ok(count.is_some_and(|c| c.n == 0))
}
