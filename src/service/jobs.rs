//! Background jobs: what is too slow for a request, or has to be tried until it works.
//!
//! A job is queued in the transaction that makes it necessary, so that it exists if and only if that was committed. Every
//! node runs a worker ([`run`]); the database sees to it that no two have one job at once. A job may be done twice (a node
//! that stops cannot always write down that it was done), so what it does must bear that.

mod attempt;
mod run;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::sync::Notify;

use super::caller::Caller;
use super::{App, audit};
use crate::error::{Error, Result};
use crate::model::job::{Filter, Job, NewJob, State};
use crate::model::list::{Portion, Window};
use crate::policy::Target;
use crate::store::{self, Conn};

pub use worker::{run, run_only};

const KIND: &str = "job";

/// What this node knows of its jobs.
#[derive(Debug, Default)]
pub struct Jobs {
    /// Told when a job was queued here.
    queued: Notify,
    /// Those that run here, each with what tells it to look after itself.
    running: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Jobs {
    /// Has the worker look for due jobs now.
    pub fn wake(&self) {
        self.queued.notify_one();
    }

    /// Tells a job, if it runs here, that something happened to its row.
    fn nudge(&self, id: &str) {
        if let Some(nudged) = self.running().get(id) {
            nudged.notify_one();
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find job: {id}."))
}

/// Queues a job in the caller's transaction; [`App::commit`] starts it. If there is one of that kind about that already, it is
/// that one, queued again: see [`store::job::insert`].
pub async fn enqueue(app: &App, tx: &mut Conn, new: &NewJob) -> Result<Job> {
    store::job::insert(tx, &app.random.hex_id(), new, app.now()).await
}

/// Part of the jobs, newest first.
pub async fn list(app: &App, caller: &Caller, filter: &Filter, window: Window) -> Result<Portion<Job>> {
    app.allow(caller, "sso:list_jobs", &Target::new()).await?;
    let mut conn = app.store.read().await?;
    let total = store::job::count(&mut conn, filter).await?;
    Ok(Portion { items: store::job::list(&mut conn, filter, window).await?, total })
}

/// What policy sees of a request about a job. It is the same whether there is one or not.
fn seen(id: &str) -> Target {
    Target::stored(KIND, &json!({"id": id})).and_path("job_id", id)
}

/// One job.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Job> {
    app.allow(caller, "sso:get_job", &seen(id)).await?;
    store::job::get(&mut app.store.read().await?, id).await?.ok_or_else(|| not_found(id))
}

/// Stops a job. One that runs is told, wherever that is, and ends within seconds; until then it is shown as running.
pub async fn cancel(app: &App, caller: &Caller, id: &str) -> Result<Job> {
    let done = stop(app, caller, id).await;
    audit::refused(app, caller, "job.cancel", (KIND, id), done).await
}

async fn stop(app: &App, caller: &Caller, id: &str) -> Result<Job> {
    app.allow(caller, "sso:cancel_job", &seen(id)).await?;
    let mut tx = app.store.write().await?;
    let Some(job) = store::job::cancel(&mut tx, id, app.now()).await? else {
        let ended = store::job::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
        return match ended.state {
            State::Cancelled => Ok(ended),
            state => Err(Error::conflict(format!("The job has ended already: {}.", state.as_str()))),
        };
    };
    if job.state == State::Cancelled {
        run::give_up(app, &mut tx, &job).await?;
    }
    let about = format!("{} {}", job.kind, job.subject);
    audit::changed(app, &mut tx, caller, "job.cancel", (KIND, id), None, &about).await?;
    app.commit(tx).await?;
    app.jobs.nudge(id);
    Ok(job)
}

/// The worker with other hands.
#[cfg(test)]
pub(super) async fn run_with<H, F>(app: Arc<App>, handle: H)
where
    H: Fn(Arc<App>, crate::model::job::Kind, Job) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let pace = worker::Pace::of(&app);
    worker::work(app, pace, handle).await;
}

#[cfg(test)]
mod tests;
