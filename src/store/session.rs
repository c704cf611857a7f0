//! Sessions of people at tenants.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::list::{Condition, Window};
use crate::model::session::{Session, Upstream};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    user_id: String,
    handle: String,
    idp_id: Option<String>,
    protocol_id: Option<String>,
    group_ids: String,
    issuer: Option<String>,
    subject: Option<String>,
    upstream_sid: Option<String>,
    upstream_id_token: Option<String>,
    auth_time: i64,
    amr: String,
    acr: Option<String>,
    remote: Option<String>,
    user_agent: Option<String>,
    created_at: i64,
    last_seen: i64,
    expires_at: i64,
    terminated_at: Option<i64>,
    terminated_reason: Option<String>,
}

impl TryFrom<Row> for Session {
    type Error = crate::error::Error;

    fn try_from(r: Row) -> Result<Self> {
        let upstream = match (r.idp_id, r.protocol_id, r.issuer, r.subject) {
            (Some(idp_id), Some(protocol_id), Some(issuer), Some(subject)) => Some(Upstream {
                idp_id,
                protocol_id,
                group_ids: super::json::parse("sessions", &r.id, &r.group_ids)?,
                issuer,
                subject,
                sid: r.upstream_sid,
                id_token: r.upstream_id_token,
            }),
            _ => None,
        };
        Ok(Self {
            upstream,
            amr: super::json::parse("sessions", &r.id, &r.amr)?,
            id: r.id,
            tenant_id: r.tenant_id,
            user_id: r.user_id,
            handle: r.handle,
            auth_time: Timestamp(r.auth_time),
            acr: r.acr,
            remote: r.remote,
            user_agent: r.user_agent,
            created_at: Timestamp(r.created_at),
            last_seen: Timestamp(r.last_seen),
            expires_at: Timestamp(r.expires_at),
            terminated_at: r.terminated_at.map(Timestamp),
            terminated_reason: r.terminated_reason,
        })
    }
}

const COLUMNS: &str = "SELECT id, tenant_id, user_id, handle, idp_id, protocol_id, group_ids, issuer, subject, upstream_sid, \
     upstream_id_token, auth_time, amr, acr, remote, user_agent, created_at, last_seen, expires_at, terminated_at, \
     terminated_reason FROM sessions WHERE TRUE";

/// Binds what a proof says of a session, in the order of its columns from `handle` to `expires_at`.
fn proof(sql: Sql, it: &Session) -> Result<Sql> {
    let upstream = it.upstream.as_ref();
    let none: Vec<String> = Vec::new();
    Ok(sql
        .bind(&it.handle)
        .bind(upstream.map(|u| u.idp_id.as_str()))
        .bind(upstream.map(|u| u.protocol_id.as_str()))
        .bind(super::json::written(upstream.map_or(&none, |u| &u.group_ids))?)
        .bind(upstream.map(|u| u.issuer.as_str()))
        .bind(upstream.map(|u| u.subject.as_str()))
        .bind(upstream.and_then(|u| u.sid.as_deref()))
        .bind(upstream.and_then(|u| u.id_token.as_deref()))
        .bind(it.auth_time.0)
        .bind(super::json::written(&it.amr)?)
        .bind(&it.acr)
        .bind(&it.remote)
        .bind(&it.user_agent)
        .bind(it.last_seen.0)
        .bind(it.expires_at.0))
}

/// Adds a session.
pub async fn insert(conn: &mut Conn, it: &Session) -> Result<()> {
    let sql = Sql::new(
        "INSERT INTO sessions (id, tenant_id, user_id, created_at, handle, idp_id, protocol_id, group_ids, issuer, subject, \
         upstream_sid, upstream_id_token, auth_time, amr, acr, remote, user_agent, last_seen, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
    );
    let sql = sql.bind(&it.id).bind(&it.tenant_id).bind(&it.user_id).bind(it.created_at.0);
    proof(sql, it)?.run(conn).await?;
    Ok(())
}

/// Writes what a new proof of the same person changes of a session.
pub async fn renew(conn: &mut Conn, it: &Session) -> Result<()> {
    let sql = Sql::new(
        "UPDATE sessions SET handle = $1, idp_id = $2, protocol_id = $3, group_ids = $4, issuer = $5, subject = $6, \
         upstream_sid = $7, upstream_id_token = $8, auth_time = $9, amr = $10, acr = $11, remote = $12, user_agent = $13, \
         last_seen = $14, expires_at = $15 WHERE id = $16",
    );
    proof(sql, it)?.bind(&it.id).run(conn).await?;
    Ok(())
}

/// The session of that id at a tenant, ended or not.
pub async fn get(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<Option<Session>> {
    let row: Option<Row> =
        Sql::new(COLUMNS).push_bind(" AND id = ", id).push_bind(" AND tenant_id = ", tenant_id).first(conn).await?;
    row.map(Session::try_from).transpose()
}

/// The session with this cookie (its digest) at a tenant, ended or not.
pub async fn get_by_handle(conn: &mut Conn, tenant_id: &str, handle: &str) -> Result<Option<Session>> {
    let row: Option<Row> = Sql::new(COLUMNS)
        .push_bind(" AND handle = ", handle)
        .push_bind(" AND tenant_id = ", tenant_id)
        .first(conn)
        .await?;
    row.map(Session::try_from).transpose()
}

/// Part of a tenant's sessions that have not ended, newest first. Conditions may be on `user_id` and `idp_id`.
pub async fn list_live(
    conn: &mut Conn,
    tenant_id: &str,
    conditions: &[Condition],
    now: Timestamp,
    window: Window,
) -> Result<Vec<Session>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" AND tenant_id = ", tenant_id)
        .push_bind(" AND terminated_at IS NULL AND expires_at > ", now.0)
        .filter(conditions)
        .push_bind(" ORDER BY created_at DESC, id LIMIT ", window.limit)
        .push_bind(" OFFSET ", window.offset)
        .all(conn)
        .await?;
    rows.into_iter().map(Session::try_from).collect()
}

/// Part of a tenant's sessions that have not been ended and were begun until `begun`, oldest first; also those that have run
/// out by themselves.
pub async fn list_begun_before(
    conn: &mut Conn,
    tenant_id: &str,
    conditions: &[Condition],
    begun: Timestamp,
    window: Window,
) -> Result<Vec<Session>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" AND tenant_id = ", tenant_id)
        .push_bind(" AND terminated_at IS NULL AND created_at <= ", begun.0)
        .filter(conditions)
        .push_bind(" ORDER BY created_at, id LIMIT ", window.limit)
        .push_bind(" OFFSET ", window.offset)
        .all(conn)
        .await?;
    rows.into_iter().map(Session::try_from).collect()
}

/// How many of the living there are.
pub async fn count_live(conn: &mut Conn, tenant_id: &str, conditions: &[Condition], now: Timestamp) -> Result<i64> {
    #[derive(sqlx::FromRow)]
    struct Count {
        n: i64,
    }
    let row: Option<Count> = Sql::new("SELECT COUNT(*) AS n FROM sessions WHERE terminated_at IS NULL")
        .push_bind(" AND tenant_id = ", tenant_id)
        .push_bind(" AND expires_at > ", now.0)
        .filter(conditions)
        .first(conn)
        .await?;
    Ok(row.map_or(0, |r| r.n))
}

/// Part of the sessions, not ended, that an identity provider means, at all tenants: those of its session `sid`, or all of a
/// subject; in order of their ids, after the id `after`.
pub async fn list_of_upstream(
    conn: &mut Conn,
    idp_id: &str,
    (sid, subject): (Option<&str>, Option<&str>),
    now: Timestamp,
    (after, most): (&str, i64),
) -> Result<Vec<Session>> {
    let mut sql = Sql::new(COLUMNS)
        .push_bind(" AND idp_id = ", idp_id)
        .push_bind(" AND terminated_at IS NULL AND expires_at > ", now.0)
        .push_bind(" AND id > ", after);
    if let Some(sid) = sid {
        sql = sql.push_bind(" AND upstream_sid = ", sid);
    }
    if let Some(subject) = subject {
        sql = sql.push_bind(" AND subject = ", subject);
    }
    let rows: Vec<Row> = sql.push_bind(" ORDER BY id LIMIT ", most).all(conn).await?;
    rows.into_iter().map(Session::try_from).collect()
}

/// Up to `most` of a user's sessions that have not ended, at all tenants; by one identity provider, if it is named.
pub async fn list_of_user(conn: &mut Conn, user_id: &str, idp_id: Option<&str>, most: i64) -> Result<Vec<Session>> {
    let mut sql = Sql::new(COLUMNS).push_bind(" AND user_id = ", user_id).push(" AND terminated_at IS NULL");
    if let Some(idp_id) = idp_id {
        sql = sql.push_bind(" AND idp_id = ", idp_id);
    }
    let rows: Vec<Row> = sql.push_bind(" ORDER BY created_at, id LIMIT ", most).all(conn).await?;
    rows.into_iter().map(Session::try_from).collect()
}

/// Up to `most` of the sealed ID tokens of sessions that are not over, after a session's id, in order: `(session's id, sealed)`.
pub async fn list_sealed(conn: &mut Conn, now: Timestamp, after: &str, most: i64) -> Result<Vec<(String, String)>> {
    #[derive(sqlx::FromRow)]
    struct Sealed {
        id: String,
        upstream_id_token: String,
    }
    let rows: Vec<Sealed> = Sql::new(
        "SELECT id, upstream_id_token FROM sessions WHERE upstream_id_token IS NOT NULL AND terminated_at IS NULL \
         AND expires_at > $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(now.0)
    .bind(after)
    .bind(most)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.id, r.upstream_id_token)).collect())
}

/// Puts another sealing of the same ID token in the place of `old`; nothing happens if it is another since.
pub async fn reseal(conn: &mut Conn, id: &str, old: &str, new: &str) -> Result<()> {
    Sql::new("UPDATE sessions SET upstream_id_token = $1 WHERE id = $2 AND upstream_id_token = $3")
        .bind(new)
        .bind(id)
        .bind(old)
        .run(conn)
        .await?;
    Ok(())
}

/// Notes that a session was used.
pub async fn touch(conn: &mut Conn, id: &str, now: Timestamp) -> Result<()> {
    Sql::new("UPDATE sessions SET last_seen = $1 WHERE id = $2 AND last_seen < $3")
        .bind(now.0)
        .bind(id)
        .bind(now.0)
        .run(conn)
        .await?;
    Ok(())
}

/// Ends a session; false if it has ended already.
pub async fn terminate(conn: &mut Conn, id: &str, reason: &str, now: Timestamp) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE sessions SET terminated_at = $1, terminated_reason = $2 WHERE id = $3 AND terminated_at IS NULL",
    )
    .bind(now.0)
    .bind(reason)
    .bind(id)
    .run(conn)
    .await?;
    Ok(touched == 1)
}

/// Ends all sessions that came through an identity provider, or by one of its protocols; how many those were.
pub async fn terminate_of_provider(
    conn: &mut Conn,
    idp_id: &str,
    protocol_id: Option<&str>,
    reason: &str,
    now: Timestamp,
) -> Result<u64> {
    let mut sql =
        Sql::new("UPDATE sessions SET terminated_at = $1, terminated_reason = $2 WHERE terminated_at IS NULL")
            .bind(now.0)
            .bind(reason)
            .push_bind(" AND idp_id = ", idp_id);
    if let Some(protocol_id) = protocol_id {
        sql = sql.push_bind(" AND protocol_id = ", protocol_id);
    }
    sql.run(conn).await
}

/// Drops up to a thousand that ended before `before`.
pub async fn prune(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT 1000)")
        .bind(before.0)
        .run(conn)
        .await
}
