//! Which identity providers a tenant offers, and what it says of them.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::change::Change;
use crate::model::list::{Portion, Window};
use crate::model::tenant_idp::{Known, Offered, Settings};

#[derive(sqlx::FromRow)]
struct Row {
    idp_id: String,
    protocol_id: String,
    kind: String,
    name: Option<String>,
    own: bool,
    settings: Option<String>,
}

impl TryFrom<Row> for Offered {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        let odd = || Error::internal(format!("connections row {} {}: bad kind", r.idp_id, r.protocol_id));
        let kind = ["oidc", "saml", "ldap"].into_iter().find(|k| *k == r.kind).ok_or_else(odd)?;
        let settings = match &r.settings {
            Some(text) => super::json::parse("tenant_identity_providers", &r.idp_id, text)?,
            None => Settings::default(),
        };
        Ok(Self {
            name: r.name.filter(|n| !n.is_empty()).unwrap_or_else(|| r.idp_id.clone()),
            idp_id: r.idp_id,
            protocol_id: r.protocol_id,
            kind,
            own: r.own,
            settings,
        })
    }
}

/// The enabled identity providers of a tenant's own domain, and the global configurations that are not kept for other tenants;
/// each by the first of its protocols that has a connection.
pub async fn offered(conn: &mut Conn, tenant_id: &str) -> Result<Vec<Offered>> {
    let rows: Vec<Row> = Sql::new(
        "SELECT i.id AS idp_id, c.protocol_id, c.kind, COALESCE(s.display_name, i.description) AS name, \
         i.domain_id = $1 AS own, x.settings \
         FROM identity_providers i \
         JOIN connections c ON c.idp_id = i.id AND c.protocol_id = (SELECT MIN(o.protocol_id) FROM connections o \
            JOIN protocols p ON p.idp_id = o.idp_id AND p.id = o.protocol_id WHERE o.idp_id = i.id) \
         LEFT JOIN sso_configurations s ON s.id = i.id \
         LEFT JOIN tenant_identity_providers x ON x.idp_id = i.id AND x.tenant_id = $2 \
         WHERE i.enabled AND (i.domain_id = $3 OR (s.source IN ('manual', 'import') AND s.resume_enabled IS NULL \
            AND (NOT i.restricted OR EXISTS (SELECT 1 FROM offered_identity_providers f WHERE f.idp_id = i.id AND f.tenant_id = $4)))) \
         ORDER BY i.id",
    )
    .bind(tenant_id)
    .bind(tenant_id)
    .bind(tenant_id)
    .bind(tenant_id)
    .all(conn)
    .await?;
    rows.into_iter().map(Offered::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct KnownRow {
    idp_id: String,
    domain_id: String,
    protocol_id: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    available: bool,
    settings: Option<String>,
}

impl KnownRow {
    fn known(self, tenant_id: &str) -> Result<Known> {
        Ok(Known {
            settings: match &self.settings {
                Some(text) => super::json::parse("tenant_identity_providers", &self.idp_id, text)?,
                None => Settings::default(),
            },
            name: self.name.filter(|n| !n.is_empty()).unwrap_or_else(|| self.idp_id.clone()),
            own: self.domain_id == tenant_id,
            idp_id: self.idp_id,
            protocol_id: self.protocol_id,
            kind: self.kind,
            available: self.available,
        })
    }
}

const KNOWN: &str = "SELECT i.id AS idp_id, i.domain_id, c.protocol_id, c.kind, COALESCE(s.display_name, i.description) AS name, \
     i.enabled AS available, x.settings";

/// `columns` of those that a tenant could offer: all of its own domain, and the global configurations that are not kept for
/// others.
fn of_tenant(columns: &'static str, tenant_id: &str) -> Sql {
    Sql::new(columns)
        .push(
            " FROM identity_providers i \
             LEFT JOIN connections c ON c.idp_id = i.id AND c.protocol_id = (SELECT MIN(o.protocol_id) FROM connections o \
                JOIN protocols p ON p.idp_id = o.idp_id AND p.id = o.protocol_id WHERE o.idp_id = i.id) \
             LEFT JOIN sso_configurations s ON s.id = i.id \
             LEFT JOIN tenant_identity_providers x ON x.idp_id = i.id",
        )
        .push_bind(" AND x.tenant_id = ", tenant_id)
        .push_bind(" WHERE (i.domain_id = ", tenant_id)
        .push(
            " OR (s.source IN ('manual', 'import') AND s.resume_enabled IS NULL \
             AND (NOT i.restricted OR EXISTS (SELECT 1 FROM offered_identity_providers f WHERE f.idp_id = i.id",
        )
        .push_bind(" AND f.tenant_id = ", tenant_id)
        .push("))))")
}

/// Part of the identity providers that a tenant could offer, in order of their ids.
pub async fn list(conn: &mut Conn, tenant_id: &str, window: Window) -> Result<Portion<Known>> {
    #[derive(sqlx::FromRow)]
    struct Count {
        n: i64,
    }
    let count: Option<Count> = of_tenant("SELECT COUNT(*) AS n", tenant_id).first(conn).await?;
    let rows: Vec<KnownRow> = of_tenant(KNOWN, tenant_id)
        .push_bind(" ORDER BY i.id LIMIT ", window.limit)
        .push_bind(" OFFSET ", window.offset)
        .all(conn)
        .await?;
    let items = rows.into_iter().map(|row| row.known(tenant_id)).collect::<Result<_>>()?;
    Ok(Portion { items, total: count.map_or(0, |c| c.n) })
}

/// One of the identity providers that a tenant could offer.
pub async fn find(conn: &mut Conn, tenant_id: &str, idp_id: &str) -> Result<Option<Known>> {
    let row: Option<KnownRow> = of_tenant(KNOWN, tenant_id).push_bind(" AND i.id = ", idp_id).first(conn).await?;
    row.map(|row| row.known(tenant_id)).transpose()
}

/// What a tenant says of an identity provider, if it says something.
pub async fn get(conn: &mut Conn, tenant_id: &str, idp_id: &str) -> Result<Option<Settings>> {
    #[derive(sqlx::FromRow)]
    struct Text {
        settings: String,
    }
    let row: Option<Text> =
        Sql::new("SELECT settings FROM tenant_identity_providers WHERE tenant_id = $1 AND idp_id = $2")
            .bind(tenant_id)
            .bind(idp_id)
            .first(conn)
            .await?;
    row.map(|r| super::json::parse("tenant_identity_providers", idp_id, &r.settings)).transpose()
}

/// Writes what a tenant says of an identity provider.
pub async fn put(conn: &mut Conn, tenant_id: &str, idp_id: &str, settings: &Settings, now: Timestamp) -> Result<()> {
    Sql::new(
        "INSERT INTO tenant_identity_providers (tenant_id, idp_id, settings, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant_id, idp_id) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at",
    )
    .bind(tenant_id)
    .bind(idp_id)
    .bind(super::json::written(settings)?)
    .bind(now.0)
    .run(conn)
    .await?;
    conn.note(Change::Tenant(tenant_id.to_owned()));
    Ok(())
}

/// Forgets what a tenant says of an identity provider.
pub async fn delete(conn: &mut Conn, tenant_id: &str, idp_id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM tenant_identity_providers WHERE tenant_id = $1 AND idp_id = $2")
        .bind(tenant_id)
        .bind(idp_id)
        .run(conn)
        .await?;
    conn.note(Change::Tenant(tenant_id.to_owned()));
    Ok(touched == 1)
}

/// The tenants that a global identity provider is kept for; none: it is offered to all.
pub async fn kept_for(conn: &mut Conn, idp_id: &str) -> Result<Vec<String>> {
    #[derive(sqlx::FromRow)]
    struct Id {
        tenant_id: String,
    }
    let rows: Vec<Id> =
        Sql::new("SELECT tenant_id FROM offered_identity_providers WHERE idp_id = $1 ORDER BY tenant_id")
            .bind(idp_id)
            .all(conn)
            .await?;
    Ok(rows.into_iter().map(|r| r.tenant_id).collect())
}

/// Keeps a global identity provider for these tenants; none: it is offered to all.
pub async fn keep_for(conn: &mut Conn, idp_id: &str, tenant_ids: &[String]) -> Result<()> {
    Sql::new("DELETE FROM offered_identity_providers WHERE idp_id = $1").bind(idp_id).run(conn).await?;
    Sql::new("UPDATE identity_providers SET restricted = $1 WHERE id = $2")
        .bind(!tenant_ids.is_empty())
        .bind(idp_id)
        .run(conn)
        .await?;
    for tenant_id in tenant_ids {
        Sql::new("INSERT INTO offered_identity_providers (idp_id, tenant_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(idp_id)
            .bind(tenant_id)
            .run(conn)
            .await?;
    }
    conn.note(Change::IdentityProvider(idp_id.to_owned()));
    Ok(())
}
