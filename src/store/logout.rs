//! Log-outs that go on at an identity provider.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::logout::Logout;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    leave_to: String,
    return_to: Option<String>,
    expires_at: i64,
}

impl From<Row> for Logout {
    fn from(r: Row) -> Self {
        Self {
            id: r.id,
            tenant_id: r.tenant_id,
            leave_to: r.leave_to,
            return_to: r.return_to,
            expires_at: Timestamp(r.expires_at),
        }
    }
}

/// Adds one.
pub async fn insert(conn: &mut Conn, it: &Logout) -> Result<()> {
    Sql::new("INSERT INTO logouts (id, tenant_id, leave_to, return_to, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(&it.id)
        .bind(&it.tenant_id)
        .bind(&it.leave_to)
        .bind(&it.return_to)
        .bind(it.expires_at.0)
        .run(conn)
        .await?;
    Ok(())
}

/// One of a tenant that has not run out; it stays.
pub async fn get(conn: &mut Conn, tenant_id: &str, id: &str, now: Timestamp) -> Result<Option<Logout>> {
    let row: Option<Row> = Sql::new(
        "SELECT id, tenant_id, leave_to, return_to, expires_at FROM logouts WHERE id = $1 AND tenant_id = $2 \
         AND expires_at > $3",
    )
    .bind(id)
    .bind(tenant_id)
    .bind(now.0)
    .first(conn)
    .await?;
    Ok(row.map(Logout::from))
}

/// Takes one of a tenant out that has not run out: it can be taken once.
pub async fn take(conn: &mut Conn, tenant_id: &str, id: &str, now: Timestamp) -> Result<Option<Logout>> {
    let row: Option<Row> = Sql::new(
        "DELETE FROM logouts WHERE id = $1 AND tenant_id = $2 AND expires_at > $3 \
         RETURNING id, tenant_id, leave_to, return_to, expires_at",
    )
    .bind(id)
    .bind(tenant_id)
    .bind(now.0)
    .first(conn)
    .await?;
    Ok(row.map(Logout::from))
}

/// Drops up to a thousand that have run out.
pub async fn prune(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM logouts WHERE id IN (SELECT id FROM logouts WHERE expires_at < $1 LIMIT 1000)")
        .bind(now.0)
        .run(conn)
        .await
}
