//! Another key for a platform: made there, switched to here, and only then is the old one taken away (sso-api §7.3).

use super::{KIND, Ready, find, not_found, secret_id, seen, told};
use crate::error::{Error, Result};
use crate::model::platform::CredentialKind;
use crate::platform::{Adapter, Key};
use crate::service::caller::Caller;
use crate::service::{App, audit, secrets};
use crate::store;

/// Makes another key; it is told this once.
pub async fn rotate(app: &App, caller: &Caller, id: &str) -> Result<Key> {
    let done = exchange(app, caller, id).await;
    audit::refused(app, caller, "platform.rotate_keys", (KIND, id), done).await
}

async fn exchange(app: &App, caller: &Caller, id: &str) -> Result<Key> {
    app.allow(caller, "sso:rotate_platform_keys", &seen(id)).await?;
    let mut conn = app.store.read().await?;
    let stored = find(&mut conn, id).await?.platform;
    let product = stored.product().ok_or_else(|| {
        Error::conflict(format!("product type {} has no keys that this service can make", stored.product_type))
    })?;
    let old = stored.account.clone().filter(|_| stored.credential == Some(CredentialKind::Key));
    let ready = Ready::of(app, &mut conn, stored).await?;
    drop(conn);
    let adapter = Adapter::of(product);
    let name = format!("archstone-{}", id.get(..8).unwrap_or(id));
    let key = adapter.rotate(&ready.site(app), &name).await.map_err(told)?;

    let mut tx = app.store.write().await?;
    let mut next = store::platform::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    next.account = Some(key.id.clone());
    next.account_name = Some(key.name.clone());
    next.credential = Some(CredentialKind::Key);
    (next.version, next.updated_at) = (next.version + 1, app.now());
    if !store::platform::update(&mut tx, &next, Some(app.now())).await? {
        return Err(Error::conflict("The platform was changed by somebody else meanwhile; try again."));
    }
    secrets::put(app, &mut tx, &secret_id(id), &key.secret).await?;
    audit::changed(app, &mut tx, caller, "platform.rotate_keys", (KIND, id), None, &format!("key={}", key.id)).await?;
    let ready = Ready::of(app, &mut tx, next).await?;
    app.commit(tx).await?;
    if let Some(old) = old.filter(|old| *old != key.id)
        && let Err(problem) = adapter.revoke(&ready.site(app), &old).await
    {
        // It is the platform's administrator who can take it away now; ours is in use already.
        tracing::warn!(platform = %id, key = %old.escape_debug(), reason = %problem.message, "an old key could not be taken away");
    }
    Ok(key)
}
