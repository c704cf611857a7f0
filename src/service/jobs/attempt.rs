//! One attempt at a job: run it, keep the claim, write down what came of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

use super::run::give_up;
use super::worker::Pace;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::job::{Job, Kind, State, retry_at};
use crate::service::App;
use crate::store;

/// How often, and with what pauses, it is tried to write down what came of a job while the database is away.
const RECORDINGS: u32 = 20;
const RECORDING_PAUSE: Duration = Duration::from_secs(1);
/// Most characters of an error that is kept.
const MAX_ERROR: usize = 1_000;

/// A job that this node has taken.
#[derive(Debug)]
pub(super) struct Claim {
    /// The job.
    pub job: Job,
    /// The claim's token.
    pub lease: String,
    /// Until when it holds without being renewed.
    pub until: Timestamp,
}

/// How an attempt came to its end.
#[derive(Debug, PartialEq)]
enum End {
    Done,
    /// Trying again cannot help.
    Hopeless(String),
    Failed(String),
    Cancelled,
    /// The service stops.
    Stopped,
    /// The claim is another's: what came of it is not ours to say.
    Lost,
}

/// Runs a job that was taken.
pub(super) async fn run<H, F>(app: Arc<App>, pace: Pace, handle: H, mut claim: Claim)
where
    H: Fn(Arc<App>, Kind, Job) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (id, kind) = (claim.job.id.clone(), claim.job.kind.clone());
    let end = match first_look(&claim.job) {
        Err(end) => end,
        Ok(kind) => {
            let nudged = Nudged::enter(&app, &id);
            let mut work = JoinSet::new();
            work.spawn(handle(app.clone(), kind, claim.job.clone()));
            let end = attend(&app, pace, kind, &mut claim, &mut work, &nudged.notify).await;
            // What was not done by now is dropped; what was done nevertheless counts.
            work.abort_all();
            match (&end, work.join_next().await) {
                (End::Lost, _) | (_, None | Some(Err(_))) => end,
                (_, Some(Ok(done))) => judged(done, &claim.job),
            }
        }
    };
    let written = record(&app, &claim, &end).await;
    let outcome = match (&end, &written) {
        (End::Lost, _) | (_, Ok(false)) => "lost",
        (_, Err(_)) => "unrecorded",
        (End::Done, _) => "succeeded",
        (End::Hopeless(_), _) => "failed",
        (End::Failed(_), _) if is_last(&claim.job) => "failed",
        (End::Failed(_), _) => "retried",
        (End::Cancelled, _) => "cancelled",
        (End::Stopped, _) => "released",
    };
    let reason = written.err().map(|e| e.to_string());
    tracing::info!(%id, %kind, subject = %claim.job.subject, attempt = claim.job.attempts, outcome, reason, "job");
    app.metrics.counter("archstone_jobs_total", &[("kind", kind), ("outcome", outcome.to_owned())]).increment(1);
}

/// What may have to be said without running it: whoever ran it before stopped before hearing that it is to stop, or stopped
/// each time it was tried.
fn first_look(job: &Job) -> std::result::Result<Kind, End> {
    if job.cancelling {
        return Err(End::Cancelled);
    }
    if job.attempts > job.max_attempts {
        return Err(End::Hopeless("Every node that tried it stopped before it was done.".to_owned()));
    }
    Kind::parse(&job.kind).ok_or_else(|| End::Hopeless("This kind of job is not known.".to_owned()))
}

/// Stays with a running job until it has ended or is to end.
async fn attend(
    app: &App,
    pace: Pace,
    kind: Kind,
    claim: &mut Claim,
    work: &mut JoinSet<Result<()>>,
    nudged: &Notify,
) -> End {
    let mut deadline = std::pin::pin!(tokio::time::sleep(kind.deadline()));
    loop {
        tokio::select! {
            Some(done) = work.join_next() => return ended(done, &claim.job),
            () = &mut deadline => {
                return End::Failed(format!("It was not done within {} seconds.", kind.deadline().as_secs()));
            }
            () = app.feed.stopped() => {
                let last = tokio::time::timeout(pace.grace, work.join_next()).await;
                return last.ok().flatten().map_or(End::Stopped, |done| ended(done, &claim.job));
            }
            () = tokio::time::sleep(pace.renew) => {}
            () = nudged.notified() => {}
        }
        match renew(app, pace, claim).await {
            Ok(Some(false)) => {}
            Ok(Some(true)) => return End::Cancelled,
            Ok(None) => return End::Lost,
            Err(error) if app.now() < claim.until => {
                tracing::warn!(%error, id = %claim.job.id, "the claim on a job could not be renewed");
            }
            Err(_) => return End::Lost,
        }
    }
}

async fn renew(app: &App, pace: Pace, claim: &mut Claim) -> Result<Option<bool>> {
    let until = app.now().plus_secs(pace.lease_secs);
    let mut tx = app.store.write().await?;
    let cancelling = store::job::renew(&mut tx, &claim.job.id, &claim.lease, until).await?;
    app.commit(tx).await?;
    claim.until = until;
    Ok(cancelling)
}

fn ended(done: std::result::Result<Result<()>, JoinError>, job: &Job) -> End {
    match done {
        Ok(done) => judged(done, job),
        Err(error) => {
            tracing::error!(id = %job.id, kind = %job.kind, %error, "a job broke off");
            End::Failed("It broke off with a fault of the program.".to_owned())
        }
    }
}

/// What a result means. What is ours stays in the log; whether it can be tried again follows from whose fault it is.
fn judged(done: Result<()>, job: &Job) -> End {
    let Err(error) = done else { return End::Done };
    tracing::warn!(id = %job.id, kind = %job.kind, subject = %job.subject, attempt = job.attempts, %error, "an attempt at a job failed");
    match error {
        Error::Internal { .. } => End::Failed("An internal error; the log says more.".to_owned()),
        Error::Unavailable { .. } => End::Failed("Something that it needs is away; the log says more.".to_owned()),
        Error::Conflict { .. }
        | Error::TooMany { .. }
        | Error::Timeout
        | Error::BadUpstream { .. }
        | Error::UpstreamTimeout { .. } => End::Failed(cut(&error)),
        other => End::Hopeless(cut(&other)),
    }
}

fn cut(error: &Error) -> String {
    error.to_string().chars().filter(|c| *c != '\0').take(MAX_ERROR).collect()
}

fn is_last(job: &Job) -> bool {
    job.attempts >= job.max_attempts
}

/// Writes down what came of a job; false if the claim was lost. If that cannot be done in time, the claim runs out and
/// another node does the job again.
async fn record(app: &App, claim: &Claim, end: &End) -> Result<bool> {
    let mut tries = 1;
    loop {
        match write(app, claim, end).await {
            Err(Error::Unavailable { .. }) if tries < RECORDINGS => tries += 1,
            done => return done,
        }
        tokio::time::sleep(RECORDING_PAUSE).await;
    }
}

async fn write(app: &App, claim: &Claim, end: &End) -> Result<bool> {
    let (job, lease, now) = (&claim.job, claim.lease.as_str(), app.now());
    let mut tx = app.store.write().await?;
    let written = match end {
        End::Done => store::job::finish(&mut tx, &job.id, lease, State::Succeeded, None, now).await?,
        End::Cancelled => store::job::finish(&mut tx, &job.id, lease, State::Cancelled, None, now).await?,
        End::Hopeless(error) => store::job::finish(&mut tx, &job.id, lease, State::Failed, Some(error), now).await?,
        End::Failed(error) if is_last(job) => {
            store::job::finish(&mut tx, &job.id, lease, State::Failed, Some(error), now).await?
        }
        End::Failed(error) => {
            let next = retry_at(now, job.attempts, app.random.bytes());
            store::job::fail(&mut tx, &job.id, lease, error, next, now).await?
        }
        End::Stopped => store::job::release(&mut tx, &job.id, lease, now).await?,
        End::Lost => false,
    };
    let gave_up = match end {
        End::Cancelled | End::Hopeless(_) => true,
        End::Failed(_) => is_last(job),
        End::Done | End::Stopped | End::Lost => false,
    };
    // Asked for again meanwhile, it is not given up.
    if written && gave_up && store::job::get(&mut tx, &job.id).await?.is_some_and(|j| j.finished_at.is_some()) {
        give_up(app, &mut tx, job).await?;
    }
    app.commit(tx).await?;
    Ok(written)
}

/// A running job's entry among those of this node.
struct Nudged<'a> {
    app: &'a App,
    id: &'a str,
    notify: Arc<Notify>,
}

impl<'a> Nudged<'a> {
    fn enter(app: &'a App, id: &'a str) -> Self {
        let notify = Arc::new(Notify::new());
        app.jobs.running().insert(id.to_owned(), notify.clone());
        Self { app, id, notify }
    }
}

impl Drop for Nudged<'_> {
    fn drop(&mut self) {
        let mut running = self.app.jobs.running();
        // After a lost claim the same job may run here again: then the entry is the other's.
        if running.get(self.id).is_some_and(|other| Arc::ptr_eq(other, &self.notify)) {
            running.remove(self.id);
        }
    }
}
