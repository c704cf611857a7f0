//! Applications of tenants, and digests of their secrets.

use std::collections::BTreeMap;

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::application::{Application, Kind};
use crate::model::change::Change;
use crate::model::list::Window;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    name: String,
    kind: String,
    enabled: bool,
    settings: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Application {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        Ok(Self {
            settings: super::json::parse("applications", &r.id, &r.settings)?,
            kind: Kind::parse(&r.kind)
                .ok_or_else(|| Error::internal(format!("applications row {}: bad kind", r.id)))?,
            id: r.id,
            tenant_id: r.tenant_id,
            name: r.name,
            enabled: r.enabled,
            version: r.version,
            created_at: Timestamp(r.created_at),
            updated_at: Timestamp(r.updated_at),
        })
    }
}

const COLUMNS: &str =
    "SELECT id, tenant_id, name, kind, enabled, settings, version, created_at, updated_at FROM applications WHERE TRUE";

/// A secret of an application, as far as it is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its id.
    pub id: String,
    /// SHA-256 of it, as hexadecimal digits.
    pub digest: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Adds an application.
pub async fn insert(conn: &mut Conn, application: &Application) -> Result<()> {
    Sql::new(
        "INSERT INTO applications (id, tenant_id, name, kind, enabled, settings, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&application.id)
    .bind(&application.tenant_id)
    .bind(&application.name)
    .bind(application.kind.as_str())
    .bind(application.enabled)
    .bind(super::json::written(&application.settings)?)
    .bind(application.version)
    .bind(application.created_at.0)
    .bind(application.updated_at.0)
    .run(conn)
    .await?;
    conn.note(Change::Tenant(application.tenant_id.clone()));
    Ok(())
}

/// An application of a tenant.
pub async fn get(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<Option<Application>> {
    let row: Option<Row> =
        Sql::new(COLUMNS).push_bind(" AND id = ", id).push_bind(" AND tenant_id = ", tenant_id).first(conn).await?;
    row.map(Application::try_from).transpose()
}

/// An application of whatever tenant.
pub async fn find(conn: &mut Conn, id: &str) -> Result<Option<Application>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Application::try_from).transpose()
}

/// Part of a tenant's applications, in order of their making.
pub async fn list(conn: &mut Conn, tenant_id: &str, window: Window) -> Result<Vec<Application>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" AND tenant_id = ", tenant_id)
        .push_bind(" ORDER BY created_at, id LIMIT ", window.limit)
        .push_bind(" OFFSET ", window.offset)
        .all(conn)
        .await?;
    rows.into_iter().map(Application::try_from).collect()
}

/// How many applications a tenant has.
pub async fn count(conn: &mut Conn, tenant_id: &str) -> Result<i64> {
    #[derive(sqlx::FromRow)]
    struct Count {
        n: i64,
    }
    let row: Option<Count> =
        Sql::new("SELECT COUNT(*) AS n FROM applications WHERE tenant_id = $1").bind(tenant_id).first(conn).await?;
    Ok(row.map_or(0, |r| r.n))
}

/// Writes an application over the version before; false if that is not stored any more.
pub async fn update(conn: &mut Conn, application: &Application) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE applications SET name = $1, kind = $2, enabled = $3, settings = $4, version = $5, updated_at = $6 \
         WHERE id = $7 AND version = $8",
    )
    .bind(&application.name)
    .bind(application.kind.as_str())
    .bind(application.enabled)
    .bind(super::json::written(&application.settings)?)
    .bind(application.version)
    .bind(application.updated_at.0)
    .bind(&application.id)
    .bind(application.version - 1)
    .run(conn)
    .await?;
    conn.note(Change::Tenant(application.tenant_id.clone()));
    Ok(touched == 1)
}

/// Deletes an application with all that it was given; false if there is none.
pub async fn delete(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM applications WHERE tenant_id = $1 AND id = $2")
        .bind(tenant_id)
        .bind(id)
        .run(conn)
        .await?;
    conn.note(Change::Tenant(tenant_id.to_owned()));
    Ok(touched == 1)
}

/// Adds a secret's digest.
pub async fn insert_secret(conn: &mut Conn, application: &Application, secret: &StoredSecret) -> Result<()> {
    Sql::new(
        "INSERT INTO application_secrets (id, application_id, digest, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&secret.id)
    .bind(&application.id)
    .bind(&secret.digest)
    .bind(secret.created_at.0)
    .bind(secret.expires_at.map(|at| at.0))
    .run(conn)
    .await?;
    conn.note(Change::Tenant(application.tenant_id.clone()));
    Ok(())
}

/// The secrets of an application, oldest first; those that have ended as well.
pub async fn secrets(conn: &mut Conn, application_id: &str) -> Result<Vec<StoredSecret>> {
    Ok(secrets_of(conn, &[application_id]).await?.remove(application_id).unwrap_or_default())
}

/// The secrets of several applications.
pub async fn secrets_of(conn: &mut Conn, application_ids: &[&str]) -> Result<BTreeMap<String, Vec<StoredSecret>>> {
    #[derive(sqlx::FromRow)]
    struct Secret {
        id: String,
        application_id: String,
        digest: String,
        created_at: i64,
        expires_at: Option<i64>,
    }
    let mut secrets: BTreeMap<String, Vec<StoredSecret>> = BTreeMap::new();
    if application_ids.is_empty() {
        return Ok(secrets);
    }
    let sql = Sql::new("SELECT id, application_id, digest, created_at, expires_at FROM application_secrets WHERE");
    let rows: Vec<Secret> = sql
        .push_in(" application_id IN ", application_ids.iter().copied())
        .push(" ORDER BY created_at, id")
        .all(conn)
        .await?;
    for r in rows {
        let expires_at = r.expires_at.map(Timestamp);
        let stored = StoredSecret { id: r.id, digest: r.digest, created_at: Timestamp(r.created_at), expires_at };
        secrets.entry(r.application_id).or_default().push(stored);
    }
    Ok(secrets)
}

/// Has all secrets of an application end at `at`, unless they end before.
pub async fn expire_secrets(conn: &mut Conn, application: &Application, at: Timestamp) -> Result<()> {
    Sql::new(
        "UPDATE application_secrets SET expires_at = $1 WHERE application_id = $2 \
         AND (expires_at IS NULL OR expires_at > $3)",
    )
    .bind(at.0)
    .bind(&application.id)
    .bind(at.0)
    .run(conn)
    .await?;
    conn.note(Change::Tenant(application.tenant_id.clone()));
    Ok(())
}

/// Drops the secrets of an application that have ended.
pub async fn drop_ended_secrets(conn: &mut Conn, application: &Application, now: Timestamp) -> Result<()> {
    Sql::new("DELETE FROM application_secrets WHERE application_id = $1 AND expires_at <= $2")
        .bind(&application.id)
        .bind(now.0)
        .run(conn)
        .await?;
    conn.note(Change::Tenant(application.tenant_id.clone()));
    Ok(())
}

/// Deletes a secret; false if there is none.
pub async fn delete_secret(conn: &mut Conn, application: &Application, secret_id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM application_secrets WHERE application_id = $1 AND id = $2")
        .bind(&application.id)
        .bind(secret_id)
        .run(conn)
        .await?;
    conn.note(Change::Tenant(application.tenant_id.clone()));
    Ok(touched == 1)
}
