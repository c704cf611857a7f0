//! Users as they count now: one who has been away too long is disabled, whatever is stored
//! (`disable_user_account_days_inactive`).

use super::App;
use crate::error::Result;
use crate::model::user::Identity;
use crate::store::{self, Conn};

/// The user with `enabled` as it counts now.
pub fn as_of_now(app: &App, mut identity: Identity) -> Identity {
    let days = app.config.security_compliance.disable_user_account_days_inactive;
    identity.user.enabled &= !identity.is_inactive(app.now(), days);
    identity
}

/// The user of that id, with `enabled` as it counts now.
pub async fn user(app: &App, conn: &mut Conn, id: &str) -> Result<Option<Identity>> {
    Ok(store::user::get(conn, id).await?.map(|i| as_of_now(app, i)))
}
