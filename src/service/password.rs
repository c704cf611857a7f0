//! The rules of passwords (Keystone's `[security_compliance]`), and a user's change of their own.
//!
//! What an administrator sets must match the pattern; what users set themselves must also be old enough to be changed and
//! differ from the passwords before it.

use serde_json::Value;

use super::caller::Origin;
use super::issue::refuse_login;
use super::proof::{self, Ended, Right};
use super::{App, activity, audit, revocation, session};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::audit_event::{AuditEvent, Outcome};
use crate::model::auth_request::UserName;
use crate::model::password_change::PasswordChange;
use crate::model::user::{DAY_SECS, LoginState, User};
use crate::secret::Secret;
use crate::store::{self, Conn};

const ACTION: &str = "user.change_password";

/// Who sets a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBy {
    /// An administrator.
    Administrator,
    /// The user.
    User,
}

/// Hashes a password that is about to be set, if it may be.
pub async fn hash(app: &App, password: Secret) -> Result<String> {
    check(app, &password)?;
    app.hasher.hash(password).await
}

fn check(app: &App, password: &Secret) -> Result<()> {
    let max = app.config.password.max_length;
    if password.is_empty() {
        return Err(Error::invalid_field("user.password", "the value is too short"));
    }
    if password.len() > max {
        return Err(Error::invalid_field("user.password", format!("the value is longer than {max} bytes")));
    }
    let Some(pattern) = &app.password_pattern else { return Ok(()) };
    if password.expose_str().is_some_and(|text| pattern.matches(text)) {
        return Ok(());
    }
    let wanted = &app.config.security_compliance.password_regex_description;
    let wanted = if wanted.is_empty() { String::new() } else { format!(": {wanted}") };
    Err(Error::invalid(format!("The password does not match the requirements{wanted}.")))
}

/// When a password that is set now ends.
pub fn ends_at(app: &App, user: &User, by: SetBy, now: Timestamp) -> Option<Timestamp> {
    let rules = &app.config.security_compliance;
    if by == SetBy::Administrator
        && rules.change_password_upon_first_use
        && !user.option("ignore_change_password_upon_first_use")
    {
        return Some(now);
    }
    let days = i64::from(rules.password_expires_days);
    (days > 0 && !user.option("ignore_password_expiry")).then(|| now.plus_secs(days * DAY_SECS).whole_seconds())
}

/// Gives a user a new password, which ends at `user.password_expires_at`, and lifts a lock.
pub async fn set(app: &App, tx: &mut Conn, user: &User, hash: &str, by: SetBy, now: Timestamp) -> Result<()> {
    let (id, ends_at) = (app.random.hex_id(), user.password_expires_at);
    match by {
        SetBy::Administrator => store::password::insert(tx, &id, &user.id, hash, now, ends_at).await?,
        SetBy::User => store::password::insert_own(tx, &id, &user.id, hash, now, ends_at).await?,
    }
    store::password::prune(tx, &user.id, app.config.security_compliance.unique_last_password_count.max(1)).await?;
    store::user::clear_failures(tx, &user.id).await
}

/// Changes the password of whoever proves to be the user by the one they have. Their tokens are void then.
pub async fn change_own(app: &App, origin: &Origin, user_id: &str, body: &Value) -> Result<()> {
    let change = PasswordChange::parse(body)?;
    let name = UserName::Id(user_id.to_owned());
    let right = proof::by_password(app, origin, ACTION, &name, change.original, Ended::Accepted).await?;
    let done = replace(app, origin, &right, change.password).await;
    if let Err(error @ Error::Invalid { .. }) = &done {
        let mut event = event(app, origin, &right, Outcome::Failure);
        event.reason = Some(audit::cut(&error.to_string()));
        let mut tx = app.store.write().await?;
        audit::write(&mut tx, &event).await?;
        app.commit(tx).await?;
    }
    done
}

async fn replace(app: &App, origin: &Origin, right: &Right, password: Secret) -> Result<()> {
    let id = &right.identity.user.id;
    check(app, &password)?;
    if right.identity.user.option("lock_password") {
        return Err(Error::invalid(
            "You cannot change your password at this time due to password policy disallowing password changes. \
             Please contact your administrator to reset your password.",
        ));
    }
    check_age(app, &right.state)?;
    check_history(app, id, &password).await?;
    let hash = app.hasher.hash(password).await?;

    let mut tx = app.store.write().await?;
    store::user::lock(&mut tx, id).await?;
    let now = app.now();
    // Hashing takes a while: who was proven may be disabled by now, or have another password.
    let found = activity::user(app, &mut tx, id).await?.filter(|i| i.user.enabled && i.domain_enabled);
    let state = store::user::login_state(&mut tx, id).await?;
    let unchanged = state.is_some_and(|s| s.hash.as_ref() == Some(&right.hash));
    let Some(mut user) = found.filter(|_| unchanged).map(|i| i.user) else {
        drop(tx);
        let mut event = event(app, origin, right, Outcome::Failure);
        event.reason = Some("the user or their password was changed meanwhile".to_owned());
        return refuse_login(app, id, None, event).await;
    };
    user.password_expires_at = ends_at(app, &user, SetBy::User, now);
    set(app, &mut tx, &user, &hash, SetBy::User, now).await?;
    store::revocation::insert(&mut tx, &revocation::of_user(app, id)).await?;
    session::end_of_user(app, &mut tx, id, session::reason::PASSWORD).await?;
    audit::write(&mut tx, &event(app, origin, right, Outcome::Success)).await?;
    app.commit(tx).await
}

/// A password that its user chose must be kept for a while; one that an administrator set need not.
fn check_age(app: &App, state: &LoginState) -> Result<()> {
    let days = app.config.security_compliance.minimum_password_age;
    let Some(set_at) = state.set_at.filter(|_| state.self_service && days > 0) else { return Ok(()) };
    let (now, free) = (app.now(), set_at.plus_secs(i64::from(days) * DAY_SECS));
    if now >= free {
        return Ok(());
    }
    let left = (free.0 - now.0) / (DAY_SECS * 1_000_000);
    Err(Error::invalid(format!(
        "You cannot change your password at this time due to the minimum password age. Once you change your password, it \
         must be used for {days} day(s) before it can be changed. Please try again in {left} day(s) or contact your \
         administrator to reset your password."
    )))
}

async fn check_history(app: &App, user_id: &str, password: &Secret) -> Result<()> {
    let count = app.config.security_compliance.unique_last_password_count;
    let hashes = match count {
        0 => Vec::new(),
        count => store::password::recent(&mut app.store.read().await?, user_id, count).await?,
    };
    for hash in hashes {
        if app.hasher.verify(Some(&hash), password.clone()).await? {
            return Err(Error::invalid(format!(
                "The new password cannot be identical to a previous password. The total number which includes the new \
                 password must be unique is {count}."
            )));
        }
    }
    Ok(())
}

/// A record of a user's change of their own password.
fn event(app: &App, origin: &Origin, right: &Right, outcome: Outcome) -> AuditEvent {
    let user = &right.identity.user;
    let mut event = audit::event(app, Some(origin), ACTION, outcome);
    event.user_id = Some(user.id.clone());
    event.user_name = Some(user.name.clone());
    event.domain_id = Some(user.domain_id.clone());
    event.target_kind = Some("user".to_owned());
    event.target_id = Some(user.id.clone());
    event
}

#[cfg(test)]
mod tests;
