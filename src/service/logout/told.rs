//! Logging out because the identity provider says that somebody has logged out there (OpenID Connect Back-Channel Logout 1.0
//! §2.5–2.7; tenant-login §10.3).

use crate::error::{Code, Error, Result};
use crate::model::audit_event::Outcome;
use crate::model::session::Session;
use crate::model::tenant::Tenant;
use crate::secret::digest;
use crate::service::caller::Origin;
use crate::service::session::{By, end_each, reason};
use crate::service::{App, audit, connection, tenant};
use crate::store::{self, Conn};
use crate::upstream::Ask;
use crate::upstream::oidc::logout::{Claimed, LoggedOut};

/// Most connections whose keys one token is tried with.
const MAX_CANDIDATES: usize = 4;
/// Sessions that are ended in one transaction.
const BATCH: i64 = 100;

/// Takes a logout token and ends the sessions that it means; how many those were. The same token again ends nothing and is
/// refused.
pub async fn receive(app: &App, origin: &Origin, tenant: &Tenant, token: &str) -> Result<u64> {
    let (idp_id, told) = match verified(app, tenant, token).await {
        // What is wrong with it is for the log: whoever made it cannot be told more than whoever made it up.
        Err(Error::Unauthorized { reason }) => {
            let text = "The logout token is not valid.";
            return Err(Error::refused_because(Code::InvalidRequest, text, reason));
        }
        other => other?,
    };
    let by = By::Request(origin);
    let mut tx = app.store.write().await?;
    let name = digest(&format!("logout token {idp_id} {} {}", told.issuer, told.jti));
    if !store::spent::spend(&mut tx, &name, told.stale_at).await? {
        let text = "The logout token was used before.";
        return Err(Error::refused(Code::InvalidRequest, text));
    }
    let (mut ended, mut after) = (0, String::new());
    loop {
        let (sessions, last) = meant(app, &mut tx, &idp_id, &told, &after).await?;
        ended += end_each(app, &mut tx, &sessions, reason::UPSTREAM, by).await?;
        let Some(last) = last else { break };
        after = last;
        // Another transaction, so that nobody waits long for the write lock.
        app.commit(tx).await?;
        tx = app.store.write().await?;
    }
    let mut event = audit::event(app, Some(origin), "logout.backchannel.received", Outcome::Success);
    event.domain_id = Some(tenant.id.clone());
    event.target_kind = Some("identity_provider".to_owned());
    event.target_id = Some(idp_id);
    event.detail = format!("sessions={ended}");
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await?;
    Ok(ended)
}

/// Whose token it is, and what it says. Several identity providers of a tenant may have one issuer; the audience tells which
/// is meant.
async fn verified(app: &App, tenant: &Tenant, token: &str) -> Result<(String, LoggedOut)> {
    let claimed = Claimed::parse(token)?;
    let mut failure = Error::unauthorized("no identity provider of the tenant has that issuer and audience");
    let mut tried = 0;
    for offered in tenant::offered(app, tenant).await?.iter().filter(|o| o.kind == "oidc") {
        let ready = connection::ready(app, &offered.idp_id, &offered.protocol_id).await?;
        let Some(ready) = ready.filter(|r| claimed.may_be_by(&r.connection)) else { continue };
        tried += 1;
        if tried > MAX_CANDIDATES {
            break;
        }
        match app.oidc.logged_out(&Ask::new(&ready, app.now(), &app.random), token).await {
            Ok(told) => return Ok((offered.idp_id.clone(), told)),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Some of the sessions that are meant, at whatever tenants, after the id `after`, and the id to go on after: those of the
/// session there if it is named, else all of the person. A session of theirs of which we never learned what it is called there
/// may be the one.
async fn meant(
    app: &App,
    tx: &mut Conn,
    idp_id: &str,
    told: &LoggedOut,
    after: &str,
) -> Result<(Vec<Session>, Option<String>)> {
    let subject = told.subject.as_deref();
    let sid = told.sid.as_deref().filter(|_| subject.is_none());
    let mut some = store::session::list_of_upstream(tx, idp_id, (sid, subject), app.now(), (after, BATCH)).await?;
    let is_last = some.len() < usize::try_from(BATCH).unwrap_or(0);
    let last = some.last().filter(|_| !is_last).map(|s| s.id.clone());
    some.retain(|s| {
        let known = s.upstream.as_ref().and_then(|u| u.sid.as_ref());
        told.sid.is_none() || known.is_none() || known == told.sid.as_ref()
    });
    Ok((some, last))
}
