//! What each kind of job does.
//!
//! No transaction may be open while another machine is asked (invariant I6). An error that is the subject's own fault (it is
//! gone, it is invalid) ends the job; any other has it tried again.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::model::job::{Job, Kind};
use crate::service::App;

/// Does a job.
pub(super) async fn handle(_app: Arc<App>, kind: Kind, _job: Job) -> Result<()> {
    // Here the kinds are connected to what does them.
    match kind {
        Kind::TestConfiguration | Kind::DeleteConfiguration => {
            Err(Error::internal(format!("nothing does jobs of the kind {} yet", kind.as_str())))
        }
    }
}

/// Queues what has become due by the calendar; called at every poll.
pub(super) async fn schedule(_app: &App) -> Result<()> {
    // Here what is periodic is connected: configurations to be tested again.
    Ok(())
}
