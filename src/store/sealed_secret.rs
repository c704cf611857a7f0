//! Sealed secrets. The store sees only ciphertext.

use std::collections::BTreeSet;

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    sealed: String,
}

/// Puts a sealed secret, over the one of that id if there is one.
pub async fn put(conn: &mut Conn, id: &str, sealed: &str, now: Timestamp) -> Result<()> {
    Sql::new(
        "INSERT INTO sealed_secrets (id, sealed, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at",
    )
    .bind(id)
    .bind(sealed)
    .bind(now.0)
    .run(conn)
    .await?;
    Ok(())
}

/// The sealed secret of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<String>> {
    let row: Option<Row> = Sql::new("SELECT id, sealed FROM sealed_secrets WHERE id = $1").bind(id).first(conn).await?;
    Ok(row.map(|r| r.sealed))
}

/// Those of the ids that there is a secret under.
pub async fn existing(conn: &mut Conn, ids: &[&str]) -> Result<BTreeSet<String>> {
    #[derive(sqlx::FromRow)]
    struct Id {
        id: String,
    }
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = Sql::new("SELECT id FROM sealed_secrets WHERE").push_in(" id IN ", ids.iter().copied());
    let rows: Vec<Id> = sql.all(conn).await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Deletes the sealed secret of that id; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("DELETE FROM sealed_secrets WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Up to `limit` sealed secrets after an id, in order: `(id, sealed)`.
pub async fn list(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<(String, String)>> {
    let rows: Vec<Row> = Sql::new("SELECT id, sealed FROM sealed_secrets WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|r| (r.id, r.sealed)).collect())
}

/// Puts another sealing of the same secret in the place of `old`; nothing happens if somebody has put another since.
pub async fn reseal(conn: &mut Conn, id: &str, old: &str, new: &str) -> Result<()> {
    Sql::new("UPDATE sealed_secrets SET sealed = $1 WHERE id = $2 AND sealed = $3")
        .bind(new)
        .bind(id)
        .bind(old)
        .run(conn)
        .await?;
    Ok(())
}
