//! Waiting for what a call has asked for: as long as callers and the proxies before them have patience, and no longer.

use std::time::Duration;

use tokio::time::sleep;

use super::{Item, Wish};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::federation::{Federation, Status, Wanted};
use crate::model::provisioning::{Kind, Run};
use crate::service::App;
use crate::store;

/// How often it is looked whether a wish has been seen to, at first and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));
/// What is said of what goes on after the answer.
pub const UNFINISHED: &str = "still running, continues in the background";

/// When a call that begins now must have its answer.
pub(super) fn deadline(app: &App) -> Timestamp {
    super::push::in_secs(app, app.config.sso.federate_wait_secs)
}

/// Fills the items in whose wishes have been written down, once they have been seen to or the time is over.
pub(super) async fn until_served(
    app: &App,
    deadline: Timestamp,
    wishes: &[(usize, Wish)],
    items: &mut [Item],
) -> Result<()> {
    let mut open: Vec<&(usize, Wish)> = wishes.iter().collect();
    let mut pause = PAUSES.0;
    while !open.is_empty() {
        let over = app.now() >= deadline;
        let ids: Vec<&str> = open.iter().map(|(_, wish)| wish.id.as_str()).collect();
        let mut conn = app.store.read().await?;
        let found = store::federation::get_all(&mut conn, &ids).await?;
        let mut left = Vec::new();
        for each in open {
            let (index, wish) = each;
            let item = &mut items[*index];
            match found.iter().find(|f| f.id == wish.id) {
                // It was taken away, or the configuration with it.
                None => {}
                Some(it) if it.served >= wish.number => {
                    let run = match &it.run_id {
                        Some(id) => store::provisioning_run::get(&mut conn, id).await?,
                        None => None,
                    };
                    let runs = run.filter(|run| run.finished_at.is_none());
                    if runs.is_some() && !over {
                        left.push(each);
                    } else {
                        fill(item, it, wish, runs.as_ref());
                    }
                }
                Some(_) if !over => left.push(each),
                Some(_) => item.error = Some(UNFINISHED.to_owned()),
            }
        }
        drop(conn);
        open = left;
        if !open.is_empty() {
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
    Ok(())
}

/// What an item says of a wish that has been seen to. `runs`: users and groups are still being provisioned.
pub(super) fn fill(item: &mut Item, it: &Federation, wish: &Wish, runs: Option<&Run>) {
    if !wish.scim_only {
        item.client_id.clone_from(&it.client_id);
        item.callback_url.clone_from(&it.callback_url);
    }
    let failed = it.error.is_some() || (it.status == Status::Failed && it.wanted == Wanted::Present);
    if failed {
        item.client_id = None;
        item.callback_url = None;
        item.error = Some(it.error.clone().unwrap_or_else(|| "it failed".to_owned()));
        return;
    }
    let told = |what: &str, reason: &str| format!("sync SCIM {what} to platform {}: {reason}", it.platform_id);
    match runs {
        Some(run) => {
            let unfinished = |kind| run.reason(kind).unwrap_or_else(|| UNFINISHED.to_owned());
            item.user_error = Some(told("users", &unfinished(Kind::User)));
            item.group_error = Some(told("groups", &unfinished(Kind::Group)));
        }
        None => {
            item.user_error = it.user_error.as_deref().map(|reason| told("users", reason));
            item.group_error = it.group_error.as_deref().map(|reason| told("groups", reason));
        }
    }
}
