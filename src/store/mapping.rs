//! Mappings.

use super::Conn;
use super::sql::Sql;
use crate::error::{Error, Result};
use crate::model::change::Change;
use crate::model::list::Query;
use crate::model::mapping::{Document, Mapping};
use crate::model::mapping_engine::SchemaVersion;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    domain_id: Option<String>,
    schema_version: String,
    rules: String,
}

impl TryFrom<Row> for Mapping {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let schema_version = SchemaVersion::parse(&row.schema_version).ok_or_else(|| {
            Error::internal(format!("mappings row {}: unknown schema_version '{}'", row.id, row.schema_version))
        })?;
        let rules = serde_json::from_str(&row.rules)
            .map_err(|e| Error::internal(format!("mappings row {}: rules are no JSON: {e}", row.id)))?;
        Ok(Self { id: row.id, domain_id: row.domain_id, document: Document { schema_version, rules } })
    }
}

const COLUMNS: &str = "SELECT id, domain_id, schema_version, rules FROM mappings WHERE TRUE";

/// Adds a mapping. A taken id is a conflict.
pub async fn insert(conn: &mut Conn, mapping: &Mapping) -> Result<()> {
    Sql::new("INSERT INTO mappings (id, domain_id, schema_version, rules) VALUES ($1, $2, $3, $4)")
        .bind(&mapping.id)
        .bind(&mapping.domain_id)
        .bind(mapping.document.schema_version.as_str())
        .bind(mapping.document.rules.to_string())
        .run(conn)
        .await?;
    Ok(())
}

/// The mapping of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Mapping>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Mapping::try_from).transpose()
}

/// One page of mappings, with one more row than asked for if there is a next page.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<Mapping>> {
    let rows: Vec<Row> = Sql::new(COLUMNS).filter(&query.conditions).page(query, "id").all(conn).await?;
    rows.into_iter().map(Mapping::try_from).collect()
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE mappings SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes what a mapping says over what is stored; false if there is none.
pub async fn update(conn: &mut Conn, mapping: &Mapping) -> Result<bool> {
    let touched = Sql::new("UPDATE mappings SET schema_version = $1, rules = $2 WHERE id = $3")
        .bind(mapping.document.schema_version.as_str())
        .bind(mapping.document.rules.to_string())
        .bind(&mapping.id)
        .run(conn)
        .await?;
    for (idp_id, _) in list_protocols(conn, &mapping.id).await? {
        conn.note(Change::IdentityProvider(idp_id));
    }
    Ok(touched == 1)
}

/// Deletes a mapping that no protocol uses; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("DELETE FROM mappings WHERE id = $1").bind(id).run(conn).await? == 1)
}

#[derive(sqlx::FromRow)]
struct ProtocolRow {
    idp_id: String,
    id: String,
}

/// The protocols that use a mapping: identity provider and id, in order.
pub async fn list_protocols(conn: &mut Conn, id: &str) -> Result<Vec<(String, String)>> {
    let rows: Vec<ProtocolRow> = Sql::new("SELECT idp_id, id FROM protocols WHERE mapping_id = $1 ORDER BY idp_id, id")
        .bind(id)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|r| (r.idp_id, r.id)).collect())
}
