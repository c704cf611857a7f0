//! What has been provisioned where: runs with their reports, users and groups with what a platform calls them, and the members
//! that it was told of. Whom a configuration brings is asked here, too, in pages, so that no list is ever held whole.

use super::sql::Sql;
use super::{Conn, json};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::list::Window;
use crate::model::provisioning::{Kind, Link, Mode, Phase, Run, State};

#[derive(sqlx::FromRow)]
struct RunRow {
    id: String,
    federation_id: String,
    mode: String,
    state: String,
    phase: String,
    after_id: String,
    counts: String,
    problems: String,
    unlimited: bool,
    error: Option<String>,
    created_at: i64,
    updated_at: i64,
    finished_at: Option<i64>,
}

impl TryFrom<RunRow> for Run {
    type Error = Error;

    fn try_from(r: RunRow) -> Result<Self> {
        let odd = |what: &str| Error::internal(format!("provisioning_runs row {}: bad {what}", r.id));
        Ok(Self {
            mode: Mode::parse(&r.mode).ok_or_else(|| odd("mode"))?,
            state: State::parse(&r.state).ok_or_else(|| odd("state"))?,
            phase: Phase::parse(&r.phase).ok_or_else(|| odd("phase"))?,
            counts: json::parse("provisioning_runs", &r.id, &r.counts)?,
            problems: json::parse("provisioning_runs", &r.id, &r.problems)?,
            id: r.id,
            federation_id: r.federation_id,
            after_id: r.after_id,
            unlimited: r.unlimited,
            error: r.error,
            created_at: Timestamp(r.created_at),
            updated_at: Timestamp(r.updated_at),
            finished_at: r.finished_at.map(Timestamp),
        })
    }
}

const RUN: &str = "SELECT id, federation_id, mode, state, phase, after_id, counts, problems, unlimited, error, created_at, updated_at, \
     finished_at FROM provisioning_runs WHERE TRUE";

/// Adds a run.
pub async fn insert_run(conn: &mut Conn, run: &Run) -> Result<()> {
    Sql::new(
        "INSERT INTO provisioning_runs (id, federation_id, mode, state, phase, after_id, counts, problems, unlimited, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&run.id)
    .bind(&run.federation_id)
    .bind(run.mode.as_str())
    .bind(run.state.as_str())
    .bind(run.phase.as_str())
    .bind(&run.after_id)
    .bind(json::written(&run.counts)?)
    .bind(json::written(&run.problems)?)
    .bind(run.unlimited)
    .bind(run.created_at.0)
    .bind(run.updated_at.0)
    .run(conn)
    .await
    .map(drop)
}

/// Writes how far a run has come, unless it has ended already (somebody wanted something else); whether it was written.
pub async fn update_run(conn: &mut Conn, run: &Run) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE provisioning_runs SET state = $1, phase = $2, after_id = $3, counts = $4, problems = $5, error = $6, updated_at = $7, \
         finished_at = $8 WHERE id = $9 AND finished_at IS NULL",
    )
    .bind(run.state.as_str())
    .bind(run.phase.as_str())
    .bind(&run.after_id)
    .bind(json::written(&run.counts)?)
    .bind(json::written(&run.problems)?)
    .bind(&run.error)
    .bind(run.updated_at.0)
    .bind(run.finished_at.map(|at| at.0))
    .bind(&run.id)
    .run(conn)
    .await?;
    Ok(touched == 1)
}

/// One run.
pub async fn get_run(conn: &mut Conn, id: &str) -> Result<Option<Run>> {
    let row: Option<RunRow> = Sql::new(RUN).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Run::try_from).transpose()
}

fn of_federation(sql: Sql, federation_id: Option<&str>) -> Sql {
    match federation_id {
        Some(id) => sql.push_bind(" AND federation_id = ", id),
        None => sql,
    }
}

/// Part of the runs, newest first; those of one federation.
pub async fn list_runs(conn: &mut Conn, federation_id: Option<&str>, window: Window) -> Result<Vec<Run>> {
    let rows: Vec<RunRow> = of_federation(Sql::new(RUN), federation_id)
        .push_bind(" ORDER BY created_at DESC, id DESC LIMIT ", window.limit)
        .push_bind(" OFFSET ", window.offset)
        .all(conn)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// How many runs there are.
pub async fn count_runs(conn: &mut Conn, federation_id: Option<&str>) -> Result<i64> {
    let sql = Sql::new("SELECT COUNT(*) AS n FROM provisioning_runs WHERE TRUE");
    let count: Option<Count> = of_federation(sql, federation_id).first(conn).await?;
    Ok(count.map_or(0, |c| c.n))
}

/// Drops up to a thousand runs that ended before a time and are not the last of their federation.
pub async fn prune_runs(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new(
        "DELETE FROM provisioning_runs WHERE id IN (SELECT r.id FROM provisioning_runs r WHERE r.finished_at < $1 \
         AND r.id NOT IN (SELECT f.run_id FROM federations f WHERE f.run_id IS NOT NULL) LIMIT 1000)",
    )
    .bind(before.0)
    .run(conn)
    .await
}

#[derive(sqlx::FromRow)]
struct LinkRow {
    local_id: String,
    remote_id: String,
    remote_version: Option<String>,
    digest: String,
    active: bool,
}

impl From<LinkRow> for Link {
    fn from(r: LinkRow) -> Self {
        Self {
            local_id: r.local_id,
            remote_id: r.remote_id,
            remote_version: r.remote_version,
            digest: r.digest,
            active: r.active,
        }
    }
}

const LINK: &str = "SELECT local_id, remote_id, remote_version, digest, active FROM provisioned p WHERE TRUE";

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
    let sql = Sql::new(LINK).push_bind(" AND federation_id = ", federation_id).push_bind(" AND kind = ", kind.as_str());
    let rows: Vec<LinkRow> = among(sql, ids).all(conn).await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// Adds that `local_id` is one of these. Their range says the same once more: an index serves it whatever PostgreSQL takes the
/// table for, which it knows nothing of while it is filled for the first time.
fn among(sql: Sql, ids: &[&str]) -> Sql {
    let (first, last) = (ids.iter().min().copied().unwrap_or_default(), ids.iter().max().copied().unwrap_or_default());
    sql.push_bind(" AND local_id >= ", first)
        .push_bind(" AND local_id <= ", last)
        .push_in(" AND local_id IN ", ids.iter().copied())
}

/// A page of all users or groups that a platform has, after an id.
pub async fn list(conn: &mut Conn, federation_id: &str, kind: Kind, after: &str, most: i64) -> Result<Vec<Link>> {
    let rows: Vec<LinkRow> = Sql::new(LINK)
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
    let sql = Sql::new(LINK)
        .push_bind(" AND p.federation_id = ", federation_id)
        .push_bind(" AND p.kind = ", kind.as_str())
        .push_bind(" AND p.active AND p.local_id > ", after);
    let sql = match kind {
        Kind::User => user_in_scope(sql.push(" AND NOT ("), "p.local_id", scope).push(")"),
        Kind::Group => {
            group_in_scope(sql.push(" AND p.local_id NOT IN (SELECT g.id FROM user_groups g WHERE "), scope).push(")")
        }
    };
    let rows: Vec<LinkRow> = sql.push_bind(" ORDER BY p.local_id LIMIT ", most).all(conn).await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// A member of a group: a user of ours and what the platform calls them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// The user's id here.
    pub user_id: String,
    /// Their id there.
    pub remote_id: String,
}

/// A page of the ids of those who are in a group here, after a user's id.
pub async fn group_members(conn: &mut Conn, group_id: &str, after: &str, most: i64) -> Result<Vec<String>> {
    let side = |sql: Sql, text: &'static str| {
        sql.push_bind(text, group_id)
            .push_bind(" AND m.user_id > ", after)
            .push_bind(" ORDER BY m.user_id LIMIT ", most)
            .push(")")
    };
    let sql = Sql::new("SELECT a.user_id AS id FROM ");
    let sql =
        side(sql, "(SELECT m.user_id FROM group_members m WHERE m.group_id = ").push(" a UNION SELECT b.user_id FROM ");
    let sql = side(sql, "(SELECT m.user_id FROM expiring_group_members m WHERE m.group_id = ").push(" b");
    let rows: Vec<Id> = sql.push_bind(" ORDER BY 1 LIMIT ", most).all(conn).await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Those of these users who are active at a platform and not in its group there as far as it was told, in order of their ids.
pub async fn untold(conn: &mut Conn, federation_id: &str, group_id: &str, ids: &[&str]) -> Result<Vec<Member>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql =
        Sql::new("SELECT p.local_id AS user_id, p.remote_id FROM provisioned p WHERE p.kind = 'user' AND p.active")
            .push_bind(" AND p.federation_id = ", federation_id);
    among(sql, ids)
        .push(" AND NOT EXISTS (SELECT 1 FROM provisioned_members t WHERE t.federation_id = p.federation_id")
        .push_bind(" AND t.group_id = ", group_id)
        .push(" AND t.user_id = p.local_id AND t.remote_id = p.remote_id) ORDER BY p.local_id")
        .all(conn)
        .await
}

/// Those of these users who are to stay in a platform's group: in the group here, and active there, each with the id that they have
/// there now.
pub async fn staying(conn: &mut Conn, federation_id: &str, group_id: &str, ids: &[&str]) -> Result<Vec<Member>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql =
        Sql::new("SELECT p.local_id AS user_id, p.remote_id FROM provisioned p WHERE p.kind = 'user' AND p.active")
            .push_bind(" AND p.federation_id = ", federation_id);
    among(sql, ids)
        .push_bind(" AND (EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = ", group_id)
        .push(" AND m.user_id = p.local_id)")
        .push_bind(" OR EXISTS (SELECT 1 FROM expiring_group_members e WHERE e.group_id = ", group_id)
        .push(" AND e.user_id = p.local_id))")
        .all(conn)
        .await
}

/// All members that a platform's group has as far as it was told, in pages after a user's id.
pub async fn members(
    conn: &mut Conn,
    federation_id: &str,
    group_id: &str,
    after: &str,
    most: i64,
) -> Result<Vec<Member>> {
    Sql::new("SELECT t.user_id, t.remote_id FROM provisioned_members t WHERE")
        .push_bind(" t.federation_id = ", federation_id)
        .push_bind(" AND t.group_id = ", group_id)
        .push_bind(" AND t.user_id > ", after)
        .push_bind(" ORDER BY t.user_id LIMIT ", most)
        .all(conn)
        .await
}

/// The users of ours whom a platform calls by these ids.
pub async fn by_remote(conn: &mut Conn, federation_id: &str, remote_ids: &[&String]) -> Result<Vec<Member>> {
    if remote_ids.is_empty() {
        return Ok(Vec::new());
    }
    Sql::new("SELECT p.local_id AS user_id, p.remote_id FROM provisioned p WHERE p.kind = 'user'")
        .push_bind(" AND p.federation_id = ", federation_id)
        .push_in(" AND p.remote_id IN ", remote_ids.iter().copied())
        .all(conn)
        .await
}

/// Notes members that a platform was told of.
pub async fn add_members(conn: &mut Conn, federation_id: &str, group_id: &str, members: &[Member]) -> Result<()> {
    for member in members {
        Sql::new(
            "INSERT INTO provisioned_members (federation_id, group_id, user_id, remote_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (federation_id, group_id, user_id) DO UPDATE SET remote_id = excluded.remote_id",
        )
        .bind(federation_id)
        .bind(group_id)
        .bind(&member.user_id)
        .bind(&member.remote_id)
        .run(conn)
        .await?;
    }
    Ok(())
}

/// Forgets members that a platform has no more.
pub async fn remove_members(conn: &mut Conn, federation_id: &str, group_id: &str, user_ids: &[&str]) -> Result<()> {
    if user_ids.is_empty() {
        return Ok(());
    }
    Sql::new("DELETE FROM provisioned_members WHERE")
        .push_bind(" federation_id = ", federation_id)
        .push_bind(" AND group_id = ", group_id)
        .push_in(" AND user_id IN ", user_ids.iter().copied())
        .run(conn)
        .await
        .map(drop)
}
