//! How far it has come what was begun: for whoever waits longer than a call of the API.

pub use super::wait::UNFINISHED;
use super::wait::fill;
use super::{Begun, Item};
use crate::error::Result;
use crate::model::federation::Federation;
use crate::model::job::{Filter, Kind, State};
use crate::model::list::Window;
use crate::model::provisioning::Run;
use crate::policy::Target;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{self, Conn};

/// What is said where a job was cancelled or given up before it was done.
pub(super) const GIVEN_UP: &str = "nobody sees to it any more: its job was cancelled or given up";
/// Jobs about one federation; there is one of a kind at most.
const JOBS: Window = Window { limit: 16, offset: 0 };

/// How far it has come with one platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// What came of it; what is known at once, until it has ended.
    pub item: Item,
    /// The federation, unless there is none or none any more.
    pub federation: Option<Federation>,
    /// The run that provisions users and groups, or takes them back.
    pub run: Option<Run>,
    /// Nothing more happens.
    pub ended: bool,
}

/// How far it has come with each platform, in the order asked.
pub async fn progress(app: &App, caller: &Caller, begun: &Begun) -> Result<Vec<Progress>> {
    app.allow(caller, "sso:list_federations", &Target::new()).await?;
    let known = |item: &Item| Progress { item: item.clone(), ended: true, ..Progress::default() };
    let mut all: Vec<Progress> = begun.items.iter().map(known).collect();
    let mut conn = app.store.read().await?;
    for (index, wish) in &begun.wishes {
        // Jobs first: what a job that has ended wrote down is seen afterwards.
        let alive = is_seen_to(&mut conn, &wish.id).await?;
        let Some(federation) = store::federation::get(&mut conn, &wish.id).await? else { continue };
        let of = &mut all[*index];
        let served = federation.served >= wish.number;
        of.run = match &federation.run_id {
            Some(id) => store::provisioning_run::get(&mut conn, id).await?,
            None => None,
        };
        // Before it is served, one that has ended is of an earlier wish.
        of.run.take_if(|run| !served && run.finished_at.is_some());
        of.ended = served && of.run.as_ref().is_none_or(|run| run.finished_at.is_some());
        if of.ended {
            fill(&mut of.item, &federation, wish, None);
        } else if !alive {
            of.item.error = Some(GIVEN_UP.to_owned());
            of.ended = true;
        }
        of.federation = Some(federation);
    }
    Ok(all)
}

/// Whether a job waits or runs that sees to a federation.
async fn is_seen_to(conn: &mut Conn, federation_id: &str) -> Result<bool> {
    let filter = Filter { subject: Some(federation_id.to_owned()), ..Filter::default() };
    let jobs = store::job::list(conn, &filter, JOBS).await?;
    Ok(jobs.iter().any(|job| {
        matches!(job.state, State::Queued | State::Running)
            && matches!(Kind::parse(&job.kind), Some(Kind::Federate | Kind::Provision))
    }))
}

#[cfg(test)]
mod tests;
