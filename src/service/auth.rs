//! Authentication: from proofs and a wished-for scope to a token.
//!
//! A login that fails for whatever reason answers the same, takes the same hash and the same writes; the reason is in the
//! audit trail only (security rule 9).

use super::caller::Origin;
use super::issue::{Issued, Parent, Proven, fail, issue, refuse_login};
use super::lockout::{self, Verdict};
use super::{App, audit, token};
use crate::error::{Error, Result};
use crate::model::audit_event::Outcome;
use crate::model::auth_request::{AuthRequest, DomainName, Proof, UserName};
use crate::model::user::Identity;
use crate::secret::Secret;
use crate::store;

/// Proves who it is and issues a token for the scope, or answers 401.
pub async fn authenticate(app: &App, origin: &Origin, request: AuthRequest) -> Result<Issued> {
    let mut proven: Option<Proven> = None;
    for proof in request.proofs {
        let next = match proof {
            Proof::Password(name, secret) => by_password(app, origin, &name, secret).await?,
            Proof::Token(secret) => by_token(app, origin, secret).await?,
        };
        proven = Some(match proven {
            None => next,
            Some(before) if before.identity.user.id == next.identity.user.id => both(before, next),
            Some(before) => {
                return fail(app, origin, Some(&before.identity), "the proofs are of different users").await;
            }
        });
    }
    let proven = proven.ok_or_else(|| Error::unauthorized("no proof was given"))?;
    issue(app, origin, proven, &request.scope).await
}

/// Two proofs of one user: all methods, and what each hands on.
fn both(mut a: Proven, b: Proven) -> Proven {
    for method in b.methods {
        if !a.methods.contains(&method) {
            a.methods.push(method);
        }
    }
    a.hash = a.hash.or(b.hash);
    a.parent = a.parent.or(b.parent);
    a
}

async fn find_user(app: &App, name: &UserName) -> Result<Option<Identity>> {
    let mut conn = app.store.read().await?;
    match name {
        UserName::Id(id) => store::user::get(&mut conn, id).await,
        UserName::Name(name, domain) => {
            let domain_id = match domain {
                DomainName::Id(id) => id.clone(),
                // A domain that is not there costs a look-up all the same.
                DomainName::Name(name) => {
                    store::domain::get_by_name(&mut conn, name).await?.map(|d| d.id).unwrap_or_default()
                }
            };
            store::user::get_by_name(&mut conn, &domain_id, name).await
        }
    }
}

async fn by_password(app: &App, origin: &Origin, name: &UserName, password: Secret) -> Result<Proven> {
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
    let hash = state.as_ref().and_then(|s| s.hash.as_deref());
    let right = app.hasher.verify(hash, password.clone()).await?;

    let expired = state.as_ref().and_then(|s| s.expires_at).is_some_and(|at| at <= now);
    let reason = match &found {
        None => Some("no such user"),
        _ if hash.is_none() => Some("the user has no password"),
        _ if locked == Verdict::Locked => Some("the user is locked out after failed attempts"),
        _ if !right => Some("wrong password"),
        Some(i) if !i.user.enabled => Some("the user is disabled"),
        Some(i) if !i.domain_enabled => Some("the user's domain is disabled"),
        Some(i) if expired && !i.user.option("ignore_password_expiry") => Some("the password has ended"),
        Some(_) => None,
    };
    if let Some(reason) = reason {
        let mut event = audit::event(app, Some(origin), "auth.login", Outcome::Failure);
        event.reason = Some(reason.to_owned());
        event.user_id = found.as_ref().map(|i| i.user.id.clone());
        event.user_name = Some(audit::cut(&found.as_ref().map_or_else(|| shown(name), |i| i.user.name.clone())));
        event.domain_id = found.as_ref().map(|i| i.user.domain_id.clone());
        let counted = (!right && locked != Verdict::Locked).then_some(locked == Verdict::OpenAgain);
        return refuse_login(app, &user_id, counted, event).await;
    }
    let (Some(identity), Some(state), Some(hash)) = (found, state.as_ref(), hash) else {
        return Err(Error::internal("a login without a user was let through"));
    };
    let fresh = if app.hasher.needs_rehash(hash) { Some(app.hasher.hash(password).await?) } else { None };
    if state.failed_count > 0 || fresh.is_some() {
        tidy_up(app, &user_id, hash, fresh.as_deref()).await?;
    }
    let hash = Some(fresh.unwrap_or_else(|| hash.to_owned()));
    Ok(Proven { identity, methods: vec!["password".to_owned()], hash, parent: None })
}

/// After a right password: forgets failed attempts, and puts a hash of today's kind in the place of an imported one.
async fn tidy_up(app: &App, user_id: &str, hash: &str, fresh: Option<&str>) -> Result<()> {
    let mut tx = app.store.write().await?;
    store::user::clear_failures(&mut tx, user_id).await?;
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

async fn by_token(app: &App, origin: &Origin, text: Secret) -> Result<Proven> {
    let token = match token::valid(app, text.expose_str().unwrap_or_default(), app.now()).await {
        Ok(token) => token,
        Err(Error::NotFound { .. }) => {
            // Anybody can send such: the log is enough, or the audit trail could be filled without a credential.
            tracing::info!(target: "audit", request_id = %origin.request_id(), action = "auth.login", outcome = "failure", reason = "not a token");
            return Err(Error::unauthorized("not a token"));
        }
        Err(other) => return Err(other),
    };
    let payload = &token.facts.payload;
    if payload.expires_at <= app.now() {
        return fail(app, origin, None, "the token has ended").await;
    }
    let Some(identity) = store::user::get(&mut app.store.read().await?, &payload.user_id).await? else {
        return fail(app, origin, None, "the token's user is gone").await;
    };
    let mut methods = payload.methods.clone();
    if !methods.iter().any(|m| m == "token") {
        methods.push("token".to_owned());
    }
    Ok(Proven { identity, methods, hash: None, parent: Some(Parent { text, token }) })
}
