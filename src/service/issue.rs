//! Issuing a token to somebody who was proven.
//!
//! Proving takes a while (a password hash, a queue before it), and meanwhile a user may be disabled or get another
//! password. So what a token rests on is read here once more, after the time that the token will bear as its time of issue
//! was taken: a change before that reading is seen by it, a change after it voids the token like any older one.

use serde_json::Value;

use super::caller::Origin;
use super::federated_login::route::Route;
use super::token::{self, Token};
use super::{App, activity, audit, scope};
use crate::cache::{self, Standing};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::audit_event::{AuditEvent, Outcome};
use crate::model::auth_request::Asked;
use crate::model::facts::{Facts, Scope};
use crate::model::group::GroupRef;
use crate::model::holder::Holder;
use crate::model::role::RoleRef;
use crate::model::token::{Federated, Payload, new_audit_id};
use crate::model::user::{Identity, User};
use crate::secret::Secret;
use crate::store::{self, Conn};

/// How far a revocation's time may lie ahead of this node's clock before the clock is to blame: nodes' clocks differ.
const SKEW_SECS: i64 = 60;

/// A token that was a proof.
pub(super) struct Parent {
    pub(super) text: Secret,
    pub(super) token: Token,
}

/// Who was proven, and what that proof hands on.
pub(super) struct Proven {
    pub(super) identity: Identity,
    pub(super) methods: Vec<String>,
    /// The hash that the password was right for; still the user's when a token is issued, or there is none.
    pub(super) hash: Option<String>,
    /// How they came in, if an identity provider vouched for them just now.
    pub(super) federated: Option<Entrance>,
    /// A new token never outlives the one that it was made from (CVE-2012-3426).
    pub(super) parent: Option<Parent>,
}

/// How somebody came in through an identity provider.
pub(super) struct Entrance {
    /// What was configured when it was judged; the same must stand when the token is issued.
    pub(super) route: Route,
    /// What the token will say of it; `None` for a user who exists already (`type: local`) and gets an ordinary token.
    pub(super) federated: Option<Federated>,
}

/// An issued token.
#[derive(Debug)]
pub struct Issued {
    /// The token itself.
    pub id: String,
    /// What it means.
    pub token: Token,
}

/// What a token will rest on, as stored now.
struct Settled {
    identity: Identity,
    scope: Scope,
    groups: Vec<GroupRef>,
    roles: Vec<RoleRef>,
}

/// A token for the scope, or 401.
pub(super) async fn issue(app: &App, origin: &Origin, proven: Proven, asked: &Asked) -> Result<Issued> {
    if is_by_system(&proven) && !matches!(asked, Asked::Default | Asked::System) {
        let reason = "a token with system scope cannot get another scope";
        return match fail(app, origin, Some(&proven.identity), reason).await {
            Err(Error::Unauthorized { .. }) => {
                Err(Error::forbidden("A token with system scope cannot get another scope."))
            }
            other => other,
        };
    }
    let generation = app.keys.generation();
    let tick = app.memory.tick();
    let Some((issued_at, expires_at)) = times(app, &proven) else {
        return fail(app, origin, Some(&proven.identity), "a revocation lies too far ahead of this node's clock").await;
    };
    let settled = match settle(app, &proven, asked).await? {
        Ok(settled) => settled,
        Err(reason) => return fail(app, origin, Some(&proven.identity), reason).await,
    };
    let mut audit_ids = vec![new_audit_id(&app.random)];
    let parent = proven.parent.as_ref().map(|p| &p.token.facts.payload);
    audit_ids.extend(parent.and_then(|p| p.chain_id()).map(str::to_owned));
    let Settled { identity, scope, groups, roles } = settled;
    let facts = Facts {
        payload: Payload {
            user_id: identity.user.id.clone(),
            methods: proven.methods.clone(),
            issued_at,
            expires_at,
            audit_ids,
            scope: scope.bare(),
            federated: federated(&proven).cloned(),
            trust_id: None,
            app_cred_id: None,
            access_token_id: None,
            thumbprint: None,
        },
        user_name: identity.user.name,
        user_domain_id: identity.user.domain_id,
        user_domain_name: identity.domain_name,
        password_expires_at: identity.user.password_expires_at,
        scope,
        groups,
        roles,
    };
    if app.memory.is_revoked(&facts) {
        return fail(app, origin, Some(&proven.identity), "the proof was revoked meanwhile").await;
    }
    let id = app.keys.issue(&facts.payload, &app.random)?;
    let token = token::prepare(app, facts, tick).await?;
    record(app, origin, &token).await?;
    token::remember(app, cache::digest(&id), &token, generation);
    Ok(Issued { id, token })
}

/// What the token will say of an identity provider.
fn federated(proven: &Proven) -> Option<&Federated> {
    match &proven.federated {
        Some(entrance) => entrance.federated.as_ref(),
        None => proven.parent.as_ref().and_then(|p| p.token.facts.payload.federated.as_ref()),
    }
}

/// Whether a token scoped to the whole deployment was a proof.
fn is_by_system(proven: &Proven) -> bool {
    proven.parent.as_ref().is_some_and(|p| p.token.facts.scope == Scope::System)
}

/// When a token begins and ends: never later than the token that it was made from. A token says only the second of its
/// issue; in the second of a revocation of the user's tokens (a new password, say) it bears the next, or it would be void.
fn times(app: &App, proven: &Proven) -> Option<(Timestamp, Timestamp)> {
    let now = app.now();
    let mut issued_at = now.whole_seconds();
    let of_user = app.memory.user_revoked_until(&proven.identity.user.id);
    let entrance = proven.federated.as_ref();
    let of_route =
        entrance.and_then(|e| app.memory.protocol_revoked_until(&e.route.idp.id, Some(&e.route.protocol.id)));
    if let Some(revoked) = of_user.max(of_route)
        && revoked >= issued_at
    {
        if revoked > now.plus_secs(SKEW_SECS) {
            return None;
        }
        issued_at = revoked.whole_seconds().plus_secs(1);
    }
    // What its parent had to step over, it has to step over as well.
    if let Some(parent) = &proven.parent {
        issued_at = issued_at.max(parent.token.facts.payload.issued_at);
    }
    let end = issued_at.plus_secs(i64::try_from(app.config.token.expiration_secs).unwrap_or(i64::MAX));
    let parent_end = proven.parent.as_ref().map_or(Timestamp::MAX, |p| p.token.facts.payload.expires_at);
    Some((issued_at, end.min(parent_end)))
}

/// Reads what the token will rest on; `Err` is the reason why there will be none.
async fn settle(app: &App, proven: &Proven, asked: &Asked) -> Result<std::result::Result<Settled, &'static str>> {
    if let Some(parent) = &proven.parent
        && parent.token.standing(&app.memory) != Standing::Good
        && token::valid(app, parent.text.expose_str().unwrap_or_default(), app.now()).await.is_err()
    {
        return Ok(Err("the token that was the proof is not valid any more"));
    }
    let mut conn = app.store.read().await?;
    let user_id = &proven.identity.user.id;
    let Some(identity) = activity::user(app, &mut conn, user_id).await? else { return Ok(Err("the user is gone")) };
    if !identity.user.enabled || !identity.domain_enabled {
        return Ok(Err("the user or their domain is disabled"));
    }
    if let Some(hash) = &proven.hash
        && store::user::login_state(&mut conn, user_id).await?.and_then(|s| s.hash).as_ref() != Some(hash)
    {
        return Ok(Err("the password was changed meanwhile"));
    }
    if let Some(entrance) = &proven.federated
        && Route::find(app, &mut conn, &entrance.route.idp.id, &entrance.route.protocol.id).await?.as_ref()
            != Some(&entrance.route)
    {
        return Ok(Err("the identity provider, its protocol or its mapping was changed meanwhile"));
    }
    if !satisfies_mfa_rules(&identity.user, &proven.methods) {
        return Ok(Err("the methods satisfy none of the user's rules for multi-factor authentication"));
    }
    let by_system = is_by_system(proven);
    let federated = federated(proven);
    let wanted = match asked {
        // What is scoped to the whole deployment stays that.
        Asked::Default if by_system => Some(Scope::System),
        Asked::Default if federated.is_some() => Some(Scope::Unscoped),
        Asked::Default => Some(default_scope(&mut conn, &identity.user, app.now()).await?),
        Asked::Unscoped => Some(Scope::Unscoped),
        Asked::System => Some(Scope::System),
        Asked::Project(id) => scope::project(&mut conn, id).await?,
        Asked::ProjectByName(name, domain) => scope::project_by_name(&mut conn, domain, name).await?,
        Asked::Domain(named) => scope::domain(&mut conn, named).await?,
    };
    let Some(scope) = wanted else { return Ok(Err("no such scope")) };
    let groups = match federated {
        Some(federated) => store::expiring_membership::list_of_token(&mut conn, user_id, federated).await?,
        None => Vec::new(),
    };
    if federated.is_some() && scope == Scope::System {
        return Ok(Err("no token says both of an identity provider and of the whole deployment"));
    }
    let roles = scope::roles(&mut conn, &Holder::of_token(user_id, federated, app.now()), &scope).await?;
    if roles.is_empty() && scope != Scope::Unscoped {
        return Ok(Err("no role on the scope"));
    }
    Ok(Ok(Settled { identity, scope, groups, roles }))
}

/// With `multi_factor_auth_enabled`, one of `multi_factor_auth_rules` must be covered by the methods; no rules ask nothing.
pub(super) fn satisfies_mfa_rules(user: &User, methods: &[String]) -> bool {
    let rules = user.options.get("multi_factor_auth_rules").and_then(Value::as_array).filter(|r| !r.is_empty());
    let (true, Some(rules)) = (user.option("multi_factor_auth_enabled"), rules) else { return true };
    let covered = |rule: &Value| {
        rule.as_array().is_some_and(|names| names.iter().all(|n| methods.iter().any(|m| n.as_str() == Some(m))))
    };
    rules.iter().any(covered)
}

/// The user's default project if they can use it, else no scope at all.
async fn default_scope(conn: &mut Conn, user: &User, now: Timestamp) -> Result<Scope> {
    let Some(id) = user.default_project_id.as_deref() else { return Ok(Scope::Unscoped) };
    let Some(found) = scope::project(conn, id).await? else { return Ok(Scope::Unscoped) };
    let usable = !scope::roles(conn, &Holder::new(&user.id, now), &found).await?.is_empty();
    Ok(if usable { found } else { Scope::Unscoped })
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

/// Records a failed login and answers 401. `counted`: it counts towards the lock, as the first again if true.
pub(super) async fn refuse_login<T>(app: &App, user_id: &str, counted: Option<bool>, event: AuditEvent) -> Result<T> {
    let reason = event.reason.clone().unwrap_or_default();
    let mut tx = app.store.write().await?;
    if let Some(restart) = counted {
        store::user::record_failure(&mut tx, user_id, restart, app.now()).await?;
    }
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await?;
    Err(Error::unauthorized(reason))
}

/// Records a login that failed after, or without, a password, and answers 401.
pub(super) async fn fail<T>(app: &App, origin: &Origin, user: Option<&Identity>, reason: &str) -> Result<T> {
    let mut event = audit::event(app, Some(origin), "auth.login", Outcome::Failure);
    event.reason = Some(reason.to_owned());
    event.user_id = user.map(|i| i.user.id.clone());
    event.user_name = user.map(|i| i.user.name.clone());
    event.domain_id = user.map(|i| i.user.domain_id.clone());
    refuse_login(app, "", None, event).await
}
