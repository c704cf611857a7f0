//! Begun log-ins. Each can be taken once, by whichever node the browser comes back to.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::login_session::LoginSession;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    idp_id: String,
    protocol_id: String,
    browser: String,
    origin: Option<String>,
    memo: String,
    expires_at: i64,
}

impl From<Row> for LoginSession {
    fn from(r: Row) -> Self {
        Self {
            id: r.id,
            idp_id: r.idp_id,
            protocol_id: r.protocol_id,
            browser: r.browser,
            origin: r.origin,
            memo: r.memo,
            expires_at: Timestamp(r.expires_at),
        }
    }
}

/// Adds a begun log-in.
pub async fn insert(conn: &mut Conn, session: &LoginSession) -> Result<()> {
    Sql::new(
        "INSERT INTO login_sessions (id, idp_id, protocol_id, browser, origin, memo, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&session.id)
    .bind(&session.idp_id)
    .bind(&session.protocol_id)
    .bind(&session.browser)
    .bind(&session.origin)
    .bind(&session.memo)
    .bind(session.expires_at.0)
    .run(conn)
    .await?;
    Ok(())
}

/// Takes a begun log-in of this browser that has not ended: whoever asks again finds nothing. Another browser's stays where
/// it is, so that nobody can spoil it by sending its state.
pub async fn take(conn: &mut Conn, id: &str, browser: &str, now: Timestamp) -> Result<Option<LoginSession>> {
    let row: Option<Row> = Sql::new(
        "DELETE FROM login_sessions WHERE id = $1 AND browser = $2 AND expires_at > $3 \
         RETURNING id, idp_id, protocol_id, browser, origin, memo, expires_at",
    )
    .bind(id)
    .bind(browser)
    .bind(now.0)
    .first(conn)
    .await?;
    Ok(row.map(LoginSession::from))
}

/// Drops up to a thousand that have ended.
pub async fn prune(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM login_sessions WHERE id IN (SELECT id FROM login_sessions WHERE expires_at < $1 LIMIT 1000)")
        .bind(now.0)
        .run(conn)
        .await
}
