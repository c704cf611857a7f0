//! Audit events, newest first.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::audit_event::AuditEvent;
use crate::model::list::Query;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    at: i64,
    request_id: String,
    action: String,
    outcome: String,
    reason: Option<String>,
    user_id: Option<String>,
    user_name: Option<String>,
    scope_kind: Option<String>,
    scope_id: Option<String>,
    domain_id: Option<String>,
    target_kind: Option<String>,
    target_id: Option<String>,
    remote: Option<String>,
    detail: String,
}

/// Adds an event.
pub async fn insert(conn: &mut Conn, event: &AuditEvent) -> Result<()> {
    Sql::new(
        "INSERT INTO audit_events (id, at, request_id, action, outcome, reason, user_id, user_name, scope_kind, scope_id, domain_id, \
         target_kind, target_id, remote, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&event.id)
    .bind(event.at.0)
    .bind(&event.request_id)
    .bind(&event.action)
    .bind(&event.outcome)
    .bind(&event.reason)
    .bind(&event.user_id)
    .bind(&event.user_name)
    .bind(&event.scope_kind)
    .bind(&event.scope_id)
    .bind(&event.domain_id)
    .bind(&event.target_kind)
    .bind(&event.target_id)
    .bind(&event.remote)
    .bind(&event.detail)
    .run(conn)
    .await?;
    Ok(())
}

/// One page of events of a span of time, newest first, with one more row than asked for if there is a next page.
pub async fn list(
    conn: &mut Conn,
    query: &Query,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Vec<AuditEvent>> {
    let mut sql = Sql::new(
        "SELECT id, at, request_id, action, outcome, reason, user_id, user_name, scope_kind, scope_id, domain_id, target_kind, target_id, \
         remote, detail FROM audit_events WHERE TRUE",
    )
    .filter(&query.conditions);
    if let Some(since) = since {
        sql = sql.push_bind(" AND at >= ", since.0);
    }
    if let Some(until) = until {
        sql = sql.push_bind(" AND at < ", until.0);
    }
    if let Some(marker) = &query.marker {
        sql = sql.push_bind(" AND id < ", marker);
    }
    let rows: Vec<Row> = sql.push_bind(" ORDER BY id DESC LIMIT ", query.fetch()).all(conn).await?;
    Ok(rows
        .into_iter()
        .map(|r| AuditEvent {
            id: r.id,
            at: Timestamp(r.at),
            request_id: r.request_id,
            action: r.action,
            outcome: r.outcome,
            reason: r.reason,
            user_id: r.user_id,
            user_name: r.user_name,
            scope_kind: r.scope_kind,
            scope_id: r.scope_id,
            domain_id: r.domain_id,
            target_kind: r.target_kind,
            target_id: r.target_id,
            remote: r.remote,
            detail: r.detail,
        })
        .collect())
}

/// Drops up to a thousand events older than a time.
pub async fn prune(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE at < $1 LIMIT 1000)")
        .bind(before.0)
        .run(conn)
        .await
}
