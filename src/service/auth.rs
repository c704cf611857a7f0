//! Authentication: from proofs and a wished-for scope to a token.
//!
//! A login that fails for whatever reason answers the same, takes the same hash and the same writes; the reason is in the
//! audit trail only (security rule 9).

use std::time::Duration;

use super::caller::Origin;
use super::lockout::{self, Verdict};
use super::token::{self, Token};
use super::{App, audit, scope};
use crate::cache;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::audit_event::{AuditEvent, Outcome};
use crate::model::auth_request::{Asked, AuthRequest, DomainName, Proof, UserName};
use crate::model::facts::{Facts, Scope};
use crate::model::token::{Federated, Payload, new_audit_id};
use crate::model::user::Identity;
use crate::secret::Secret;
use crate::store;

/// Who was proven, and what that proof hands on.
struct Proven {
    identity: Identity,
    methods: Vec<String>,
    /// End and chain of the token that was the proof; a new token never outlives it (CVE-2012-3426).
    parent: Option<(Timestamp, String)>,
    federated: Option<Federated>,
    /// A token with system scope was the proof.
    by_system: bool,
}

/// An issued token.
#[derive(Debug)]
pub struct Issued {
    /// The token itself.
    pub id: String,
    /// What it means.
    pub token: Token,
}

/// Proves who it is and issues a token for the scope, or answers 401.
pub async fn authenticate(app: &App, origin: &Origin, request: AuthRequest) -> Result<Issued> {
    let mut proven: Option<Proven> = None;
    for proof in request.proofs {
        let next = match proof {
            Proof::Password(name, secret) => by_password(app, origin, &name, secret).await?,
            Proof::Token(secret) => by_token(app, origin, &secret).await?,
        };
        proven = Some(match proven {
            None => next,
            Some(before) if before.identity.user.id == next.identity.user.id => both(before, next),
            Some(_) => return Err(Error::unauthorized("the proofs are of different users")),
        });
    }
    let proven = proven.ok_or_else(|| Error::unauthorized("no proof was given"))?;
    issue(app, origin, proven, &request.scope).await
}

/// Two proofs of one user: all methods, the earlier end.
fn both(mut a: Proven, b: Proven) -> Proven {
    for method in b.methods {
        if !a.methods.contains(&method) {
            a.methods.push(method);
        }
    }
    a.parent = match (a.parent, b.parent) {
        (Some(x), Some(y)) => Some(if x.0 <= y.0 { x } else { y }),
        (x, y) => x.or(y),
    };
    a.federated = a.federated.or(b.federated);
    a.by_system |= b.by_system;
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
    let user_id = found.as_ref().map_or_else(|| shown(name), |i| i.user.id.clone());
    let exempt = found.as_ref().is_some_and(|i| i.user.option("ignore_lockout_failure_attempts"));
    let attempts = if exempt { 0 } else { compliance.lockout_failure_attempts };

    // From here to the record of how it ended, one attempt of this user at a time.
    let _turn = if attempts == 0 { None } else { app.lockouts.turn(&user_id).await };
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
    Ok(Proven { identity, methods: vec!["password".to_owned()], parent: None, federated: None, by_system: false })
}

/// Records a failed login and answers 401. `counted`: it counts towards the lock, as the first again if true.
async fn refuse_login<T>(app: &App, user_id: &str, counted: Option<bool>, event: AuditEvent) -> Result<T> {
    let reason = event.reason.clone().unwrap_or_default();
    let mut tx = app.store.write().await?;
    if let Some(restart) = counted {
        store::user::record_failure(&mut tx, user_id, restart, app.now()).await?;
    }
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await?;
    Err(Error::unauthorized(reason))
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

async fn by_token(app: &App, origin: &Origin, token: &Secret) -> Result<Proven> {
    let text = token.expose_str().unwrap_or_default();
    let refused = |e: Error| match e {
        Error::NotFound { message } => Error::unauthorized(message),
        other => other,
    };
    let entry = match token::remembered(app, text) {
        Some(entry) => Ok(entry),
        None => token::resolve(app, text).await.map_err(refused),
    };
    let entry = match entry {
        Ok(entry) if entry.facts.payload.expires_at > app.now() => entry,
        Ok(_) => return fail(app, origin, None, "the token has ended").await,
        Err(Error::Unauthorized { .. }) => return fail(app, origin, None, "the token is not valid").await,
        Err(other) => return Err(other),
    };
    let payload = &entry.facts.payload;
    let identity = store::user::get(&mut app.store.read().await?, &payload.user_id).await?;
    let identity = identity.ok_or_else(|| Error::unauthorized("the token's user is gone"))?;
    let mut methods = payload.methods.clone();
    if !methods.iter().any(|m| m == "token") {
        methods.push("token".to_owned());
    }
    let chain = payload.chain_id().unwrap_or_default().to_owned();
    Ok(Proven {
        identity,
        methods,
        parent: Some((payload.expires_at, chain)),
        federated: payload.federated.clone(),
        by_system: entry.facts.scope == Scope::System,
    })
}

/// Records a login that failed after, or without, a password, and answers 401.
async fn fail<T>(app: &App, origin: &Origin, user: Option<&Identity>, reason: &str) -> Result<T> {
    let mut event = audit::event(app, Some(origin), "auth.login", Outcome::Failure);
    event.reason = Some(reason.to_owned());
    event.user_id = user.map(|i| i.user.id.clone());
    event.user_name = user.map(|i| i.user.name.clone());
    event.domain_id = user.map(|i| i.user.domain_id.clone());
    refuse_login(app, "", None, event).await
}

async fn issue(app: &App, origin: &Origin, proven: Proven, asked: &Asked) -> Result<Issued> {
    if proven.by_system && matches!(asked, Asked::Project(_) | Asked::ProjectByName(..) | Asked::Domain(_)) {
        return Err(Error::forbidden("A token with system scope cannot be rescoped to a project or a domain."));
    }
    let tick = app.memory.tick();
    let mut conn = app.store.read().await?;
    let wanted = match asked {
        Asked::Unscoped => Some(Scope::Unscoped),
        Asked::System => Some(Scope::System),
        Asked::Project(id) => scope::project(&mut conn, id).await?,
        Asked::ProjectByName(name, domain) => scope::project_by_name(&mut conn, domain, name).await?,
        Asked::Domain(named) => scope::domain(&mut conn, named).await?,
        Asked::Default => default_scope(&mut conn, &proven).await?,
    };
    let user_id = proven.identity.user.id.clone();
    let (found, roles) = match wanted {
        Some(found) => {
            let roles = scope::roles(&mut conn, &user_id, &found).await?;
            (Some(found), roles)
        }
        None => (None, Vec::new()),
    };
    drop(conn);
    let Some(found) = found.filter(|s| *s == Scope::Unscoped || !roles.is_empty()) else {
        return fail(app, origin, Some(&proven.identity), "no role on the scope, or no such scope").await;
    };

    let identity = &proven.identity;
    let mut audit_ids = vec![new_audit_id(&app.random)];
    audit_ids.extend(proven.parent.iter().map(|(_, chain)| chain.clone()));
    let (issued_at, expires_at) = times(app, &proven);
    let mut facts = Facts {
        user_name: identity.user.name.clone(),
        user_domain_id: identity.user.domain_id.clone(),
        user_domain_name: identity.domain_name.clone(),
        password_expires_at: identity.user.password_expires_at,
        payload: Payload {
            user_id,
            methods: proven.methods.clone(),
            issued_at,
            expires_at,
            audit_ids,
            scope: found.bare(),
            federated: proven.federated.clone(),
            trust_id: None,
            app_cred_id: None,
            access_token_id: None,
            thumbprint: None,
        },
        scope: found,
        roles,
    };
    if app.memory.is_revoked(&facts) {
        // A token says only the second of its issue, so one made in the very second of a revocation (a new password, say)
        // would be void: wait for the next. What is still revoked then descends from a revoked token.
        let rest = 1_000_000 - app.now().0.rem_euclid(1_000_000);
        tokio::time::sleep(Duration::from_micros(u64::try_from(rest).unwrap_or(1_000_000))).await;
        (facts.payload.issued_at, facts.payload.expires_at) = times(app, &proven);
        if app.memory.is_revoked(&facts) {
            return fail(app, origin, Some(&proven.identity), "the proof was revoked meanwhile").await;
        }
    }
    let id = app.keys.issue(&facts.payload, &app.random)?;
    let token = token::prepare(app, facts, tick).await?;
    record(app, origin, &token).await?;
    app.tokens.put(cache::digest(&id), token.clone());
    Ok(Issued { id, token })
}

/// When a token begins and ends: never later than the token that it was made from.
fn times(app: &App, proven: &Proven) -> (Timestamp, Timestamp) {
    let now = app.now().whole_seconds();
    let end = now.plus_secs(i64::try_from(app.config.token.expiration_secs).unwrap_or(i64::MAX));
    (now, proven.parent.as_ref().map_or(end, |(parent_end, _)| end.min(*parent_end)))
}

/// The user's default project if they can use it, else no scope at all; never for federated users.
async fn default_scope(conn: &mut store::Conn, proven: &Proven) -> Result<Option<Scope>> {
    let Some(id) = proven.identity.user.default_project_id.as_deref().filter(|_| proven.federated.is_none()) else {
        return Ok(Some(Scope::Unscoped));
    };
    let Some(found) = scope::project(conn, id).await? else { return Ok(Some(Scope::Unscoped)) };
    let usable = !scope::roles(conn, &proven.identity.user.id, &found).await?.is_empty();
    Ok(Some(if usable { found } else { Scope::Unscoped }))
}

/// Records a login that led to a token.
async fn record(app: &App, origin: &Origin, token: &Token) -> Result<()> {
    let facts = &token.facts;
    let (kind, id) = facts.scope.kind_and_id();
    let mut event = audit::event(app, Some(origin), "auth.login", Outcome::Success);
    event.user_id = Some(facts.payload.user_id.clone());
    event.user_name = Some(facts.user_name.clone());
    event.domain_id = Some(facts.user_domain_id.clone());
    event.scope_kind = kind.map(str::to_owned);
    event.scope_id = id.map(str::to_owned);
    event.target_kind = Some("token".to_owned());
    event.target_id = facts.payload.audit_id().map(str::to_owned);
    event.detail = facts.payload.methods.join(",");
    let mut tx = app.store.write().await?;
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await
}
