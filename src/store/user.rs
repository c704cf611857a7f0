//! Users.

use super::sql::Sql;
use super::{Conn, json};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::federated_link::FederatedLink;
use crate::model::list::Query;
use crate::model::user::{Identity, LoginState, User};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    domain_id: String,
    name: String,
    enabled: bool,
    default_project_id: Option<String>,
    extra: String,
    options: String,
    password_expires_at: Option<i64>,
    active_at: i64,
    domain_name: String,
    domain_enabled: bool,
}

impl TryFrom<Row> for Identity {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        let user = User {
            extra: json::object("users", &row.id, &row.extra)?,
            options: json::object("users", &row.id, &row.options)?,
            id: row.id,
            domain_id: row.domain_id,
            name: row.name,
            enabled: row.enabled,
            default_project_id: row.default_project_id,
            password_expires_at: row.password_expires_at.map(Timestamp),
        };
        Ok(Self {
            user,
            domain_name: row.domain_name,
            domain_enabled: row.domain_enabled,
            active_at: Timestamp(row.active_at),
        })
    }
}

/// What is read of a user, before more columns.
macro_rules! columns {
    () => {
        "SELECT u.id, u.domain_id, u.name, u.enabled, u.default_project_id, u.extra, u.options, \
         (SELECT w.expires_at FROM passwords w WHERE w.user_id = u.id ORDER BY w.created_at DESC, w.id DESC LIMIT 1) \
         AS password_expires_at, COALESCE(u.last_active_at, u.created_at) AS active_at, \
         d.name AS domain_name, d.enabled AS domain_enabled"
    };
}

const COLUMNS: &str = concat!(columns!(), " FROM users u JOIN projects d ON d.id = u.domain_id WHERE TRUE");

/// Adds a user. A taken name is a conflict.
pub async fn insert(conn: &mut Conn, user: &User, now: Timestamp) -> Result<()> {
    Sql::new(
        "INSERT INTO users (id, domain_id, name, enabled, default_project_id, extra, options, created_at, failed_auth_count, \
         email_key, external_id, name_key, display_key, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, $13)",
    )
    .bind(&user.id)
    .bind(&user.domain_id)
    .bind(&user.name)
    .bind(user.enabled)
    .bind(&user.default_project_id)
    .bind(json::text(&user.extra))
    .bind(json::text(&user.options))
    .bind(now.0)
    .bind(user.email_key())
    .bind(user.external_id())
    .bind(user.name_key())
    .bind(user.display_key())
    .bind(now.0)
    .run(conn)
    .await?;
    Ok(())
}

/// The user of that id with their domain.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Identity>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND u.id = ", id).first(conn).await?;
    row.map(Identity::try_from).transpose()
}

/// The same, and nobody changes or deletes them until this transaction ends. SQLite has one writer at a time.
pub async fn hold(conn: &mut Conn, id: &str) -> Result<Option<Identity>> {
    let lock = if conn.is_postgres() { " FOR SHARE OF u" } else { "" };
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND u.id = ", id).push(lock).first(conn).await?;
    row.map(Identity::try_from).transpose()
}

/// The same, by whoever may change them: nobody else holds them until this transaction ends.
pub async fn get_for_update(conn: &mut Conn, id: &str) -> Result<Option<Identity>> {
    let lock = if conn.is_postgres() { " FOR NO KEY UPDATE OF u" } else { "" };
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND u.id = ", id).push(lock).first(conn).await?;
    row.map(Identity::try_from).transpose()
}

/// Whose a name is that an identity provider calls somebody.
#[derive(Debug)]
pub struct Linked {
    /// The user.
    pub identity: Identity,
    /// When they last came by this protocol, if that is known.
    pub last_login_at: Option<Timestamp>,
    /// Whether the identity provider has put them into groups.
    pub in_groups: bool,
}

/// Whose a name is that an identity provider calls somebody at a tenant, by whatever protocol, as [`get_for_update`].
pub async fn get_linked_for_update(
    conn: &mut Conn,
    link: &FederatedLink,
    tenant_id: Option<&str>,
) -> Result<Option<Linked>> {
    #[derive(sqlx::FromRow)]
    struct Link {
        protocol_id: String,
        last_login_at: Option<i64>,
        in_groups: bool,
        #[sqlx(flatten)]
        user: Row,
    }
    let lock = if conn.is_postgres() { " FOR NO KEY UPDATE OF u" } else { "" };
    let rows: Vec<Link> = Sql::new(concat!(
        columns!(),
        ", f.protocol_id, f.last_login_at, EXISTS (SELECT 1 FROM expiring_group_members e WHERE e.user_id = u.id \
         AND e.idp_id = f.idp_id) AS in_groups FROM federated_users f JOIN users u ON u.id = f.user_id \
         JOIN projects d ON d.id = u.domain_id WHERE f.idp_id = $1 AND f.unique_id = $2 AND f.tenant_id = $3 ORDER BY u.id"
    ))
    .bind(&link.idp_id)
    .bind(&link.unique_id)
    .bind(tenant_id.unwrap_or_default())
    .push(lock)
    .all(conn)
    .await?;
    let same = |r: &Link, first: &Link| r.user.id == first.user.id && r.protocol_id == link.protocol_id;
    let last_login_at =
        rows.first().and_then(|first| rows.iter().find(|r| same(r, first))?.last_login_at).map(Timestamp);
    rows.into_iter()
        .next()
        .map(|r| Ok(Linked { identity: Identity::try_from(r.user)?, last_login_at, in_groups: r.in_groups }))
        .transpose()
}

/// The user of that name in a domain. Whom an identity provider vouches for is not found by what it calls them.
pub async fn get_by_name(conn: &mut Conn, domain_id: &str, name: &str) -> Result<Option<Identity>> {
    let row: Option<Row> = Sql::new(COLUMNS)
        .push_bind(" AND u.domain_id = ", domain_id)
        .push_bind(" AND NOT u.federated AND u.name = ", name)
        .first(conn)
        .await?;
    row.map(Identity::try_from).transpose()
}

/// One page of users, with one more row than asked for if there is a next page. Beside the user's own, `u`, conditions
/// may be on columns of `w`, the current password, and `f`, a federated link: these must hold for one and the same link.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<Identity>> {
    page(conn, Sql::new(COLUMNS), query).await
}

/// Those of the ids that there are, in order of their ids.
pub async fn get_all(conn: &mut Conn, ids: &[&str]) -> Result<Vec<Identity>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = Sql::new(COLUMNS).push_in(" AND u.id IN ", ids.iter().copied()).push(" ORDER BY u.id");
    let rows: Vec<Row> = sql.all(conn).await?;
    rows.into_iter().map(Identity::try_from).collect()
}

/// One page of the users in a group, as [`list`].
pub async fn list_in_group(conn: &mut Conn, group_id: &str, query: &Query) -> Result<Vec<Identity>> {
    let members = Sql::new(COLUMNS)
        .push_bind(" AND u.id IN (SELECT user_id FROM group_members WHERE group_id = ", group_id)
        .push(")");
    page(conn, members, query).await
}

async fn page(conn: &mut Conn, users: Sql, query: &Query) -> Result<Vec<Identity>> {
    let conditions = query.conditions.iter().cloned();
    let (of_link, conditions): (Vec<_>, Vec<_>) = conditions.partition(|c| c.column.starts_with("f."));
    let (of_password, of_user): (Vec<_>, Vec<_>) = conditions.into_iter().partition(|c| c.column.starts_with("w."));
    let mut sql = users.filter(&of_user);
    if !of_password.is_empty() {
        let current = " AND EXISTS (SELECT 1 FROM passwords w WHERE w.id = (SELECT c.id FROM passwords c \
             WHERE c.user_id = u.id ORDER BY c.created_at DESC, c.id DESC LIMIT 1)";
        sql = sql.push(current).filter(&of_password).push(")");
    }
    if !of_link.is_empty() {
        let link = " AND EXISTS (SELECT 1 FROM federated_users f WHERE f.user_id = u.id";
        sql = sql.push(link).filter(&of_link).push(")");
    }
    let rows: Vec<Row> = sql.page(query, "u.id").all(conn).await?;
    rows.into_iter().map(Identity::try_from).collect()
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE users SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes a user over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, user: &User) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE users SET name = $1, enabled = $2, default_project_id = $3, extra = $4, options = $5, email_key = $6, \
         external_id = $7, name_key = $8, display_key = $9 WHERE id = $10",
    )
    .bind(&user.name)
    .bind(user.enabled)
    .bind(&user.default_project_id)
    .bind(json::text(&user.extra))
    .bind(json::text(&user.options))
    .bind(user.email_key())
    .bind(user.external_id())
    .bind(user.name_key())
    .bind(user.display_key())
    .bind(&user.id)
    .run(conn)
    .await?;
    conn.note(Change::User(user.id.clone()));
    Ok(touched == 1)
}

/// Users of a domain whom another identity source calls so (see [`User::external_id`]), up to `limit`.
pub async fn list_by_external_id(
    conn: &mut Conn,
    domain_id: &str,
    external_id: &str,
    limit: i64,
) -> Result<Vec<Identity>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" AND u.domain_id = ", domain_id)
        .push_bind(" AND u.external_id <> '' AND u.external_id = ", external_id)
        .push_bind(" ORDER BY u.id LIMIT ", limit)
        .all(conn)
        .await?;
    rows.into_iter().map(Identity::try_from).collect()
}

/// Users of a domain with this e-mail address (see [`User::email_key`]), up to `limit`, oldest first.
pub async fn list_by_email(conn: &mut Conn, domain_id: &str, email_key: &str, limit: i64) -> Result<Vec<Identity>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" AND u.domain_id = ", domain_id)
        .push_bind(" AND u.email_key = ", email_key)
        .push_bind(" ORDER BY u.created_at, u.id LIMIT ", limit)
        .all(conn)
        .await?;
    let mut found: Vec<Identity> = rows.into_iter().map(Identity::try_from).collect::<Result<_>>()?;
    // A node that knows of none may have given them another address.
    found.retain(|i| i.user.email_key() == email_key);
    Ok(found)
}

/// How many users a domain has.
pub async fn count_in_domain(conn: &mut Conn, domain_id: &str) -> Result<i64> {
    #[derive(sqlx::FromRow)]
    struct Count {
        n: i64,
    }
    let row: Option<Count> =
        Sql::new("SELECT COUNT(*) AS n FROM users WHERE domain_id = $1").bind(domain_id).first(conn).await?;
    Ok(row.map_or(0, |r| r.n))
}

/// Whether a user, by themselves or by a group, holds a role that administrators have.
pub async fn is_administrator(conn: &mut Conn, id: &str) -> Result<bool> {
    #[derive(sqlx::FromRow)]
    struct Count {
        n: i64,
    }
    let row: Option<Count> = Sql::new(
        "SELECT COUNT(*) AS n FROM grants g JOIN roles r ON r.id = g.role_id WHERE r.name IN ('admin', 'secu_admin', 'manager') \
         AND (g.actor_id = $1 OR (g.actor_kind = 'group' AND (g.actor_id IN (SELECT m.group_id FROM group_members m WHERE m.user_id = $2) \
         OR g.actor_id IN (SELECT e.group_id FROM expiring_group_members e WHERE e.user_id = $3))))",
    )
    .bind(id)
    .bind(id)
    .bind(id)
    .first(conn)
    .await?;
    Ok(row.is_some_and(|r| r.n > 0))
}

/// Writes the form in which an e-mail address is looked for of up to a thousand users who have none yet: those of before, and
/// those whom a node has made that knows of none; how many those were.
pub async fn fill_email_keys(conn: &mut Conn) -> Result<u64> {
    #[derive(sqlx::FromRow)]
    struct Extra {
        id: String,
        extra: String,
    }
    let rows: Vec<Extra> =
        Sql::new("SELECT id, extra FROM users WHERE email_key IS NULL ORDER BY id LIMIT 1000").all(conn).await?;
    for row in &rows {
        let key = crate::model::user::email_key(&json::object("users", &row.id, &row.extra)?);
        Sql::new("UPDATE users SET email_key = $1 WHERE id = $2").bind(key).bind(&row.id).run(conn).await?;
    }
    Ok(rows.len() as u64)
}

/// Notes when a user was changed.
pub async fn touch(conn: &mut Conn, id: &str, now: Timestamp) -> Result<()> {
    Sql::new("UPDATE users SET updated_at = $1 WHERE id = $2").bind(now.0).bind(id).run(conn).await?;
    Ok(())
}

/// Writes the forms in which names are looked for of up to a thousand users who have none yet, as [`fill_email_keys`].
pub async fn fill_name_keys(conn: &mut Conn) -> Result<u64> {
    #[derive(sqlx::FromRow)]
    struct Named {
        id: String,
        name: String,
        extra: String,
    }
    let rows: Vec<Named> =
        Sql::new("SELECT id, name, extra FROM users WHERE name_key IS NULL ORDER BY id LIMIT 1000").all(conn).await?;
    for row in &rows {
        let extra = json::object("users", &row.id, &row.extra)?;
        Sql::new("UPDATE users SET name_key = $1, display_key = $2 WHERE id = $3")
            .bind(row.name.to_lowercase())
            .bind(crate::model::user::display_key(&extra))
            .bind(&row.id)
            .run(conn)
            .await?;
    }
    Ok(rows.len() as u64)
}

/// Deletes a user with their passwords, grants, memberships and federated links; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    // Their groups have a member less.
    Sql::new("UPDATE user_groups SET version = version + 1 WHERE id IN (SELECT group_id FROM group_members WHERE user_id = $1)")
        .bind(id)
        .run(conn)
        .await?;
    Sql::new("DELETE FROM grants WHERE actor_kind = 'user' AND actor_id = $1").bind(id).run(conn).await?;
    let touched = Sql::new("DELETE FROM users WHERE id = $1").bind(id).run(conn).await?;
    conn.note(Change::User(id.to_owned()));
    Ok(touched == 1)
}

#[derive(sqlx::FromRow)]
struct LoginRow {
    hash: Option<String>,
    set_at: Option<i64>,
    expires_at: Option<i64>,
    self_service: Option<bool>,
    failed_auth_count: i64,
    failed_auth_at: Option<i64>,
}

/// What stands between this user and a login.
pub async fn login_state(conn: &mut Conn, id: &str) -> Result<Option<LoginState>> {
    let row: Option<LoginRow> = Sql::new(
        "SELECT w.hash, w.created_at AS set_at, w.expires_at, w.self_service, u.failed_auth_count, u.failed_auth_at FROM users u \
         LEFT JOIN passwords w ON w.user_id = u.id WHERE u.id = $1 ORDER BY w.created_at DESC, w.id DESC LIMIT 1",
    )
    .bind(id)
    .first(conn)
    .await?;
    Ok(row.map(|r| LoginState {
        hash: r.hash,
        set_at: r.set_at.map(Timestamp),
        expires_at: r.expires_at.map(Timestamp),
        self_service: r.self_service.unwrap_or(false),
        failed_count: r.failed_auth_count,
        failed_at: r.failed_auth_at.map(Timestamp),
    }))
}

/// Counts a failed attempt; the count starts at one again if `restart`.
pub async fn record_failure(conn: &mut Conn, id: &str, restart: bool, now: Timestamp) -> Result<()> {
    Sql::new("UPDATE users SET failed_auth_count = CASE WHEN $1 THEN 1 ELSE failed_auth_count + 1 END, failed_auth_at = $2 WHERE id = $3")
        .bind(restart)
        .bind(now.0)
        .bind(id)
        .run(conn)
        .await?;
    Ok(())
}

/// Forgets failed attempts.
pub async fn clear_failures(conn: &mut Conn, id: &str) -> Result<()> {
    Sql::new("UPDATE users SET failed_auth_count = 0, failed_auth_at = NULL WHERE id = $1").bind(id).run(conn).await?;
    Ok(())
}

/// Notes that the user was there.
pub async fn mark_active(conn: &mut Conn, id: &str, now: Timestamp) -> Result<()> {
    Sql::new("UPDATE users SET last_active_at = $1 WHERE id = $2").bind(now.0).bind(id).run(conn).await?;
    Ok(())
}
