//! The operator's work on the service's inside, and the background jobs that it waits for.
//!
//! Jobs are done by whichever process comes first: a running service, or this one while it waits. So a command works whether
//! the service runs or not, and what it leaves is done by the service.

use std::sync::Arc;

use super::{Failure, block_on};
use crate::app as house;
use crate::clock::{Random, SystemClock};
use crate::config::Config;
use crate::error::Result;
use crate::model::job::Kind;
use crate::service::caller::Caller;
use crate::service::{App, jobs};

/// What pushing configurations and taking them back is made of.
const KINDS: &[Kind] = &[Kind::Federate, Kind::Provision];

/// Builds what the service itself is made of, without serving, for the operator's work.
pub(super) fn as_operator<T>(
    config: &Config,
    work: impl AsyncFnOnce(&Arc<App>, &Caller) -> Result<T>,
) -> std::result::Result<T, Failure> {
    let config = config.clone();
    block_on(async {
        let app = house::build(config, Arc::new(SystemClock::default()), Arc::new(Random::system())).await?;
        let caller = Caller::of_command_line(&app).await?;
        let done = work(&app, &caller).await;
        app.store.close().await;
        done
    })
}

/// Does work while this process helps with jobs that it waits for. Those that are not done by its end are given back.
pub(super) async fn with_jobs<T>(app: &Arc<App>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let worker = tokio::spawn(jobs::run_only(app.clone(), KINDS));
    let done = work.await;
    app.feed.stop();
    // It panics in no case that would matter here: what it has not done is done by the service.
    let _ = worker.await;
    done
}
