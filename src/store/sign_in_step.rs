//! Steps of sign-ins.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::sign_in_step::SignInStep;

/// Longest detail that is kept, in bytes.
const MAX_DETAIL: usize = 16_384;
/// What stands in the place of a longer one.
const LEFT_OUT: &str = "{\"left_out\":\"too large to be kept\"}";
/// Most steps of one sign-in that are shown.
const MAX_SHOWN: i64 = 500;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    sign_in_id: String,
    tenant_id: String,
    seq: i64,
    at: i64,
    request_id: String,
    step: String,
    outcome: String,
    reason: Option<String>,
    detail: String,
}

impl TryFrom<Row> for SignInStep {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        Ok(Self {
            detail: super::json::parse("sign_in_steps", &r.id, &r.detail)?,
            id: r.id,
            sign_in_id: r.sign_in_id,
            tenant_id: r.tenant_id,
            seq: r.seq,
            at: Timestamp(r.at),
            request_id: r.request_id,
            step: r.step,
            outcome: r.outcome,
            reason: r.reason,
        })
    }
}

/// A detail as it is kept: one that is too large is left out.
fn detail(it: &SignInStep) -> Result<String> {
    let detail = super::json::written(&it.detail)?;
    Ok(if detail.len() > MAX_DETAIL { LEFT_OUT.to_owned() } else { detail })
}

/// A step as it stands with its sign-in.
pub(super) fn written(it: &SignInStep) -> Result<String> {
    let detail = serde_json::from_str(&detail(it)?).unwrap_or_default();
    super::json::written(&SignInStep { detail, ..it.clone() })
}

/// Adds steps, by one statement.
pub async fn insert(conn: &mut Conn, steps: &[SignInStep]) -> Result<()> {
    let mut sql = Sql::new(
        "INSERT INTO sign_in_steps (id, sign_in_id, tenant_id, seq, at, request_id, step, outcome, reason, detail) VALUES ",
    );
    for (it, row) in steps.iter().zip(std::iter::once("(").chain(std::iter::repeat(", ("))) {
        sql = sql
            .push_bind(row, &it.id)
            .push_bind(", ", &it.sign_in_id)
            .push_bind(", ", &it.tenant_id)
            .push_bind(", ", it.seq)
            .push_bind(", ", it.at.0)
            .push_bind(", ", &it.request_id)
            .push_bind(", ", &it.step)
            .push_bind(", ", &it.outcome)
            .push_bind(", ", &it.reason)
            .push_bind(", ", detail(it)?)
            .push(")");
    }
    if !steps.is_empty() {
        sql.run(conn).await?;
    }
    Ok(())
}

/// All steps of the sign-ins at a tenant that a request took part in, in order. The first may still stand with its sign-in.
pub async fn list_of_request(conn: &mut Conn, tenant_id: &str, request_id: &str) -> Result<Vec<SignInStep>> {
    #[derive(sqlx::FromRow)]
    struct First {
        id: String,
        first_step: String,
    }
    let firsts: Vec<First> = Sql::new(
        "SELECT id, first_step FROM sign_ins WHERE tenant_id = $1 AND first_step IS NOT NULL AND (first_request_id = $2 \
         OR id IN (SELECT r.sign_in_id FROM sign_in_steps r WHERE r.request_id = $3)) ORDER BY created_at, id LIMIT $4",
    )
    .bind(tenant_id)
    .bind(request_id)
    .bind(request_id)
    .bind(MAX_SHOWN)
    .all(conn)
    .await?;
    let rows: Vec<Row> = Sql::new(
        "SELECT id, sign_in_id, tenant_id, seq, at, request_id, step, outcome, reason, detail FROM sign_in_steps \
         WHERE tenant_id = $1 AND (sign_in_id IN (SELECT r.sign_in_id FROM sign_in_steps r WHERE r.request_id = $2) \
         OR sign_in_id IN (SELECT i.id FROM sign_ins i WHERE i.first_request_id = $3)) ORDER BY at, seq, id LIMIT $4",
    )
    .bind(tenant_id)
    .bind(request_id)
    .bind(request_id)
    .bind(MAX_SHOWN)
    .all(conn)
    .await?;
    let firsts = firsts.iter().map(|r| super::json::parse("sign_ins", &r.id, &r.first_step));
    let mut steps = firsts.chain(rows.into_iter().map(SignInStep::try_from)).collect::<Result<Vec<SignInStep>>>()?;
    steps.sort_by(|a, b| (a.at, a.seq, &a.id).cmp(&(b.at, b.seq, &b.id)));
    Ok(steps)
}

/// A tenant at which a request took part in a sign-in.
pub async fn tenant_of_request(conn: &mut Conn, request_id: &str) -> Result<Option<String>> {
    #[derive(sqlx::FromRow)]
    struct Tenant {
        tenant_id: String,
    }
    let row: Option<Tenant> = Sql::new(
        "SELECT tenant_id FROM sign_in_steps WHERE request_id = $1 \
         UNION SELECT tenant_id FROM sign_ins WHERE first_request_id = $2 LIMIT 1",
    )
    .bind(request_id)
    .bind(request_id)
    .first(conn)
    .await?;
    Ok(row.map(|r| r.tenant_id))
}

/// The last steps at a tenant that failed, newest first.
pub async fn list_failures(conn: &mut Conn, tenant_id: &str, limit: i64) -> Result<Vec<SignInStep>> {
    let rows: Vec<Row> = Sql::new(
        "SELECT id, sign_in_id, tenant_id, seq, at, request_id, step, outcome, reason, detail FROM sign_in_steps \
         WHERE tenant_id = $1 AND outcome = 'failure' ORDER BY at DESC, seq DESC, id LIMIT $2",
    )
    .bind(tenant_id)
    .bind(limit)
    .all(conn)
    .await?;
    rows.into_iter().map(SignInStep::try_from).collect()
}

/// Drops up to a thousand of before `before`.
pub async fn prune(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM sign_in_steps WHERE id IN (SELECT id FROM sign_in_steps WHERE at < $1 LIMIT 1000)")
        .bind(before.0)
        .run(conn)
        .await
}
