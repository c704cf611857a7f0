//! Hashes of passwords; the newest of a user is the current one.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;

/// Gives a user a new current password, set by an administrator.
pub async fn insert(
    conn: &mut Conn,
    id: &str,
    user_id: &str,
    hash: &str,
    now: Timestamp,
    expires_at: Option<Timestamp>,
) -> Result<()> {
    add(conn, id, user_id, hash, now, expires_at, false).await
}

/// Gives a user a new current password, set by themselves.
pub async fn insert_own(
    conn: &mut Conn,
    id: &str,
    user_id: &str,
    hash: &str,
    now: Timestamp,
    expires_at: Option<Timestamp>,
) -> Result<()> {
    add(conn, id, user_id, hash, now, expires_at, true).await
}

/// It is the newest even if this node's clock is behind the one that set the last.
async fn add(
    conn: &mut Conn,
    id: &str,
    user_id: &str,
    hash: &str,
    now: Timestamp,
    expires_at: Option<Timestamp>,
    self_service: bool,
) -> Result<()> {
    Sql::new(
        "INSERT INTO passwords (id, user_id, hash, created_at, expires_at, self_service) VALUES ($1, $2, $3, \
         COALESCE((SELECT MAX(created_at) + 1 FROM passwords WHERE user_id = $4 AND created_at >= $5), $6), $7, $8)",
    )
    .bind(id)
    .bind(user_id)
    .bind(hash)
    .bind(user_id)
    .bind(now.0)
    .bind(now.0)
    .bind(expires_at.map(|t| t.0))
    .bind(self_service)
    .run(conn)
    .await?;
    conn.note(Change::User(user_id.to_owned()));
    Ok(())
}

#[derive(sqlx::FromRow)]
struct HashRow {
    hash: String,
}

/// The hashes of a user's last passwords, newest first.
pub async fn recent(conn: &mut Conn, user_id: &str, count: u32) -> Result<Vec<String>> {
    let rows: Vec<HashRow> =
        Sql::new("SELECT hash FROM passwords WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2")
            .bind(user_id)
            .bind(i64::from(count))
            .all(conn)
            .await?;
    Ok(rows.into_iter().map(|r| r.hash).collect())
}

/// Drops a user's passwords but for the last ones; how many it dropped.
pub async fn prune(conn: &mut Conn, user_id: &str, keep: u32) -> Result<u64> {
    Sql::new(
        "DELETE FROM passwords WHERE user_id = $1 AND id NOT IN \
         (SELECT id FROM passwords WHERE user_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3)",
    )
    .bind(user_id)
    .bind(user_id)
    .bind(i64::from(keep))
    .run(conn)
    .await
}

/// Puts another hash of the same password in the place of the current one.
pub async fn rehash(conn: &mut Conn, user_id: &str, old: &str, new: &str) -> Result<()> {
    Sql::new("UPDATE passwords SET hash = $1 WHERE user_id = $2 AND hash = $3")
        .bind(new)
        .bind(user_id)
        .bind(old)
        .run(conn)
        .await?;
    Ok(())
}

/// Takes all passwords of a user away.
pub async fn delete_all(conn: &mut Conn, user_id: &str) -> Result<()> {
    Sql::new("DELETE FROM passwords WHERE user_id = $1").bind(user_id).run(conn).await?;
    conn.note(Change::User(user_id.to_owned()));
    Ok(())
}
