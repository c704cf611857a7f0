//! What users have agreed to that applications may know.

use std::collections::BTreeSet;

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;

#[derive(sqlx::FromRow)]
struct Row {
    scopes: String,
}

/// The scopes that a user has agreed to for an application.
pub async fn get(conn: &mut Conn, user_id: &str, client_id: &str) -> Result<BTreeSet<String>> {
    let row: Option<Row> = Sql::new("SELECT scopes FROM consents WHERE user_id = $1 AND client_id = $2")
        .bind(user_id)
        .bind(client_id)
        .first(conn)
        .await?;
    row.map_or_else(|| Ok(BTreeSet::new()), |r| super::json::parse("consents", user_id, &r.scopes))
}

/// Writes the scopes that a user has agreed to for an application.
pub async fn put(
    conn: &mut Conn,
    user_id: &str,
    client_id: &str,
    scopes: &BTreeSet<String>,
    now: Timestamp,
) -> Result<()> {
    Sql::new(
        "INSERT INTO consents (user_id, client_id, scopes, granted_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id, client_id) DO UPDATE SET scopes = excluded.scopes, granted_at = excluded.granted_at",
    )
    .bind(user_id)
    .bind(client_id)
    .bind(super::json::written(scopes)?)
    .bind(now.0)
    .run(conn)
    .await?;
    Ok(())
}
