//! Keys by which the service and its tenants are known to partners that speak SAML; certificates only.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::saml_key::SamlKey;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: Option<String>,
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

/// What other nodes hear of: the service's own keys as those of a tenant without an id.
fn note(conn: &mut Conn, tenant_id: Option<&str>) {
    conn.note(Change::Tenant(tenant_id.unwrap_or_default().to_owned()));
}

/// Adds a key. An id that is taken is a conflict.
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
    note(conn, key.tenant_id.as_deref());
    Ok(())
}

/// The keys of a tenant, or the service's own; the one that begins last first.
pub async fn list(conn: &mut Conn, tenant_id: Option<&str>) -> Result<Vec<SamlKey>> {
    let all = Sql::new("SELECT id, tenant_id, certificate, created_at, active_at, retired_at FROM saml_keys WHERE ");
    let theirs = match tenant_id {
        Some(id) => all.push_bind("tenant_id = ", id),
        None => all.push("tenant_id IS NULL"),
    };
    let rows: Vec<Row> = theirs.push(" ORDER BY active_at DESC, created_at DESC, id").all(conn).await?;
    Ok(rows.into_iter().map(SamlKey::from).collect())
}

/// Nobody else changes the service's own keys until this transaction ends. SQLite has one writer at a time.
pub async fn hold_own(conn: &mut Conn) -> Result<()> {
    Sql::new("UPDATE saml_keys SET id = id WHERE tenant_id IS NULL").run(conn).await.map(drop)
}

/// Writes from when and until when a key counts.
pub async fn update(conn: &mut Conn, key: &SamlKey) -> Result<bool> {
    let touched = Sql::new("UPDATE saml_keys SET active_at = $1, retired_at = $2 WHERE id = $3")
        .bind(key.active_at.0)
        .bind(key.retired_at.map(|at| at.0))
        .bind(&key.id)
        .run(conn)
        .await?;
    note(conn, key.tenant_id.as_deref());
    Ok(touched == 1)
}

/// Deletes a key.
pub async fn delete(conn: &mut Conn, key: &SamlKey) -> Result<bool> {
    let touched = Sql::new("DELETE FROM saml_keys WHERE id = $1").bind(&key.id).run(conn).await?;
    note(conn, key.tenant_id.as_deref());
    Ok(touched == 1)
}
