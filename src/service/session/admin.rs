//! Sessions as administrators see them: those of the cloud all, those of a domain the sessions at their tenant.

use serde_json::json;

use super::{By, reason, terminate_by};
use crate::error::{Code, Error, Result};
use crate::model::job::{Filter, Job, Kind};
use crate::model::list::{Condition, Portion, Window};
use crate::model::session::Session;
use crate::model::tenant::Tenant;
use crate::policy::Target;
use crate::service::caller::Caller;
use crate::service::{App, audit, logout};
use crate::store::{self, Conn};

const KIND: &str = "session";
/// Sessions that are ended in one transaction.
const BATCH: i64 = 100;

/// A session as an administrator sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The session.
    pub session: Session,
    /// The applications that it has given something to, each with what became of telling it that the session has ended.
    pub applications: Vec<(String, Option<Job>)>,
}

fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find session: {id}."))
}

fn no_tenant() -> Error {
    Error::refused(Code::TenantNotFound, "Tenant not found")
}

/// The tenant, if the caller may do that to its sessions. To whoever manages one domain the tenants of others are not there;
/// whether there is such a tenant decides nothing before that.
async fn admitted(app: &App, caller: &Caller, rule: &str, tenant_id: &str) -> Result<Tenant> {
    let own = caller.domain_scope();
    let target = Target::stored("tenant", &json!({ "id": own.unwrap_or(tenant_id) }));
    app.allow(caller, rule, &target.and_path("tenant_id", tenant_id)).await?;
    if own.is_some_and(|own| own != tenant_id) {
        return Err(no_tenant());
    }
    store::tenant::get(&mut app.store.read().await?, tenant_id).await?.ok_or_else(no_tenant)
}

fn of(user_id: Option<&str>) -> Vec<Condition> {
    user_id.map(|id| Condition::equals("user_id", id)).into_iter().collect()
}

/// Part of a tenant's sessions that have not ended, newest first; those of one user, if one is named.
pub async fn list(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    user_id: Option<&str>,
    window: Window,
) -> Result<Portion<Seen>> {
    admitted(app, caller, "tenant:list_sessions", tenant_id).await?;
    let (conditions, now) = (of(user_id), app.now());
    let mut conn = app.store.read().await?;
    let total = store::session::count_live(&mut conn, tenant_id, &conditions, now).await?;
    let sessions = store::session::list_live(&mut conn, tenant_id, &conditions, now, window).await?;
    let ids: Vec<&str> = sessions.iter().map(|s| s.id.as_str()).collect();
    let mut clients = store::authorization::clients_of_sessions(&mut conn, &ids).await?;
    // Nobody is told of one that has not ended.
    let seen = |session: Session| {
        let ids = clients.remove(&session.id).unwrap_or_default();
        Seen { applications: ids.into_iter().map(|id| (id, None)).collect(), session }
    };
    Ok(Portion { items: sessions.into_iter().map(seen).collect(), total })
}

async fn with_applications(conn: &mut Conn, session: Session) -> Result<Seen> {
    let mut applications = Vec::new();
    for client_id in store::authorization::clients_of_session(conn, &session.id).await? {
        let notice = match session.terminated_at {
            None => None,
            Some(_) => {
                let subject = Some(logout::notice::subject(&session.id, &client_id));
                let filter = Filter { kind: Some(Kind::NotifyLogout.as_str().to_owned()), subject, state: None };
                store::job::list(conn, &filter, Window { limit: 1, offset: 0 }).await?.pop()
            }
        };
        applications.push((client_id, notice));
    }
    Ok(Seen { session, applications })
}

/// One session, ended or not.
pub async fn get(app: &App, caller: &Caller, tenant_id: &str, id: &str) -> Result<Seen> {
    admitted(app, caller, "tenant:get_session", tenant_id).await?;
    let mut conn = app.store.read().await?;
    let session = store::session::get(&mut conn, tenant_id, id).await?.ok_or_else(|| not_found(id))?;
    with_applications(&mut conn, session).await
}

/// Ends a session. One that has ended already stays as it is.
pub async fn delete(app: &App, caller: &Caller, tenant_id: &str, id: &str) -> Result<()> {
    let done = end(app, caller, tenant_id, id).await;
    audit::refused(app, caller, "session.delete", (KIND, id), done).await
}

async fn end(app: &App, caller: &Caller, tenant_id: &str, id: &str) -> Result<()> {
    let tenant = admitted(app, caller, "tenant:delete_session", tenant_id).await?;
    let mut tx = app.store.write().await?;
    let session = store::session::get(&mut tx, tenant_id, id).await?.ok_or_else(|| not_found(id))?;
    terminate_by(app, &mut tx, &tenant, &session, reason::REVOKED, By::Caller(caller)).await?;
    app.commit(tx).await
}

/// Ends all sessions at a tenant, or all of one user there; how many those were. Others can be begun meanwhile, so it ends
/// those that are there when it begins.
pub async fn revoke_all(app: &App, caller: &Caller, tenant_id: &str, user_id: Option<&str>) -> Result<u64> {
    let done = end_all(app, caller, tenant_id, user_id).await;
    audit::refused(app, caller, "session.revoke_all", ("tenant", tenant_id), done).await
}

async fn end_all(app: &App, caller: &Caller, tenant_id: &str, user_id: Option<&str>) -> Result<u64> {
    let tenant = admitted(app, caller, "tenant:revoke_sessions", tenant_id).await?;
    let (conditions, begun) = (of(user_id), app.now());
    let mut ended = 0;
    loop {
        // In small transactions, so that nobody waits long for the write lock.
        let mut tx = app.store.write().await?;
        let window = Window { limit: BATCH, offset: 0 };
        let some = store::session::list_begun_before(&mut tx, tenant_id, &conditions, begun, window).await?;
        for session in &some {
            let by = By::Caller(caller);
            ended += u64::from(terminate_by(app, &mut tx, &tenant, session, reason::REVOKED, by).await?);
        }
        app.commit(tx).await?;
        if some.len() < usize::try_from(BATCH).unwrap_or(0) {
            return Ok(ended);
        }
    }
}
