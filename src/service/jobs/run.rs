//! What each kind of job does.
//!
//! No transaction may be open while another machine is asked (invariant I6). An error that is the subject's own fault (it is
//! gone, it is invalid) ends the job; any other has it tried again.

use std::sync::Arc;

use crate::error::Result;
use crate::model::job::{Job, Kind};
use crate::service::{App, federate, logout, platform, provisioning, sso_config};
use crate::store::Conn;

/// Does a job.
pub(super) async fn handle(app: Arc<App>, kind: Kind, job: Job) -> Result<()> {
    match kind {
        Kind::TestConfiguration => sso_config::retest::run(&app, &job).await,
        Kind::DeleteConfiguration => sso_config::delete::run(&app, &job).await,
        Kind::NotifyLogout => logout::notice::run(&app, &job).await,
        Kind::CheckPlatform => platform::run_check(&app, &job).await,
        Kind::Federate => federate::run(&app, &job).await,
        Kind::CheckFederation => federate::run_check(&app, &job).await,
        Kind::Provision => provisioning::run(&app, &job).await,
    }
}

/// Takes back what a job that will never be done has prepared, in the transaction that says so.
pub(super) async fn give_up(app: &App, tx: &mut Conn, job: &Job) -> Result<()> {
    match Kind::parse(&job.kind) {
        Some(Kind::DeleteConfiguration) => sso_config::delete::call_off(app, tx, &job.subject).await,
        Some(Kind::Federate) => federate::give_up(app, tx, &job.subject).await,
        Some(Kind::Provision) => provisioning::give_up(app, tx, &job.subject).await,
        Some(Kind::TestConfiguration | Kind::NotifyLogout | Kind::CheckPlatform | Kind::CheckFederation) | None => {
            Ok(())
        }
    }
}

/// Queues what has become due by the calendar; called at every poll.
pub(super) async fn schedule(app: &App) -> Result<()> {
    sso_config::retest::schedule(app).await?;
    platform::schedule(app).await?;
    federate::schedule(app).await?;
    provisioning::schedule(app).await
}
