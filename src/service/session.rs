//! Sessions of people at tenants (tenant-login §8.1): whose browser it is, and how a session ends.
//!
//! Whoever ends a session ends what hangs on it in the same transaction: what its applications were given, but for what was
//! asked to outlive it, and the applications are told (§10.4). What a session rests on is asked again at each use, so that
//! nobody goes on whose account, identity provider or domain has been switched off, however that came about.

mod admin;

use std::collections::BTreeMap;

use super::caller::{Caller, Origin};
use super::login::{Visit, session_cookie};
use super::{App, activity, audit, logout, oauth, tenant};
use crate::error::Result;
use crate::model::audit_event::Outcome;
use crate::model::session::Session;
use crate::model::tenant::Tenant;
use crate::secret::digest;
use crate::store::authorization::Of;
use crate::store::{self, Conn};

pub use admin::{Seen, delete, get, list, revoke_all};

/// Longest value of a cookie that is looked for, in bytes.
const MAX_COOKIE: usize = 256;
/// Sessions that are read at once when all of a user's end.
const BATCH: i64 = 500;
/// Seconds between two notes that a session was used, at most.
const TOUCH_SECS: i64 = 60;

/// Why a session has ended.
pub mod reason {
    /// Whose it is logged out.
    pub const LOGOUT: &str = "user_logout";
    /// An administrator ended it.
    pub const REVOKED: &str = "admin_revoked";
    /// The identity provider says that it has ended there.
    pub const UPSTREAM: &str = "upstream_logout";
    /// The account was disabled.
    pub const DISABLED: &str = "user_disabled";
    /// The account was deleted.
    pub const DELETED: &str = "user_deleted";
    /// There is another password.
    pub const PASSWORD: &str = "password_changed";
    /// The account is no longer theirs whom the identity provider vouches for.
    pub const UNLINKED: &str = "unlinked";
    /// The identity provider is no longer believed, or not as it was.
    pub const PROVIDER: &str = "provider_changed";
    /// They signed in anew with the same browser.
    pub const REPLACED: &str = "replaced";
}

/// Who ends a session, for the audit trail.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// The service itself, as a consequence of something else.
    Consequence,
    /// Whoever made a request without a token: a browser, an application, an identity provider.
    Request(&'a Origin),
    /// The holder of a token.
    Caller(&'a Caller),
}

/// Ends a session in the caller's transaction; false if it has ended already. See [`terminate_by`].
pub async fn terminate(app: &App, tx: &mut Conn, tenant: &Tenant, session: &Session, reason: &str) -> Result<bool> {
    terminate_by(app, tx, tenant, session, reason, By::Consequence).await
}

/// Ends a session in the caller's transaction: what its applications were given is void, but for what outlives it, and each
/// of them that wants to know is told in the background. False if it has ended already.
pub async fn terminate_by(
    app: &App,
    tx: &mut Conn,
    tenant: &Tenant,
    session: &Session,
    reason: &str,
    by: By<'_>,
) -> Result<bool> {
    if !store::session::terminate(tx, &session.id, reason, app.now()).await? {
        return Ok(false);
    }
    let clients = store::authorization::clients_of_session(tx, &session.id).await?;
    oauth::revoke_all(app, tx, Of::Session(&session.id), reason).await?;
    for client_id in &clients {
        logout::notice::queue(app, tx, session, client_id).await?;
    }
    record(app, tx, tenant, session, reason, by).await?;
    Ok(true)
}

async fn record(app: &App, tx: &mut Conn, tenant: &Tenant, session: &Session, reason: &str, by: By<'_>) -> Result<()> {
    const ACTION: &str = "session.terminated";
    let detail = format!("{reason} user={}", session.user_id);
    let origin = match by {
        By::Caller(caller) => {
            return audit::changed(app, tx, caller, ACTION, ("session", &session.id), Some(&tenant.id), &detail).await;
        }
        By::Request(origin) => Some(origin),
        By::Consequence => None,
    };
    let mut event = audit::event(app, origin, ACTION, Outcome::Success);
    event.user_id = Some(session.user_id.clone());
    event.domain_id = Some(tenant.id.clone());
    event.target_kind = Some("session".to_owned());
    event.target_id = Some(session.id.clone());
    event.detail = audit::cut(&detail);
    audit::write(tx, &event).await
}

async fn of_cookie(conn: &mut Conn, tenant: &Tenant, visit: &Visit<'_>) -> Result<Option<Session>> {
    let cookie = (visit.cookie)(&session_cookie(tenant)).filter(|c| !c.is_empty() && c.len() <= MAX_COOKIE);
    let Some(cookie) = cookie else { return Ok(None) };
    store::session::get_by_handle(conn, &tenant.id, &digest(&cookie)).await
}

/// The session of a browser that nothing has ended yet, for whoever wants to end it: one that was not used for long signs nobody
/// in, but what its applications were given goes on.
pub async fn not_ended(app: &App, tenant: &Tenant, visit: &Visit<'_>) -> Result<Option<Session>> {
    let found = of_cookie(&mut app.store.read().await?, tenant, visit).await?;
    Ok(found.filter(|s| s.terminated_at.is_none()))
}

/// The session of a browser at a tenant, if somebody is signed in there. One that has lost what it rests on is ended on the
/// way.
pub async fn current(app: &App, tenant: &Tenant, visit: &Visit<'_>) -> Result<Option<Session>> {
    let idle_secs = tenant.settings.session_idle_secs;
    let mut conn = app.store.read().await?;
    let now = app.now();
    let found = of_cookie(&mut conn, tenant, visit).await?;
    let Some(mut session) = found.filter(|s| s.is_live(now, idle_secs)) else { return Ok(None) };
    let user = activity::user(app, &mut conn, &session.user_id).await?;
    drop(conn);
    // While its domain is switched off nobody is signed in; afterwards they are again.
    let Some(user) = user.filter(|u| u.domain_enabled) else { return Ok(None) };
    let lost = if !user.user.enabled {
        Some(reason::DISABLED)
    } else if !is_offered(app, tenant, &session).await? {
        Some(reason::PROVIDER)
    } else {
        None
    };
    if let Some(lost) = lost {
        let mut tx = app.store.write().await?;
        terminate_by(app, &mut tx, tenant, &session, lost, By::Request(visit.origin)).await?;
        app.commit(tx).await?;
        return Ok(None);
    }
    if now >= session.last_seen.plus_secs((idle_secs / 4).clamp(1, TOUCH_SECS)) {
        let mut tx = app.store.write().await?;
        store::session::touch(&mut tx, &session.id, now).await?;
        app.commit(tx).await?;
        session.last_seen = now;
    }
    Ok(Some(session))
}

/// Whether the tenant still takes people from the identity provider that a session came through.
async fn is_offered(app: &App, tenant: &Tenant, session: &Session) -> Result<bool> {
    let Some(upstream) = &session.upstream else { return Ok(true) };
    Ok(tenant::offered(app, tenant).await?.iter().any(|o| o.idp_id == upstream.idp_id))
}

/// Ends all sessions of a user and takes back all that their applications were given, also what would outlive a session: for
/// whoever disables or deletes them or gives them another password. In the caller's transaction, before a deletion.
pub async fn end_of_user(app: &App, tx: &mut Conn, user_id: &str, reason: &str) -> Result<()> {
    end_all(app, tx, user_id, None, reason).await?;
    oauth::revoke_all(app, tx, Of::User(user_id), reason).await
}

/// The same for what came through one identity provider: somebody is no longer whom it vouches for.
pub async fn end_of_link(app: &App, tx: &mut Conn, user_id: &str, idp_id: &str) -> Result<()> {
    end_all(app, tx, user_id, Some(idp_id), reason::UNLINKED).await?;
    for authorization in store::authorization::list_of_user(tx, user_id, None).await? {
        if authorization.facts.idp_id.as_deref() == Some(idp_id) {
            oauth::revoke(app, tx, &authorization.id, reason::UNLINKED).await?;
        }
    }
    Ok(())
}

/// Ends all sessions that came through an identity provider, or by one of its protocols: it is no longer believed, or not as
/// it was. There may be very many, so applications are not told; their tokens are void with those of the identity provider.
pub async fn end_of_provider(app: &App, tx: &mut Conn, idp_id: &str, protocol_id: Option<&str>) -> Result<()> {
    store::session::terminate_of_provider(tx, idp_id, protocol_id, reason::PROVIDER, app.now()).await.map(drop)
}

async fn end_all(app: &App, tx: &mut Conn, user_id: &str, idp_id: Option<&str>, reason: &str) -> Result<()> {
    loop {
        let sessions = store::session::list_of_user(tx, user_id, idp_id, BATCH).await?;
        end_each(app, tx, &sessions, reason, By::Consequence).await?;
        if sessions.len() < usize::try_from(BATCH).unwrap_or(0) {
            return Ok(());
        }
    }
}

/// Ends sessions at whatever tenants; how many had not ended yet.
pub async fn end_each(app: &App, tx: &mut Conn, sessions: &[Session], reason: &str, by: By<'_>) -> Result<u64> {
    let mut tenants: BTreeMap<String, Tenant> = BTreeMap::new();
    let mut ended = 0;
    for session in sessions {
        if !tenants.contains_key(&session.tenant_id) {
            let tenant = store::tenant::get(tx, &session.tenant_id).await?;
            tenants.extend(tenant.map(|t| (t.id.clone(), t)));
        }
        if let Some(tenant) = tenants.get(&session.tenant_id) {
            ended += u64::from(terminate_by(app, tx, tenant, session, reason, by).await?);
        }
    }
    Ok(ended)
}

#[cfg(test)]
mod tests;
