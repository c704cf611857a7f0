//! Users' identities at identity providers, for whoever looks after the users' domain (tenant-login §7.6).

use std::collections::BTreeSet;

use super::reach::{covers, seen};
use crate::error::{Error, Result};
use crate::model::user::User;
use crate::model::user_link::UserLink;
use crate::service::caller::Caller;
use crate::service::{App, audit, revocation, session};
use crate::store::{self, Conn};

/// The user, if policy lets the caller do `rule` to them and they may know of them.
async fn reached(app: &App, caller: &Caller, rule: &str, user_id: &str) -> Result<User> {
    let found = store::user::get(&mut app.store.read().await?, user_id).await?.map(|identity| identity.user);
    let target = seen(caller, found.as_ref().map(|u| u.domain_id.as_str())).and_path("user_id", user_id);
    app.allow(caller, rule, &target).await?;
    let found = found.filter(|u| covers(caller, &u.domain_id));
    found.ok_or_else(|| Error::not_found(format!("There is no user {user_id:.64}.")))
}

/// A user's identities.
pub async fn list(app: &App, caller: &Caller, user_id: &str) -> Result<Vec<UserLink>> {
    reached(app, caller, "tenant:list_links", user_id).await?;
    store::user_link::list(&mut app.store.read().await?, user_id).await
}

/// Takes a user's identities at an identity provider away, unless they could not come in any more then. What was issued by
/// them is void, and sessions that came by them have ended.
pub async fn delete(app: &App, caller: &Caller, user_id: &str, idp_id: &str) -> Result<()> {
    let done = remove(app, caller, user_id, idp_id).await;
    audit::refused(app, caller, "user.unlink", ("user", user_id), done).await
}

async fn remove(app: &App, caller: &Caller, user_id: &str, idp_id: &str) -> Result<()> {
    let user = reached(app, caller, "tenant:delete_link", user_id).await?;
    let mut tx = app.store.write().await?;
    unlink(app, &mut tx, user_id, idp_id).await?;
    audit::changed(app, &mut tx, caller, "user.unlink", ("user", user_id), Some(&user.domain_id), idp_id).await?;
    app.commit(tx).await
}

/// The same in the caller's transaction, for whoever may do that.
pub(in crate::service) async fn unlink(app: &App, tx: &mut Conn, user_id: &str, idp_id: &str) -> Result<()> {
    store::user::lock(tx, user_id).await?;
    let (gone, left): (Vec<_>, Vec<_>) =
        store::user_link::list(tx, user_id).await?.into_iter().partition(|link| link.idp_id == idp_id);
    if gone.is_empty() {
        return Err(Error::not_found(format!("The user has no link to the identity provider {idp_id:.64}.")));
    }
    if left.is_empty() && store::password::recent(tx, user_id, 1).await?.is_empty() {
        return Err(Error::conflict("This is the last way in: the user has no password and no other link."));
    }
    store::user_link::delete(tx, user_id, idp_id).await?;
    for protocol_id in gone.iter().map(|link| link.protocol_id.as_str()).collect::<BTreeSet<_>>() {
        let event = revocation::of_link(app, user_id, idp_id, protocol_id);
        store::revocation::insert(tx, &event).await?;
    }
    session::end_of_link(app, tx, user_id, idp_id).await
}
