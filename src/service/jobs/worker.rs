//! The worker of a node: looks for due jobs and has as many at once run as are configured.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::attempt::{self, Claim};
use super::run::{handle, schedule};
use crate::error::Result;
use crate::model::job::{Job, Kind};
use crate::service::App;
use crate::store;

/// How long a claim holds without being renewed: so long a job waits whose node is gone.
const LEASE_SECS: i64 = 30;
/// How often a claim is renewed: so long, at most, a node needs to notice that a job of its is to stop.
const RENEW: Duration = Duration::from_secs(10);
/// How long a running job has to end when the service stops, before it is given back.
const GRACE: Duration = Duration::from_secs(2);

/// How a worker goes about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// What it does; what is due by the calendar is queued by those who do everything.
    pub kinds: &'static [Kind],
    /// Jobs at once, beside those that wait for platforms.
    pub workers: usize,
    /// How often due jobs are looked for without having been told to.
    pub poll: Duration,
    /// How long a claim holds, by the clock.
    pub lease_secs: i64,
    /// How often it is renewed.
    pub renew: Duration,
    /// How long a job has to end when the service stops.
    pub grace: Duration,
}

impl Pace {
    /// As configured.
    pub(super) fn of(app: &App) -> Self {
        let jobs = &app.config.jobs;
        let poll = Duration::from_secs(jobs.poll_secs);
        Self { kinds: &Kind::ALL, workers: jobs.workers, poll, lease_secs: LEASE_SECS, renew: RENEW, grace: GRACE }
    }
}

/// Runs until the service stops, and then until the jobs at hand have ended or been given back.
pub async fn run(app: Arc<App>) {
    if let Err(error) = take_over(&app).await {
        tracing::warn!(%error, "jobs that ran when the service ended wait until their claims run out");
    }
    let pace = Pace::of(&app);
    work(app, pace, handle).await;
}

/// A database of one's own has no other service whose claims could hold: what was running when this one ended goes on at once.
async fn take_over(app: &App) -> Result<()> {
    if app.store.is_shared() {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    let released = store::job::release_all(&mut tx, app.now()).await?;
    app.commit(tx).await?;
    if released > 0 {
        tracing::info!(released, "jobs go on that ran when the service ended");
    }
    Ok(())
}

/// The same for some kinds alone: beside somebody who waits for such a job in a process that is not the service.
pub async fn run_only(app: Arc<App>, kinds: &'static [Kind]) {
    let pace = Pace { kinds, ..Pace::of(&app) };
    work(app, pace, handle).await;
}

/// The same with another pace and other hands.
pub(super) async fn work<H, F>(app: Arc<App>, pace: Pace, handle: H)
where
    H: Fn(Arc<App>, Kind, Job) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut running = Running::default();
    let mut poll = tokio::time::interval(pace.poll);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        let scheduled = tokio::select! {
            biased;
            () = app.feed.stopped() => break,
            _ = poll.tick() => match pace.kinds.len() == Kind::ALL.len() {
                true => schedule(&app).await,
                false => Ok(()),
            },
            () = app.jobs.queued.notified() => Ok(()),
            () = running.one_less() => Ok(()),
        };
        let taken = take(&app, pace, &handle, &mut running).await;
        match scheduled.and(taken) {
            Ok(()) if std::mem::take(&mut failing) => tracing::info!("background jobs are being taken again"),
            Ok(()) => {}
            Err(error) if !std::mem::replace(&mut failing, true) => {
                tracing::error!(%error, "background jobs cannot be taken; it will be tried again");
            }
            Err(_) => {}
        }
    }
    while running.tasks.join_next().await.is_some() {}
}

/// Jobs that run here, with how many there are of each kind.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    kinds: HashMap<tokio::task::Id, Kind>,
}

impl Running {
    /// Waits until one has ended; for ever, if there is none.
    async fn one_less(&mut self) {
        let ended = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return std::future::pending().await,
        };
        self.kinds.remove(&ended);
    }

    /// The kinds that there are hands for.
    fn free(&self, pace: Pace) -> Vec<Kind> {
        let own = self.kinds.values().filter(|kind| kind.is_own()).count();
        let of = |kind: Kind| self.kinds.values().filter(|other| **other == kind).count();
        let free = |kind: &Kind| if kind.is_own() { own < pace.workers } else { of(*kind) < kind.most() };
        pace.kinds.iter().copied().filter(free).collect()
    }
}

/// Starts due jobs while there are hands for them.
async fn take<H, F>(app: &Arc<App>, pace: Pace, handle: &H, running: &mut Running) -> Result<()>
where
    H: Fn(Arc<App>, Kind, Job) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    loop {
        let kinds = running.free(pace);
        let Some(claim) = claim(app, pace, &kinds).await? else { return Ok(()) };
        let kind = Kind::parse(&claim.job.kind);
        let task = running.tasks.spawn(attempt::run(app.clone(), pace, handle.clone(), claim));
        if let Some(kind) = kind {
            running.kinds.insert(task.id(), kind);
        }
    }
}

/// Takes one due job of these kinds.
pub(super) async fn claim(app: &App, pace: Pace, kinds: &[Kind]) -> Result<Option<Claim>> {
    if kinds.is_empty() || !store::job::is_due(&mut app.store.read().await?, kinds, app.now()).await? {
        return Ok(None);
    }
    let now = app.now();
    let (lease, until) = (app.random.hex_id(), now.plus_secs(pace.lease_secs));
    let mut tx = app.store.write().await?;
    let job = store::job::claim(&mut tx, kinds, &lease, until, now).await?;
    app.commit(tx).await?;
    Ok(job.map(|job| Claim { job, lease, until }))
}
