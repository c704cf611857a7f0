//! Service providers. Every token lists those that are enabled, so each change concerns all that is remembered.

use super::Conn;
use super::sql::Sql;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::list::Query;
use crate::model::service_provider::{Listed, ServiceProvider};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    auth_url: String,
    sp_url: String,
    enabled: bool,
    description: Option<String>,
    relay_state_prefix: String,
}

impl From<Row> for ServiceProvider {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            auth_url: row.auth_url,
            sp_url: row.sp_url,
            enabled: row.enabled,
            description: row.description,
            relay_state_prefix: row.relay_state_prefix,
        }
    }
}

const COLUMNS: &str =
    "SELECT id, auth_url, sp_url, enabled, description, relay_state_prefix FROM service_providers WHERE TRUE";

/// Adds a service provider. A taken id is a conflict.
pub async fn insert(conn: &mut Conn, sp: &ServiceProvider) -> Result<()> {
    Sql::new(
        "INSERT INTO service_providers (id, auth_url, sp_url, enabled, description, relay_state_prefix) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&sp.id)
    .bind(&sp.auth_url)
    .bind(&sp.sp_url)
    .bind(sp.enabled)
    .bind(&sp.description)
    .bind(&sp.relay_state_prefix)
    .run(conn)
    .await?;
    conn.note(Change::All);
    Ok(())
}

/// The service provider of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<ServiceProvider>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    Ok(row.map(ServiceProvider::from))
}

/// One page of service providers, with one more row than asked for if there is a next page.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<ServiceProvider>> {
    let rows: Vec<Row> = Sql::new(COLUMNS).filter(&query.conditions).page(query, "id").all(conn).await?;
    Ok(rows.into_iter().map(ServiceProvider::from).collect())
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    id: String,
    auth_url: String,
    sp_url: String,
}

/// The enabled service providers as tokens list them, in order of id.
pub async fn list_enabled(conn: &mut Conn) -> Result<Vec<Listed>> {
    let rows: Vec<ListedRow> =
        Sql::new("SELECT id, auth_url, sp_url FROM service_providers WHERE enabled ORDER BY id").all(conn).await?;
    Ok(rows.into_iter().map(|r| Listed { id: r.id, auth_url: r.auth_url, sp_url: r.sp_url }).collect())
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE service_providers SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes a service provider over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, sp: &ServiceProvider) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE service_providers SET auth_url = $1, sp_url = $2, enabled = $3, description = $4, relay_state_prefix = $5 \
         WHERE id = $6",
    )
    .bind(&sp.auth_url)
    .bind(&sp.sp_url)
    .bind(sp.enabled)
    .bind(&sp.description)
    .bind(&sp.relay_state_prefix)
    .bind(&sp.id)
    .run(conn)
    .await?;
    conn.note(Change::All);
    Ok(touched == 1)
}

/// Deletes a service provider; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM service_providers WHERE id = $1").bind(id).run(conn).await?;
    conn.note(Change::All);
    Ok(touched == 1)
}
