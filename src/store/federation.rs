//! Federations: configurations on platforms. Each is written before its platform is asked, and what comes of that after it.

use super::sql::Sql;
use super::{Conn, json};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::federation::{Deprovision, Federation, Health, Listed, Status, Wanted};
use crate::model::list::{Portion, Window};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    config_id: String,
    platform_id: String,
    wanted: String,
    deprovision: String,
    status: String,
    health: String,
    client_id: Option<String>,
    callback_url: Option<String>,
    warnings: String,
    error: Option<String>,
    user_error: Option<String>,
    group_error: Option<String>,
    digest: Option<String>,
    pushed_version: Option<i64>,
    asked: i64,
    served: i64,
    attempt: Option<String>,
    run_id: Option<String>,
    pushed_at: Option<i64>,
    checked_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Federation {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        let odd = |what: &str| Error::internal(format!("federations row {}: bad {what}", r.id));
        Ok(Self {
            wanted: Wanted::parse(&r.wanted).ok_or_else(|| odd("wanted"))?,
            deprovision: Deprovision::parse(&r.deprovision).ok_or_else(|| odd("deprovision"))?,
            status: Status::parse(&r.status).ok_or_else(|| odd("status"))?,
            health: Health::parse(&r.health).ok_or_else(|| odd("health"))?,
            warnings: json::parse("federations", &r.id, &r.warnings)?,
            id: r.id,
            config_id: r.config_id,
            platform_id: r.platform_id,
            client_id: r.client_id,
            callback_url: r.callback_url,
            error: r.error,
            user_error: r.user_error,
            group_error: r.group_error,
            digest: r.digest,
            pushed_version: r.pushed_version,
            asked: r.asked,
            served: r.served,
            attempt: r.attempt,
            run_id: r.run_id,
            pushed_at: r.pushed_at.map(Timestamp),
            checked_at: r.checked_at.map(Timestamp),
            created_at: Timestamp(r.created_at),
            updated_at: Timestamp(r.updated_at),
        })
    }
}

const COLUMNS: &str = "SELECT id, config_id, platform_id, wanted, deprovision, status, health, client_id, callback_url, warnings, \
     error, user_error, group_error, digest, pushed_version, asked, served, attempt, run_id, pushed_at, checked_at, created_at, \
     updated_at \
     FROM federations WHERE TRUE";

/// Adds a federation, unless there is one of that pair: the row that is there then.
pub async fn ensure(conn: &mut Conn, it: &Federation) -> Result<Federation> {
    Sql::new(
        "INSERT INTO federations (id, config_id, platform_id, wanted, deprovision, status, health, warnings, asked, \
         served, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, '[]', 0, 0, $8, $9) ON CONFLICT (config_id, platform_id) DO NOTHING",
    )
    .bind(&it.id)
    .bind(&it.config_id)
    .bind(&it.platform_id)
    .bind(it.wanted.as_str())
    .bind(it.deprovision.as_str())
    .bind(it.status.as_str())
    .bind(it.health.as_str())
    .bind(it.created_at.0)
    .bind(it.updated_at.0)
    .run(conn)
    .await?;
    let found = of_pair(conn, &it.config_id, &it.platform_id).await?;
    found.ok_or_else(|| Error::internal("a federation was added and is not there"))
}

/// Writes all that can change, but for when the next look is due.
pub async fn update(conn: &mut Conn, it: &Federation) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE federations SET wanted = $1, deprovision = $2, status = $3, health = $4, client_id = $5, callback_url = $6, \
         warnings = $7, error = $8, user_error = $9, group_error = $10, digest = $11, pushed_version = $12, attempt = $13, \
         run_id = $14, pushed_at = $15, checked_at = $16, updated_at = $17, asked = $18, served = $19 WHERE id = $20",
    )
    .bind(it.wanted.as_str())
    .bind(it.deprovision.as_str())
    .bind(it.status.as_str())
    .bind(it.health.as_str())
    .bind(&it.client_id)
    .bind(&it.callback_url)
    .bind(json::written(&it.warnings)?)
    .bind(&it.error)
    .bind(&it.user_error)
    .bind(&it.group_error)
    .bind(&it.digest)
    .bind(it.pushed_version)
    .bind(&it.attempt)
    .bind(&it.run_id)
    .bind(it.pushed_at.map(|at| at.0))
    .bind(it.checked_at.map(|at| at.0))
    .bind(it.updated_at.0)
    .bind(it.asked)
    .bind(it.served)
    .bind(&it.id)
    .run(conn)
    .await?;
    Ok(touched == 1)
}

/// Says when somebody is to look next whether it is there.
pub async fn check_at(conn: &mut Conn, id: &str, at: Option<Timestamp>) -> Result<()> {
    Sql::new("UPDATE federations SET next_check_at = $1 WHERE id = $2")
        .bind(at.map(|at| at.0))
        .bind(id)
        .run(conn)
        .await
        .map(drop)
}

/// Says when users and groups are to be provisioned at the latest.
pub async fn run_at_latest(conn: &mut Conn, id: &str, at: Timestamp) -> Result<()> {
    Sql::new("UPDATE federations SET next_run_at = $1 WHERE id = $2 AND (next_run_at IS NULL OR next_run_at > $3)")
        .bind(at.0)
        .bind(id)
        .bind(at.0)
        .run(conn)
        .await
        .map(drop)
}

/// Keeps the row for this transaction; none if it is gone.
pub async fn hold(conn: &mut Conn, id: &str) -> Result<Option<Federation>> {
    if Sql::new("UPDATE federations SET id = id WHERE id = $1").bind(id).run(conn).await? == 0 {
        return Ok(None);
    }
    get(conn, id).await
}

/// One federation.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Federation>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Federation::try_from).transpose()
}

/// That of a configuration and a platform.
pub async fn of_pair(conn: &mut Conn, config_id: &str, platform_id: &str) -> Result<Option<Federation>> {
    let sql = Sql::new(COLUMNS).push_bind(" AND config_id = ", config_id).push_bind(" AND platform_id = ", platform_id);
    let row: Option<Row> = sql.first(conn).await?;
    row.map(Federation::try_from).transpose()
}

/// Those of a configuration.
pub async fn of_config(conn: &mut Conn, config_id: &str) -> Result<Vec<Federation>> {
    let sql = Sql::new(COLUMNS).push_bind(" AND config_id = ", config_id).push(" ORDER BY created_at, id");
    let rows: Vec<Row> = sql.all(conn).await?;
    rows.into_iter().map(Federation::try_from).collect()
}

/// Those of a platform.
pub async fn of_platform(conn: &mut Conn, platform_id: &str) -> Result<Vec<Federation>> {
    let sql = Sql::new(COLUMNS).push_bind(" AND platform_id = ", platform_id).push(" ORDER BY created_at, id");
    let rows: Vec<Row> = sql.all(conn).await?;
    rows.into_iter().map(Federation::try_from).collect()
}

/// Deletes a federation with its links and runs; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("DELETE FROM federations WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Deletes those of a configuration or platform.
pub async fn delete_of_config(conn: &mut Conn, config_id: &str) -> Result<()> {
    Sql::new("DELETE FROM federations WHERE config_id = $1").bind(config_id).run(conn).await.map(drop)
}

/// Deletes those of a platform.
pub async fn delete_of_platform(conn: &mut Conn, platform_id: &str) -> Result<()> {
    Sql::new("DELETE FROM federations WHERE platform_id = $1").bind(platform_id).run(conn).await.map(drop)
}

/// Notes that a configuration is not what was pushed any more.
pub async fn drift(conn: &mut Conn, config_id: &str, now: Timestamp) -> Result<()> {
    Sql::new(
        "UPDATE federations SET status = 'drifted', updated_at = $1 WHERE config_id = $2 AND wanted = 'present' \
         AND status IN ('federated', 'partial')",
    )
    .bind(now.0)
    .bind(config_id)
    .run(conn)
    .await
    .map(drop)
}

/// Notes that a platform is not spoken to as it was any more.
pub async fn drift_of_platform(conn: &mut Conn, platform_id: &str, now: Timestamp) -> Result<()> {
    Sql::new(
        "UPDATE federations SET status = 'drifted', updated_at = $1 WHERE platform_id = $2 AND wanted = 'present' \
         AND status IN ('federated', 'partial')",
    )
    .bind(now.0)
    .bind(platform_id)
    .run(conn)
    .await
    .map(drop)
}

/// Those of the ids that there are.
pub async fn get_all(conn: &mut Conn, ids: &[&str]) -> Result<Vec<Federation>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = Sql::new(COLUMNS).push_in(" AND id IN ", ids.iter().copied()).all(conn).await?;
    rows.into_iter().map(Federation::try_from).collect()
}

/// Has users and groups provisioned soon wherever a user has been: something about them has changed.
pub async fn note_user(conn: &mut Conn, user_id: &str, at: Timestamp) -> Result<()> {
    Sql::new(
        "UPDATE federations SET next_run_at = $1 WHERE run_id IS NOT NULL AND wanted = 'present' \
         AND (next_run_at IS NULL OR next_run_at > $2) \
         AND (config_id IN (SELECT f.idp_id FROM federated_users f WHERE f.user_id = $3) \
              OR id IN (SELECT p.federation_id FROM provisioned p WHERE p.kind = 'user' AND p.local_id = $4))",
    )
    .bind(at.0)
    .bind(at.0)
    .bind(user_id)
    .bind(user_id)
    .run(conn)
    .await
    .map(drop)
}

/// The same for all users of a domain.
pub async fn note_domain(conn: &mut Conn, domain_id: &str, at: Timestamp) -> Result<()> {
    Sql::new(
        "UPDATE federations SET next_run_at = $1 WHERE run_id IS NOT NULL AND wanted = 'present' \
         AND (next_run_at IS NULL OR next_run_at > $2) \
         AND config_id IN (SELECT f.idp_id FROM federated_users f JOIN users u ON u.id = f.user_id WHERE u.domain_id = $3)",
    )
    .bind(at.0)
    .bind(at.0)
    .bind(domain_id)
    .run(conn)
    .await
    .map(drop)
}

/// The same wherever anybody has been provisioned.
pub async fn note_all(conn: &mut Conn, at: Timestamp) -> Result<()> {
    Sql::new(
        "UPDATE federations SET next_run_at = $1 WHERE run_id IS NOT NULL AND wanted = 'present' \
         AND (next_run_at IS NULL OR next_run_at > $2)",
    )
    .bind(at.0)
    .bind(at.0)
    .run(conn)
    .await
    .map(drop)
}

/// Part of the platforms, each once for each configuration that is pushed to it, or once without any; of one platform, of one
/// configuration.
pub async fn list(
    conn: &mut Conn,
    platform_id: Option<&str>,
    config_id: Option<&str>,
    window: Window,
) -> Result<Portion<Listed>> {
    #[derive(sqlx::FromRow)]
    struct Pair {
        platform_id: String,
        platform_name: String,
        product_type: String,
        federation_id: Option<String>,
    }
    #[derive(sqlx::FromRow)]
    struct Count {
        n: i64,
    }
    let narrowed = |columns: &'static str| {
        let mut sql = Sql::new(columns).push(" FROM platforms p LEFT JOIN federations f ON f.platform_id = p.id");
        if let Some(id) = config_id {
            sql = sql.push_bind(" AND f.config_id = ", id);
        }
        sql = sql.push(" WHERE TRUE");
        if let Some(id) = platform_id {
            sql = sql.push_bind(" AND p.id = ", id);
        }
        sql
    };
    let count: Option<Count> = narrowed("SELECT COUNT(*) AS n").first(conn).await?;
    let pairs: Vec<Pair> =
        narrowed("SELECT p.id AS platform_id, p.name AS platform_name, p.product_type, f.id AS federation_id")
            .push_bind(" ORDER BY p.created_at, p.id, f.created_at, f.id LIMIT ", window.limit)
            .push_bind(" OFFSET ", window.offset)
            .all(conn)
            .await?;
    let ids: Vec<&String> = pairs.iter().filter_map(|p| p.federation_id.as_ref()).collect();
    let rows: Vec<Row> = match ids.is_empty() {
        true => Vec::new(),
        false => Sql::new(COLUMNS).push_in(" AND id IN ", ids).all(conn).await?,
    };
    let mut found = rows
        .into_iter()
        .map(|row| Ok((row.id.clone(), Federation::try_from(row)?)))
        .collect::<Result<std::collections::HashMap<_, _>>>()?;
    let items = pairs.into_iter().map(|p| Listed {
        federation: p.federation_id.and_then(|id| found.remove(&id)),
        platform_id: p.platform_id,
        platform_name: p.platform_name,
        product_type: p.product_type,
    });
    Ok(Portion { items: items.collect(), total: count.map_or(0, |c| c.n) })
}

#[derive(sqlx::FromRow)]
struct Id {
    id: String,
}

/// Which of the two looks is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Whether it is there.
    Check,
    /// Its users and groups.
    Run,
}

/// Takes up to `most` federations that are due and says when they are next: their ids.
pub async fn take_due(
    conn: &mut Conn,
    due: Due,
    now: Timestamp,
    next: Option<Timestamp>,
    most: i64,
) -> Result<Vec<String>> {
    let text = match due {
        Due::Check => {
            "UPDATE federations SET next_check_at = $1 WHERE id IN (SELECT id FROM federations WHERE next_check_at <= $2 \
             ORDER BY next_check_at LIMIT $3) AND next_check_at <= $4 RETURNING id"
        }
        Due::Run => {
            "UPDATE federations SET next_run_at = $1 WHERE id IN (SELECT id FROM federations WHERE next_run_at <= $2 \
             ORDER BY next_run_at LIMIT $3) AND next_run_at <= $4 RETURNING id"
        }
    };
    let rows: Vec<Id> = Sql::new(text).bind(next.map(|at| at.0)).bind(now.0).bind(most).bind(now.0).all(conn).await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Whether anything is due.
pub async fn is_due(conn: &mut Conn, due: Due, now: Timestamp) -> Result<bool> {
    let text = match due {
        Due::Check => "SELECT id FROM federations WHERE next_check_at <= $1 LIMIT 1",
        Due::Run => "SELECT id FROM federations WHERE next_run_at <= $1 LIMIT 1",
    };
    let row: Option<Id> = Sql::new(text).bind(now.0).first(conn).await?;
    Ok(row.is_some())
}
