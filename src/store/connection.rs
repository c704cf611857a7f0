//! Connections to identity providers. Their secrets lie in `sealed_secrets`.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::change::Change;
use crate::model::connection::{Connection, Settings};

#[derive(sqlx::FromRow)]
struct Row {
    idp_id: String,
    protocol_id: String,
    kind: String,
    settings: String,
    updated_at: i64,
}

impl TryFrom<Row> for Connection {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let settings = Settings::decode(&row.kind, &row.settings)
            .map_err(|e| Error::internal(format!("connections row {}/{}: {e}", row.idp_id, row.protocol_id)))?;
        Ok(Self { idp_id: row.idp_id, protocol_id: row.protocol_id, settings, updated_at: Timestamp(row.updated_at) })
    }
}

/// Adds a connection. One that is there is a conflict.
pub async fn insert(conn: &mut Conn, connection: &Connection) -> Result<()> {
    Sql::new(
        "INSERT INTO connections (idp_id, protocol_id, kind, settings, updated_at, entity_id) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&connection.idp_id)
    .bind(&connection.protocol_id)
    .bind(connection.settings.kind())
    .bind(connection.settings.encode()?)
    .bind(connection.updated_at.0)
    .bind(connection.settings.entity_id())
    .run(conn)
    .await?;
    conn.note(Change::IdentityProvider(connection.idp_id.clone()));
    Ok(())
}

/// Writes down what identity providers call themselves whose connections an older version has written, some after the id `after`;
/// how many were looked at.
pub async fn fill_entity_ids(conn: &mut Conn, after: &mut String) -> Result<usize> {
    let rows: Vec<Row> = Sql::new(
        "SELECT idp_id, protocol_id, kind, settings, updated_at FROM connections WHERE kind = 'saml' AND entity_id IS NULL \
         AND idp_id > $1 ORDER BY idp_id LIMIT 500",
    )
    .bind(after.as_str())
    .all(conn)
    .await?;
    let count = rows.len();
    for row in rows {
        row.idp_id.clone_into(after);
        let connection = Connection::try_from(row)?;
        if let Some(entity_id) = connection.settings.entity_id() {
            Sql::new("UPDATE connections SET entity_id = $1 WHERE idp_id = $2 AND protocol_id = $3")
                .bind(entity_id)
                .bind(&connection.idp_id)
                .bind(&connection.protocol_id)
                .run(conn)
                .await?;
        }
    }
    Ok(count)
}

/// The connection of an identity provider by one protocol.
pub async fn get(conn: &mut Conn, idp_id: &str, protocol_id: &str) -> Result<Option<Connection>> {
    let row: Option<Row> = Sql::new(
        "SELECT idp_id, protocol_id, kind, settings, updated_at FROM connections WHERE idp_id = $1 AND protocol_id = $2",
    )
    .bind(idp_id)
    .bind(protocol_id)
    .first(conn)
    .await?;
    row.map(Connection::try_from).transpose()
}

#[derive(sqlx::FromRow)]
struct ProtocolRow {
    protocol_id: String,
}

/// The protocols by which an identity provider has a connection.
pub async fn protocols(conn: &mut Conn, idp_id: &str) -> Result<Vec<String>> {
    let rows: Vec<ProtocolRow> =
        Sql::new("SELECT protocol_id FROM connections WHERE idp_id = $1").bind(idp_id).all(conn).await?;
    Ok(rows.into_iter().map(|r| r.protocol_id).collect())
}

/// Those of one kind, in order.
pub async fn protocols_of_kind(conn: &mut Conn, idp_id: &str, kind: &str) -> Result<Vec<String>> {
    let sql = "SELECT protocol_id FROM connections WHERE idp_id = $1 AND kind = $2 ORDER BY protocol_id";
    let rows: Vec<ProtocolRow> = Sql::new(sql).bind(idp_id).bind(kind).all(conn).await?;
    Ok(rows.into_iter().map(|r| r.protocol_id).collect())
}

/// Identity providers that speak SAML and call themselves so, by their connection or else a remote id, with their protocols, up to
/// `most`: the cloud's own first, so that nobody else's stand before them.
pub async fn called(conn: &mut Conn, entity_id: &str, most: i64) -> Result<Vec<Called>> {
    Sql::new(
        "SELECT c.idp_id, c.protocol_id, i.owned FROM connections c JOIN identity_providers i ON i.id = c.idp_id \
         JOIN protocols p ON p.idp_id = c.idp_id AND p.id = c.protocol_id \
         WHERE i.enabled AND c.kind = 'saml' AND (c.entity_id = $1 OR (c.entity_id IS NULL AND c.idp_id IN \
         (SELECT r.idp_id FROM identity_provider_remote_ids r WHERE r.remote_id = $2))) \
         ORDER BY i.owned, c.idp_id, c.protocol_id LIMIT $3",
    )
    .bind(entity_id)
    .bind(entity_id)
    .bind(most)
    .all(conn)
    .await
}

/// Those of which only metadata that has to be fetched says what they call themselves, with their protocols, up to `most`: the
/// cloud's own first.
pub async fn unnamed(conn: &mut Conn, most: i64) -> Result<Vec<Called>> {
    Sql::new(
        "SELECT c.idp_id, c.protocol_id, i.owned FROM connections c JOIN identity_providers i ON i.id = c.idp_id \
         JOIN protocols p ON p.idp_id = c.idp_id AND p.id = c.protocol_id \
         WHERE i.enabled AND c.kind = 'saml' AND c.entity_id IS NULL ORDER BY i.owned, c.idp_id, c.protocol_id LIMIT $1",
    )
    .bind(most)
    .all(conn)
    .await
}

/// A way in that may be meant by a name.
#[derive(Debug, sqlx::FromRow)]
pub struct Called {
    /// The identity provider.
    pub idp_id: String,
    /// The protocol.
    pub protocol_id: String,
    /// Whether a domain has made it for itself.
    pub owned: bool,
}

#[derive(sqlx::FromRow)]
struct ProviderRow {
    idp_id: String,
    description: Option<String>,
}

/// The enabled identity providers of the cloud's own that have a connection by a protocol, with their descriptions, in order,
/// at most a thousand. Those that domains made for themselves are not for everybody to see, nor to sign in by without being
/// named.
pub async fn identity_providers(conn: &mut Conn, protocol_id: &str) -> Result<Vec<(String, Option<String>)>> {
    let rows: Vec<ProviderRow> = Sql::new(
        "SELECT c.idp_id, i.description FROM connections c JOIN identity_providers i ON i.id = c.idp_id \
         JOIN protocols p ON p.idp_id = c.idp_id AND p.id = c.protocol_id \
         WHERE i.enabled AND NOT i.owned AND c.protocol_id = $1 ORDER BY c.idp_id LIMIT 1000",
    )
    .bind(protocol_id)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.idp_id, r.description)).collect())
}

/// Writes a connection over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, connection: &Connection) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE connections SET settings = $1, updated_at = $2, entity_id = $3 WHERE idp_id = $4 AND protocol_id = $5",
    )
    .bind(connection.settings.encode()?)
    .bind(connection.updated_at.0)
    .bind(connection.settings.entity_id())
    .bind(&connection.idp_id)
    .bind(&connection.protocol_id)
    .run(conn)
    .await?;
    conn.note(Change::IdentityProvider(connection.idp_id.clone()));
    Ok(touched == 1)
}

/// Deletes a connection; false if there is none.
pub async fn delete(conn: &mut Conn, idp_id: &str, protocol_id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM connections WHERE idp_id = $1 AND protocol_id = $2")
        .bind(idp_id)
        .bind(protocol_id)
        .run(conn)
        .await?;
    conn.note(Change::IdentityProvider(idp_id.to_owned()));
    Ok(touched == 1)
}
