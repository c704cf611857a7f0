//! Identity providers and their remote ids.

use std::collections::BTreeSet;

use super::Conn;
use super::sql::Sql;
use crate::error::{Error, Result};
use crate::model::change::Change;
use crate::model::identity_provider::{IdentityProvider, SsoType};
use crate::model::list::Query;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    domain_id: String,
    auto_domain: bool,
    owned: bool,
    enabled: bool,
    description: Option<String>,
    authorization_ttl: Option<i64>,
    sso_type: String,
}

#[derive(sqlx::FromRow)]
struct RemoteRow {
    remote_id: String,
    idp_id: String,
}

impl TryFrom<Row> for IdentityProvider {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let sso_type = SsoType::parse(&row.sso_type).ok_or_else(|| {
            Error::internal(format!("identity_providers row {}: unknown sso_type '{}'", row.id, row.sso_type))
        })?;
        Ok(Self {
            id: row.id,
            domain_id: row.domain_id,
            auto_domain: row.auto_domain,
            owned: row.owned,
            enabled: row.enabled,
            description: row.description,
            authorization_ttl: row.authorization_ttl,
            sso_type,
            remote_ids: BTreeSet::new(),
        })
    }
}

const COLUMNS: &str = "SELECT id, domain_id, auto_domain, owned, enabled, description, authorization_ttl, sso_type FROM identity_providers WHERE TRUE";

/// Adds an identity provider with its remote ids. A taken id or remote id is a conflict.
pub async fn insert(conn: &mut Conn, idp: &IdentityProvider) -> Result<()> {
    Sql::new(
        "INSERT INTO identity_providers (id, domain_id, auto_domain, owned, enabled, description, authorization_ttl, sso_type) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&idp.id)
    .bind(&idp.domain_id)
    .bind(idp.auto_domain)
    .bind(idp.owned)
    .bind(idp.enabled)
    .bind(&idp.description)
    .bind(idp.authorization_ttl)
    .bind(idp.sso_type.as_str())
    .run(conn)
    .await?;
    insert_remote_ids(conn, idp).await
}

async fn insert_remote_ids(conn: &mut Conn, idp: &IdentityProvider) -> Result<()> {
    for remote_id in &idp.remote_ids {
        Sql::new("INSERT INTO identity_provider_remote_ids (remote_id, idp_id) VALUES ($1, $2)")
            .bind(remote_id)
            .bind(&idp.id)
            .run(conn)
            .await?;
    }
    Ok(())
}

/// The identity provider of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<IdentityProvider>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    let Some(row) = row else { return Ok(None) };
    let mut idp = IdentityProvider::try_from(row)?;
    let remote: Vec<RemoteRow> =
        Sql::new("SELECT remote_id, idp_id FROM identity_provider_remote_ids WHERE idp_id = $1")
            .bind(id)
            .all(conn)
            .await?;
    idp.remote_ids = remote.into_iter().map(|r| r.remote_id).collect();
    Ok(Some(idp))
}

/// The identity provider that has this remote id, if any: its id.
pub async fn owner_of_remote_id(conn: &mut Conn, remote_id: &str) -> Result<Option<String>> {
    let row: Option<RemoteRow> =
        Sql::new("SELECT remote_id, idp_id FROM identity_provider_remote_ids WHERE remote_id = $1")
            .bind(remote_id)
            .first(conn)
            .await?;
    Ok(row.map(|r| r.idp_id))
}

/// One page of identity providers, with one more row than asked for if there is a next page.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<IdentityProvider>> {
    let rows: Vec<Row> = Sql::new(COLUMNS).filter(&query.conditions).page(query, "id").all(conn).await?;
    let mut idps = rows.into_iter().map(IdentityProvider::try_from).collect::<Result<Vec<_>>>()?;
    let (Some(first), Some(last)) = (idps.first().map(|i| i.id.clone()), idps.last().map(|i| i.id.clone())) else {
        return Ok(idps);
    };
    // Two statements for a page of any size, rather than one for each item.
    let remote: Vec<RemoteRow> =
        Sql::new("SELECT remote_id, idp_id FROM identity_provider_remote_ids WHERE idp_id >= $1 AND idp_id <= $2 ORDER BY idp_id")
            .bind(first)
            .bind(last)
            .all(conn)
            .await?;
    let mut by_idp = std::collections::HashMap::<String, BTreeSet<String>>::new();
    for r in remote {
        by_idp.entry(r.idp_id).or_default().insert(r.remote_id);
    }
    for idp in &mut idps {
        idp.remote_ids = by_idp.remove(&idp.id).unwrap_or_default();
    }
    Ok(idps)
}

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

/// How many identity providers a domain has.
pub async fn count_in_domain(conn: &mut Conn, domain_id: &str) -> Result<i64> {
    let count: Option<Count> = Sql::new("SELECT COUNT(*) AS n FROM identity_providers WHERE domain_id = $1")
        .bind(domain_id)
        .first(conn)
        .await?;
    Ok(count.map_or(0, |c| c.n))
}

/// The ids of a domain's identity providers.
pub async fn list_ids_in_domain(conn: &mut Conn, domain_id: &str) -> Result<Vec<String>> {
    #[derive(sqlx::FromRow)]
    struct Id {
        id: String,
    }
    let rows: Vec<Id> =
        Sql::new("SELECT id FROM identity_providers WHERE domain_id = $1").bind(domain_id).all(conn).await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

#[derive(sqlx::FromRow)]
struct TypeRow {
    sso_type: String,
}

/// The kinds of identity provider that a domain has.
pub async fn sso_types_in_domain(conn: &mut Conn, domain_id: &str) -> Result<Vec<SsoType>> {
    let rows: Vec<TypeRow> = Sql::new("SELECT DISTINCT sso_type FROM identity_providers WHERE domain_id = $1")
        .bind(domain_id)
        .all(conn)
        .await?;
    Ok(rows.iter().filter_map(|r| SsoType::parse(&r.sso_type)).collect())
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE identity_providers SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes an identity provider over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, idp: &IdentityProvider) -> Result<bool> {
    let touched =
        Sql::new("UPDATE identity_providers SET enabled = $1, description = $2, authorization_ttl = $3 WHERE id = $4")
            .bind(idp.enabled)
            .bind(&idp.description)
            .bind(idp.authorization_ttl)
            .bind(&idp.id)
            .run(conn)
            .await?;
    Sql::new("DELETE FROM identity_provider_remote_ids WHERE idp_id = $1").bind(&idp.id).run(conn).await?;
    insert_remote_ids(conn, idp).await?;
    conn.note(Change::IdentityProvider(idp.id.clone()));
    Ok(touched == 1)
}

/// Deletes an identity provider with its remote ids; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM identity_providers WHERE id = $1").bind(id).run(conn).await?;
    conn.note(Change::IdentityProvider(id.to_owned()));
    conn.note(Change::SsoConfigurations);
    Ok(touched == 1)
}
