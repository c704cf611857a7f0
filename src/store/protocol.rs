//! Protocols of identity providers.

use super::Conn;
use super::sql::Sql;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::list::Query;
use crate::model::protocol::Protocol;

#[derive(sqlx::FromRow)]
struct Row {
    idp_id: String,
    id: String,
    mapping_id: Option<String>,
    remote_id_attribute: Option<String>,
}

impl From<Row> for Protocol {
    fn from(row: Row) -> Self {
        Self {
            idp_id: row.idp_id,
            id: row.id,
            mapping_id: row.mapping_id,
            remote_id_attribute: row.remote_id_attribute,
        }
    }
}

const COLUMNS: &str = "SELECT idp_id, id, mapping_id, remote_id_attribute FROM protocols WHERE TRUE";

/// Adds a protocol to an identity provider. A taken id is a conflict.
pub async fn insert(conn: &mut Conn, protocol: &Protocol) -> Result<()> {
    Sql::new("INSERT INTO protocols (idp_id, id, mapping_id, remote_id_attribute) VALUES ($1, $2, $3, $4)")
        .bind(&protocol.idp_id)
        .bind(&protocol.id)
        .bind(&protocol.mapping_id)
        .bind(&protocol.remote_id_attribute)
        .run(conn)
        .await?;
    conn.note(Change::IdentityProvider(protocol.idp_id.clone()));
    Ok(())
}

/// The protocol of that id below an identity provider.
pub async fn get(conn: &mut Conn, idp_id: &str, id: &str) -> Result<Option<Protocol>> {
    let row: Option<Row> =
        Sql::new(COLUMNS).push_bind(" AND idp_id = ", idp_id).push_bind(" AND id = ", id).first(conn).await?;
    Ok(row.map(Protocol::from))
}

/// One page of an identity provider's protocols, with one more row than asked for if there is a next page.
pub async fn list(conn: &mut Conn, idp_id: &str, query: &Query) -> Result<Vec<Protocol>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" AND idp_id = ", idp_id)
        .filter(&query.conditions)
        .page(query, "id")
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(Protocol::from).collect())
}

#[derive(sqlx::FromRow)]
struct Enabled {
    enabled: bool,
}

const OPEN: &str =
    "SELECT i.enabled FROM protocols p JOIN identity_providers i ON i.id = p.idp_id WHERE p.idp_id = $1 AND p.id = $2";

/// Whether the protocol is there and its identity provider enabled.
pub async fn is_open(conn: &mut Conn, idp_id: &str, id: &str) -> Result<bool> {
    let row: Option<Enabled> = Sql::new(OPEN).bind(idp_id).bind(id).first(conn).await?;
    Ok(row.is_some_and(|r| r.enabled))
}

/// The same, and nobody changes or deletes the identity provider until this transaction ends. SQLite has one writer at a time.
pub async fn hold_open(conn: &mut Conn, idp_id: &str, id: &str) -> Result<bool> {
    let lock = if conn.is_postgres() { " FOR SHARE OF i" } else { "" };
    let row: Option<Enabled> = Sql::new(OPEN).bind(idp_id).bind(id).push(lock).first(conn).await?;
    Ok(row.is_some_and(|r| r.enabled))
}

/// The ids of an identity provider's protocols, in order.
pub async fn list_ids(conn: &mut Conn, idp_id: &str) -> Result<Vec<String>> {
    #[derive(sqlx::FromRow)]
    struct Id {
        id: String,
    }
    let rows: Vec<Id> =
        Sql::new("SELECT id FROM protocols WHERE idp_id = $1 ORDER BY id").bind(idp_id).all(conn).await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Writes a protocol over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, protocol: &Protocol) -> Result<bool> {
    let touched =
        Sql::new("UPDATE protocols SET mapping_id = $1, remote_id_attribute = $2 WHERE idp_id = $3 AND id = $4")
            .bind(&protocol.mapping_id)
            .bind(&protocol.remote_id_attribute)
            .bind(&protocol.idp_id)
            .bind(&protocol.id)
            .run(conn)
            .await?;
    conn.note(Change::IdentityProvider(protocol.idp_id.clone()));
    Ok(touched == 1)
}

/// Deletes a protocol; false if there is none. Whom the identity provider vouched for by it stays who they are: an account
/// belongs to the identity provider, whatever the protocol.
pub async fn delete(conn: &mut Conn, idp_id: &str, id: &str) -> Result<bool> {
    let touched =
        Sql::new("DELETE FROM protocols WHERE idp_id = $1 AND id = $2").bind(idp_id).bind(id).run(conn).await?;
    conn.note(Change::IdentityProvider(idp_id.to_owned()));
    Ok(touched == 1)
}
