//! Provisioning a configuration's users and groups on a platform by SCIM (sso-api §8): who is brought, how far a run has come, and
//! what it reports.
//!
//! A run is a row that says how far it has come; whoever goes on with it after a crash does what was done last once more, which
//! makes nothing twice, as everything is looked for by our ids before it is made. Lists are read in pages, so a run's memory does
//! not grow with them. Nobody is deactivated by a run that would deactivate more than a fifth of all (SCIM-5).

mod groups;
mod members;
mod pass;
mod person;
mod users;

use serde_json::json;

use pass::{End, Pass};

use super::App;
use super::caller::Caller;
use super::jobs;
use super::platform::{self, Ready};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::federation::{Federation, Status, Wanted};
use crate::model::job::{Job, Kind, NewJob};
use crate::model::list::{Portion, Window};
use crate::model::provisioning::{Kind as Provisioned, Mode, Run, State};
use crate::policy::Target;
use crate::store::federation::Due;
use crate::store::{self, Conn};

/// Most federations whose run is queued at one poll.
const BATCH: i64 = 20;
/// How many times as long as a run took nothing follows it.
const REST: i64 = 10;
/// Seconds after which a run is begun anew that could not go on for reasons that may pass.
const RETRY_SECS: u64 = 60;

/// A run with whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The run.
    pub run: Run,
    /// The federation.
    pub federation: Federation,
}

/// One run.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Report> {
    app.allow(caller, "sso:get_provisioning_run", &Target::new().and_path("job_id", id)).await?;
    let mut conn = app.store.read().await?;
    let not_found = || Error::not_found(format!("There is no provisioning run {id}."));
    let run = store::provisioning_run::get(&mut conn, id).await?.ok_or_else(not_found)?;
    let federation = store::federation::get(&mut conn, &run.federation_id).await?.ok_or_else(not_found)?;
    Ok(Report { run, federation })
}

/// Part of the runs, newest first; those of one federation.
pub async fn list(app: &App, caller: &Caller, federation_id: Option<&str>, window: Window) -> Result<Portion<Report>> {
    app.allow(caller, "sso:list_provisioning_runs", &Target::new()).await?;
    let mut conn = app.store.read().await?;
    let total = store::provisioning_run::count(&mut conn, federation_id).await?;
    let runs = store::provisioning_run::list(&mut conn, federation_id, window).await?;
    let ids: Vec<&str> = runs.iter().map(|run| run.federation_id.as_str()).collect();
    let federations = store::federation::get_all(&mut conn, &ids).await?;
    let report = |run: Run| {
        let federation = federations.iter().find(|f| f.id == run.federation_id)?.clone();
        Some(Report { run, federation })
    };
    Ok(Portion { items: runs.into_iter().filter_map(report).collect(), total })
}

/// Begins a run in the caller's transaction, who writes `held`. One that is under way gives way to it.
pub(in crate::service) async fn begin(
    app: &App,
    tx: &mut Conn,
    held: &mut Federation,
    mode: Mode,
    unlimited: bool,
) -> Result<()> {
    prepare(app, tx, held, mode, unlimited).await?;
    let new = NewJob { kind: Kind::Provision, subject: held.id.clone(), payload: json!({}), run_at: app.now() };
    jobs::enqueue(app, tx, &new).await.map(drop)
}

/// Writes a run down that nobody is at yet.
async fn prepare(app: &App, tx: &mut Conn, held: &mut Federation, mode: Mode, unlimited: bool) -> Result<Run> {
    let now = app.now();
    if let Some(earlier) = &held.run_id
        && let Some(mut earlier) = store::provisioning_run::get(tx, earlier).await?
        && earlier.finished_at.is_none()
    {
        (earlier.state, earlier.finished_at) = (State::Cancelled, Some(now));
        store::provisioning_run::update(tx, &earlier).await?;
    }
    let run = Run { unlimited, ..Run::new(app.random.hex_id(), &held.id, mode, now) };
    store::provisioning_run::insert(tx, &run).await?;
    held.run_id = Some(run.id.clone());
    Ok(run)
}

/// Queues what is due: somebody has changed, or it has not been looked at for long.
pub async fn schedule(app: &App) -> Result<()> {
    let now = app.now();
    if !store::federation::is_due(&mut app.store.read().await?, Due::Run, now).await? {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    for id in store::federation::take_due(&mut tx, Due::Run, now, None, BATCH).await? {
        let Some(mut held) = store::federation::hold(&mut tx, &id).await? else { continue };
        if held.wanted != Wanted::Present || held.digest.is_none() {
            continue;
        }
        let last = match &held.run_id {
            Some(run) => store::provisioning_run::get(&mut tx, run).await?,
            None => None,
        };
        if let Some(at) = last.as_ref().and_then(rested_at).filter(|at| *at > now) {
            store::federation::run_at_latest(&mut tx, &id, at).await?;
            continue;
        }
        // One that is under way may have passed by whoever has changed: another follows it.
        let mode = match last {
            Some(run) if run.state == State::Succeeded && !is_old(app, &run) => Mode::Changes,
            _ => Mode::Full,
        };
        begin(app, &mut tx, &mut held, mode, false).await?;
        store::federation::update(&mut tx, &held).await?;
    }
    app.commit(tx).await
}

/// When a run for what has changed may be followed by the next: after ten times as long as it took, so that many changes of many
/// users cost a tenth of a worker at most.
fn rested_at(run: &Run) -> Option<Timestamp> {
    if run.mode != Mode::Changes {
        return None;
    }
    let took = run.finished_at?.0 - run.created_at.0;
    Some(Timestamp(run.finished_at?.0.saturating_add(took.saturating_mul(REST))))
}

/// Whether a run lies so far back that everything is to be looked at once more.
fn is_old(app: &App, run: &Run) -> bool {
    let secs = i64::try_from(app.config.sso.provision_secs).unwrap_or(i64::MAX / 4);
    run.created_at.plus_secs(secs - secs / 10) <= app.now()
}

/// What a job does of it.
pub async fn run(app: &App, job: &Job) -> Result<()> {
    let mut conn = app.store.read().await?;
    let Some(federation) = store::federation::get(&mut conn, &job.subject).await? else { return Ok(()) };
    let Some(run_id) = &federation.run_id else { return Ok(()) };
    let Some(run) = store::provisioning_run::get(&mut conn, run_id).await? else { return Ok(()) };
    if run.finished_at.is_some() || federation.wanted != Wanted::Present {
        return Ok(());
    }
    let Some(record) = store::platform::get(&mut conn, &federation.platform_id).await? else { return Ok(()) };
    let ready = Ready::of(app, &mut conn, record).await?;
    drop(conn);
    let (run, end) = pass(app, &federation, &ready, run).await?;
    finish(app, &federation, run, end).await
}

/// Ends a run that nobody goes on with any more.
pub(in crate::service) async fn give_up(app: &App, tx: &mut Conn, federation_id: &str) -> Result<()> {
    let Some(mut held) = store::federation::hold(tx, federation_id).await? else { return Ok(()) };
    let run = match &held.run_id {
        Some(id) => store::provisioning_run::get(tx, id).await?,
        None => None,
    };
    let Some(mut run) = run.filter(|run| run.finished_at.is_none()) else { return Ok(()) };
    let now = app.now();
    (run.state, run.finished_at, run.updated_at) = (State::Failed, Some(now), now);
    run.error = Some("it was given up before it was done".to_owned());
    store::provisioning_run::update(tx, &run).await?;
    (held.user_error, held.group_error) = (run.reason(Provisioned::User), run.reason(Provisioned::Group));
    held.updated_at = now;
    if matches!(held.status, Status::Federated | Status::Partial) {
        held.status = held.settled();
    }
    store::federation::update(tx, &held).await?;
    let secs = i64::try_from(app.config.sso.provision_secs).unwrap_or(i64::MAX / 4);
    store::federation::run_at_latest(tx, federation_id, now.plus_secs(secs)).await
}

/// Goes through a run to its end.
async fn pass(app: &App, federation: &Federation, ready: &Ready, run: Run) -> Result<(Run, End)> {
    match Pass::begin(app, federation, ready, run).await? {
        Ok(mut pass) => {
            let end = pass.all().await?;
            Ok((pass.into_run(), end))
        }
        Err((run, end)) => Ok((run, end)),
    }
}

/// Writes down how a run ended, and when the next is.
async fn finish(app: &App, federation: &Federation, mut run: Run, end: End) -> Result<()> {
    let now = app.now();
    let passes = match end {
        End::Superseded => return Ok(()),
        End::Done => {
            let failed = run.counts.users.failed() + run.counts.groups.failed();
            run.state = if failed == 0 { State::Succeeded } else { State::Partial };
            false
        }
        End::Stopped { reason, passes } => {
            (run.state, run.error) = (State::Failed, Some(reason));
            passes
        }
    };
    (run.updated_at, run.finished_at) = (now, Some(now));
    let mut tx = app.store.write().await?;
    let Some(mut held) = store::federation::hold(&mut tx, &federation.id).await? else { return Ok(()) };
    if !store::provisioning_run::update(&mut tx, &run).await? || held.run_id.as_ref() != Some(&run.id) {
        // Another has taken its place.
        return app.commit(tx).await;
    }
    held.user_error = run.reason(Provisioned::User);
    held.group_error = run.reason(Provisioned::Group);
    held.updated_at = now;
    if matches!(held.status, Status::Federated | Status::Partial) {
        held.status = held.settled();
    }
    store::federation::update(&mut tx, &held).await?;
    let secs = if passes { RETRY_SECS } else { app.config.sso.provision_secs };
    let at = now.plus_secs(i64::try_from(secs).unwrap_or(i64::MAX / 4));
    store::federation::run_at_latest(&mut tx, &held.id, at).await?;
    tell(app, &mut tx, &held, &run).await?;
    app.commit(tx).await
}

/// The audit trail's record of a run.
async fn tell(app: &App, tx: &mut Conn, held: &Federation, run: &Run) -> Result<()> {
    use crate::model::audit_event::Outcome;
    let outcome = if run.state == State::Succeeded { Outcome::Success } else { Outcome::Failure };
    let mut event = super::audit::event(app, None, "sso_configuration.provisioned", outcome);
    event.target_kind = Some("sso_configuration".to_owned());
    event.target_id = Some(held.config_id.clone());
    event.reason = run.error.as_deref().map(super::audit::cut);
    let counts = |tally: &crate::model::provisioning::Tally| {
        tally.outcomes.iter().map(|(name, n)| format!("{name}={n}")).collect::<Vec<_>>().join(" ")
    };
    event.detail = super::audit::cut(&format!(
        "platform={} run={} users: {} groups: {}",
        held.platform_id,
        run.id,
        counts(&run.counts.users),
        counts(&run.counts.groups)
    ));
    super::audit::write(tx, &event).await
}

/// Takes everybody back that was provisioned; why that did not work, if it did not. Waited for by whoever takes the configuration
/// away.
pub(in crate::service) async fn take_back(
    app: &App,
    federation: &Federation,
    ready: &Ready,
    mode: Mode,
) -> Result<std::result::Result<(), String>> {
    let mut tx = app.store.write().await?;
    let Some(mut held) = store::federation::hold(&mut tx, &federation.id).await? else { return Ok(Ok(())) };
    let under_way = match &held.run_id {
        Some(id) => {
            store::provisioning_run::get(&mut tx, id).await?.filter(|r| r.finished_at.is_none() && r.mode == mode)
        }
        None => None,
    };
    let run = match under_way {
        Some(run) => run,
        None => {
            let run = prepare(app, &mut tx, &mut held, mode, true).await?;
            store::federation::update(&mut tx, &held).await?;
            run
        }
    };
    app.commit(tx).await?;
    let (run, end) = pass(app, federation, ready, run).await?;
    let why = match &end {
        End::Done => run.reason(Provisioned::User).or_else(|| run.reason(Provisioned::Group)),
        End::Stopped { reason, .. } => Some(reason.clone()),
        End::Superseded => Some("something else was wanted meanwhile".to_owned()),
    };
    finish(app, &held, run, end).await?;
    Ok(why.map_or(Ok(()), Err))
}

/// The token that a platform's SCIM server wants to see.
async fn token(app: &App, ready: &Ready) -> Result<Option<crate::secret::Secret>> {
    platform::scim_token(app, &mut app.store.read().await?, &ready.record.id).await
}
