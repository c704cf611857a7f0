//! Runs that provision users and groups on platforms: how far each has come, and its report.

use super::sql::Sql;
use super::{Conn, json};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::list::Window;
use crate::model::provisioning::{Mode, Phase, Run, State};

#[derive(sqlx::FromRow)]
struct Row {
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

impl TryFrom<Row> for Run {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
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

const COLUMNS: &str = "SELECT id, federation_id, mode, state, phase, after_id, counts, problems, unlimited, error, created_at, updated_at, \
     finished_at FROM provisioning_runs WHERE TRUE";

/// Adds a run.
pub async fn insert(conn: &mut Conn, run: &Run) -> Result<()> {
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
pub async fn update(conn: &mut Conn, run: &Run) -> Result<bool> {
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
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Run>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Run::try_from).transpose()
}

fn of_federation(sql: Sql, federation_id: Option<&str>) -> Sql {
    match federation_id {
        Some(id) => sql.push_bind(" AND federation_id = ", id),
        None => sql,
    }
}

/// Part of the runs, newest first; those of one federation.
pub async fn list(conn: &mut Conn, federation_id: Option<&str>, window: Window) -> Result<Vec<Run>> {
    let rows: Vec<Row> = of_federation(Sql::new(COLUMNS), federation_id)
        .push_bind(" ORDER BY created_at DESC, id DESC LIMIT ", window.limit)
        .push_bind(" OFFSET ", window.offset)
        .all(conn)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// How many runs there are.
pub async fn count(conn: &mut Conn, federation_id: Option<&str>) -> Result<i64> {
    let sql = Sql::new("SELECT COUNT(*) AS n FROM provisioning_runs WHERE TRUE");
    let count: Option<Count> = of_federation(sql, federation_id).first(conn).await?;
    Ok(count.map_or(0, |c| c.n))
}

/// Drops up to a thousand runs that ended before a time and are not the last of their federation.
pub async fn prune(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new(
        "DELETE FROM provisioning_runs WHERE id IN (SELECT r.id FROM provisioning_runs r WHERE r.finished_at < $1 \
         AND r.id NOT IN (SELECT f.run_id FROM federations f WHERE f.run_id IS NOT NULL) LIMIT 1000)",
    )
    .bind(before.0)
    .run(conn)
    .await
}

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}
