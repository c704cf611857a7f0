//! Tests in the background: after every change, and again and again (sso-api §6.3), at times that differ between
//! configurations and nodes.

use serde_json::json;

use super::{find, test};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::job::{Job, Kind, NewJob};
use crate::service::{App, jobs};
use crate::store::{self, Conn};

/// Most configurations whose test is queued at one poll.
const BATCH: i64 = 20;

/// When a configuration that is tested at `at` is tested next: within a fifth of the interval around its end.
pub(super) fn later(app: &App, at: Timestamp) -> Timestamp {
    let interval = i64::try_from(app.config.sso.retest_secs).unwrap_or(i64::MAX / 4);
    let spread = (interval / 5).max(1);
    let random = i64::from(u32::from_le_bytes(app.random.bytes())) % (2 * spread + 1);
    at.plus_secs(interval - spread + random)
}

/// Queues the test of a configuration with the transaction that makes it necessary.
pub(super) async fn enqueue(app: &App, tx: &mut Conn, id: &str) -> Result<()> {
    let new = NewJob { kind: Kind::TestConfiguration, subject: id.to_owned(), payload: json!({}), run_at: app.now() };
    jobs::enqueue(app, tx, &new).await.map(drop)
}

/// Queues the tests that are due.
pub(in crate::service) async fn schedule(app: &App) -> Result<()> {
    let now = app.now();
    if !app.config.sso.background_tests || !store::sso_config::is_due(&mut app.store.read().await?, now).await? {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    for id in store::sso_config::take_due(&mut tx, now, later(app, now), BATCH).await? {
        enqueue(app, &mut tx, &id).await?;
    }
    app.commit(tx).await
}

/// What a job does of it. One that is gone, disabled or without a connection has nothing to be tested.
pub(in crate::service) async fn run(app: &App, job: &Job) -> Result<()> {
    let found = match find(&mut app.store.read().await?, &job.subject).await {
        Err(Error::NotFound { .. }) => return Ok(()),
        other => other?,
    };
    if !found.enabled || found.settings.is_none() {
        return Ok(());
    }
    test::run(app, &found).await.map(drop)
}
