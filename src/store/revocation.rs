//! Revocation events.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::revocation::RevocationEvent;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    audit_id: Option<String>,
    audit_chain_id: Option<String>,
    user_id: Option<String>,
    project_id: Option<String>,
    domain_id: Option<String>,
    role_id: Option<String>,
    trust_id: Option<String>,
    consumer_id: Option<String>,
    access_token_id: Option<String>,
    idp_id: Option<String>,
    protocol_id: Option<String>,
    expires_at: Option<i64>,
    issued_before: i64,
    revoked_at: i64,
}

impl From<Row> for RevocationEvent {
    fn from(r: Row) -> Self {
        Self {
            id: r.id,
            audit_id: r.audit_id,
            audit_chain_id: r.audit_chain_id,
            user_id: r.user_id,
            project_id: r.project_id,
            domain_id: r.domain_id,
            role_id: r.role_id,
            trust_id: r.trust_id,
            consumer_id: r.consumer_id,
            access_token_id: r.access_token_id,
            idp_id: r.idp_id,
            protocol_id: r.protocol_id,
            expires_at: r.expires_at,
            issued_before: r.issued_before,
            revoked_at: r.revoked_at,
        }
    }
}

const COLUMNS: &str = "SELECT id, audit_id, audit_chain_id, user_id, project_id, domain_id, role_id, trust_id, consumer_id, \
     access_token_id, idp_id, protocol_id, expires_at, issued_before, revoked_at FROM revocation_events";

/// Adds an event and tells all nodes.
pub async fn insert(conn: &mut Conn, event: &RevocationEvent) -> Result<()> {
    Sql::new(
        "INSERT INTO revocation_events (id, audit_id, audit_chain_id, user_id, project_id, domain_id, role_id, trust_id, consumer_id, \
         access_token_id, idp_id, protocol_id, expires_at, issued_before, revoked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&event.id)
    .bind(&event.audit_id)
    .bind(&event.audit_chain_id)
    .bind(&event.user_id)
    .bind(&event.project_id)
    .bind(&event.domain_id)
    .bind(&event.role_id)
    .bind(&event.trust_id)
    .bind(&event.consumer_id)
    .bind(&event.access_token_id)
    .bind(&event.idp_id)
    .bind(&event.protocol_id)
    .bind(event.expires_at)
    .bind(event.issued_before)
    .bind(event.revoked_at)
    .run(conn)
    .await?;
    conn.note(Change::Revocation(Box::new(event.clone())));
    Ok(())
}

/// A page of the events that were made since a time or reach beyond it, oldest first, after the event `(revoked_at, id)` if
/// one is given.
pub async fn list(
    conn: &mut Conn,
    since: Timestamp,
    after: Option<(i64, &str)>,
    limit: i64,
) -> Result<Vec<RevocationEvent>> {
    let (at, id) = after.unwrap_or((i64::MIN, ""));
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" WHERE (revoked_at >= ", since.0)
        .push_bind(" OR issued_before >= ", since.0)
        .push(")")
        .push_bind(" AND (revoked_at, id) > (", at)
        .push_bind(", ", id)
        .push_bind(") ORDER BY revoked_at, id LIMIT ", limit)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(RevocationEvent::from).collect())
}

/// Drops up to a thousand events made before a time: no token that they hit is alive.
pub async fn prune(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new(
        "DELETE FROM revocation_events WHERE id IN (SELECT id FROM revocation_events WHERE revoked_at < $1 LIMIT 1000)",
    )
    .bind(before.0)
    .run(conn)
    .await
}
