//! Keys by which the service and its tenants are known to partners that speak SAML: the first is made when it is first needed,
//! sealed at rest and remembered here.
//!
//! The next key is published a week before it signs, and the old one for a day after, so that partners which refresh metadata
//! notice nothing (tenant-login §6.1).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use moka::sync::Cache;

use super::caller::Caller;
use super::{App, audit, secrets};
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::model::saml_key::{KEPT_AFTER_SECS, SamlKey, next_change, signing};
use crate::model::tenant::Tenant;
use crate::secret::{Secret, digest};
use crate::store::{self, Conn};
use crate::upstream::saml::metadata::ServiceProvider;
use crate::upstream::saml::own::{self, Own, OwnKey};

/// Tenants whose keys are remembered at most.
const MAX_KNOWN: u64 = 10_000;
/// Signed metadata that is remembered at most, and for how long, in seconds: anybody may ask for it, and a signature takes a core
/// for some milliseconds.
const MAX_SIGNED: u64 = 1_000;
const SIGNED_SECS: i64 = 300;
/// The id of the service's first key: of two nodes that make it at once, one does.
const FIRST: &str = "service";

/// Whose keys.
#[derive(Debug, Clone, Copy)]
pub enum Holder<'a> {
    /// The service's own.
    Service,
    /// A tenant's.
    Tenant(&'a Tenant),
}

impl<'a> Holder<'a> {
    fn tenant_id(self) -> Option<&'a str> {
        match self {
            Self::Service => None,
            Self::Tenant(tenant) => Some(&tenant.id),
        }
    }

    /// What memory knows the holder by.
    fn name(self) -> &'a str {
        self.tenant_id().unwrap_or_default()
    }

    /// What certificates say.
    fn title(self, app: &App) -> String {
        match self {
            Self::Service => app.public_url.split_once("://").map_or("archstone", |(_, host)| host).to_owned(),
            Self::Tenant(tenant) => tenant.slug.clone(),
        }
    }

    async fn hold(self, tx: &mut Conn) -> Result<()> {
        match self.tenant_id() {
            Some(id) if !store::signing_key::hold(tx, id).await? => {
                Err(Error::refused(Code::TenantNotFound, "Tenant not found"))
            }
            Some(_) => Ok(()),
            None => store::saml_key::hold_own(tx).await,
        }
    }
}

/// Keys that are remembered, each with the tick of the memory at which its reading began, and until when they are as they are.
#[derive(Debug)]
pub struct SamlKeys {
    known: Cache<String, (u64, Timestamp, Arc<Own>)>,
    /// Metadata that was signed, by what it says but for its times.
    signed: Cache<String, (Timestamp, Arc<str>)>,
    /// Held while a first key is made: that takes a core for long.
    making: tokio::sync::Mutex<()>,
}

impl Default for SamlKeys {
    fn default() -> Self {
        Self { known: Cache::new(MAX_KNOWN), signed: Cache::new(MAX_SIGNED), making: tokio::sync::Mutex::new(()) }
    }
}

fn sealed_id(id: &str) -> String {
    format!("saml_key/{id}")
}

/// The keys of the holder; there is one at least.
pub async fn of(app: &App, holder: Holder<'_>) -> Result<Arc<Own>> {
    if let Some(held) = read(app, holder).await? {
        return Ok(held);
    }
    let _making = app.saml_keys.making.lock().await;
    if let Some(held) = read(app, holder).await? {
        return Ok(held);
    }
    make_first(app, holder).await?;
    read(app, holder).await?.ok_or_else(|| Error::internal("a key that was just made is not there"))
}

async fn read(app: &App, holder: Holder<'_>) -> Result<Option<Arc<Own>>> {
    let (tick, now) = (app.memory.tick(), app.now());
    if app.memory.is_current()
        && let Some((tick, until, held)) = app.saml_keys.known.get(holder.name())
        && !app.memory.tenant_changed(holder.name(), tick)
        && now < until
    {
        return Ok(Some(held));
    }
    let mut conn = app.store.read().await?;
    let stored = store::saml_key::list(&mut conn, holder.tenant_id()).await?;
    let signs = signing(&stored, now).map(|key| key.id.clone());
    let until = next_change(&stored, now);
    let (mut keys, mut signing) = (Vec::new(), None);
    for key in stored.into_iter().filter(|k| k.is_published(now)) {
        let Some(private) = secrets::get(app, &mut conn, &sealed_id(&key.id)).await? else { continue };
        if signs.as_ref() == Some(&key.id) {
            signing = Some(keys.len());
        }
        keys.push(OwnKey::read(&private, key.certificate)?);
    }
    let Some(signing) = signing else { return Ok(None) };
    let held = Arc::new(Own { keys: Arc::new(keys), signing });
    app.saml_keys.known.insert(holder.name().to_owned(), (tick, until, held.clone()));
    Ok(Some(held))
}

/// What we say of ourselves, signed by `own`; the same for a while.
pub async fn signed_metadata(app: &App, own: &Own, described: &ServiceProvider<'_>) -> Result<Arc<str>> {
    let signs = own.keys.get(own.signing).map(|key| key.certificate.as_str()).unwrap_or_default();
    let key = digest(&format!("{signs} {}", described.without_times()));
    let now = app.now();
    if let Some((until, document)) = app.saml_keys.signed.get(&key)
        && now < until
    {
        return Ok(document);
    }
    let message = described.message(Some(format!("_{}", app.random.hex_id())));
    let document: Arc<str> = app.saml.with_own(own, move |key| message.signed(key)).await?.into();
    app.saml_keys.signed.insert(key, (now.plus_secs(SIGNED_SECS), document.clone()));
    Ok(document)
}

/// A new key that begins to sign at once; not yet stored.
async fn made(app: &App, holder: Holder<'_>) -> Result<(SamlKey, Secret)> {
    let (name, now, random) = (holder.title(app), app.now(), app.random.clone());
    let making = tokio::task::spawn_blocking(move || own::make(&name, now, &random));
    let (private, certificate) = making.await.map_err(|_| Error::internal("a key for SAML was not made"))??;
    let key = SamlKey {
        id: app.random.hex_id(),
        tenant_id: holder.tenant_id().map(str::to_owned),
        certificate: STANDARD.encode(certificate),
        created_at: now,
        active_at: now,
        retired_at: None,
    };
    Ok((key, private))
}

async fn put(app: &App, tx: &mut Conn, key: &SamlKey, private: &Secret) -> Result<()> {
    store::saml_key::insert(tx, key).await?;
    secrets::put(app, tx, &sealed_id(&key.id), private).await
}

/// Makes a key unless there is one: of two nodes that try at once, one does.
async fn make_first(app: &App, holder: Holder<'_>) -> Result<()> {
    let (mut key, private) = made(app, holder).await?;
    if holder.tenant_id().is_none() {
        FIRST.clone_into(&mut key.id);
    }
    let mut tx = app.store.write().await?;
    holder.hold(&mut tx).await?;
    let (stored, now) = (store::saml_key::list(&mut tx, holder.tenant_id()).await?, app.now());
    if signing(&stored, now).is_some() {
        return Ok(());
    }
    for old in stored.iter().filter(|key| !key.is_published(now)) {
        forget(&mut tx, old).await?;
    }
    match put(app, &mut tx, &key, &private).await {
        Err(Error::Conflict { .. }) if holder.tenant_id().is_none() => Ok(()),
        done => {
            done?;
            app.commit(tx).await
        }
    }
}

/// The keys of the holder, the one that begins last first.
pub async fn list(app: &App, holder: Holder<'_>) -> Result<Vec<SamlKey>> {
    store::saml_key::list(&mut app.store.read().await?, holder.tenant_id()).await
}

/// Makes the next key, which begins to sign after some seconds; the one before it is published for a day longer.
///
/// # Errors
/// `Conflict` while one waits already.
pub async fn rotate(app: &App, caller: &Caller, holder: Holder<'_>, after_secs: i64) -> Result<()> {
    // There is one before it, so that nobody meets a holder whose only key waits.
    of(app, holder).await?;
    let (mut next, private) = made(app, holder).await?;
    let now = app.now();
    next.active_at = now.plus_secs(after_secs.max(0));
    let mut tx = app.store.write().await?;
    holder.hold(&mut tx).await?;
    for mut key in store::saml_key::list(&mut tx, holder.tenant_id()).await? {
        if !key.is_published(now) {
            forget(&mut tx, &key).await?;
        } else if key.active_at > now {
            return Err(Error::conflict(format!("the next key, {}, waits for its time already", key.id)));
        } else if key.retired_at.is_none() {
            key.retired_at = Some(next.active_at.plus_secs(KEPT_AFTER_SECS));
            store::saml_key::update(&mut tx, &key).await?;
        }
    }
    put(app, &mut tx, &next, &private).await?;
    record(app, &mut tx, caller, "rotate", &next).await?;
    app.commit(tx).await
}

/// Takes a key away now: what is encrypted for it cannot be read any more. If it was the one that signs and the next one waits,
/// that one begins at once; if it was the one that waits, the one that signs goes on; the only one is followed by a new one when
/// that is needed.
pub async fn revoke(app: &App, caller: &Caller, holder: Holder<'_>, id: &str) -> Result<()> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    holder.hold(&mut tx).await?;
    let keys = store::saml_key::list(&mut tx, holder.tenant_id()).await?;
    let gone = keys.iter().find(|key| key.id == id);
    let gone = gone.ok_or_else(|| Error::not_found(format!("there is no key {id:.64}")))?;
    forget(&mut tx, gone).await?;
    record(app, &mut tx, caller, "revoke", gone).await?;
    let waits = keys.iter().find(|key| key.active_at > now);
    match (signing(&keys, now), waits) {
        (Some(signs), Some(next)) if signs.id == id => {
            store::saml_key::update(&mut tx, &SamlKey { active_at: now, ..next.clone() }).await?;
        }
        (Some(signs), Some(next)) if next.id == id => {
            store::saml_key::update(&mut tx, &SamlKey { retired_at: None, ..signs.clone() }).await?;
        }
        (Some(signs), None) if signs.id == id => {
            // The one before it signs again, and goes on.
            let left: Vec<SamlKey> = keys.iter().filter(|key| key.id != id).cloned().collect();
            if let Some(before) = signing(&left, now) {
                store::saml_key::update(&mut tx, &SamlKey { retired_at: None, ..before.clone() }).await?;
            }
        }
        _ => {}
    }
    app.commit(tx).await
}

async fn record(app: &App, tx: &mut Conn, caller: &Caller, what: &str, key: &SamlKey) -> Result<()> {
    let (action, target) = (format!("saml_key.{what}"), ("saml_key", key.id.as_str()));
    audit::changed(app, tx, caller, &action, target, key.tenant_id.as_deref(), "").await
}

async fn forget(tx: &mut Conn, key: &SamlKey) -> Result<()> {
    store::saml_key::delete(tx, key).await?;
    store::sealed_secret::delete(tx, &sealed_id(&key.id)).await.map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::houses;
    use crate::testing::tenancy::{ACME, a_tenant};

    #[tokio::test]
    async fn a_tenant_gets_one_key_which_goes_with_it() {
        for house in houses(&[]).await {
            let (app, acme) = (&house.app, a_tenant(&house, ACME, "acme").await);
            let (one, other) = tokio::join!(of(app, Holder::Tenant(&acme)), of(app, Holder::Tenant(&acme)));
            let (one, other) = (one.unwrap(), other.unwrap());
            assert_eq!((one.keys.len(), one.signing), (1, 0));
            assert_eq!(one.keys[0].certificate, other.keys[0].certificate, "on {}", house.database);
            let mut tx = app.store.write().await.unwrap();
            assert_eq!(store::sealed_secret::list(&mut tx, "saml_key/", 10).await.unwrap().len(), 1);
            crate::service::tenant::register::forget(app, &mut tx, ACME).await.unwrap();
            store::tenant::delete(&mut tx, ACME).await.unwrap();
            app.commit(tx).await.unwrap();
            let mut conn = app.store.read().await.unwrap();
            assert!(store::sealed_secret::list(&mut conn, "saml_key/", 10).await.unwrap().is_empty());
            assert!(store::saml_key::list(&mut conn, Some(ACME)).await.unwrap().is_empty());
            drop(conn);
            assert!(of(app, Holder::Tenant(&acme)).await.is_err(), "none is made for a tenant that is gone");
        }
    }

    #[tokio::test]
    async fn the_next_key_is_published_before_it_signs_and_the_old_one_after() {
        for house in houses(&[]).await {
            let app = &house.app;
            let caller = Caller::of_command_line(app).await.unwrap();
            let first = of(app, Holder::Service).await.unwrap();
            rotate(app, &caller, Holder::Service, 3_600).await.unwrap();
            assert!(matches!(rotate(app, &caller, Holder::Service, 0).await, Err(Error::Conflict { .. })));
            let both = of(app, Holder::Service).await.unwrap();
            assert_eq!((both.keys.len(), &both.keys[both.signing].certificate), (2, &first.keys[0].certificate));
            house.clock.advance(3_600);
            let next = of(app, Holder::Service).await.unwrap();
            assert_eq!(next.keys.len(), 2, "on {}", house.database);
            assert_ne!(next.keys[next.signing].certificate, first.keys[0].certificate);
            house.clock.advance(KEPT_AFTER_SECS);
            assert_eq!(of(app, Holder::Service).await.unwrap().keys.len(), 1);
            rotate(app, &caller, Holder::Service, 3_600).await.unwrap();
            let waits = list(app, Holder::Service).await.unwrap().remove(0);
            revoke(app, &caller, Holder::Service, &waits.id).await.unwrap();
            let again = of(app, Holder::Service).await.unwrap();
            assert_eq!((again.keys.len(), &again.keys[0].certificate), (1, &next.keys[next.signing].certificate));
            // Whoever takes the one away that signs has the one before it sign on; after the last comes a new one.
            rotate(app, &caller, Holder::Service, 0).await.unwrap();
            let [newest, before]: [SamlKey; 2] = list(app, Holder::Service).await.unwrap().try_into().unwrap();
            revoke(app, &caller, Holder::Service, &newest.id).await.unwrap();
            house.clock.advance(2 * KEPT_AFTER_SECS);
            assert_eq!(of(app, Holder::Service).await.unwrap().keys[0].certificate, before.certificate);
            revoke(app, &caller, Holder::Service, &before.id).await.unwrap();
            assert_eq!(of(app, Holder::Service).await.unwrap().keys.len(), 1);
            rotate(app, &caller, Holder::Service, 0).await.unwrap();
            house.clock.advance(2 * KEPT_AFTER_SECS);
            let signs = list(app, Holder::Service).await.unwrap().remove(0);
            revoke(app, &caller, Holder::Service, &signs.id).await.unwrap();
            assert_eq!(of(app, Holder::Service).await.unwrap().keys.len(), 1, "although an old one lies there");
        }
    }
}
