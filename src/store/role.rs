//! Roles.

use super::sql::Sql;
use super::{Conn, json};
use crate::error::Result;
use crate::model::change::Change;
use crate::model::list::Query;
use crate::model::role::Role;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: String,
    name: String,
    domain_id: Option<String>,
    description: Option<String>,
    extra: String,
    options: String,
}

impl TryFrom<Row> for Role {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            extra: json::object("roles", &row.id, &row.extra)?,
            options: json::object("roles", &row.id, &row.options)?,
            id: row.id,
            name: row.name,
            domain_id: row.domain_id,
            description: row.description,
        })
    }
}

const COLUMNS: &str = "SELECT id, name, domain_id, description, extra, options FROM roles WHERE TRUE";

/// Adds a role. A taken name is a conflict.
pub async fn insert(conn: &mut Conn, role: &Role) -> Result<()> {
    Sql::new("INSERT INTO roles (id, name, domain_id, description, extra, options) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&role.id)
        .bind(&role.name)
        .bind(&role.domain_id)
        .bind(&role.description)
        .bind(json::text(&role.extra))
        .bind(json::text(&role.options))
        .run(conn)
        .await?;
    Ok(())
}

/// The role of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Role>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Role::try_from).transpose()
}

/// The global role of that name.
pub async fn get_global(conn: &mut Conn, name: &str) -> Result<Option<Role>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND domain_id IS NULL AND name = ", name).first(conn).await?;
    row.map(Role::try_from).transpose()
}

/// The domain-specific role of that name.
pub async fn get_of_domain(conn: &mut Conn, domain_id: &str, name: &str) -> Result<Option<Role>> {
    let row: Option<Row> =
        Sql::new(COLUMNS).push_bind(" AND domain_id = ", domain_id).push_bind(" AND name = ", name).first(conn).await?;
    row.map(Role::try_from).transpose()
}

/// One page of the roles of a domain, or of the global ones, with one more row if there is a next page.
pub async fn list(conn: &mut Conn, domain_id: Option<&str>, query: &Query) -> Result<Vec<Role>> {
    let sql = match domain_id {
        Some(id) => Sql::new(COLUMNS).push_bind(" AND domain_id = ", id),
        None => Sql::new(COLUMNS).push(" AND domain_id IS NULL"),
    };
    let rows: Vec<Row> = sql.filter(&query.conditions).page(query, "id").all(conn).await?;
    rows.into_iter().map(Role::try_from).collect()
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE roles SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes a role over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, role: &Role) -> Result<bool> {
    let touched = Sql::new("UPDATE roles SET name = $1, description = $2, extra = $3, options = $4 WHERE id = $5")
        .bind(&role.name)
        .bind(&role.description)
        .bind(json::text(&role.extra))
        .bind(json::text(&role.options))
        .bind(&role.id)
        .run(conn)
        .await?;
    conn.note(Change::All);
    Ok(touched == 1)
}

/// Deletes a role with its grants and implications; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM roles WHERE id = $1").bind(id).run(conn).await?;
    conn.note(Change::All);
    Ok(touched == 1)
}
