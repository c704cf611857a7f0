//! Services of the catalog.

use super::sql::Sql;
use super::{Conn, json};
use crate::error::Result;
use crate::model::change::Change;
use crate::model::list::Query;
use crate::model::service::Service;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    #[sqlx(rename = "type")]
    kind: String,
    name: String,
    enabled: bool,
    extra: String,
}

impl TryFrom<Row> for Service {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            extra: json::object("services", &row.id, &row.extra)?,
            id: row.id,
            kind: row.kind,
            name: row.name,
            enabled: row.enabled,
        })
    }
}

const COLUMNS: &str = "SELECT id, type, name, enabled, extra FROM services WHERE TRUE";

/// Adds a service.
pub async fn insert(conn: &mut Conn, service: &Service) -> Result<()> {
    Sql::new("INSERT INTO services (id, type, name, enabled, extra) VALUES ($1, $2, $3, $4, $5)")
        .bind(&service.id)
        .bind(&service.kind)
        .bind(&service.name)
        .bind(service.enabled)
        .bind(json::text(&service.extra))
        .run(conn)
        .await?;
    conn.note(Change::All);
    Ok(())
}

/// The service of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Service>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Service::try_from).transpose()
}

/// One page of services, with one more row if there is a next page.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<Service>> {
    let rows: Vec<Row> = Sql::new(COLUMNS).filter(&query.conditions).page(query, "id").all(conn).await?;
    rows.into_iter().map(Service::try_from).collect()
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE services SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes a service over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, service: &Service) -> Result<bool> {
    let touched = Sql::new("UPDATE services SET type = $1, name = $2, enabled = $3, extra = $4 WHERE id = $5")
        .bind(&service.kind)
        .bind(&service.name)
        .bind(service.enabled)
        .bind(json::text(&service.extra))
        .bind(&service.id)
        .run(conn)
        .await?;
    conn.note(Change::All);
    Ok(touched == 1)
}

/// Deletes a service with its endpoints; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM services WHERE id = $1").bind(id).run(conn).await?;
    conn.note(Change::All);
    Ok(touched == 1)
}
