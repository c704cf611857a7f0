//! Keys by which tenants are known to SAML identity providers; certificates only.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::saml_key::SamlKey;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    certificate: String,
    created_at: i64,
    active_at: i64,
    retired_at: Option<i64>,
}

impl From<Row> for SamlKey {
    fn from(r: Row) -> Self {
        Self {
            id: r.id,
            tenant_id: r.tenant_id,
            certificate: r.certificate,
            created_at: Timestamp(r.created_at),
            active_at: Timestamp(r.active_at),
            retired_at: r.retired_at.map(Timestamp),
        }
    }
}

/// Adds a key.
pub async fn insert(conn: &mut Conn, key: &SamlKey) -> Result<()> {
    Sql::new(
        "INSERT INTO saml_keys (id, tenant_id, certificate, created_at, active_at, retired_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&key.id)
    .bind(&key.tenant_id)
    .bind(&key.certificate)
    .bind(key.created_at.0)
    .bind(key.active_at.0)
    .bind(key.retired_at.map(|at| at.0))
    .run(conn)
    .await?;
    conn.note(Change::Tenant(key.tenant_id.clone()));
    Ok(())
}

/// A tenant's keys, the one that begins last first.
pub async fn list(conn: &mut Conn, tenant_id: &str) -> Result<Vec<SamlKey>> {
    let rows: Vec<Row> = Sql::new(
        "SELECT id, tenant_id, certificate, created_at, active_at, retired_at FROM saml_keys WHERE tenant_id = $1 \
         ORDER BY active_at DESC, created_at DESC, id",
    )
    .bind(tenant_id)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(SamlKey::from).collect())
}
