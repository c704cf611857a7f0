//! What a tenant signs tokens with: a key for each algorithm, made when it is first needed, sealed at rest, remembered here.
//!
//! The next key is published a day before it signs, and the old one until the last token that it signed has ended, so a
//! rotation fails no verification (TOK-KEY-1). A key that is taken away is gone at once, with all that it signed (TOK-KEY-4).

use std::sync::Arc;

use moka::sync::Cache;
use serde_json::{Map, Value, json};

use super::super::caller::Caller;
use super::super::{App, audit, secrets};
use crate::error::{Code, Error, Result};
use crate::keys::signing::{self as pairs, Compact, Pair};
use crate::model::signing_key::{LONGEST_TOKEN_SECS, SigningKey, signing};
use crate::model::tenant::{SigningAlgorithm, Tenant};
use crate::secret::Secret;
use crate::store;

/// Tenants whose keys are remembered at most.
const MAX_RINGS: u64 = 10_000;

/// A tenant's keys as they are published, with their private halves.
#[derive(Debug)]
struct Ring(Vec<(SigningKey, Pair)>);

/// The keys of tenants, each with the tick of the memory at which its reading began.
#[derive(Debug)]
pub(super) struct Rings {
    known: Cache<String, (u64, Arc<Ring>)>,
    /// Held while a first key is made: that takes a core for long, and others that need the same wait for it.
    making: tokio::sync::Mutex<()>,
}

impl Default for Rings {
    fn default() -> Self {
        Self { known: Cache::new(MAX_RINGS), making: tokio::sync::Mutex::new(()) }
    }
}

/// Where the private half of a key lies.
fn sealed_id(kid: &str) -> String {
    format!("signing_key/{kid}")
}

async fn ring(app: &App, tenant: &Tenant) -> Result<Arc<Ring>> {
    if app.memory.is_current()
        && let Some((tick, ring)) = app.oauth.rings.known.get(&tenant.id)
        && !app.memory.tenant_changed(&tenant.id, tick)
    {
        return Ok(ring);
    }
    let (tick, now) = (app.memory.tick(), app.now());
    let mut conn = app.store.read().await?;
    let mut held = Vec::new();
    for key in store::signing_key::list(&mut conn, &tenant.id).await?.into_iter().filter(|k| k.is_published(now)) {
        // It may have been taken away in between.
        let Some(private) = secrets::get(app, &mut conn, &sealed_id(&key.id)).await? else { continue };
        let pair = Pair::read(key.algorithm, &private)?;
        held.push((key, pair));
    }
    let ring = Arc::new(Ring(held));
    app.oauth.rings.known.insert(tenant.id.clone(), (tick, ring.clone()));
    Ok(ring)
}

/// The keys, among them one that signs with this algorithm.
async fn ring_with(app: &App, tenant: &Tenant, algorithm: SigningAlgorithm) -> Result<Arc<Ring>> {
    let held = ring(app, tenant).await?;
    if held.signing(algorithm, app).is_some() {
        return Ok(held);
    }
    let _making = app.oauth.rings.making.lock().await;
    let held = ring(app, tenant).await?;
    if held.signing(algorithm, app).is_some() {
        return Ok(held);
    }
    make_first(app, tenant, algorithm).await?;
    ring(app, tenant).await
}

impl Ring {
    fn signing(&self, algorithm: SigningAlgorithm, app: &App) -> Option<&(SigningKey, Pair)> {
        let id = &signing(self.0.iter().map(|(key, _)| key), algorithm, app.now())?.id;
        self.0.iter().find(|(key, _)| key.id == *id)
    }
}

/// A new key that begins to sign at once; not yet stored.
async fn made(app: &App, tenant: &Tenant, algorithm: SigningAlgorithm) -> Result<(SigningKey, Secret)> {
    let making = tokio::task::spawn_blocking(move || {
        let private = pairs::generate(algorithm)?;
        let (id, public_jwk) = Pair::read(algorithm, &private)?.public_jwk()?;
        Ok::<_, Error>((id, public_jwk, private))
    });
    let (id, public_jwk, private) = making.await.map_err(|_| Error::internal("a signing key was not made"))??;
    let now = app.now();
    let tenant_id = tenant.id.clone();
    Ok((
        SigningKey { id, tenant_id, algorithm, public_jwk, created_at: now, active_at: now, retired_at: None },
        private,
    ))
}

async fn put(app: &App, tx: &mut store::Conn, key: &SigningKey, private: &Secret) -> Result<()> {
    store::signing_key::insert(tx, key).await?;
    secrets::put(app, tx, &sealed_id(&key.id), private).await
}

/// Makes a key unless there is one that signs: of two nodes that try at once, one does.
async fn make_first(app: &App, tenant: &Tenant, algorithm: SigningAlgorithm) -> Result<()> {
    let (key, private) = made(app, tenant, algorithm).await?;
    let mut tx = app.store.write().await?;
    if !store::signing_key::hold(&mut tx, &tenant.id).await? {
        return Err(Error::refused(Code::TenantNotFound, "Tenant not found"));
    }
    let stored = store::signing_key::list(&mut tx, &tenant.id).await?;
    if signing(&stored, algorithm, app.now()).is_none() {
        put(app, &mut tx, &key, &private).await?;
    } else {
        // What is remembered is older than that.
        app.oauth.rings.known.invalidate(&tenant.id);
    }
    app.commit(tx).await
}

/// A token of a tenant.
pub async fn sign(
    app: &App,
    tenant: &Tenant,
    algorithm: SigningAlgorithm,
    typ: &str,
    claims: &Value,
) -> Result<String> {
    let ring = ring_with(app, tenant, algorithm).await?;
    let missing = || Error::internal("there is no key to sign with");
    match algorithm {
        SigningAlgorithm::Es256 => {
            let (key, pair) = ring.signing(algorithm, app).ok_or_else(missing)?;
            pair.sign(&key.id, typ, claims)
        }
        // A millisecond is too long for a thread that others wait for.
        SigningAlgorithm::Rs256 => {
            let kid = ring.signing(algorithm, app).ok_or_else(missing)?.0.id.clone();
            let (typ, claims) = (typ.to_owned(), claims.clone());
            let signing = tokio::task::spawn_blocking(move || {
                let found = ring.0.iter().find(|(key, _)| key.id == kid);
                found.ok_or_else(missing).and_then(|(_, pair)| pair.sign(&kid, &typ, &claims))
            });
            signing.await.map_err(|_| Error::internal("a token was not signed"))?
        }
    }
}

/// The claims of a token that this tenant has signed, of that type and by its issuer; whether it has ended is for the caller.
///
/// # Errors
/// `Refused` with [`Code::InvalidToken`].
pub async fn verify(app: &App, tenant: &Tenant, token: &str, typ: &str) -> Result<Map<String, Value>> {
    let refused = |why: &str| Error::refused_because(Code::InvalidToken, "The token is not valid.", why);
    let compact = Compact::parse(token).ok_or_else(|| refused("it is no token of ours"))?;
    if !compact.header.typ.eq_ignore_ascii_case(typ) {
        return Err(refused("it is a token of another type"));
    }
    let kid = &compact.header.kid;
    let mut held = ring(app, tenant).await?;
    if !held.0.iter().any(|(key, _)| key.id == *kid) {
        // Another node may have made it a moment ago (TOK-KEY-2).
        let known = kid.len() <= 64 && !kid.contains('\0');
        if !known || !store::signing_key::is_published(&mut app.store.read().await?, &tenant.id, kid, app.now()).await?
        {
            return Err(refused("this tenant has no such key"));
        }
        app.oauth.rings.known.invalidate(&tenant.id);
        held = ring(app, tenant).await?;
    }
    let now = app.now();
    let found = held.0.iter().find(|(key, _)| key.id == *kid && key.is_published(now));
    let (_, pair) = found.ok_or_else(|| refused("the key is not published any more"))?;
    if !pair.verifies(&compact) {
        return Err(refused("the signature is wrong"));
    }
    let claims = compact.claims().ok_or_else(|| refused("the claims cannot be read"))?;
    if claims.get("iss").and_then(Value::as_str) != Some(tenant.issuer(&app.public_url).as_str()) {
        return Err(refused("it is of another issuer"));
    }
    Ok(claims)
}

/// The public keys as they are published (RFC 7517 §5), those that sign now first.
pub async fn jwks(app: &App, tenant: &Tenant) -> Result<Vec<u8>> {
    let mut ring = ring(app, tenant).await?;
    for algorithm in SigningAlgorithm::ALL {
        ring = ring_with(app, tenant, *algorithm).await?;
    }
    let now = app.now();
    let mut keys: Vec<&SigningKey> = ring.0.iter().map(|(key, _)| key).filter(|k| k.is_published(now)).collect();
    keys.sort_by_key(|key| (key.active_at > now, std::cmp::Reverse(key.active_at), key.algorithm));
    let keys: Vec<&Value> = keys.into_iter().map(|key| &key.public_jwk).collect();
    serde_json::to_vec(&json!({ "keys": keys }))
        .map_err(|e| Error::internal(format!("a key set cannot be written: {e}")))
}

/// A tenant's keys, in order of their first use.
pub async fn list(app: &App, tenant: &Tenant) -> Result<Vec<SigningKey>> {
    store::signing_key::list(&mut app.store.read().await?, &tenant.id).await
}

/// Makes the next key of each algorithm, which begins to sign after some seconds; the one before it is published until its last
/// token has ended.
///
/// # Errors
/// `Conflict` while one waits already.
pub async fn rotate(
    app: &App,
    caller: &Caller,
    tenant: &Tenant,
    algorithms: &[SigningAlgorithm],
    after_secs: i64,
) -> Result<Vec<SigningKey>> {
    let mut made_now = Vec::with_capacity(algorithms.len());
    for algorithm in algorithms {
        made_now.push(made(app, tenant, *algorithm).await?);
    }
    let now = app.now();
    let active_at = now.plus_secs(after_secs.max(0));
    let mut tx = app.store.write().await?;
    if !store::signing_key::hold(&mut tx, &tenant.id).await? {
        return Err(Error::refused(Code::TenantNotFound, "Tenant not found"));
    }
    for mut key in store::signing_key::list(&mut tx, &tenant.id).await? {
        let replaced = algorithms.contains(&key.algorithm);
        if !key.is_published(now) {
            forget(&mut tx, &key).await?;
        } else if replaced && key.active_at > now {
            return Err(Error::conflict(format!("the next key, {}, waits for its time already", key.id)));
        } else if replaced && key.retired_at.is_none() {
            key.retired_at = Some(active_at.plus_secs(LONGEST_TOKEN_SECS));
            store::signing_key::update(&mut tx, &key).await?;
        }
    }
    let mut next = Vec::with_capacity(made_now.len());
    for (mut key, private) in made_now {
        key.active_at = active_at;
        put(app, &mut tx, &key, &private).await?;
        record(app, &mut tx, caller, "rotate", &key).await?;
        next.push(key);
    }
    app.commit(tx).await?;
    Ok(next)
}

/// Takes a key away now: no token that it signed is believed any more. If it was the one that signs and the next one waits,
/// that one begins at once; if it was the one that waits, the one that signs goes on.
pub async fn revoke(app: &App, caller: &Caller, tenant: &Tenant, kid: &str) -> Result<()> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    store::signing_key::hold(&mut tx, &tenant.id).await?;
    let keys = store::signing_key::list(&mut tx, &tenant.id).await?;
    let Some(gone) = keys.iter().find(|key| key.id == kid) else {
        return Err(Error::not_found(format!("the tenant has no key {kid:.64}")));
    };
    forget(&mut tx, gone).await?;
    record(app, &mut tx, caller, "revoke", gone).await?;
    let signs = signing(&keys, gone.algorithm, now);
    let waits = keys.iter().find(|key| key.algorithm == gone.algorithm && key.active_at > now);
    match (signs, waits) {
        (Some(signs), Some(next)) if signs.id == kid => {
            store::signing_key::update(&mut tx, &SigningKey { active_at: now, ..next.clone() }).await?;
        }
        (Some(signs), Some(next)) if next.id == kid => {
            store::signing_key::update(&mut tx, &SigningKey { retired_at: None, ..signs.clone() }).await?;
        }
        _ => {}
    }
    app.commit(tx).await
}

async fn record(app: &App, tx: &mut store::Conn, caller: &Caller, what: &str, key: &SigningKey) -> Result<()> {
    let (action, target) = (format!("tenant.key.{what}"), ("signing_key", key.id.as_str()));
    audit::changed(app, tx, caller, &action, target, Some(&key.tenant_id), key.algorithm.as_str()).await
}

async fn forget(tx: &mut store::Conn, key: &SigningKey) -> Result<()> {
    store::signing_key::delete(tx, &key.tenant_id, &key.id).await?;
    store::sealed_secret::delete(tx, &sealed_id(&key.id)).await.map(drop)
}

#[cfg(test)]
mod tests;
