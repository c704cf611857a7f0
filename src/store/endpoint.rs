//! Endpoints of services.

use super::sql::Sql;
use super::{Conn, json};
use crate::error::Result;
use crate::model::change::Change;
use crate::model::endpoint::Endpoint;
use crate::model::list::Query;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    service_id: String,
    interface: String,
    region_id: Option<String>,
    url: String,
    enabled: bool,
    extra: String,
}

impl TryFrom<Row> for Endpoint {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            extra: json::object("endpoints", &row.id, &row.extra)?,
            id: row.id,
            service_id: row.service_id,
            interface: row.interface,
            region_id: row.region_id,
            url: row.url,
            enabled: row.enabled,
        })
    }
}

const COLUMNS: &str = "SELECT id, service_id, interface, region_id, url, enabled, extra FROM endpoints WHERE TRUE";

/// Adds an endpoint. A service or a region that is not there is a conflict.
pub async fn insert(conn: &mut Conn, endpoint: &Endpoint) -> Result<()> {
    Sql::new(
        "INSERT INTO endpoints (id, service_id, interface, region_id, url, enabled, extra) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&endpoint.id)
    .bind(&endpoint.service_id)
    .bind(&endpoint.interface)
    .bind(&endpoint.region_id)
    .bind(&endpoint.url)
    .bind(endpoint.enabled)
    .bind(json::text(&endpoint.extra))
    .run(conn)
    .await?;
    conn.note(Change::All);
    Ok(())
}

/// The endpoint of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Endpoint>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Endpoint::try_from).transpose()
}

/// One page of endpoints, with one more row if there is a next page.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<Endpoint>> {
    let rows: Vec<Row> = Sql::new(COLUMNS).filter(&query.conditions).page(query, "id").all(conn).await?;
    rows.into_iter().map(Endpoint::try_from).collect()
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE endpoints SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes an endpoint over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, endpoint: &Endpoint) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE endpoints SET service_id = $1, interface = $2, region_id = $3, url = $4, enabled = $5, extra = $6 WHERE id = $7",
    )
    .bind(&endpoint.service_id)
    .bind(&endpoint.interface)
    .bind(&endpoint.region_id)
    .bind(&endpoint.url)
    .bind(endpoint.enabled)
    .bind(json::text(&endpoint.extra))
    .bind(&endpoint.id)
    .run(conn)
    .await?;
    conn.note(Change::All);
    Ok(touched == 1)
}

/// Deletes an endpoint; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM endpoints WHERE id = $1").bind(id).run(conn).await?;
    conn.note(Change::All);
    Ok(touched == 1)
}
