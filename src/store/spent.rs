//! What may be used once, whichever node it is shown to.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;

/// Uses something up until it would have ended anyway; false if it was used before. `id` is a digest that says of what kind it is.
pub async fn spend(conn: &mut Conn, id: &str, expires_at: Timestamp) -> Result<bool> {
    let touched = Sql::new("INSERT INTO spent (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(id)
        .bind(expires_at.0)
        .run(conn)
        .await?;
    Ok(touched == 1)
}

/// Drops up to a thousand that have ended.
pub async fn prune(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM spent WHERE id IN (SELECT id FROM spent WHERE expires_at < $1 LIMIT 1000)")
        .bind(now.0)
        .run(conn)
        .await
}
