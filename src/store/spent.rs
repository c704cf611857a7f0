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

/// The same, unless one of these marks is there until then or longer; false, too, if one is.
pub async fn spend_unless(
    conn: &mut Conn,
    id: &str,
    expires_at: Timestamp,
    (marks, until): (&[String; 2], Timestamp),
) -> Result<bool> {
    let [one, other] = marks;
    let touched = Sql::new(
        "INSERT INTO spent (id, expires_at) SELECT CAST($1 AS VARCHAR(64)), CAST($2 AS BIGINT) WHERE NOT EXISTS \
         (SELECT 1 FROM spent WHERE id IN ($3, $4) AND expires_at >= $5) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(expires_at.0)
    .bind(one)
    .bind(other)
    .bind(until.0)
    .run(conn)
    .await?;
    Ok(touched == 1)
}

/// Whether one of these marks is there until then or longer.
pub async fn is_marked(conn: &mut Conn, marks: &[String; 2], until: Timestamp) -> Result<bool> {
    #[derive(sqlx::FromRow)]
    struct Count {
        n: i64,
    }
    let [one, other] = marks;
    let row: Option<Count> = Sql::new("SELECT COUNT(*) AS n FROM spent WHERE id IN ($1, $2) AND expires_at >= $3")
        .bind(one)
        .bind(other)
        .bind(until.0)
        .first(conn)
        .await?;
    Ok(row.is_some_and(|r| r.n > 0))
}

/// Marks something until then, or longer if it is marked for longer already.
pub async fn mark(conn: &mut Conn, id: &str, expires_at: Timestamp) -> Result<()> {
    Sql::new(
        "INSERT INTO spent (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at \
         WHERE spent.expires_at < excluded.expires_at",
    )
    .bind(id)
    .bind(expires_at.0)
    .run(conn)
    .await?;
    Ok(())
}

/// Drops up to a thousand that have ended.
pub async fn prune(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM spent WHERE id IN (SELECT id FROM spent WHERE expires_at < $1 LIMIT 1000)")
        .bind(now.0)
        .run(conn)
        .await
}
