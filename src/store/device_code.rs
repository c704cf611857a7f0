//! Devices that wait for somebody to let them in. Codes lie here as digests.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::device_code::{DeviceCode, State};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    client_id: String,
    user_code: String,
    scopes: String,
    audience: String,
    state: String,
    authorization_id: Option<String>,
    interval_secs: i64,
    polled_at: Option<i64>,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for DeviceCode {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        Ok(Self {
            scopes: super::json::parse("device_codes", &r.id, &r.scopes)?,
            audience: super::json::parse("device_codes", &r.id, &r.audience)?,
            state: State::parse(&r.state)
                .ok_or_else(|| Error::internal(format!("device_codes row {}: bad state", r.id)))?,
            id: r.id,
            tenant_id: r.tenant_id,
            client_id: r.client_id,
            user_code: r.user_code,
            authorization_id: r.authorization_id,
            interval_secs: r.interval_secs,
            polled_at: r.polled_at.map(Timestamp),
            created_at: Timestamp(r.created_at),
            expires_at: Timestamp(r.expires_at),
        })
    }
}

const COLUMNS: &str = "SELECT id, tenant_id, client_id, user_code, scopes, audience, state, authorization_id, interval_secs, \
     polled_at, created_at, expires_at FROM device_codes WHERE TRUE";

/// Adds a device. A user code that another one of the tenant has is a conflict.
pub async fn insert(conn: &mut Conn, it: &DeviceCode) -> Result<()> {
    Sql::new(
        "INSERT INTO device_codes (id, tenant_id, client_id, user_code, scopes, audience, state, interval_secs, created_at, \
         expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&it.id)
    .bind(&it.tenant_id)
    .bind(&it.client_id)
    .bind(&it.user_code)
    .bind(super::json::written(&it.scopes)?)
    .bind(super::json::written(&it.audience)?)
    .bind(it.state.as_str())
    .bind(it.interval_secs)
    .bind(it.created_at.0)
    .bind(it.expires_at.0)
    .run(conn)
    .await?;
    Ok(())
}

/// The device of that id at a tenant.
pub async fn get(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<Option<DeviceCode>> {
    let row: Option<Row> =
        Sql::new(COLUMNS).push_bind(" AND id = ", id).push_bind(" AND tenant_id = ", tenant_id).first(conn).await?;
    row.map(DeviceCode::try_from).transpose()
}

/// The device for which somebody types this (its digest) at a tenant.
pub async fn get_by_user_code(conn: &mut Conn, tenant_id: &str, user_code: &str) -> Result<Option<DeviceCode>> {
    let row: Option<Row> = Sql::new(COLUMNS)
        .push_bind(" AND user_code = ", user_code)
        .push_bind(" AND tenant_id = ", tenant_id)
        .first(conn)
        .await?;
    row.map(DeviceCode::try_from).transpose()
}

/// Notes that a device has asked, and how long it is to wait before it asks again.
pub async fn polled(conn: &mut Conn, id: &str, interval_secs: i64, now: Timestamp) -> Result<()> {
    Sql::new("UPDATE device_codes SET polled_at = $1, interval_secs = $2 WHERE id = $3")
        .bind(now.0)
        .bind(interval_secs)
        .bind(id)
        .run(conn)
        .await?;
    Ok(())
}

/// Moves a device from one state to the next; false if it is not in that one (any more).
pub async fn advance(
    conn: &mut Conn,
    id: &str,
    (from, to): (State, State),
    authorization_id: Option<&str>,
) -> Result<bool> {
    let mut sql = Sql::new("UPDATE device_codes SET state = ").push_bind("", to.as_str());
    if let Some(authorization_id) = authorization_id {
        sql = sql.push_bind(", authorization_id = ", authorization_id);
    }
    let sql = sql.push_bind(" WHERE id = ", id).push_bind(" AND state = ", from.as_str());
    Ok(sql.run(conn).await? == 1)
}

/// Drops up to a thousand that have ended before `before`.
pub async fn prune(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM device_codes WHERE id IN (SELECT id FROM device_codes WHERE expires_at < $1 LIMIT 1000)")
        .bind(before.0)
        .run(conn)
        .await
}
