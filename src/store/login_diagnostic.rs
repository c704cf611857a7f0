//! The last log-ins at each identity provider.

use super::sql::Sql;
use super::{Conn, json};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::login_diagnostic::{KEPT, LoginDiagnostic};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    idp_id: String,
    protocol_id: String,
    at: i64,
    verified: bool,
    outcome: String,
    request_id: String,
    user_id: Option<String>,
    reason: Option<String>,
    detail: String,
}

impl TryFrom<Row> for LoginDiagnostic {
    type Error = crate::error::Error;

    fn try_from(r: Row) -> Result<Self> {
        Ok(Self {
            detail: json::object("login_diagnostics", &r.id, &r.detail)?.into(),
            id: r.id,
            idp_id: r.idp_id,
            protocol_id: r.protocol_id,
            at: Timestamp(r.at),
            verified: r.verified,
            outcome: if r.outcome == "success" { "success" } else { "failure" },
            request_id: r.request_id,
            user_id: r.user_id,
            reason: r.reason,
        })
    }
}

/// Adds one and drops what is older than the last [`KEPT`] of its kind.
pub async fn insert(conn: &mut Conn, it: &LoginDiagnostic) -> Result<()> {
    Sql::new(
        "INSERT INTO login_diagnostics (id, idp_id, protocol_id, at, verified, outcome, request_id, user_id, reason, detail) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&it.id)
    .bind(&it.idp_id)
    .bind(&it.protocol_id)
    .bind(it.at.0)
    .bind(it.verified)
    .bind(it.outcome)
    .bind(&it.request_id)
    .bind(&it.user_id)
    .bind(&it.reason)
    .bind(it.detail.to_string())
    .run(conn)
    .await?;
    Sql::new(
        "DELETE FROM login_diagnostics WHERE id IN (SELECT id FROM login_diagnostics WHERE idp_id = $1 AND verified = $2 \
         ORDER BY at DESC, id DESC LIMIT 1000 OFFSET $3)",
    )
    .bind(&it.idp_id)
    .bind(it.verified)
    .bind(KEPT)
    .run(conn)
    .await?;
    Ok(())
}

/// The last log-ins at an identity provider, newest first.
pub async fn list(conn: &mut Conn, idp_id: &str) -> Result<Vec<LoginDiagnostic>> {
    let rows: Vec<Row> = Sql::new(
        "SELECT id, idp_id, protocol_id, at, verified, outcome, request_id, user_id, reason, detail \
         FROM login_diagnostics WHERE idp_id = $1 ORDER BY at DESC, id DESC",
    )
    .bind(idp_id)
    .all(conn)
    .await?;
    rows.into_iter().map(LoginDiagnostic::try_from).collect()
}
