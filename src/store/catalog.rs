//! The catalog of tokens, and what a bootstrap makes sure is in it.

use super::Conn;
use super::sql::Sql;
use crate::error::Result;
use crate::model::catalog::{Endpoint, Entry};
use crate::model::change::Change;

#[derive(sqlx::FromRow)]
struct Row {
    service_id: String,
    service_type: String,
    service_name: String,
    endpoint_id: Option<String>,
    interface: Option<String>,
    region_id: Option<String>,
    url: Option<String>,
}

/// The enabled services with their enabled endpoints, in order of service, then endpoint.
pub async fn list(conn: &mut Conn) -> Result<Vec<Entry>> {
    let rows: Vec<Row> = Sql::new(
        "SELECT s.id AS service_id, s.type AS service_type, s.name AS service_name, e.id AS endpoint_id, e.interface, e.region_id, e.url \
         FROM services s LEFT JOIN endpoints e ON e.service_id = s.id AND e.enabled WHERE s.enabled ORDER BY s.id, e.id",
    )
    .all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Entry {
            service_id: r.service_id,
            service_type: r.service_type,
            service_name: r.service_name,
            endpoint: r.endpoint_id.zip(r.interface).zip(r.url).map(|((id, interface), url)| Endpoint {
                id,
                interface,
                region_id: r.region_id,
                url,
            }),
        })
        .collect())
}

/// Makes sure that a region exists.
pub async fn ensure_region(conn: &mut Conn, id: &str) -> Result<()> {
    Sql::new("INSERT INTO regions (id, description, parent_region_id, extra) VALUES ($1, '', NULL, '{}') ON CONFLICT DO NOTHING")
        .bind(id)
        .run(conn)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Id {
    id: String,
}

/// Makes sure that a service of that type and name exists; `fresh_id` is used for a new one. Returns its id.
pub async fn ensure_service(conn: &mut Conn, fresh_id: String, kind: &str, name: &str) -> Result<String> {
    let found: Option<Id> = Sql::new("SELECT id FROM services WHERE type = $1 AND name = $2 ORDER BY id LIMIT 1")
        .bind(kind)
        .bind(name)
        .first(conn)
        .await?;
    if let Some(found) = found {
        return Ok(found.id);
    }
    Sql::new("INSERT INTO services (id, type, name, enabled, extra) VALUES ($1, $2, $3, TRUE, '{}')")
        .bind(&fresh_id)
        .bind(kind)
        .bind(name)
        .run(conn)
        .await?;
    conn.note(Change::All);
    Ok(fresh_id)
}

/// Makes sure that a service has an endpoint at `url` for an interface in a region.
pub async fn ensure_endpoint(
    conn: &mut Conn,
    fresh_id: String,
    service_id: &str,
    interface: &str,
    region: Option<&str>,
    url: &str,
) -> Result<()> {
    let found: Option<Id> = Sql::new("SELECT id FROM endpoints WHERE service_id = $1 AND interface = $2 AND COALESCE(region_id, '') = $3 ORDER BY id LIMIT 1")
        .bind(service_id)
        .bind(interface)
        .bind(region.unwrap_or_default())
        .first(conn)
        .await?;
    match found {
        Some(found) => Sql::new("UPDATE endpoints SET url = $1 WHERE id = $2").bind(url).bind(&found.id).run(conn).await?,
        None => {
            Sql::new("INSERT INTO endpoints (id, service_id, interface, region_id, url, enabled, extra) VALUES ($1, $2, $3, $4, $5, TRUE, '{}')")
                .bind(&fresh_id)
                .bind(service_id)
                .bind(interface)
                .bind(region)
                .bind(url)
                .run(conn)
                .await?
        }
    };
    conn.note(Change::All);
    Ok(())
}
