//! What a change here means for what was pushed (sso-api §6.5): noted in the transaction that makes it.

use crate::error::Result;
use crate::model::change::Change;
use crate::service::App;
use crate::store::{self, Conn};

/// Seconds that changes of users are gathered for before they are sent.
const GATHER_SECS: i64 = 2;

/// A configuration is not what was pushed any more.
pub(in crate::service) async fn configuration_changed(app: &App, tx: &mut Conn, config_id: &str) -> Result<()> {
    store::federation::drift(tx, config_id, app.now()).await
}

/// Most changed users whose platforms are looked for one by one; beyond that all platforms are provisioned.
const MOST_USERS: usize = 16;

/// Users have changed in this transaction: platforms that have them hear of it soon (SCIM-5).
pub(in crate::service) async fn people_changed(app: &App, tx: &mut Conn) -> Result<()> {
    let (mut users, mut domains) = (Vec::new(), Vec::new());
    for change in tx.changes() {
        match change {
            Change::User(id) => users.push(id.clone()),
            Change::Domain(id) => domains.push(id.clone()),
            _ => {}
        }
    }
    let at = app.now().plus_secs(GATHER_SECS);
    if users.len() > MOST_USERS {
        return store::federation::note_all(tx, at).await;
    }
    for id in users {
        store::federation::note_user(tx, &id, at).await?;
    }
    for id in domains {
        store::federation::note_domain(tx, &id, at).await?;
    }
    Ok(())
}
