//! Keys that tenants sign with; public halves only.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::change::Change;
use crate::model::signing_key::SigningKey;
use crate::model::tenant::SigningAlgorithm;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    algorithm: String,
    public_jwk: String,
    created_at: i64,
    active_at: i64,
    retired_at: Option<i64>,
}

impl TryFrom<Row> for SigningKey {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        Ok(Self {
            public_jwk: super::json::parse("signing_keys", &r.id, &r.public_jwk)?,
            algorithm: SigningAlgorithm::parse(&r.algorithm)
                .ok_or_else(|| Error::internal(format!("signing_keys row {}: bad algorithm", r.id)))?,
            id: r.id,
            tenant_id: r.tenant_id,
            created_at: Timestamp(r.created_at),
            active_at: Timestamp(r.active_at),
            retired_at: r.retired_at.map(Timestamp),
        })
    }
}

/// Keeps a tenant's keys for this transaction: who comes second sees what the first has made. False if there is no tenant.
pub async fn hold(conn: &mut Conn, tenant_id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE tenants SET id = id WHERE id = $1").bind(tenant_id).run(conn).await? == 1)
}

/// Adds a key.
pub async fn insert(conn: &mut Conn, key: &SigningKey) -> Result<()> {
    Sql::new(
        "INSERT INTO signing_keys (id, tenant_id, algorithm, public_jwk, created_at, active_at, retired_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&key.id)
    .bind(&key.tenant_id)
    .bind(key.algorithm.as_str())
    .bind(super::json::written(&key.public_jwk)?)
    .bind(key.created_at.0)
    .bind(key.active_at.0)
    .bind(key.retired_at.map(|at| at.0))
    .run(conn)
    .await?;
    conn.note(Change::Tenant(key.tenant_id.clone()));
    Ok(())
}

/// The keys of a tenant, in order of their first use; those that are not published any more as well.
pub async fn list(conn: &mut Conn, tenant_id: &str) -> Result<Vec<SigningKey>> {
    let rows: Vec<Row> = Sql::new(
        "SELECT id, tenant_id, algorithm, public_jwk, created_at, active_at, retired_at FROM signing_keys \
         WHERE tenant_id = $1 ORDER BY active_at, created_at, id",
    )
    .bind(tenant_id)
    .all(conn)
    .await?;
    rows.into_iter().map(SigningKey::try_from).collect()
}

/// Whether a tenant publishes a key of that id.
pub async fn is_published(conn: &mut Conn, tenant_id: &str, id: &str, now: Timestamp) -> Result<bool> {
    #[derive(sqlx::FromRow)]
    struct Count {
        n: i64,
    }
    let row: Option<Count> = Sql::new(
        "SELECT COUNT(*) AS n FROM signing_keys WHERE tenant_id = $1 AND id = $2 AND (retired_at IS NULL OR retired_at > $3)",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(now.0)
    .first(conn)
    .await?;
    Ok(row.is_some_and(|r| r.n > 0))
}

/// Says until when a key is published, and when it begins to sign.
pub async fn update(conn: &mut Conn, key: &SigningKey) -> Result<bool> {
    let touched = Sql::new("UPDATE signing_keys SET active_at = $1, retired_at = $2 WHERE id = $3")
        .bind(key.active_at.0)
        .bind(key.retired_at.map(|at| at.0))
        .bind(&key.id)
        .run(conn)
        .await?;
    conn.note(Change::Tenant(key.tenant_id.clone()));
    Ok(touched == 1)
}

/// Deletes a key; false if there is none. Its private half is the caller's to delete.
pub async fn delete(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM signing_keys WHERE tenant_id = $1 AND id = $2")
        .bind(tenant_id)
        .bind(id)
        .run(conn)
        .await?;
    conn.note(Change::Tenant(tenant_id.to_owned()));
    Ok(touched == 1)
}
