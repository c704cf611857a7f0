//! Users and groups that have been provisioned, with what a platform calls them, and whom a configuration brings. Both are read in
//! pages, so that no list is ever held whole.

use super::Conn;
use super::sql::Sql;
use crate::error::Result;
use crate::model::provisioning::{Kind, Link};

#[derive(sqlx::FromRow)]
struct Row {
    local_id: String,
    remote_id: String,
    remote_version: Option<String>,
    digest: String,
    active: bool,
}

impl From<Row> for Link {
    fn from(r: Row) -> Self {
        Self {
            local_id: r.local_id,
            remote_id: r.remote_id,
            remote_version: r.remote_version,
            digest: r.digest,
            active: r.active,
        }
    }
}

const COLUMNS: &str = "SELECT local_id, remote_id, remote_version, digest, active FROM provisioned p WHERE TRUE";

/// Writes what a platform calls a user or group.
pub async fn put(conn: &mut Conn, federation_id: &str, kind: Kind, link: &Link) -> Result<()> {
    Sql::new(
        "INSERT INTO provisioned (federation_id, kind, local_id, remote_id, remote_version, digest, active) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (federation_id, kind, local_id) DO UPDATE SET \
         remote_id = excluded.remote_id, remote_version = excluded.remote_version, digest = excluded.digest, active = excluded.active",
    )
    .bind(federation_id)
    .bind(kind.as_str())
    .bind(&link.local_id)
    .bind(&link.remote_id)
    .bind(&link.remote_version)
    .bind(&link.digest)
    .bind(link.active)
    .run(conn)
    .await
    .map(drop)
}

/// Forgets a user or group; a group's members with it.
pub async fn forget(conn: &mut Conn, federation_id: &str, kind: Kind, local_id: &str) -> Result<()> {
    Sql::new("DELETE FROM provisioned WHERE federation_id = $1 AND kind = $2 AND local_id = $3")
        .bind(federation_id)
        .bind(kind.as_str())
        .bind(local_id)
        .run(conn)
        .await?;
    let members = match kind {
        Kind::Group => "DELETE FROM provisioned_members WHERE federation_id = $1 AND group_id = $2",
        Kind::User => "DELETE FROM provisioned_members WHERE federation_id = $1 AND user_id = $2",
    };
    Sql::new(members).bind(federation_id).bind(local_id).run(conn).await.map(drop)
}

/// What a platform calls these users or groups.
pub async fn of(conn: &mut Conn, federation_id: &str, kind: Kind, ids: &[&str]) -> Result<Vec<Link>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql =
        Sql::new(COLUMNS).push_bind(" AND federation_id = ", federation_id).push_bind(" AND kind = ", kind.as_str());
    let rows: Vec<Row> = among(sql, ids).all(conn).await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// Adds that `local_id` is one of these. Their range says the same once more: an index serves it whatever PostgreSQL takes the
/// table for, which it knows nothing of while it is filled for the first time.
pub(super) fn among(sql: Sql, ids: &[&str]) -> Sql {
    let (first, last) = (ids.iter().min().copied().unwrap_or_default(), ids.iter().max().copied().unwrap_or_default());
    sql.push_bind(" AND local_id >= ", first)
        .push_bind(" AND local_id <= ", last)
        .push_in(" AND local_id IN ", ids.iter().copied())
}

/// A page of all users or groups that a platform has, after an id.
pub async fn list(conn: &mut Conn, federation_id: &str, kind: Kind, after: &str, most: i64) -> Result<Vec<Link>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" AND federation_id = ", federation_id)
        .push_bind(" AND kind = ", kind.as_str())
        .push_bind(" AND local_id > ", after)
        .push_bind(" ORDER BY local_id LIMIT ", most)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// Whom a configuration brings: all who came by it, and the groups that its identity provider asserted of them; if it maps groups,
/// those alone.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The configuration.
    pub config_id: String,
    /// Names of the groups that it maps; empty for all.
    pub group_names: Vec<String>,
}

/// Adds what must hold of the user `column`.
fn user_in_scope(sql: Sql, column: &'static str, scope: &Scope) -> Sql {
    sql.push("EXISTS (SELECT 1 FROM federated_users f WHERE f.user_id = ")
        .push(column)
        .push_bind(" AND f.idp_id = ", &scope.config_id)
        .push(")")
}

/// Adds what must hold of the group `column`: it was asserted of somebody by the configuration's identity provider, or stands
/// for one that the configuration maps.
fn group_in_scope(sql: Sql, scope: &Scope) -> Sql {
    let sql = sql
        .push_bind(
            "(EXISTS (SELECT 1 FROM expiring_group_members m WHERE m.group_id = g.id AND m.idp_id = ",
            &scope.config_id,
        )
        .push(")");
    if scope.group_names.is_empty() {
        return sql.push(")");
    }
    sql.push_bind(" OR g.domain_id = (SELECT i.domain_id FROM identity_providers i WHERE i.id = ", &scope.config_id)
        .push("))")
        .push_in(" AND g.name IN ", &scope.group_names)
}

#[derive(sqlx::FromRow)]
struct Id {
    id: String,
}

/// A page of the ids of users whom a configuration brings, after an id.
pub async fn users(conn: &mut Conn, scope: &Scope, after: &str, most: i64) -> Result<Vec<String>> {
    let rows: Vec<Id> = Sql::new("SELECT DISTINCT f.user_id AS id FROM federated_users f WHERE")
        .push_bind(" f.idp_id = ", &scope.config_id)
        .push_bind(" AND f.user_id > ", after)
        .push_bind(" ORDER BY f.user_id LIMIT ", most)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// A page of the ids and names of groups whose members a configuration brings, after an id.
pub async fn groups(conn: &mut Conn, scope: &Scope, after: &str, most: i64) -> Result<Vec<(String, String)>> {
    #[derive(sqlx::FromRow)]
    struct Named {
        id: String,
        name: String,
    }
    let sql = Sql::new("SELECT g.id, g.name FROM user_groups g WHERE").push_bind(" g.id > ", after).push(" AND ");
    let rows: Vec<Named> = group_in_scope(sql, scope).push_bind(" ORDER BY g.id LIMIT ", most).all(conn).await?;
    Ok(rows.into_iter().map(|r| (r.id, r.name)).collect())
}

/// How many users or groups a configuration brings.
pub async fn count(conn: &mut Conn, scope: &Scope, kind: Kind) -> Result<i64> {
    let sql = match kind {
        Kind::User => user_in_scope(Sql::new("SELECT COUNT(*) AS n FROM users u WHERE "), "u.id", scope),
        Kind::Group => group_in_scope(Sql::new("SELECT COUNT(*) AS n FROM user_groups g WHERE "), scope),
    };
    let count: Option<Count> = sql.first(conn).await?;
    Ok(count.map_or(0, |c| c.n))
}

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

/// Users that are active at a platform, and how many of these would be deactivated there: those who are disabled here, and those
/// whom the configuration does not bring any more.
pub async fn at_stake(conn: &mut Conn, federation_id: &str, scope: &Scope) -> Result<(i64, i64)> {
    let all: Option<Count> = Sql::new("SELECT COUNT(*) AS n FROM provisioned p WHERE p.kind = 'user' AND p.active")
        .push_bind(" AND p.federation_id = ", federation_id)
        .first(conn)
        .await?;
    let stay = Sql::new(
        "SELECT COUNT(*) AS n FROM provisioned p JOIN users u ON u.id = p.local_id WHERE p.kind = 'user' AND p.active",
    )
    .push_bind(" AND p.federation_id = ", federation_id)
    .push(" AND u.enabled AND ");
    let stay: Option<Count> = user_in_scope(stay, "p.local_id", scope).first(conn).await?;
    let (all, stay) = (all.map_or(0, |c| c.n), stay.map_or(0, |c| c.n));
    Ok((all, all - stay))
}

/// A page of users or groups that a platform has and the configuration does not bring any more, after an id. Those that
/// have been deactivated there are done with.
pub async fn leavers(
    conn: &mut Conn,
    federation_id: &str,
    kind: Kind,
    scope: &Scope,
    after: &str,
    most: i64,
) -> Result<Vec<Link>> {
    let sql = Sql::new(COLUMNS)
        .push_bind(" AND p.federation_id = ", federation_id)
        .push_bind(" AND p.kind = ", kind.as_str())
        .push_bind(" AND p.active AND p.local_id > ", after);
    let sql = match kind {
        Kind::User => user_in_scope(sql.push(" AND NOT ("), "p.local_id", scope).push(")"),
        Kind::Group => {
            group_in_scope(sql.push(" AND p.local_id NOT IN (SELECT g.id FROM user_groups g WHERE "), scope).push(")")
        }
    };
    let rows: Vec<Row> = sql.push_bind(" ORDER BY p.local_id LIMIT ", most).all(conn).await?;
    Ok(rows.into_iter().map(Link::from).collect())
}
