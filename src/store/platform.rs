//! Platforms that configurations are pushed to.

use super::sql::Sql;
use super::{Conn, json};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::list::Window;
use crate::model::platform::{CredentialKind, Platform, Status};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    product_type: String,
    host: String,
    port: i64,
    account: Option<String>,
    account_name: Option<String>,
    credential: Option<String>,
    options: String,
    status: String,
    last_error: Option<String>,
    checked_at: Option<i64>,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Platform {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        let odd = |what: &str| Error::internal(format!("platforms row {}: bad {what}", r.id));
        let kind = |text: &String| CredentialKind::parse(text).ok_or_else(|| odd("credential"));
        Ok(Self {
            port: u16::try_from(r.port).map_err(|_| odd("port"))?,
            credential: r.credential.as_ref().map(kind).transpose()?,
            status: Status::parse(&r.status).ok_or_else(|| odd("status"))?,
            options: json::parse("platforms", &r.id, &r.options)?,
            id: r.id,
            name: r.name,
            product_type: r.product_type,
            host: r.host,
            account: r.account,
            account_name: r.account_name,
            last_error: r.last_error,
            checked_at: r.checked_at.map(Timestamp),
            version: r.version,
            created_at: Timestamp(r.created_at),
            updated_at: Timestamp(r.updated_at),
        })
    }
}

const COLUMNS: &str = "SELECT id, name, product_type, host, port, account, account_name, credential, options, status, last_error, \
     checked_at, version, created_at, updated_at FROM platforms WHERE TRUE";

/// Adds a platform that is to be checked at `next_check_at`. A taken name is a conflict.
pub async fn insert(conn: &mut Conn, it: &Platform, next_check_at: Option<Timestamp>) -> Result<()> {
    Sql::new(
        "INSERT INTO platforms (id, name, product_type, host, port, account, account_name, credential, options, status, \
         last_error, checked_at, next_check_at, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&it.id)
    .bind(&it.name)
    .bind(&it.product_type)
    .bind(&it.host)
    .bind(i64::from(it.port))
    .bind(&it.account)
    .bind(&it.account_name)
    .bind(it.credential.map(CredentialKind::as_str))
    .bind(json::written(&it.options)?)
    .bind(it.status.as_str())
    .bind(&it.last_error)
    .bind(it.checked_at.map(|at| at.0))
    .bind(next_check_at.map(|at| at.0))
    .bind(it.version)
    .bind(it.created_at.0)
    .bind(it.updated_at.0)
    .run(conn)
    .await
    .map(drop)
}

/// Writes a platform over the stored one of the version before.
pub async fn update(conn: &mut Conn, it: &Platform, next_check_at: Option<Timestamp>) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE platforms SET name = $1, product_type = $2, host = $3, port = $4, account = $5, account_name = $6, \
         credential = $7, options = $8, status = $9, last_error = $10, checked_at = $11, next_check_at = $12, version = $13, \
         updated_at = $14 WHERE id = $15 AND version = $16",
    )
    .bind(&it.name)
    .bind(&it.product_type)
    .bind(&it.host)
    .bind(i64::from(it.port))
    .bind(&it.account)
    .bind(&it.account_name)
    .bind(it.credential.map(CredentialKind::as_str))
    .bind(json::written(&it.options)?)
    .bind(it.status.as_str())
    .bind(&it.last_error)
    .bind(it.checked_at.map(|at| at.0))
    .bind(next_check_at.map(|at| at.0))
    .bind(it.version)
    .bind(it.updated_at.0)
    .bind(&it.id)
    .bind(it.version - 1)
    .run(conn)
    .await?;
    Ok(touched == 1)
}

/// Writes how a check went, if what was checked is still what is stored.
pub async fn update_check(
    conn: &mut Conn,
    it: &Platform,
    (status, error): (Status, Option<&str>),
    now: Timestamp,
    next_check_at: Timestamp,
) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE platforms SET status = $1, last_error = $2, checked_at = $3, next_check_at = $4 WHERE id = $5 AND version = $6",
    )
    .bind(status.as_str())
    .bind(error.map(str::to_owned))
    .bind(now.0)
    .bind(next_check_at.0)
    .bind(&it.id)
    .bind(it.version)
    .run(conn)
    .await?;
    Ok(touched == 1)
}

/// One platform.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Platform>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Platform::try_from).transpose()
}

/// The id of the platform of that name.
pub async fn owner_of_name(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    let row: Option<Id> = Sql::new("SELECT id FROM platforms WHERE name = $1").bind(name).first(conn).await?;
    Ok(row.map(|r| r.id))
}

/// Those of the ids that there are.
pub async fn get_all(conn: &mut Conn, ids: &[&str]) -> Result<Vec<Platform>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = Sql::new(COLUMNS).push_in(" AND id IN ", ids.iter().copied()).all(conn).await?;
    rows.into_iter().map(Platform::try_from).collect()
}

/// A page of platforms in order of their making.
pub async fn list(conn: &mut Conn, window: Window) -> Result<Vec<Platform>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push(" ORDER BY created_at, id")
        .push_bind(" LIMIT ", window.limit)
        .push_bind(" OFFSET ", window.offset)
        .all(conn)
        .await?;
    rows.into_iter().map(Platform::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

/// How many there are.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    let count: Option<Count> = Sql::new("SELECT COUNT(*) AS n FROM platforms").first(conn).await?;
    Ok(count.map_or(0, |c| c.n))
}

/// Keeps the row for this transaction; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE platforms SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Deletes a platform; false if there is none. It must have no federations.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("DELETE FROM platforms WHERE id = $1").bind(id).run(conn).await? == 1)
}

#[derive(sqlx::FromRow)]
struct Id {
    id: String,
}

/// Takes up to `most` platforms whose check is due and says when the next is: their ids.
pub async fn take_due(conn: &mut Conn, now: Timestamp, next: Timestamp, most: i64) -> Result<Vec<String>> {
    let rows: Vec<Id> = Sql::new(
        "UPDATE platforms SET next_check_at = $1 WHERE id IN (SELECT id FROM platforms WHERE next_check_at <= $2 \
         ORDER BY next_check_at LIMIT $3) AND next_check_at <= $4 RETURNING id",
    )
    .bind(next.0)
    .bind(now.0)
    .bind(most)
    .bind(now.0)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Whether a check is due.
pub async fn is_due(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let row: Option<Id> =
        Sql::new("SELECT id FROM platforms WHERE next_check_at <= $1 LIMIT 1").bind(now.0).first(conn).await?;
    Ok(row.is_some())
}
