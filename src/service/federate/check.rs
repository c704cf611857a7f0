//! Whether what was pushed is still there as it was made (sso-api §6.3, §6.5): looked at from time to time.

use serde_json::json;
use tokio::time::timeout;

use super::plan;
use super::push::{LIMIT, in_secs};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::federation::{Health, Status, Wanted};
use crate::model::job::{Job, Kind, NewJob};
use crate::platform::{Adapter, Found, Problem, Trouble};
use crate::service::platform::Ready;
use crate::service::{App, jobs, sso_config};
use crate::store;
use crate::store::federation::Due;

/// Most federations whose look is queued at one poll.
const BATCH: i64 = 20;

/// When it is looked next.
pub(super) fn next(app: &App) -> Timestamp {
    let secs = app.config.sso.federation_check_secs;
    let spread = u64::from(u32::from_le_bytes(app.random.bytes())) % (secs / 5 + 1);
    in_secs(app, secs - spread)
}

/// Queues the looks that are due.
pub async fn schedule(app: &App) -> Result<()> {
    let now = app.now();
    if !app.config.sso.background_tests
        || !store::federation::is_due(&mut app.store.read().await?, Due::Check, now).await?
    {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    for id in store::federation::take_due(&mut tx, Due::Check, now, Some(next(app)), BATCH).await? {
        let new = NewJob { kind: Kind::CheckFederation, subject: id, payload: json!({}), run_at: now };
        jobs::enqueue(app, &mut tx, &new).await?;
    }
    app.commit(tx).await
}

/// What a job does of it.
pub async fn run(app: &App, job: &Job) -> Result<()> {
    let mut conn = app.store.read().await?;
    let Some(federation) = store::federation::get(&mut conn, &job.subject).await? else { return Ok(()) };
    if federation.wanted != Wanted::Present || federation.digest.is_none() {
        return Ok(());
    }
    let Some(record) = store::platform::get(&mut conn, &federation.platform_id).await? else { return Ok(()) };
    let config = match sso_config::find(&mut conn, &federation.config_id).await {
        Err(Error::NotFound { .. }) => return Ok(()),
        other => other?,
    };
    let ready = Ready::of(app, &mut conn, record).await?;
    drop(conn);
    let Some(product) = ready.record.product() else { return Ok(()) };
    let Ok(plan) = plan::of(app, &config, &federation.platform_id).await? else { return Ok(()) };
    let found = match timeout(LIMIT, Adapter::of(product).inspect(&ready.site(app), &plan)).await {
        Ok(found) => found,
        Err(_) => Err(Problem::new(Trouble::Unreachable, "the platform did not answer in time")),
    };
    let mut tx = app.store.write().await?;
    let Some(mut held) = store::federation::hold(&mut tx, &federation.id).await? else { return Ok(()) };
    held.checked_at = Some(app.now());
    let changed_here = Some(plan.digest()) != held.digest;
    let (health, drifted) = match &found {
        Ok(Found::Same) => (Health::Healthy, changed_here),
        // What differs there because it was changed here is no fault of the platform's.
        Ok(Found::Different(_)) => (if changed_here { Health::Healthy } else { Health::Degraded }, true),
        Ok(Found::Missing) => (Health::Unhealthy, true),
        Err(_) => (Health::Unhealthy, changed_here),
    };
    if let Ok(Found::Different(names)) = &found {
        tracing::info!(federation = %held.id, names = names.join(","), "a federation is not as it was made");
    }
    held.health = health;
    if drifted && matches!(held.status, Status::Federated | Status::Partial) {
        held.status = Status::Drifted;
    }
    store::federation::update(&mut tx, &held).await?;
    super::push::reached(app, &mut tx, &ready, found.as_ref().err()).await?;
    app.commit(tx).await
}
