//! Logging out by SAML (tenant-login §10.5): because the identity provider asks for it, by the browser; and what it answers to
//! what we have asked.
//!
//! A wish ends the sessions that it names and every assertion for these that was made before it and has not come yet
//! (saml-core-2.0-os §3.7.3.2).

use super::asked::{Farewell, Next};
use super::provider::{self, Left};
use crate::error::{Code, Error, Result};
use crate::model::audit_event::Outcome;
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::Offered;
use crate::secret::digest;
use crate::service::caller::Origin;
use crate::service::federated_login::used::{LATE_SECS, mark};
use crate::service::login::{called, own_keys, slo_uri};
use crate::service::session::{By, end_each, reason};
use crate::service::{App, audit, connection};
use crate::store;
pub use crate::upstream::saml::Carried;
use crate::upstream::saml::{Asked, FRESH_SECS};
use crate::upstream::{Ask, Begin};

/// Sessions that are ended in one transaction.
const BATCH: i64 = 100;
/// How far clocks may differ, in seconds.
const SKEW_SECS: i64 = 60;

fn refused(reason: String) -> Error {
    Error::refused_because(Code::InvalidLogout, "The message about logging out is not valid.", reason)
}

/// What is brought, before anything of it is believed: whether it asks, of whom it is, and what is to come back with the answer.
pub async fn receive(app: &App, origin: &Origin, tenant: &Tenant, carried: Carried) -> Result<Next> {
    let peek = app.saml.peek_logout(&carried).await.map_err(as_refusal)?;
    if !peek.is_request {
        return answered(app, origin, tenant, &carried, peek.relay_state.as_deref()).await;
    }
    let issuer = peek.issuer.as_deref().unwrap_or_default();
    let (offered, asked) = verified(app, tenant, issuer, &carried).await.map_err(as_refusal)?;
    end(app, origin, tenant, &offered, &asked).await?;
    let begin = answer(app, tenant, &offered, &asked, peek.relay_state).await?;
    Ok(match begin {
        Some(Begin::Redirect { url }) => Next::Go(url),
        Some(Begin::Post { url, fields }) => Next::Post { url, fields },
        Some(Begin::Password) | None => Next::Done(Farewell::default()),
    })
}

/// What is wrong with a message is for the log: whoever made it cannot be told more than whoever made it up.
fn as_refusal(error: Error) -> Error {
    match error {
        Error::Unauthorized { reason } => refused(reason),
        other => other,
    }
}

/// The identity provider that asks, and what.
async fn verified(app: &App, tenant: &Tenant, issuer: &str, carried: &Carried) -> Result<(Offered, Asked)> {
    let mut failure = Error::unauthorized("no identity provider of the tenant calls itself as the issuer does");
    let own = own_keys(app, tenant, "saml").await?;
    let place = slo_uri(app, tenant);
    for offered in called(app, tenant, issuer).await? {
        let Some(ready) = connection::ready(app, &offered.idp_id, &offered.protocol_id).await? else { continue };
        let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&place, "").with_own(own.as_deref());
        match app.saml.logout_asked(&ask, carried).await {
            Ok(asked) => return Ok((offered, asked)),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Ends the sessions that are meant. The same wish again is refused.
async fn end(app: &App, origin: &Origin, tenant: &Tenant, offered: &Offered, asked: &Asked) -> Result<()> {
    let idp_id = &offered.idp_id;
    let mut tx = app.store.write().await?;
    let name = digest(&format!("logout request {idp_id} {}", asked.id));
    if !store::spent::spend(&mut tx, &name, asked.issued.plus_secs(FRESH_SECS + 2 * SKEW_SECS)).await? {
        return Err(refused("it was used before".to_owned()));
    }
    let until = asked.issued.plus_secs(LATE_SECS);
    if asked.sessions.is_empty() {
        store::spent::mark(&mut tx, &mark(tenant, idp_id, &asked.session_name, ""), until).await?;
    }
    for session in &asked.sessions {
        store::spent::mark(&mut tx, &mark(tenant, idp_id, &asked.session_name, session), until).await?;
    }
    let (mut ended, mut after) = (0, String::new());
    loop {
        let of = (None, Some(asked.session_name.as_str()));
        let mut some = store::session::list_of_upstream(&mut tx, idp_id, of, app.now(), (&after, BATCH)).await?;
        let is_last = some.len() < usize::try_from(BATCH).unwrap_or(0);
        let last = some.last().filter(|_| !is_last).map(|s| s.id.clone());
        // One of which we never learned what it is called there may be meant.
        some.retain(|s| {
            let known = s.upstream.as_ref().and_then(|u| u.sid.as_ref());
            s.tenant_id == tenant.id
                && (asked.sessions.is_empty() || known.is_none_or(|sid| asked.sessions.iter().any(|s| s == sid.trim())))
        });
        ended += end_each(app, &mut tx, &some, reason::UPSTREAM, By::Request(origin)).await?;
        let Some(last) = last else { break };
        after = last;
        // Another transaction, so that nobody waits long for the write lock.
        app.commit(tx).await?;
        tx = app.store.write().await?;
    }
    let mut event = audit::event(app, Some(origin), "logout.saml.received", Outcome::Success);
    event.domain_id = Some(tenant.id.clone());
    event.target_kind = Some("identity_provider".to_owned());
    event.target_id = Some(idp_id.clone());
    event.detail = format!("sessions={ended}");
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await
}

/// How the browser takes our answer back.
async fn answer(
    app: &App,
    tenant: &Tenant,
    offered: &Offered,
    asked: &Asked,
    relay_state: Option<String>,
) -> Result<Option<Begin>> {
    let ready = connection::ready(app, &offered.idp_id, &offered.protocol_id).await?;
    let Some(ready) = ready else { return Ok(None) };
    let (own, place) = (own_keys(app, tenant, "saml").await?, slo_uri(app, tenant));
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&place, "").with_own(own.as_deref());
    app.saml.answer_logout(&ask, asked, relay_state).await
}

/// The identity provider's answer to what we have asked. Whatever it says, they are logged out here, and go on.
async fn answered(
    app: &App,
    origin: &Origin,
    tenant: &Tenant,
    carried: &Carried,
    relay_state: Option<&str>,
) -> Result<Next> {
    let Some(left) = provider::left(app, tenant, relay_state).await? else {
        return Ok(Next::Done(Farewell::default()));
    };
    let outcome = judged(app, tenant, &left, carried).await;
    if let Err(Error::Unauthorized { reason }) = &outcome {
        let idp_id = left.idp_id.as_str();
        tracing::info!(target: "audit", request_id = %origin.request_id(), action = "logout.saml.answered", outcome = "failure", identity_provider = %idp_id.escape_debug(), reason = %reason.escape_debug());
    }
    provider::back(app, tenant, relay_state).await
}

async fn judged(app: &App, tenant: &Tenant, left: &Left, carried: &Carried) -> Result<()> {
    let ready = connection::ready(app, &left.idp_id, &left.protocol_id).await?;
    let (Some(ready), Some(memo)) = (ready, &left.memo) else {
        return Err(Error::unauthorized("nothing was asked by SAML"));
    };
    let (own, place) = (own_keys(app, tenant, "saml").await?, slo_uri(app, tenant));
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&place, "").with_own(own.as_deref());
    match app.saml.logout_answered(&ask, carried, memo).await? {
        true => Ok(()),
        false => Err(Error::unauthorized("the identity provider says that it has not logged them out")),
    }
}
