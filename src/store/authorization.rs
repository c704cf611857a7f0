//! Authorizations, and the codes and refresh tokens by which tokens come of them. Codes and tokens lie here as digests. A code
//! stands in the row of its authorization, which has at most one.

use std::collections::BTreeMap;

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::authorization::Authorization;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    client_id: String,
    user_id: Option<String>,
    session_id: Option<String>,
    facts: String,
    offline: bool,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
}

impl TryFrom<Row> for Authorization {
    type Error = crate::error::Error;

    fn try_from(r: Row) -> Result<Self> {
        Ok(Self {
            facts: super::json::parse("authorizations", &r.id, &r.facts)?,
            id: r.id,
            tenant_id: r.tenant_id,
            client_id: r.client_id,
            user_id: r.user_id,
            session_id: r.session_id,
            offline: r.offline,
            created_at: Timestamp(r.created_at),
            expires_at: Timestamp(r.expires_at),
            revoked_at: r.revoked_at.map(Timestamp),
        })
    }
}

const COLUMNS: &str = "SELECT id, tenant_id, client_id, user_id, session_id, facts, offline, created_at, expires_at, revoked_at \
     FROM authorizations WHERE TRUE";

/// An authorization code as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Digest of the code.
    pub id: String,
    /// The redirect URI that it was sent to.
    pub redirect_uri: String,
    /// S256 challenge.
    pub code_challenge: Option<String>,
    /// When it ends, in microseconds since 1970.
    pub expires_at: i64,
    /// When it was used, in microseconds since 1970.
    pub used_at: Option<i64>,
}

/// A refresh token as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Refresh {
    /// Digest of the token.
    pub id: String,
    /// What it is for.
    pub authorization_id: String,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
    /// When it ends, in microseconds since 1970.
    pub expires_at: i64,
    /// When it was used, in microseconds since 1970.
    pub used_at: Option<i64>,
}

/// Adds an authorization, with the code by which it is to be taken up, if it is by a code.
pub async fn insert(conn: &mut Conn, it: &Authorization, code: Option<&Code>) -> Result<()> {
    Sql::new(
        "INSERT INTO authorizations (id, tenant_id, client_id, user_id, session_id, facts, offline, created_at, expires_at, \
         code_id, code_redirect_uri, code_challenge, code_expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(&it.id)
    .bind(&it.tenant_id)
    .bind(&it.client_id)
    .bind(&it.user_id)
    .bind(&it.session_id)
    .bind(super::json::written(&it.facts)?)
    .bind(it.offline)
    .bind(it.created_at.0)
    .bind(it.expires_at.0)
    .bind(code.map(|c| &c.id).cloned())
    .bind(code.map(|c| &c.redirect_uri).cloned())
    .bind(code.and_then(|c| c.code_challenge.clone()))
    .bind(code.map(|c| c.expires_at))
    .run(conn)
    .await?;
    Ok(())
}

/// The authorization of that id, revoked or not.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Authorization>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Authorization::try_from).transpose()
}

/// Until when the session of an authorization lasts, unless it has ended before.
const SESSION_ENDS: &str = ", (SELECT s.expires_at FROM sessions s WHERE s.id = a.session_id AND s.tenant_id = a.tenant_id \
     AND s.terminated_at IS NULL) AS session_ends";

/// The same, with the end of its session; none if it has no session, or it has ended.
pub async fn get_in_session(conn: &mut Conn, id: &str) -> Result<Option<(Authorization, Option<Timestamp>)>> {
    #[derive(sqlx::FromRow)]
    struct Both {
        session_ends: Option<i64>,
        #[sqlx(flatten)]
        of: Row,
    }
    let row: Option<Both> = Sql::new(
        "SELECT a.id, a.tenant_id, a.client_id, a.user_id, a.session_id, a.facts, a.offline, a.created_at, a.expires_at, \
         a.revoked_at",
    )
    .push(SESSION_ENDS)
    .push_bind(" FROM authorizations a WHERE a.id = ", id)
    .first(conn)
    .await?;
    row.map(|r| Ok((Authorization::try_from(r.of)?, r.session_ends.map(Timestamp)))).transpose()
}

/// Whose authorizations are meant.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// All of a tenant.
    Tenant(&'a str),
    /// All of an application.
    Client(&'a str),
    /// All of a user.
    User(&'a str),
    /// Those of a session that end with it.
    Session(&'a str),
}

/// `sql` with the condition that they are these, and not revoked.
fn unrevoked(sql: Sql, of: Of<'_>) -> Sql {
    let sql = sql.push(" AND revoked_at IS NULL");
    match of {
        Of::Tenant(id) => sql.push_bind(" AND tenant_id = ", id),
        Of::Client(id) => sql.push_bind(" AND client_id = ", id),
        Of::User(id) => sql.push_bind(" AND user_id = ", id),
        Of::Session(id) => sql.push_bind(" AND session_id = ", id).push(" AND NOT offline"),
    }
}

/// Part of those of users that are neither revoked nor at their end, in order of their ids, after the id `after`; with
/// `audience` only those whose facts name it somewhere (the caller looks where).
pub async fn list_live(
    conn: &mut Conn,
    of: Of<'_>,
    audience: Option<&str>,
    now: Timestamp,
    (after, most): (&str, i64),
) -> Result<Vec<Authorization>> {
    let mut sql = unrevoked(Sql::new(COLUMNS), of)
        .push(" AND user_id IS NOT NULL")
        .push_bind(" AND expires_at > ", now.0)
        .push_bind(" AND id > ", after);
    if let Some(audience) = audience {
        sql = sql.push_bind(" AND facts LIKE ", format!("%{audience}%"));
    }
    let rows: Vec<Row> = sql.push_bind(" ORDER BY id LIMIT ", most).all(conn).await?;
    rows.into_iter().map(Authorization::try_from).collect()
}

/// Takes all of them back that are not yet; how many those were. See [`revoke`].
pub async fn revoke_all(conn: &mut Conn, of: Of<'_>, reason: &str, now: Timestamp) -> Result<u64> {
    let sql =
        Sql::new("UPDATE authorizations SET revoked_at = $1, revoked_reason = $2 WHERE TRUE").bind(now.0).bind(reason);
    unrevoked(sql, of).run(conn).await
}

/// The applications that a session has given something to, whether that was taken back since or not.
pub async fn clients_of_session(conn: &mut Conn, session_id: &str) -> Result<Vec<String>> {
    Ok(clients_of_sessions(conn, &[session_id]).await?.remove(session_id).unwrap_or_default())
}

/// The same for several sessions.
pub async fn clients_of_sessions(conn: &mut Conn, session_ids: &[&str]) -> Result<BTreeMap<String, Vec<String>>> {
    #[derive(sqlx::FromRow)]
    struct Client {
        session_id: String,
        client_id: String,
    }
    let mut clients: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if session_ids.is_empty() {
        return Ok(clients);
    }
    let rows: Vec<Client> = Sql::new("SELECT DISTINCT session_id, client_id FROM authorizations WHERE")
        .push_in(" session_id IN ", session_ids.iter().copied())
        .push(" ORDER BY client_id")
        .all(conn)
        .await?;
    for row in rows {
        clients.entry(row.session_id).or_default().push(row.client_id);
    }
    Ok(clients)
}

/// Those of a user, at one application or all, that are not revoked.
pub async fn list_of_user(conn: &mut Conn, user_id: &str, client_id: Option<&str>) -> Result<Vec<Authorization>> {
    let mut sql = Sql::new(COLUMNS).push_bind(" AND revoked_at IS NULL AND user_id = ", user_id);
    if let Some(client_id) = client_id {
        sql = sql.push_bind(" AND client_id = ", client_id);
    }
    let rows: Vec<Row> = sql.push(" ORDER BY created_at, id").all(conn).await?;
    rows.into_iter().map(Authorization::try_from).collect()
}

/// Has more come of an authorization until `expires_at`.
pub async fn extend(conn: &mut Conn, id: &str, expires_at: Timestamp) -> Result<()> {
    Sql::new("UPDATE authorizations SET expires_at = $1 WHERE id = $2 AND expires_at < $3")
        .bind(expires_at.0)
        .bind(id)
        .bind(expires_at.0)
        .run(conn)
        .await?;
    Ok(())
}

/// Takes an authorization back; false if that was done already. Whoever calls this also writes the revocation event of its
/// audit chain.
pub async fn revoke(conn: &mut Conn, id: &str, reason: &str, now: Timestamp) -> Result<bool> {
    let touched =
        Sql::new("UPDATE authorizations SET revoked_at = $1, revoked_reason = $2 WHERE id = $3 AND revoked_at IS NULL")
            .bind(now.0)
            .bind(reason)
            .bind(id)
            .run(conn)
            .await?;
    Ok(touched == 1)
}

/// Drops up to a thousand of which nothing has come since `before`.
pub async fn prune(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM authorizations WHERE id IN (SELECT id FROM authorizations WHERE expires_at < $1 LIMIT 1000)")
        .bind(before.0)
        .run(conn)
        .await
}

/// A code, used or not, with its authorization, revoked or not, and the end of its session.
pub async fn get_code(conn: &mut Conn, id: &str) -> Result<Option<(Code, Authorization, Option<Timestamp>)>> {
    #[derive(sqlx::FromRow)]
    struct All {
        session_ends: Option<i64>,
        code_redirect_uri: String,
        code_challenge: Option<String>,
        code_expires_at: i64,
        code_used_at: Option<i64>,
        #[sqlx(flatten)]
        of: Row,
    }
    let row: Option<All> = Sql::new(
        "SELECT a.code_redirect_uri, a.code_challenge, a.code_expires_at, a.code_used_at, a.id, a.tenant_id, a.client_id, a.user_id, a.session_id, a.facts, a.offline, a.created_at, a.expires_at, a.revoked_at",
    )
    .push(SESSION_ENDS)
    .push_bind(" FROM authorizations a WHERE a.code_id = ", id)
    .first(conn)
    .await?;
    let all = |r: All| {
        let code = Code {
            id: id.to_owned(),
            redirect_uri: r.code_redirect_uri,
            code_challenge: r.code_challenge,
            expires_at: r.code_expires_at,
            used_at: r.code_used_at,
        };
        Ok((code, Authorization::try_from(r.of)?, r.session_ends.map(Timestamp)))
    };
    row.map(all).transpose()
}

/// Uses a code up; false if that was done already.
pub async fn use_code(conn: &mut Conn, id: &str, now: Timestamp) -> Result<bool> {
    let touched = Sql::new("UPDATE authorizations SET code_used_at = $1 WHERE code_id = $2 AND code_used_at IS NULL")
        .bind(now.0)
        .bind(id)
        .run(conn)
        .await?;
    Ok(touched == 1)
}

/// Adds a refresh token.
pub async fn insert_refresh(conn: &mut Conn, token: &Refresh) -> Result<()> {
    Sql::new("INSERT INTO refresh_tokens (id, authorization_id, created_at, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(&token.id)
        .bind(&token.authorization_id)
        .bind(token.created_at)
        .bind(token.expires_at)
        .run(conn)
        .await?;
    Ok(())
}

/// A refresh token, used or not.
pub async fn get_refresh(conn: &mut Conn, id: &str) -> Result<Option<Refresh>> {
    Sql::new("SELECT id, authorization_id, created_at, expires_at, used_at FROM refresh_tokens WHERE id = $1")
        .bind(id)
        .first(conn)
        .await
}

/// Uses a refresh token up; false if that was done already.
pub async fn use_refresh(conn: &mut Conn, id: &str, now: Timestamp) -> Result<bool> {
    let touched = Sql::new("UPDATE refresh_tokens SET used_at = $1 WHERE id = $2 AND used_at IS NULL")
        .bind(now.0)
        .bind(id)
        .run(conn)
        .await?;
    Ok(touched == 1)
}

/// Drops up to a thousand used or ended refresh tokens that ended before `before`.
pub async fn prune_refresh(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM refresh_tokens WHERE id IN (SELECT id FROM refresh_tokens WHERE expires_at < $1 LIMIT 1000)")
        .bind(before.0)
        .run(conn)
        .await
}

/// Whether a refresh token of an authorization was used after `time`.
pub async fn used_refresh_since(conn: &mut Conn, authorization_id: &str, time: i64) -> Result<bool> {
    let found: Option<Refresh> = Sql::new(
        "SELECT id, authorization_id, created_at, expires_at, used_at FROM refresh_tokens \
         WHERE authorization_id = $1 AND used_at > $2 LIMIT 1",
    )
    .bind(authorization_id)
    .bind(time)
    .first(conn)
    .await?;
    Ok(found.is_some())
}
