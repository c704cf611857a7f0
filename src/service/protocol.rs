//! Protocols of identity providers (OS-FEDERATION).
//!
//! A protocol belongs to the domain of its identity provider. Its mapping is that domain's own or the cloud's, and only an
//! administrator of the cloud may say the latter: whoever decides what an identity provider asserts must not have it read
//! by rules that reach further than they do. What a change takes away is gone at once: it voids the tokens that came by
//! the protocol.

use moka::sync::Cache;
use serde_json::Value;

use super::caller::Caller;
use super::connection::place;
use super::reach::Reach;
use super::sso_config::managed;
use super::{App, audit, federation, revocation, session};
use crate::error::{Error, Result};
use crate::model::fields::check_id;
use crate::model::identity_provider::{IdentityProvider, SsoType};
use crate::model::list::{Page, Query};
use crate::model::protocol::{Create, Protocol, Update, mapping_required};
use crate::store::{self, Conn};

const KIND: &str = "protocol";

pub(super) fn not_found(idp_id: &str, id: &str) -> Error {
    Error::not_found(format!("Could not find federated protocol {id} for Identity Provider: {idp_id}."))
}

/// Asks policy about a protocol of an identity provider that may or may not be there, and tells how far the caller reaches.
pub(super) async fn admitted(
    app: &App,
    caller: &Caller,
    rule: &str,
    (idp_id, id): (&str, &str),
    body: Option<&Value>,
) -> Result<Reach> {
    let found = store::identity_provider::get(&mut app.store.read().await?, idp_id).await?;
    let target = federation::seen(found.as_ref(), idp_id).and_path("protocol_id", id);
    app.allow(caller, rule, &body.map_or(target.clone(), |b| target.and_body(b))).await?;
    Reach::of(app, caller).await
}

/// The protocol with its identity provider, if the caller may know of them.
async fn get_within(conn: &mut Conn, reach: &Reach, idp_id: &str, id: &str) -> Result<(IdentityProvider, Protocol)> {
    let idp = federation::get_within(conn, reach, idp_id).await.map_err(|e| match e {
        Error::NotFound { .. } => not_found(idp_id, id),
        other => other,
    })?;
    let found = store::protocol::get(conn, idp_id, id).await?.ok_or_else(|| not_found(idp_id, id))?;
    Ok((idp, found))
}

/// One page of an identity provider's protocols.
pub async fn list(app: &App, caller: &Caller, idp_id: &str, query: &Query) -> Result<Page<Protocol>> {
    let found = store::identity_provider::get(&mut app.store.read().await?, idp_id).await?;
    let target = super::and_filters(federation::seen(found.as_ref(), idp_id), query);
    app.allow(caller, "identity:list_protocols", &target).await?;
    let reach = Reach::of(app, caller).await?;
    let mut conn = app.store.read().await?;
    federation::get_within(&mut conn, &reach, idp_id).await?;
    if let Some(marker) = &query.marker
        && store::protocol::get(&mut conn, idp_id, marker).await?.is_none()
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::protocol::list(&mut conn, idp_id, query).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One protocol.
pub async fn get(app: &App, caller: &Caller, idp_id: &str, id: &str) -> Result<Protocol> {
    let reach = admitted(app, caller, "identity:get_protocol", (idp_id, id), None).await?;
    let (_, found) = get_within(&mut app.store.read().await?, &reach, idp_id, id).await?;
    Ok(found)
}

/// Makes a protocol of an identity provider.
pub async fn create(app: &App, caller: &Caller, idp_id: &str, id: &str, body: &Value) -> Result<Protocol> {
    let done = make(app, caller, idp_id, id, body).await;
    audit::refused(app, caller, "protocol.create", (KIND, &path(idp_id, id)), done).await
}

async fn make(app: &App, caller: &Caller, idp_id: &str, id: &str, body: &Value) -> Result<Protocol> {
    let reach = admitted(app, caller, "identity:create_protocol", (idp_id, id), Some(body)).await?;
    check_id(id)?;
    let protocol = Create::parse(body)?.into_protocol(idp_id, id);
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, idp_id).await?;
    let idp = federation::get_within(&mut tx, &reach, idp_id).await?;
    add(app, &mut tx, caller, &reach, &idp, &protocol).await?;
    app.commit(tx).await?;
    Ok(protocol)
}

/// Stores a new protocol of an identity provider whose row is held, with its audit record.
pub(super) async fn add(
    app: &App,
    tx: &mut Conn,
    caller: &Caller,
    reach: &Reach,
    idp: &IdentityProvider,
    protocol: &Protocol,
) -> Result<()> {
    managed::check_identity_provider(tx, &idp.id).await?;
    check_mapping(tx, reach, idp, protocol.mapping_id.as_deref()).await?;
    let taken = || {
        Error::conflict(format!(
            "Conflict occurred attempting to store federation_protocol - Duplicate entry found with ID {}.",
            protocol.id
        ))
    };
    if store::protocol::get(tx, &idp.id, &protocol.id).await?.is_some() {
        return Err(taken());
    }
    store::protocol::insert(tx, protocol).await.map_err(|e| match e {
        Error::Conflict { .. } => taken(),
        other => other,
    })?;
    let target = path(&idp.id, &protocol.id);
    audit::changed(app, tx, caller, "protocol.create", (KIND, &target), Some(&idp.domain_id), "").await
}

/// How the audit trail names a protocol.
fn path(idp_id: &str, id: &str) -> String {
    format!("{idp_id}/{id}")
}

/// The mapping must be there, within reach, and the identity provider's domain's own or the cloud's; held, so that it
/// stays. None is needed where users exist already.
async fn check_mapping(tx: &mut Conn, reach: &Reach, idp: &IdentityProvider, mapping_id: Option<&str>) -> Result<()> {
    let Some(id) = mapping_id else {
        return if idp.sso_type == SsoType::IamUser { Ok(()) } else { Err(mapping_required()) };
    };
    store::mapping::lock(tx, id).await?;
    let unknown = || Error::invalid(format!("Invalid mapping id: {id}"));
    let mapping = store::mapping::get(tx, id).await?.ok_or_else(unknown)?;
    let owner = mapping.domain_id.as_deref();
    if !reach.covers(owner) {
        return Err(unknown());
    }
    if store::sso_config::is_generated(tx, id).await? && id != idp.id {
        return Err(Error::invalid(format!(
            "Invalid mapping id: {id} (it is made by the SSO configuration of that id)"
        )));
    }
    if owner.is_some_and(|domain| domain != idp.domain_id) {
        return Err(Error::invalid(format!(
            "Invalid mapping id: {id} (it belongs to another domain than the identity provider)"
        )));
    }
    Ok(())
}

/// 403 if what comes by a protocol is read by a mapping beyond the caller's reach: they do not decide then what comes.
pub(super) async fn check_mapping_within(tx: &mut Conn, reach: &Reach, idp_id: &str, id: &str) -> Result<()> {
    let Some(found) = store::protocol::get(tx, idp_id, id).await? else { return Ok(()) };
    let Some(mapping_id) = found.mapping_id else { return Ok(()) };
    let owner = store::mapping::get(tx, &mapping_id).await?.and_then(|m| m.domain_id);
    if reach.covers(owner.as_deref()) {
        return Ok(());
    }
    Err(Error::forbidden(
        "The protocol uses a mapping of the cloud's administrators; only they can change its connection.",
    ))
}

/// Most protocols of which it is remembered whether they are open.
const MAX_KNOWN: u64 = 10_000;

/// Protocols, by identity provider and id, that are there or not and whose identity provider is enabled or not, each with the
/// tick of the memory at which that was read.
#[derive(Debug)]
pub struct Open(Cache<(String, String), (u64, bool)>);

impl Default for Open {
    fn default() -> Self {
        Self(Cache::new(MAX_KNOWN))
    }
}

/// Whether a protocol is there and its identity provider enabled. It is remembered until either changes.
pub(super) async fn is_open(app: &App, conn: &mut Conn, idp_id: &str, id: &str) -> Result<bool> {
    let key = (idp_id.to_owned(), id.to_owned());
    if app.memory.is_current()
        && let Some((tick, open)) = app.open_protocols.0.get(&key)
        && !app.memory.identity_provider_changed(idp_id, tick)
    {
        return Ok(open);
    }
    let tick = app.memory.tick();
    let open = store::protocol::is_open(conn, idp_id, id).await?;
    app.open_protocols.0.insert(key, (tick, open));
    Ok(open)
}

/// Changes a protocol. That voids the tokens which came by it.
pub async fn update(app: &App, caller: &Caller, idp_id: &str, id: &str, body: &Value) -> Result<Protocol> {
    let done = change(app, caller, idp_id, id, body).await;
    audit::refused(app, caller, "protocol.update", (KIND, &path(idp_id, id)), done).await
}

async fn change(app: &App, caller: &Caller, idp_id: &str, id: &str, body: &Value) -> Result<Protocol> {
    let reach = admitted(app, caller, "identity:update_protocol", (idp_id, id), Some(body)).await?;
    let update = Update::parse(body)?;
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, idp_id).await?;
    let (idp, stored) = get_within(&mut tx, &reach, idp_id, id).await?;
    managed::check_identity_provider(&mut tx, idp_id).await?;
    if update.mapping_id.is_none() && idp.sso_type != SsoType::IamUser {
        return Err(mapping_required());
    }
    let next = stored.updated(update);
    check_mapping(&mut tx, &reach, &idp, next.mapping_id.as_deref()).await?;
    if next != stored {
        store::protocol::update(&mut tx, &next).await?;
        store::revocation::insert(&mut tx, &revocation::of_protocol(app, idp_id, id)).await?;
        session::end_of_provider(app, &mut tx, idp_id, Some(id)).await?;
    }
    let (target, detail) = (path(idp_id, id), super::named(body, KIND));
    audit::changed(app, &mut tx, caller, "protocol.update", (KIND, &target), Some(&idp.domain_id), &detail).await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Deletes a protocol. That voids the tokens which came by it.
pub async fn delete(app: &App, caller: &Caller, idp_id: &str, id: &str) -> Result<()> {
    let done = remove(app, caller, idp_id, id).await;
    audit::refused(app, caller, "protocol.delete", (KIND, &path(idp_id, id)), done).await
}

async fn remove(app: &App, caller: &Caller, idp_id: &str, id: &str) -> Result<()> {
    let reach = admitted(app, caller, "identity:delete_protocol", (idp_id, id), None).await?;
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, idp_id).await?;
    let (idp, _) = get_within(&mut tx, &reach, idp_id, id).await?;
    managed::check_identity_provider(&mut tx, idp_id).await?;
    if place::forget_protocol(&mut tx, place::At { idp_id, protocol_id: id }).await? {
        store::sso_config::touch(&mut tx, idp_id, app.now(), true).await?;
    }
    store::protocol::delete(&mut tx, idp_id, id).await?;
    store::revocation::insert(&mut tx, &revocation::of_protocol(app, idp_id, id)).await?;
    session::end_of_provider(app, &mut tx, idp_id, Some(id)).await?;
    let target = path(idp_id, id);
    audit::changed(app, &mut tx, caller, "protocol.delete", (KIND, &target), Some(&idp.domain_id), "").await?;
    app.commit(tx).await
}

#[cfg(test)]
mod tests;
