//! Tenants and the slugs that lead to them.

use std::collections::BTreeMap;

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::change::Change;
use crate::model::list::{Condition, Window};
use crate::model::tenant::Tenant;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    slug: String,
    issuer_slug: String,
    active: bool,
    settings: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
    name: String,
    domain_enabled: bool,
}

impl TryFrom<Row> for Tenant {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        Ok(Self {
            settings: super::json::parse("tenants", &r.id, &r.settings)?,
            id: r.id,
            slug: r.slug,
            issuer_slug: r.issuer_slug,
            name: r.name,
            active: r.active,
            domain_enabled: r.domain_enabled,
            version: r.version,
            created_at: Timestamp(r.created_at),
            updated_at: Timestamp(r.updated_at),
        })
    }
}

const COLUMNS: &str = "SELECT t.id, t.slug, t.issuer_slug, t.active, t.settings, t.version, t.created_at, t.updated_at, d.name, \
     d.enabled AS domain_enabled FROM tenants t JOIN projects d ON d.id = t.id WHERE TRUE";

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

/// Adds a tenant with its slug. A domain that is a tenant already and a slug that is taken are conflicts.
pub async fn insert(conn: &mut Conn, tenant: &Tenant) -> Result<()> {
    Sql::new(
        "INSERT INTO tenants (id, slug, issuer_slug, active, settings, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&tenant.id)
    .bind(&tenant.slug)
    .bind(&tenant.issuer_slug)
    .bind(tenant.active)
    .bind(super::json::written(&tenant.settings)?)
    .bind(tenant.version)
    .bind(tenant.created_at.0)
    .bind(tenant.updated_at.0)
    .run(conn)
    .await?;
    add_slug(conn, &tenant.id, &tenant.slug).await
}

/// Has a slug lead to a tenant. One that leads to another is a conflict.
pub async fn add_slug(conn: &mut Conn, tenant_id: &str, slug: &str) -> Result<()> {
    Sql::new("INSERT INTO tenant_slugs (slug, tenant_id) VALUES ($1, $2)").bind(slug).bind(tenant_id).run(conn).await?;
    conn.note(Change::Tenant(tenant_id.to_owned()));
    Ok(())
}

/// The slugs that lead to each of these tenants, in order.
pub async fn slugs_of(conn: &mut Conn, tenant_ids: &[&str]) -> Result<BTreeMap<String, Vec<String>>> {
    #[derive(sqlx::FromRow)]
    struct Slug {
        tenant_id: String,
        slug: String,
    }
    let mut slugs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if tenant_ids.is_empty() {
        return Ok(slugs);
    }
    let sql = Sql::new("SELECT tenant_id, slug FROM tenant_slugs WHERE")
        .push_in(" tenant_id IN ", tenant_ids.iter().copied());
    let rows: Vec<Slug> = sql.push(" ORDER BY slug").all(conn).await?;
    for row in rows {
        slugs.entry(row.tenant_id).or_default().push(row.slug);
    }
    Ok(slugs)
}

/// The tenant of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Tenant>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND t.id = ", id).first(conn).await?;
    row.map(Tenant::try_from).transpose()
}

/// The tenant that a slug leads to.
pub async fn get_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Tenant>> {
    let row: Option<Row> = Sql::new(COLUMNS)
        .push_bind(" AND t.id = (SELECT s.tenant_id FROM tenant_slugs s WHERE s.slug = ", slug)
        .push(")")
        .first(conn)
        .await?;
    row.map(Tenant::try_from).transpose()
}

/// Part of the tenants, in order of their making.
pub async fn list(conn: &mut Conn, conditions: &[Condition], window: Window) -> Result<Vec<Tenant>> {
    let sql = Sql::new(COLUMNS).filter(conditions).push(" ORDER BY t.created_at, t.id");
    let rows: Vec<Row> = sql.push_bind(" LIMIT ", window.limit).push_bind(" OFFSET ", window.offset).all(conn).await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// How many tenants there are.
pub async fn count(conn: &mut Conn, conditions: &[Condition]) -> Result<i64> {
    let sql = Sql::new("SELECT COUNT(*) AS n FROM tenants t JOIN projects d ON d.id = t.id WHERE TRUE");
    let row: Option<Count> = sql.filter(conditions).first(conn).await?;
    Ok(row.map_or(0, |r| r.n))
}

/// Writes a tenant over the version before; false if that is not stored any more.
pub async fn update(conn: &mut Conn, tenant: &Tenant) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE tenants SET slug = $1, issuer_slug = $2, active = $3, settings = $4, version = $5, updated_at = $6 \
         WHERE id = $7 AND version = $8",
    )
    .bind(&tenant.slug)
    .bind(&tenant.issuer_slug)
    .bind(tenant.active)
    .bind(super::json::written(&tenant.settings)?)
    .bind(tenant.version)
    .bind(tenant.updated_at.0)
    .bind(&tenant.id)
    .bind(tenant.version - 1)
    .run(conn)
    .await?;
    conn.note(Change::Tenant(tenant.id.clone()));
    Ok(touched == 1)
}

/// Drops the private halves of a tenant's keys; the public ones go with the tenant.
pub async fn drop_keys(conn: &mut Conn, tenant_id: &str) -> Result<()> {
    Sql::new(
        "DELETE FROM sealed_secrets WHERE id IN (SELECT 'signing_key/' || k.id FROM signing_keys k WHERE k.tenant_id = $1 \
         UNION ALL SELECT 'saml_key/' || s.id FROM saml_keys s WHERE s.tenant_id = $2)",
    )
    .bind(tenant_id)
    .bind(tenant_id)
    .run(conn)
    .await?;
    Ok(())
}

/// Deletes a tenant with all that it issued; its domain and the people in it stay. False if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM tenants WHERE id = $1").bind(id).run(conn).await?;
    conn.note(Change::Tenant(id.to_owned()));
    Ok(touched == 1)
}
