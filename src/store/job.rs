//! Background jobs. Whoever runs one holds a lease under a token of its own: who has lost it writes nothing any more.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::job::{Filter, Job, Kind, NewJob, State};
use crate::model::list::Window;

const COLUMNS: &str = "id, kind, subject, payload, state, attempts, max_attempts, run_at, rerun, cancelling, error, \
                       created_at, updated_at, finished_at";

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    kind: String,
    subject: String,
    payload: String,
    state: String,
    attempts: i64,
    max_attempts: i64,
    run_at: i64,
    rerun: bool,
    cancelling: bool,
    error: Option<String>,
    created_at: i64,
    updated_at: i64,
    finished_at: Option<i64>,
}

impl TryFrom<Row> for Job {
    type Error = Error;

    fn try_from(r: Row) -> Result<Self> {
        let odd = |what: &str| Error::internal(format!("jobs row {}: bad {what}", r.id));
        Ok(Self {
            payload: serde_json::from_str(&r.payload).map_err(|_| odd("payload"))?,
            state: State::parse(&r.state).ok_or_else(|| odd("state"))?,
            id: r.id,
            kind: r.kind,
            subject: r.subject,
            attempts: r.attempts,
            max_attempts: r.max_attempts,
            run_at: Timestamp(r.run_at),
            rerun: r.rerun,
            cancelling: r.cancelling,
            error: r.error,
            created_at: Timestamp(r.created_at),
            updated_at: Timestamp(r.updated_at),
            finished_at: r.finished_at.map(Timestamp),
        })
    }
}

/// Queues a job. If there is one of that kind about that already, that one is queued again under its old id: one that waits
/// keeps the earlier of the two times, one that runs will run once more.
pub async fn insert(conn: &mut Conn, id: &str, job: &NewJob, now: Timestamp) -> Result<Job> {
    let row: Option<Row> = Sql::new(
        "INSERT INTO jobs (id, kind, subject, payload, state, attempts, max_attempts, run_at, due_at, rerun, cancelling, \
         created_at, updated_at) VALUES ($1, $2, $3, $4, 'queued', 0, $5, $6, $7, FALSE, FALSE, $8, $9) \
         ON CONFLICT (subject, kind) DO UPDATE SET \
         payload = excluded.payload, max_attempts = excluded.max_attempts, updated_at = excluded.updated_at, \
         finished_at = NULL, \
         state = CASE WHEN jobs.state = 'running' THEN 'running' ELSE 'queued' END, \
         rerun = (jobs.state = 'running'), \
         attempts = CASE WHEN jobs.state = 'running' THEN jobs.attempts ELSE 0 END, \
         error = CASE WHEN jobs.state = 'running' THEN jobs.error ELSE NULL END, \
         created_at = CASE WHEN jobs.state IN ('queued', 'running') THEN jobs.created_at ELSE excluded.created_at END, \
         run_at = CASE WHEN (jobs.state = 'queued' OR jobs.rerun) AND jobs.run_at < excluded.run_at \
         THEN jobs.run_at ELSE excluded.run_at END, \
         due_at = CASE WHEN jobs.state = 'running' THEN jobs.due_at \
         WHEN jobs.state = 'queued' AND jobs.run_at < excluded.run_at THEN jobs.run_at ELSE excluded.run_at END \
         RETURNING ",
    )
    .bind(id)
    .bind(job.kind.as_str())
    .bind(&job.subject)
    .bind(job.payload.to_string())
    .bind(job.kind.max_attempts())
    .bind(job.run_at.0)
    .bind(job.run_at.0)
    .bind(now.0)
    .bind(now.0)
    .push(COLUMNS)
    .first(conn)
    .await?;
    conn.queued = true;
    row.ok_or_else(|| Error::internal("a job was queued and is not there"))?.try_into()
}

#[derive(sqlx::FromRow)]
struct Id {
    #[expect(dead_code, reason = "that there is a row says it all")]
    id: String,
}

/// Restricts a statement to these kinds; there must be one at least.
fn of(sql: Sql, kinds: &[Kind]) -> Sql {
    sql.push_in(" AND kind IN ", kinds.iter().map(|kind| kind.as_str()))
}

/// Whether [`claim`] would find something: asked first, as it locks nothing.
pub async fn is_due(conn: &mut Conn, kinds: &[Kind], now: Timestamp) -> Result<bool> {
    let sql = of(Sql::new("SELECT id FROM jobs WHERE due_at <= $1").bind(now.0), kinds);
    let found: Option<Id> = sql.push(" LIMIT 1").first(conn).await?;
    Ok(found.is_some())
}

/// Takes the job of these kinds that has been due for longest under a lease until `until`: one that waits, or one whose lease has ended
/// because the node that ran it is gone. On PostgreSQL rows that another node is taking are passed over.
pub async fn claim(
    conn: &mut Conn,
    kinds: &[Kind],
    lease: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<Option<Job>> {
    let sql = Sql::new(
        "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease = $1, due_at = $2, updated_at = $3 \
         WHERE id = (SELECT id FROM jobs WHERE due_at <= $4",
    )
    .bind(lease)
    .bind(until.0)
    .bind(now.0)
    .bind(now.0);
    let lock = if conn.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = of(sql, kinds).push(" ORDER BY due_at, id LIMIT 1").push(lock).push(") RETURNING ").push(COLUMNS);
    let row: Option<Row> = sql.first(conn).await?;
    row.map(Job::try_from).transpose()
}

#[derive(sqlx::FromRow)]
struct Cancelling {
    cancelling: bool,
}

/// Prolongs a lease. `None` if it was lost, else whether somebody wants the job to stop.
pub async fn renew(conn: &mut Conn, id: &str, lease: &str, until: Timestamp) -> Result<Option<bool>> {
    let row: Option<Cancelling> =
        Sql::new("UPDATE jobs SET due_at = $1 WHERE id = $2 AND lease = $3 RETURNING cancelling")
            .bind(until.0)
            .bind(id)
            .bind(lease)
            .first(conn)
            .await?;
    Ok(row.map(|r| r.cancelling))
}

/// Writes down how a job ended. If it was asked for again meanwhile it is queued once more. False if the lease was lost.
pub async fn finish(
    conn: &mut Conn,
    id: &str,
    lease: &str,
    state: State,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let done = Sql::new(
        "UPDATE jobs SET state = CASE WHEN rerun THEN 'queued' ELSE $1 END, \
         attempts = CASE WHEN rerun THEN 0 ELSE attempts END, \
         due_at = CASE WHEN rerun THEN run_at ELSE NULL END, \
         finished_at = CASE WHEN rerun THEN NULL ELSE $2 END, \
         error = $3, updated_at = $4, lease = NULL, rerun = FALSE, cancelling = FALSE WHERE id = $5 AND lease = $6",
    )
    .bind(state.as_str())
    .bind(now.0)
    .bind(error)
    .bind(now.0)
    .bind(id)
    .bind(lease)
    .run(conn)
    .await?;
    Ok(done == 1)
}

/// Queues a job again whose attempt failed. False if the lease was lost.
pub async fn fail(
    conn: &mut Conn,
    id: &str,
    lease: &str,
    error: &str,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    requeue(conn, (id, lease), (0, Some(error)), run_at, now).await
}

/// Queues a job again that was given up because the node stops: that attempt does not count. False if the lease was lost.
pub async fn release(conn: &mut Conn, id: &str, lease: &str, now: Timestamp) -> Result<bool> {
    requeue(conn, (id, lease), (1, None), now, now).await
}

/// What was asked for meanwhile comes first: to run afresh, or else to stop.
async fn requeue(
    conn: &mut Conn,
    (id, lease): (&str, &str),
    (uncounted, error): (i64, Option<&str>),
    run_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let done = Sql::new(
        "UPDATE jobs SET state = CASE WHEN cancelling AND NOT rerun THEN 'cancelled' ELSE 'queued' END, \
         attempts = CASE WHEN rerun THEN 0 ELSE attempts - $1 END, \
         run_at = CASE WHEN rerun THEN run_at ELSE $2 END, \
         due_at = CASE WHEN rerun THEN run_at WHEN cancelling THEN NULL ELSE $3 END, \
         finished_at = CASE WHEN cancelling AND NOT rerun THEN $4 ELSE NULL END, \
         error = coalesce($5, error), updated_at = $6, lease = NULL, rerun = FALSE, cancelling = FALSE \
         WHERE id = $7 AND lease = $8",
    )
    .bind(uncounted)
    .bind(run_at.0)
    .bind(run_at.0)
    .bind(now.0)
    .bind(error)
    .bind(now.0)
    .bind(id)
    .bind(lease)
    .run(conn)
    .await?;
    Ok(done == 1)
}

/// Gives back all jobs that run: for a database that has one service at a time, which has just begun.
pub async fn release_all(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    Sql::new("UPDATE jobs SET due_at = $1 WHERE state = 'running' AND due_at > $2")
        .bind(now.0)
        .bind(now.0)
        .run(conn)
        .await
}

/// Stops a job: at once if it waits; if it runs, whoever runs it is told at the next renewal of the lease. `None` if there is
/// none, or it has ended.
pub async fn cancel(conn: &mut Conn, id: &str, now: Timestamp) -> Result<Option<Job>> {
    let row: Option<Row> = Sql::new(
        "UPDATE jobs SET state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END, \
         due_at = CASE WHEN state = 'queued' THEN NULL ELSE due_at END, \
         finished_at = CASE WHEN state = 'queued' THEN $1 ELSE NULL END, \
         cancelling = (state = 'running'), rerun = FALSE, updated_at = $2 \
         WHERE id = $3 AND state IN ('queued', 'running') RETURNING ",
    )
    .bind(now.0)
    .bind(now.0)
    .bind(id)
    .push(COLUMNS)
    .first(conn)
    .await?;
    row.map(Job::try_from).transpose()
}

/// One job.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Job>> {
    let sql = Sql::new("SELECT ").push(COLUMNS).push_bind(" FROM jobs WHERE id = ", id);
    let row: Option<Row> = sql.first(conn).await?;
    row.map(Job::try_from).transpose()
}

/// Part of the jobs that a filter lets through, newest first.
pub async fn list(conn: &mut Conn, filter: &Filter, window: Window) -> Result<Vec<Job>> {
    let rows: Vec<Row> = Sql::new("SELECT ")
        .push(COLUMNS)
        .push(" FROM jobs WHERE TRUE")
        .filter(&filter.conditions())
        .push(" ORDER BY created_at DESC, id DESC")
        .push_bind(" LIMIT ", window.limit)
        .push_bind(" OFFSET ", window.offset)
        .all(conn)
        .await?;
    rows.into_iter().map(Job::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct Count {
    jobs: i64,
}

/// How many jobs a filter lets through.
pub async fn count(conn: &mut Conn, filter: &Filter) -> Result<i64> {
    let sql = Sql::new("SELECT COUNT(*) AS jobs FROM jobs WHERE TRUE").filter(&filter.conditions());
    let count: Option<Count> = sql.first(conn).await?;
    Ok(count.map_or(0, |c| c.jobs))
}

/// Drops up to a thousand jobs that ended before a time.
pub async fn prune(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < $1 LIMIT 1000)")
        .bind(before.0)
        .run(conn)
        .await
}
