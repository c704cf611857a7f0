//! Projects that are not domains.

use super::sql::Sql;
use super::{Conn, json};
use crate::error::Result;
use crate::model::project::{Located, Project};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    domain_id: String,
    parent_id: String,
    enabled: bool,
    description: String,
    extra: String,
    options: String,
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
        };
        Ok(Self { project, domain_name: row.domain_name, domain_enabled: row.domain_enabled })
    }
}

const COLUMNS: &str = "SELECT p.id, p.name, p.domain_id, p.parent_id, p.enabled, p.description, p.extra, p.options, \
     d.name AS domain_name, d.enabled AS domain_enabled \
     FROM projects p JOIN projects d ON d.id = p.domain_id WHERE NOT p.is_domain";

/// Adds a project. A taken id or name is a conflict.
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
    Ok(())
}

/// The project of that id with its domain.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Located>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND p.id = ", id).first(conn).await?;
    row.map(Located::try_from).transpose()
}

/// The project of that name in a domain.
pub async fn get_by_name(conn: &mut Conn, domain_id: &str, name: &str) -> Result<Option<Located>> {
    let row: Option<Row> = Sql::new(COLUMNS)
        .push_bind(" AND p.domain_id = ", domain_id)
        .push_bind(" AND p.name = ", name)
        .first(conn)
        .await?;
    row.map(Located::try_from).transpose()
}

/// The enabled projects of enabled domains on which a user holds a role.
pub async fn list_of_user(conn: &mut Conn, user_id: &str) -> Result<Vec<Project>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push(" AND p.enabled AND d.enabled AND p.id IN (SELECT target_id FROM grants WHERE actor_kind = 'user' AND target_kind = 'project'")
        .push_bind(" AND actor_id = ", user_id)
        .push(") ORDER BY p.id")
        .all(conn)
        .await?;
    rows.into_iter().map(|r| Located::try_from(r).map(|l| l.project)).collect()
}
