//! The change feed: what nodes must hear of, in one total order.
//!
//! A transaction takes the counter row last, so that two transactions that both changed something commit in the order of
//! their numbers and a reader never meets a gap that is filled later.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::change::Change;

/// Most rows that one reading takes; the rest comes with the next.
const BATCH: i64 = 5_000;

#[derive(sqlx::FromRow)]
struct Counter {
    value: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    kind: String,
    ident: String,
    detail: String,
}

/// Numbers and writes `changes` in the running transaction and, on PostgreSQL, wakes the other nodes with the commit.
pub(super) async fn append(conn: &mut Conn, changes: &[Change], now: Timestamp) -> Result<()> {
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let counter: Counter = Sql::new("UPDATE change_counter SET value = value + $1 WHERE id = 1 RETURNING value")
        .bind(count)
        .first(conn)
        .await?
        .ok_or_else(|| Error::internal("change_counter has no row"))?;
    let first = counter.value - count + 1;
    for (seq, change) in (first..).zip(changes) {
        let (kind, ident, detail) = change.encode();
        Sql::new("INSERT INTO changes (seq, kind, ident, detail, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(seq)
            .bind(kind)
            .bind(ident)
            .bind(detail)
            .bind(now.0)
            .run(conn)
            .await?;
    }
    if conn.is_postgres() {
        Sql::new("SELECT pg_notify('archstone', '')").run(conn).await?;
    }
    Ok(())
}

/// The number of the latest change.
pub async fn latest(conn: &mut Conn) -> Result<i64> {
    let counter: Option<Counter> = Sql::new("SELECT value FROM change_counter WHERE id = 1").first(conn).await?;
    counter.map(|c| c.value).ok_or_else(|| Error::internal("change_counter has no row"))
}

/// The changes after `seen`, oldest first, each with its number; a bounded batch.
/// A gap after `seen` means that rows were pruned: the caller has to start afresh.
pub async fn after(conn: &mut Conn, seen: i64) -> Result<Vec<(i64, Change)>> {
    let rows: Vec<Row> = Sql::new("SELECT seq, kind, ident, detail FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2")
        .bind(seen)
        .bind(BATCH)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|r| (r.seq, Change::decode(&r.kind, &r.ident, &r.detail))).collect())
}

/// Drops up to a thousand changes older than `before`; nodes that slept longer start afresh.
pub async fn prune(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE at < $1 ORDER BY seq LIMIT 1000)")
        .bind(before.0)
        .run(conn)
        .await
}
