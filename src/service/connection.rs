//! Connections: how this service itself speaks to identity providers, for the same people and within the same reach as
//! the identity providers themselves.
//!
//! A secret is sealed under the connection's own row id, never shown, and never sent where it was not meant for: when what
//! decides about its way changes to another host, it is dropped unless it is given again (Keycloak's #47295 and #51748).

pub mod imported;
pub mod place;

use std::sync::Arc;

use moka::sync::Cache;
use serde_json::Value;

pub use place::At;
use place::forget_protocol;

use super::caller::Caller;
use super::reach::Reach;
use super::sso_config::managed;
use super::{App, audit, federation, protocol, revocation, secrets, session};
use crate::error::{Error, Result};
use crate::model::connection::{Connection, Create, MEMBER, Settings, Update, huawei};
use crate::secret::Secret;
use crate::store::{self, Conn};
use crate::upstream::saml::LeftMemo;
use crate::upstream::{Answer, Ask, Begin, Begun, Identity, Memo, Ready, Upstream as _};

/// Huawei's protocol for SAML.
const SAML: &str = "saml";
/// Most connections that are kept ready.
const MAX_READY: u64 = 10_000;

/// A connection as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The connection.
    pub connection: Connection,
    /// Whether it has a secret.
    pub has_secret: bool,
}

/// Connections that are ready for use, each with the tick of the memory at which its reading began.
#[derive(Debug)]
pub struct Connections(Cache<String, (u64, Arc<Ready>)>);

impl Default for Connections {
    fn default() -> Self {
        Self(Cache::new(MAX_READY))
    }
}

/// The connection of an identity provider by a protocol, ready for use. It is made once and remembered until the identity
/// provider, or anything that belongs to it, changes.
pub async fn ready(app: &App, idp_id: &str, protocol_id: &str) -> Result<Option<Arc<Ready>>> {
    let at = At { idp_id, protocol_id };
    let key = at.secret_id();
    if app.memory.is_current()
        && let Some((tick, ready)) = app.connections.0.get(&key)
        && !app.memory.identity_provider_changed(idp_id, tick)
    {
        return Ok(Some(ready));
    }
    let tick = app.memory.tick();
    let mut conn = app.store.read().await?;
    let Some(connection) = store::connection::get(&mut conn, idp_id, protocol_id).await? else { return Ok(None) };
    let secret = secrets::get(app, &mut conn, &key).await?;
    let ready =
        Ready::new(connection, secret).map_err(|e| Error::internal(format!("connection {}: {e}", at.name())))?;
    let ready = Arc::new(ready);
    app.connections.0.insert(key, (tick, ready.clone()));
    Ok(Some(ready))
}

/// Begins a browser's login by whatever the connection speaks.
pub(super) async fn begin(app: &App, ask: &Ask<'_>) -> Result<Begun> {
    match &ask.connection.connection.settings {
        Settings::Oidc(_) => app.oidc.begin(ask).await,
        Settings::Saml(_) => app.saml.begin(ask).await,
        Settings::Ldap(_) => Err(Error::unauthorized("nobody is sent to a directory")),
    }
}

/// Ends it.
pub(super) async fn finish(app: &App, ask: &Ask<'_>, memo: &Memo, answer: &Answer) -> Result<Identity> {
    match &ask.connection.connection.settings {
        Settings::Oidc(_) => app.oidc.finish(ask, memo, answer).await,
        Settings::Saml(_) => app.saml.finish(ask, memo, answer).await,
        Settings::Ldap(_) => Err(Error::unauthorized("nobody comes back from a directory")),
    }
}

/// Where a browser logs out there, if that is known, and what the answer is compared with.
pub(super) async fn end_session(
    app: &App,
    ask: &Ask<'_>,
    hint: Option<&Secret>,
) -> Result<Option<(Begin, Option<LeftMemo>)>> {
    match (&ask.connection.connection.settings, hint) {
        (Settings::Oidc(_), hint) => {
            Ok(app.oidc.end_session(ask, hint).await?.map(|url| (Begin::Redirect { url }, None)))
        }
        (Settings::Saml(_), Some(hint)) => {
            Ok(app.saml.end_session(ask, hint).await?.map(|(begin, memo)| (begin, Some(memo))))
        }
        (Settings::Saml(_), None) | (Settings::Ldap(_), _) => Ok(None),
    }
}

/// The protocol by which an identity provider's tokens are taken where none is named: Huawei's, else the only one that has a
/// connection.
pub async fn protocol_of(app: &App, idp_id: &str) -> Result<String> {
    let mut conn = app.store.read().await?;
    if store::identity_provider::get(&mut conn, idp_id).await?.is_none() {
        return Err(federation::not_found(idp_id));
    }
    let mut all = store::connection::protocols(&mut conn, idp_id).await?;
    let huawei = all.iter().position(|p| p == huawei::PROTOCOL);
    match (huawei, all.len()) {
        (Some(at), _) => Ok(all.swap_remove(at)),
        (None, 1) => Ok(all.swap_remove(0)),
        _ => Err(no_config(idp_id)),
    }
}

/// The protocol by which an identity provider's assertions are taken where none is named: Huawei's, else the only one.
pub async fn saml_protocol_of(app: &App, idp_id: &str) -> Result<String> {
    let mut conn = app.store.read().await?;
    if store::identity_provider::get(&mut conn, idp_id).await?.is_none() {
        return Err(federation::not_found(idp_id));
    }
    let mut all = store::connection::protocols_of_kind(&mut conn, idp_id, "saml").await?;
    let huawei = all.iter().position(|p| p == SAML);
    match (huawei, all.len()) {
        (Some(at), _) => Ok(all.swap_remove(at)),
        (None, 1) => Ok(all.swap_remove(0)),
        _ => Err(Error::not_found(format!("Could not find metadata of Identity Provider: {idp_id}."))),
    }
}

/// 404 for what has no connection in Huawei's form.
pub fn no_config(idp_id: &str) -> Error {
    Error::not_found(format!("Could not find an openid-connect-config of Identity Provider: {idp_id}."))
}

/// One connection.
pub async fn get(app: &App, caller: &Caller, at: At<'_>) -> Result<Shown> {
    let reach = protocol::admitted(app, caller, "identity:get_connection", at.ids(), None).await?;
    let mut conn = app.store.read().await?;
    federation::get_within(&mut conn, &reach, at.idp_id).await?;
    shown(&mut conn, at).await?.ok_or_else(|| at.not_found())
}

pub(super) async fn shown(conn: &mut Conn, at: At<'_>) -> Result<Option<Shown>> {
    let Some(connection) = store::connection::get(conn, at.idp_id, at.protocol_id).await? else { return Ok(None) };
    let has_secret = store::sealed_secret::get(conn, &at.secret_id()).await?.is_some();
    Ok(Some(Shown { connection, has_secret }))
}

/// Sets up the connection of a protocol.
pub async fn create(app: &App, caller: &Caller, at: At<'_>, body: &Value) -> Result<Shown> {
    let done = make(app, caller, at, body, Form::Own).await;
    audit::refused(app, caller, "connection.create", (MEMBER, &at.name()), done).await
}

/// Changes the connection of a protocol.
pub async fn update(app: &App, caller: &Caller, at: At<'_>, body: &Value) -> Result<Shown> {
    let done = change(app, caller, at, body, Form::Own).await;
    audit::refused(app, caller, "connection.update", (MEMBER, &at.name()), done).await
}

/// Takes the connection of a protocol away, with its secret.
pub async fn delete(app: &App, caller: &Caller, at: At<'_>) -> Result<()> {
    let done = remove(app, caller, at).await;
    audit::refused(app, caller, "connection.delete", (MEMBER, &at.name()), done).await
}

fn config_at(idp_id: &str) -> At<'_> {
    At { idp_id, protocol_id: huawei::PROTOCOL }
}

/// The connection of the protocol `oidc`, for Huawei's form.
pub async fn get_config(app: &App, caller: &Caller, idp_id: &str) -> Result<Shown> {
    get(app, caller, config_at(idp_id)).await
}

/// Sets it up by Huawei's form. The protocol may follow later.
pub async fn create_config(app: &App, caller: &Caller, idp_id: &str, body: &Value) -> Result<Shown> {
    let at = config_at(idp_id);
    let done = make(app, caller, at, body, Form::Huawei).await;
    audit::refused(app, caller, "connection.create", (MEMBER, &at.name()), done).await
}

/// Changes it by Huawei's form.
pub async fn update_config(app: &App, caller: &Caller, idp_id: &str, body: &Value) -> Result<Shown> {
    let at = config_at(idp_id);
    let done = change(app, caller, at, body, Form::Huawei).await;
    audit::refused(app, caller, "connection.update", (MEMBER, &at.name()), done).await
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The extension's.
    Own,
    /// `openid_connect_config`.
    Huawei,
}

impl Form {
    fn member(self) -> &'static str {
        match self {
            Self::Own => MEMBER,
            Self::Huawei => huawei::MEMBER,
        }
    }

    fn create(self, body: &Value) -> Result<Create> {
        match self {
            Self::Own => Create::parse(body),
            Self::Huawei => {
                let settings = Settings::Oidc(Box::new(huawei::create(body)?));
                Ok(Create { settings, secret: None })
            }
        }
    }

    fn update(self, body: &Value, stored: &Settings) -> Result<(Settings, Option<Option<Secret>>)> {
        match self {
            Self::Own => {
                let update = Update::parse(body)?;
                Ok((update.apply(stored)?, update.secret))
            }
            Self::Huawei => {
                let Settings::Oidc(oidc) = stored else {
                    return Err(Error::conflict("The connection of the protocol 'oidc' speaks another protocol."));
                };
                Ok((Settings::Oidc(Box::new(huawei::update(body, oidc)?)), None))
            }
        }
    }

    /// Checks what only the client for outgoing requests and the decoders of keys and metadata can tell, and takes over what
    /// metadata says.
    fn check(self, app: &App, settings: &mut Settings) -> Result<()> {
        let checked = match settings {
            Settings::Oidc(oidc) => app.oidc.check(oidc),
            Settings::Saml(saml) => app.saml.check(saml, app.now()),
            Settings::Ldap(_) => Ok(()),
        };
        checked.map_err(|e| match e {
            Error::Invalid { message, field: Some(name) } => {
                let name = match (self, name.as_str()) {
                    (Self::Huawei, "issuer") => "idp_url",
                    (Self::Huawei, "jwks") => "signing_key",
                    (_, name) => name,
                };
                Error::invalid_field(format!("{}.{name}", self.member()), message)
            }
            other => other,
        })
    }
}

async fn make(app: &App, caller: &Caller, at: At<'_>, body: &Value, form: Form) -> Result<Shown> {
    let reach = protocol::admitted(app, caller, "identity:create_connection", at.ids(), Some(body)).await?;
    let mut create = form.create(body)?;
    form.check(app, &mut create.settings)?;
    let mut tx = app.store.write().await?;
    let domain_id = locked(&mut tx, &reach, at).await?;
    if form == Form::Own && store::protocol::get(&mut tx, at.idp_id, at.protocol_id).await?.is_none() {
        return Err(protocol::not_found(at.idp_id, at.protocol_id));
    }
    let detail = super::named(body, form.member());
    let made = add(app, &mut tx, caller, at, create, (&domain_id, &detail)).await?;
    app.commit(tx).await?;
    Ok(made)
}

/// Reads and checks a connection in the extension's form.
pub(super) fn parse(app: &App, body: &Value) -> Result<Create> {
    let mut create = Create::parse(body)?;
    Form::Own.check(app, &mut create.settings)?;
    Ok(create)
}

/// Stores a new connection of an identity provider whose row is held, with its audit record: its domain and detail.
pub(super) async fn add(
    app: &App,
    tx: &mut Conn,
    caller: &Caller,
    at: At<'_>,
    create: Create,
    (domain_id, detail): (&str, &str),
) -> Result<Shown> {
    let connection = Connection {
        idp_id: at.idp_id.to_owned(),
        protocol_id: at.protocol_id.to_owned(),
        settings: create.settings,
        updated_at: app.now(),
    };
    if store::connection::get(tx, at.idp_id, at.protocol_id).await?.is_some() {
        return Err(Error::conflict("Conflict occurred attempting to store connection - Duplicate entry."));
    }
    store::connection::insert(tx, &connection).await?;
    // One of that name may be left over from an identity provider that is gone.
    put_secret(app, tx, at, create.secret.as_ref()).await?;
    store::sso_config::touch(tx, at.idp_id, app.now(), true).await?;
    audit::changed(app, tx, caller, "connection.create", (MEMBER, &at.name()), Some(domain_id), detail).await?;
    Ok(Shown { connection, has_secret: create.secret.is_some() })
}

async fn change(app: &App, caller: &Caller, at: At<'_>, body: &Value, form: Form) -> Result<Shown> {
    let reach = protocol::admitted(app, caller, "identity:update_connection", at.ids(), Some(body)).await?;
    let mut tx = app.store.write().await?;
    let domain_id = locked(&mut tx, &reach, at).await?;
    let stored = shown(&mut tx, at).await?.ok_or_else(|| at.not_found())?;
    let mut changed = form.update(body, &stored.connection.settings)?;
    form.check(app, &mut changed.0)?;
    let detail = super::named(body, form.member());
    let done = put(app, &mut tx, caller, stored, changed, (&domain_id, &detail)).await?;
    app.commit(tx).await?;
    Ok(done)
}

/// Settings with the secret that goes with them, if another is given or it is taken away.
pub(super) type Changed = (Settings, Option<Option<Secret>>);

/// Reads and checks a change in the extension's form.
pub(super) fn parse_change(app: &App, body: &Value, stored: &Settings) -> Result<Changed> {
    let mut changed = Form::Own.update(body, stored)?;
    Form::Own.check(app, &mut changed.0)?;
    Ok(changed)
}

/// Writes a connection over the stored one of an identity provider whose row is held, with its audit record: its domain and
/// detail.
pub(super) async fn put(
    app: &App,
    tx: &mut Conn,
    caller: &Caller,
    stored: Shown,
    (settings, secret): Changed,
    (domain_id, detail): (&str, &str),
) -> Result<Shown> {
    let connection = Connection { settings, updated_at: app.now(), ..stored.connection.clone() };
    let at = At { idp_id: &connection.idp_id, protocol_id: &connection.protocol_id };
    let mut detail = detail.to_owned();
    let has_secret = match &secret {
        Some(given) => {
            put_secret(app, tx, at, given.as_ref()).await?;
            given.is_some()
        }
        None if stored.has_secret && !stored.connection.settings.secret_stays(&connection.settings) => {
            put_secret(app, tx, at, None).await?;
            detail = format!("client_secret dropped; {detail}");
            false
        }
        None => stored.has_secret,
    };
    store::connection::update(tx, &connection).await?;
    // Another machine may vouch from now on, or for other people: who came in as what is asked anew.
    if connection.settings != stored.connection.settings {
        store::revocation::insert(tx, &revocation::of_protocol(app, at.idp_id, at.protocol_id)).await?;
        session::end_of_provider(app, tx, at.idp_id, Some(at.protocol_id)).await?;
    }
    store::sso_config::touch(tx, at.idp_id, app.now(), true).await?;
    audit::changed(app, tx, caller, "connection.update", (MEMBER, &at.name()), Some(domain_id), &detail).await?;
    Ok(Shown { connection, has_secret })
}

async fn remove(app: &App, caller: &Caller, at: At<'_>) -> Result<()> {
    let reach = protocol::admitted(app, caller, "identity:delete_connection", at.ids(), None).await?;
    let mut tx = app.store.write().await?;
    let domain_id = locked(&mut tx, &reach, at).await?;
    if !forget_protocol(&mut tx, at).await? {
        return Err(at.not_found());
    }
    store::sso_config::touch(&mut tx, at.idp_id, app.now(), true).await?;
    audit::changed(app, &mut tx, caller, "connection.delete", (MEMBER, &at.name()), Some(&domain_id), "").await?;
    app.commit(tx).await
}

/// Holds the identity provider for this transaction; the domain it belongs to.
async fn locked(tx: &mut Conn, reach: &Reach, at: At<'_>) -> Result<String> {
    store::identity_provider::lock(tx, at.idp_id).await?;
    let idp = federation::get_within(tx, reach, at.idp_id).await?;
    managed::check_identity_provider(tx, at.idp_id).await?;
    protocol::check_mapping_within(tx, reach, at.idp_id, at.protocol_id).await?;
    Ok(idp.domain_id)
}

async fn put_secret(app: &App, tx: &mut Conn, at: At<'_>, secret: Option<&Secret>) -> Result<()> {
    match secret {
        Some(secret) => secrets::put(app, tx, &at.secret_id(), secret).await,
        None => store::sealed_secret::delete(tx, &at.secret_id()).await.map(drop),
    }
}

#[cfg(test)]
mod tests;
