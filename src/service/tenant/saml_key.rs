//! Keys by which a tenant is known to SAML identity providers: the first is made when it is first needed, sealed at rest and
//! remembered here.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use moka::sync::Cache;

use crate::error::{Code, Error, Result};
use crate::model::saml_key::SamlKey;
use crate::model::tenant::Tenant;
use crate::service::{App, secrets};
use crate::store;
use crate::upstream::saml::own::{self, Own, OwnKey};

/// Tenants whose keys are remembered at most.
const MAX_KNOWN: u64 = 10_000;

/// The keys of tenants, each with the tick of the memory at which its reading began.
#[derive(Debug)]
pub struct SamlKeys {
    known: Cache<String, (u64, Arc<Own>)>,
    /// Held while a first key is made: that takes a core for long.
    making: tokio::sync::Mutex<()>,
}

impl Default for SamlKeys {
    fn default() -> Self {
        Self { known: Cache::new(MAX_KNOWN), making: tokio::sync::Mutex::new(()) }
    }
}

fn sealed_id(id: &str) -> String {
    format!("saml_key/{id}")
}

/// The keys of a tenant; there is one at least.
pub async fn of(app: &App, tenant: &Tenant) -> Result<Arc<Own>> {
    if let Some(held) = read(app, tenant).await? {
        return Ok(held);
    }
    let _making = app.saml_keys.making.lock().await;
    if let Some(held) = read(app, tenant).await? {
        return Ok(held);
    }
    make_first(app, tenant).await?;
    read(app, tenant).await?.ok_or_else(|| Error::internal("a key that was just made is not there"))
}

async fn read(app: &App, tenant: &Tenant) -> Result<Option<Arc<Own>>> {
    if app.memory.is_current()
        && let Some((tick, held)) = app.saml_keys.known.get(&tenant.id)
        && !app.memory.tenant_changed(&tenant.id, tick)
    {
        return Ok(Some(held));
    }
    let (tick, now) = (app.memory.tick(), app.now());
    let mut conn = app.store.read().await?;
    let (mut keys, mut signing) = (Vec::new(), None);
    for key in store::saml_key::list(&mut conn, &tenant.id).await?.into_iter().filter(|k| k.is_published(now)) {
        let Some(private) = secrets::get(app, &mut conn, &sealed_id(&key.id)).await? else { continue };
        if signing.is_none() && key.active_at <= now {
            signing = Some(keys.len());
        }
        keys.push(OwnKey::read(&private, key.certificate)?);
    }
    let Some(signing) = signing else { return Ok(None) };
    let held = Arc::new(Own { keys: Arc::new(keys), signing });
    app.saml_keys.known.insert(tenant.id.clone(), (tick, held.clone()));
    Ok(Some(held))
}

/// Makes a key unless there is one: of two nodes that try at once, one does.
async fn make_first(app: &App, tenant: &Tenant) -> Result<()> {
    let (name, now, random) = (tenant.slug.clone(), app.now(), app.random.clone());
    let making = tokio::task::spawn_blocking(move || own::make(&name, now, &random));
    let (private, certificate) = making.await.map_err(|_| Error::internal("a key for SAML was not made"))??;
    let key = SamlKey {
        id: app.random.hex_id(),
        tenant_id: tenant.id.clone(),
        certificate: STANDARD.encode(certificate),
        created_at: now,
        active_at: now,
        retired_at: None,
    };
    let mut tx = app.store.write().await?;
    if !store::signing_key::hold(&mut tx, &tenant.id).await? {
        return Err(Error::refused(Code::TenantNotFound, "Tenant not found"));
    }
    if store::saml_key::list(&mut tx, &tenant.id).await?.iter().all(|k| !k.is_published(now)) {
        store::saml_key::insert(&mut tx, &key).await?;
        secrets::put(app, &mut tx, &sealed_id(&key.id), &private).await?;
    }
    app.commit(tx).await
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
            let (one, other) = tokio::join!(of(app, &acme), of(app, &acme));
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
            assert!(store::saml_key::list(&mut conn, ACME).await.unwrap().is_empty());
            drop(conn);
            assert!(of(app, &acme).await.is_err(), "none is made for a tenant that is gone");
        }
    }
}
