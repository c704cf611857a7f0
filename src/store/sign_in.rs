//! Sign-ins. Whatever moves one on says from which stage: of two that try, one does.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::sign_in::{SignIn, Stage};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    stage: String,
    browser: String,
    request: Option<String>,
    upstream_state: Option<String>,
    idp_id: Option<String>,
    protocol_id: Option<String>,
    memo: Option<String>,
    found: Option<String>,
    user_id: Option<String>,
    session_id: Option<String>,
    device_id: Option<String>,
    created_at: i64,
    expires_at: i64,
    purge_at: i64,
    first_step: Option<String>,
}

impl TryFrom<Row> for SignIn {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        let request = r.request.as_deref().map(|text| super::json::parse("sign_ins", &r.id, text)).transpose()?;
        Ok(Self {
            first_step: r.first_step.as_deref().map(|text| super::json::parse("sign_ins", &r.id, text)).transpose()?,
            request,
            stage: Stage::parse(&r.stage)
                .ok_or_else(|| Error::internal(format!("sign_ins row {}: bad stage", r.id)))?,
            id: r.id,
            tenant_id: r.tenant_id,
            browser: r.browser,
            upstream_state: r.upstream_state,
            idp_id: r.idp_id,
            protocol_id: r.protocol_id,
            memo: r.memo,
            found: r.found,
            user_id: r.user_id,
            session_id: r.session_id,
            device_id: r.device_id,
            created_at: Timestamp(r.created_at),
            expires_at: Timestamp(r.expires_at),
            purge_at: Timestamp(r.purge_at),
        })
    }
}

macro_rules! columns {
    () => {
        "id, tenant_id, stage, browser, request, upstream_state, idp_id, protocol_id, memo, found, user_id, session_id, \
         device_id, created_at, expires_at, purge_at, first_step"
    };
}

const COLUMNS: &str = concat!("SELECT ", columns!(), " FROM sign_ins WHERE TRUE");

/// Adds a sign-in. It is one statement: what happened first stands in the row, to be found by its request.
pub async fn insert(conn: &mut Conn, it: &SignIn) -> Result<()> {
    let request = it.request.as_ref().map(super::json::written).transpose()?;
    let client_id = it.request.as_ref().map(|r| r.client_id.clone());
    Sql::new(
        "INSERT INTO sign_ins (id, tenant_id, stage, browser, request, client_id, upstream_state, idp_id, protocol_id, memo, \
         found, user_id, session_id, device_id, created_at, expires_at, purge_at, first_step, first_request_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
    )
    .bind(&it.id)
    .bind(&it.tenant_id)
    .bind(it.stage.as_str())
    .bind(&it.browser)
    .bind(request)
    .bind(client_id)
    .bind(&it.upstream_state)
    .bind(&it.idp_id)
    .bind(&it.protocol_id)
    .bind(&it.memo)
    .bind(&it.found)
    .bind(&it.user_id)
    .bind(&it.session_id)
    .bind(&it.device_id)
    .bind(it.created_at.0)
    .bind(it.expires_at.0)
    .bind(it.purge_at.0)
    .bind(it.first_step.as_ref().map(super::sign_in_step::written).transpose()?)
    .bind(it.first_step.as_ref().map(|s| &s.request_id).cloned())
    .run(conn)
    .await?;
    Ok(())
}

/// The sign-in of that id at a tenant, ended or not.
pub async fn get(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<Option<SignIn>> {
    let row: Option<Row> =
        Sql::new(COLUMNS).push_bind(" AND id = ", id).push_bind(" AND tenant_id = ", tenant_id).first(conn).await?;
    row.map(SignIn::try_from).transpose()
}

/// The sign-in that waits at a tenant for the answer with this state, or has had it.
pub async fn get_by_state(conn: &mut Conn, tenant_id: &str, state: &str) -> Result<Option<SignIn>> {
    let row: Option<Row> = Sql::new(COLUMNS)
        .push_bind(" AND upstream_state = ", state)
        .push_bind(" AND tenant_id = ", tenant_id)
        .first(conn)
        .await?;
    row.map(SignIn::try_from).transpose()
}

/// Takes on the sign-in that still waits at a tenant for the answer with this state and was begun by this browser: one of those
/// whose id begins so and whose browser is this. None if there is no such one.
pub async fn claim(
    conn: &mut Conn,
    tenant_id: &str,
    state: &str,
    browsers: &[(String, String)],
    now: Timestamp,
) -> Result<Option<SignIn>> {
    let mut sql = Sql::new("UPDATE sign_ins SET stage = ")
        .push_bind("", Stage::Judged.as_str())
        .push_bind(" WHERE upstream_state = ", state)
        .push_bind(" AND tenant_id = ", tenant_id)
        .push_bind(" AND stage = ", Stage::Away.as_str())
        .push_bind(" AND expires_at > ", now.0)
        .push(" AND (FALSE");
    for (begins, browser) in browsers {
        sql = sql.push_bind(" OR (browser = ", browser).push_bind(" AND substr(id, 1, 8) = ", begins).push(")");
    }
    let row: Option<Row> = sql.push(concat!(") RETURNING ", columns!())).first(conn).await?;
    row.map(SignIn::try_from).transpose()
}

/// Writes all that can change of a sign-in that is still at stage `from`; false if it is not.
pub async fn advance(conn: &mut Conn, it: &SignIn, from: Stage) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE sign_ins SET stage = $1, upstream_state = $2, idp_id = $3, protocol_id = $4, memo = $5, found = $6, \
         user_id = $7, session_id = $8, expires_at = $9, purge_at = $10, browser = $11, first_step = $12 \
         WHERE id = $13 AND stage = $14",
    )
    .bind(it.stage.as_str())
    .bind(&it.upstream_state)
    .bind(&it.idp_id)
    .bind(&it.protocol_id)
    .bind(&it.memo)
    .bind(&it.found)
    .bind(&it.user_id)
    .bind(&it.session_id)
    .bind(it.expires_at.0)
    .bind(it.purge_at.0)
    .bind(&it.browser)
    .bind(it.first_step.as_ref().map(super::sign_in_step::written).transpose()?)
    .bind(&it.id)
    .bind(from.as_str())
    .run(conn)
    .await?;
    Ok(touched == 1)
}

/// How many sign-ins of a tenant have been begun since `since` and not ended.
pub async fn count_open(conn: &mut Conn, tenant_id: &str, since: Timestamp) -> Result<i64> {
    #[derive(sqlx::FromRow)]
    struct Count {
        n: i64,
    }
    let row: Option<Count> = Sql::new(
        "SELECT COUNT(*) AS n FROM sign_ins WHERE tenant_id = $1 AND created_at >= $2 AND stage NOT IN ('done')",
    )
    .bind(tenant_id)
    .bind(since.0)
    .first(conn)
    .await?;
    Ok(row.map_or(0, |r| r.n))
}

/// Tenants at which more than `most` sign-ins wait for their person.
pub async fn crowded(conn: &mut Conn, most: i64) -> Result<Vec<String>> {
    #[derive(sqlx::FromRow)]
    struct Crowded {
        tenant_id: String,
    }
    let rows: Vec<Crowded> = Sql::new(
        "SELECT tenant_id FROM sign_ins WHERE stage IN ('open', 'away') GROUP BY tenant_id HAVING COUNT(*) > $1 \
         ORDER BY tenant_id",
    )
    .bind(most)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| r.tenant_id).collect())
}

/// Drops up to a thousand of a tenant's sign-ins that wait for their person, but for the newest `most`.
pub async fn thin_out(conn: &mut Conn, tenant_id: &str, most: i64) -> Result<u64> {
    Sql::new(
        "DELETE FROM sign_ins WHERE id IN (SELECT id FROM sign_ins WHERE tenant_id = $1 AND stage IN ('open', 'away') \
         ORDER BY created_at DESC, id LIMIT 1000 OFFSET $2)",
    )
    .bind(tenant_id)
    .bind(most)
    .run(conn)
    .await
}

/// Drops up to a thousand that nobody can come back to.
pub async fn prune(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM sign_ins WHERE id IN (SELECT id FROM sign_ins WHERE purge_at < $1 LIMIT 1000)")
        .bind(now.0)
        .run(conn)
        .await
}
