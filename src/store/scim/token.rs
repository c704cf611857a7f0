//! Digests of the tokens of directories.

use super::Count;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::list::Window;
use crate::model::scim::token::ScimToken;
use crate::store::Conn;
use crate::store::sql::Sql;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    name: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl From<Row> for ScimToken {
    fn from(r: Row) -> Self {
        Self {
            id: r.id,
            tenant_id: r.tenant_id,
            name: r.name,
            created_at: Timestamp(r.created_at),
            expires_at: r.expires_at.map(Timestamp),
            last_used_at: r.last_used_at.map(Timestamp),
        }
    }
}

const COLUMNS: &str = "SELECT id, tenant_id, name, created_at, expires_at, last_used_at FROM scim_tokens WHERE TRUE";

/// Adds a token's digest.
pub async fn insert(conn: &mut Conn, token: &ScimToken, digest: &str) -> Result<()> {
    Sql::new(
        "INSERT INTO scim_tokens (id, tenant_id, name, digest, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&token.id)
    .bind(&token.tenant_id)
    .bind(&token.name)
    .bind(digest)
    .bind(token.created_at.0)
    .bind(token.expires_at.map(|at| at.0))
    .run(conn)
    .await?;
    Ok(())
}

/// The token of that digest.
pub async fn get_by_digest(conn: &mut Conn, digest: &str) -> Result<Option<ScimToken>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND digest = ", digest).first(conn).await?;
    Ok(row.map(ScimToken::from))
}

/// Part of a tenant's tokens, in order of their making.
pub async fn list(conn: &mut Conn, tenant_id: &str, window: Window) -> Result<Vec<ScimToken>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" AND tenant_id = ", tenant_id)
        .push_bind(" ORDER BY created_at, id LIMIT ", window.limit)
        .push_bind(" OFFSET ", window.offset)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(ScimToken::from).collect())
}

/// How many tokens a tenant has.
pub async fn count(conn: &mut Conn, tenant_id: &str) -> Result<i64> {
    let row: Option<Count> =
        Sql::new("SELECT COUNT(*) AS n FROM scim_tokens WHERE tenant_id = $1").bind(tenant_id).first(conn).await?;
    Ok(row.map_or(0, |r| r.n))
}

/// Notes that a token was used.
pub async fn touch(conn: &mut Conn, id: &str, now: Timestamp) -> Result<()> {
    Sql::new("UPDATE scim_tokens SET last_used_at = $1 WHERE id = $2").bind(now.0).bind(id).run(conn).await?;
    Ok(())
}

/// Deletes a token; its name, or none if there was none.
pub async fn delete(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<Option<String>> {
    #[derive(sqlx::FromRow)]
    struct Gone {
        name: String,
    }
    let gone: Option<Gone> = Sql::new("DELETE FROM scim_tokens WHERE tenant_id = $1 AND id = $2 RETURNING name")
        .bind(tenant_id)
        .bind(id)
        .first(conn)
        .await?;
    Ok(gone.map(|g| g.name))
}
