//! Proving somebody by their password, for a login and for a change of that password.
//!
//! What fails for whatever reason answers the same, takes the same hash and the same writes; the reason is in the audit
//! trail only (security rule 9).

use super::caller::Origin;
use super::issue::refuse_login;
use super::lockout::{self, Verdict};
use super::{App, activity, audit};
use crate::error::{Error, Result};
use crate::model::audit_event::Outcome;
use crate::model::auth_request::{DomainName, UserName};
use crate::model::user::{Identity, LoginState};
use crate::secret::Secret;
use crate::store;

/// What a password proves.
pub(super) struct Right {
    pub(super) identity: Identity,
    /// What was stored when it was proven.
    pub(super) state: LoginState,
    /// The hash that it was right for.
    pub(super) hash: String,
}

/// Whether a password that has ended still proves something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// No.
    Refused,
    /// Yes: it is about to be changed.
    Accepted,
}

async fn find_user(app: &App, name: &UserName) -> Result<Option<Identity>> {
    let mut conn = app.store.read().await?;
    let found = match name {
        UserName::Id(id) => store::user::get(&mut conn, id).await?,
        UserName::Name(name, domain) => {
            let domain_id = match domain {
                DomainName::Id(id) => id.clone(),
                // A domain that is not there costs a look-up all the same.
                DomainName::Name(name) => {
                    store::domain::get_by_name(&mut conn, name).await?.map(|d| d.id).unwrap_or_default()
                }
            };
            store::user::get_by_name(&mut conn, &domain_id, name).await?
        }
    };
    Ok(found.map(|i| activity::as_of_now(app, i)))
}

/// Who has this name and password, or 401. `action` is what a failure is recorded as.
pub(super) async fn by_password(
    app: &App,
    origin: &Origin,
    action: &str,
    name: &UserName,
    password: Secret,
    ended: Ended,
) -> Result<Right> {
    let compliance = &app.config.security_compliance;
    let found = find_user(app, name).await?;
    // Nobody's id: an unknown name takes the same steps, and no name can be mistaken for somebody's id.
    let user_id = found.as_ref().map(|i| i.user.id.clone()).unwrap_or_default();
    let exempt = found.as_ref().is_some_and(|i| i.user.option("ignore_lockout_failure_attempts"));
    let attempts = if exempt { 0 } else { compliance.lockout_failure_attempts };

    // From here to the record of how it ended, one attempt of this user at a time.
    let turn_of = if found.is_some() { user_id.clone() } else { shown(name) };
    let _turn = if attempts == 0 { None } else { Some(app.lockouts.turn(&turn_of).await?) };
    let state = store::user::login_state(&mut app.store.read().await?, &user_id).await?;
    let now = app.now();
    let locked =
        state.as_ref().map_or(Verdict::Open, |s| lockout::verdict(s, attempts, compliance.lockout_duration, now));
    let hash = state.as_ref().and_then(|s| s.hash.clone());
    let right = app.hasher.verify(hash.as_deref(), password.clone()).await?;

    let has_ended = ended == Ended::Refused && state.as_ref().and_then(|s| s.expires_at).is_some_and(|at| at <= now);
    let reason = match &found {
        None => Some("no such user"),
        _ if hash.is_none() => Some("the user has no password"),
        _ if locked == Verdict::Locked => Some("the user is locked out after failed attempts"),
        _ if !right => Some("wrong password"),
        Some(i) if !i.user.enabled => Some("the user is disabled"),
        Some(i) if !i.domain_enabled => Some("the user's domain is disabled"),
        Some(i) if has_ended && !i.user.option("ignore_password_expiry") => Some("the password has ended"),
        Some(_) => None,
    };
    if let Some(reason) = reason {
        let mut event = audit::event(app, Some(origin), action, Outcome::Failure);
        event.reason = Some(reason.to_owned());
        event.user_id = found.as_ref().map(|i| i.user.id.clone());
        event.user_name = Some(audit::cut(&found.as_ref().map_or_else(|| shown(name), |i| i.user.name.clone())));
        event.domain_id = found.as_ref().map(|i| i.user.domain_id.clone());
        let counted = (!right && locked != Verdict::Locked).then_some(locked == Verdict::OpenAgain);
        return refuse_login(app, &user_id, counted, event).await;
    }
    let (Some(identity), Some(state), Some(hash)) = (found, state, hash) else {
        return Err(Error::internal("a password without a user was let through"));
    };
    let fresh = if app.hasher.needs_rehash(&hash) { Some(app.hasher.hash(password).await?) } else { None };
    if state.failed_count > 0 || fresh.is_some() || identity.is_first_today(now) {
        tidy_up(app, &identity, &hash, fresh.as_deref()).await?;
    }
    Ok(Right { identity, state, hash: fresh.unwrap_or(hash) })
}

/// After a right password: forgets failed attempts, notes once a day that the user was there, and puts a hash of today's
/// kind in the place of an imported one.
async fn tidy_up(app: &App, identity: &Identity, hash: &str, fresh: Option<&str>) -> Result<()> {
    let (user_id, now) = (&identity.user.id, app.now());
    let mut tx = app.store.write().await?;
    store::user::clear_failures(&mut tx, user_id).await?;
    if identity.is_first_today(now) {
        store::user::mark_active(&mut tx, user_id, now).await?;
    }
    if let Some(fresh) = fresh {
        store::password::rehash(&mut tx, user_id, hash, fresh).await?;
    }
    app.commit(tx).await
}

/// How a request named a user, for the audit trail.
fn shown(name: &UserName) -> String {
    match name {
        UserName::Id(text) | UserName::Name(text, _) => text.clone(),
    }
}
