//! Whether a platform answers and knows its credential: looked at after every change, and again and again.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::{KIND, Ready, Shown, find, seen};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::job::{Job, Kind, NewJob};
use crate::model::platform::{Platform, Status};
use crate::platform::{Adapter, Problem, Trouble};
use crate::service::caller::Caller;
use crate::service::{App, audit, jobs};
use crate::store::{self, Conn};

/// Time for one look.
const LIMIT: Duration = Duration::from_secs(20);
/// Most platforms whose look is queued at one poll.
const BATCH: i64 = 20;

/// Queues the looks that are due.
pub async fn schedule(app: &App) -> Result<()> {
    let now = app.now();
    if !app.config.sso.background_tests || !store::platform::is_due(&mut app.store.read().await?, now).await? {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    for id in store::platform::take_due(&mut tx, now, next(app, Status::Connected), BATCH).await? {
        let new = NewJob { kind: Kind::CheckPlatform, subject: id, payload: json!({}), run_at: now };
        jobs::enqueue(app, &mut tx, &new).await?;
    }
    app.commit(tx).await
}

/// When a platform of this status is looked at next: soon, if it did not answer.
fn next(app: &App, status: Status) -> Timestamp {
    let secs = match status {
        Status::Disconnected | Status::Connecting => app.config.sso.platform_retry_secs,
        Status::Connected | Status::Error => app.config.sso.platform_check_secs,
    };
    let secs = i64::try_from(secs).unwrap_or(i64::MAX / 4);
    let spread = i64::from(u32::from_le_bytes(app.random.bytes())) % (secs / 5 + 1);
    app.now().plus_secs(secs - spread)
}

/// What a job does of it.
pub async fn run(app: &App, job: &Job) -> Result<()> {
    let mut conn = app.store.read().await?;
    let Some(record) = store::platform::get(&mut conn, &job.subject).await? else { return Ok(()) };
    let ready = Ready::of(app, &mut conn, record).await?;
    drop(conn);
    let found = look(app, &ready).await;
    let mut tx = app.store.write().await?;
    note(app, &mut tx, &ready.record, found.err().as_ref()).await?;
    app.commit(tx).await
}

/// Looks now, whatever the calendar says; the platform with what came of it.
pub async fn check(app: &App, caller: &Caller, id: &str) -> Result<Shown> {
    app.allow(caller, "sso:test_platform", &seen(id)).await?;
    let mut conn = app.store.read().await?;
    let stored = find(&mut conn, id).await?.platform;
    let ready = Ready::of(app, &mut conn, stored).await?;
    drop(conn);
    let found = look(app, &ready).await;
    let mut tx = app.store.write().await?;
    note(app, &mut tx, &ready.record, found.err().as_ref()).await?;
    let shown = find(&mut tx, id).await?;
    let detail = format!("status={}", shown.platform.status.as_str());
    audit::changed(app, &mut tx, caller, "platform.check", (KIND, id), None, &detail).await?;
    app.commit(tx).await?;
    Ok(shown)
}

/// Asks a platform for as much as tells whether a push could work.
pub(super) async fn look(app: &App, ready: &Ready) -> std::result::Result<(), Problem> {
    let Some(product) = ready.record.product() else {
        let base = url::Url::parse(&ready.record.base_url()).ok();
        let place = base.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
        let (host, port) = place.ok_or_else(|| Problem::new(Trouble::Refused, "The platform has no address."))?;
        let reached = ready.egress.connect(host, port).await;
        return reached.map(drop).map_err(|e| Problem::new(Trouble::Unreachable, format!("Connecting failed: {e}")));
    };
    match timeout(LIMIT, Adapter::of(product).check(&ready.site(app))).await {
        Ok(found) => found,
        Err(_) => Err(Problem::new(Trouble::Unreachable, "The platform did not answer in time.")),
    }
}

/// Writes down how a platform answered.
pub(in crate::service) async fn note(app: &App, tx: &mut Conn, it: &Platform, problem: Option<&Problem>) -> Result<()> {
    let status = match problem.map(|p| p.kind) {
        None => Status::Connected,
        Some(Trouble::Unreachable | Trouble::Failed) => Status::Disconnected,
        Some(Trouble::Credential | Trouble::Refused | Trouble::Unsupported) => Status::Error,
    };
    let message = problem.map(|p| p.message.as_str());
    if status != it.status {
        tracing::info!(platform = %it.id, status = status.as_str(), message, "a platform's connection has changed");
    }
    store::platform::update_check(tx, it, (status, message), app.now(), next(app, status)).await.map(drop)
}
