//! What a token says (RFC 7662), and taking it back (RFC 7009). An application learns of its own tokens and of those that are
//! for it; any other is, to it, none at all (OP-INTRO-1, OP-REVOKE-1).

use serde_json::{Map, Value, json};

use super::super::tenant::Client;
use super::super::{App, audit, revocation};
use super::token::Asking;
use super::{access, standing};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::tenant::Tenant;
use crate::secret::digest;
use crate::store;

/// Claims of an access token that are passed on as they are.
const SHOWN: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "scope",
    "exp",
    "iat",
    "jti",
    "tenant_id",
    "sid",
    "auth_time",
    "acr",
    "amr",
    "act",
    "grant_id",
];

/// What `token` says to this application.
pub async fn introspect(app: &App, tenant: &Tenant, client: &Client, token: &str) -> Result<Value> {
    let told = match of_access_token(app, tenant, client, token).await? {
        Some(told) => Some(told),
        None => of_refresh_token(app, tenant, client, token).await?,
    };
    Ok(told.map_or_else(|| json!({"active": false}), Value::Object))
}

async fn of_access_token(
    app: &App,
    tenant: &Tenant,
    client: &Client,
    token: &str,
) -> Result<Option<Map<String, Value>>> {
    let granted = match access::resolve(app, tenant, token).await {
        Ok(granted) => granted,
        Err(Error::Refused { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let access = &granted.prepared;
    let application = &client.application;
    let is_its = access.client_id == application.id || access.audience.contains(&application.id);
    if !is_its && !application.settings.may_introspect {
        return Ok(None);
    }
    let mut told = Map::new();
    told.insert("active".into(), json!(true));
    told.insert("token_type".into(), json!("Bearer"));
    for name in SHOWN {
        if let Some(value) = access.claims.get(name) {
            told.insert(name.into(), value.clone());
        }
    }
    if access.user_id.is_some() {
        told.insert("username".into(), json!(granted.facts.user_name));
    }
    Ok(Some(told))
}

async fn of_refresh_token(
    app: &App,
    tenant: &Tenant,
    client: &Client,
    token: &str,
) -> Result<Option<Map<String, Value>>> {
    let mut conn = app.store.read().await?;
    let Some(stored) = store::authorization::get_refresh(&mut conn, &digest(token)).await? else { return Ok(None) };
    let Some((authorization, session_ends)) =
        store::authorization::get_in_session(&mut conn, &stored.authorization_id).await?
    else {
        return Ok(None);
    };
    let is_its = authorization.client_id == client.application.id;
    let live = stored.used_at.is_none() && app.now().0 < stored.expires_at;
    if !is_its || !live {
        return Ok(None);
    }
    let Ok(held) = standing::of(app, &mut conn, tenant, &authorization, session_ends, true).await? else {
        return Ok(None);
    };
    let told = json!({
        "active": true,
        "iss": tenant.issuer(&app.public_url),
        "sub": authorization.user_id,
        "client_id": authorization.client_id,
        "username": held.identity.user.name,
        "scope": authorization.facts.scopes.join(" "),
        "iat": Timestamp(stored.created_at).secs(),
        "exp": Timestamp(stored.expires_at).secs(),
        "tenant_id": tenant.id,
    });
    Ok(told.as_object().cloned())
}

/// Takes a token of this application back: an access token alone, a refresh token with all that came of the same
/// authorization. What is no token of its is passed over.
pub async fn revoke(asking: &Asking<'_>, client: &Client, token: &str) -> Result<()> {
    let Asking { app, tenant, .. } = *asking;
    match access::resolve(app, tenant, token).await {
        Ok(granted) => {
            let access = &granted.prepared;
            if access.client_id != client.application.id {
                return Ok(());
            }
            let mut event = revocation::event(app, app.now());
            event.audit_id = Some(access.jti.clone());
            // A token may bear the second after an earlier revocation.
            event.issued_before = event.issued_before.max(access.issued_at.0);
            let mut tx = app.store.write().await?;
            store::revocation::insert(&mut tx, &event).await?;
            return app.commit(tx).await;
        }
        Err(Error::Refused { .. }) => {}
        Err(other) => return Err(other),
    }
    let mut conn = app.store.read().await?;
    let Some(stored) = store::authorization::get_refresh(&mut conn, &digest(token)).await? else { return Ok(()) };
    let Some(authorization) = store::authorization::get(&mut conn, &stored.authorization_id).await? else {
        return Ok(());
    };
    drop(conn);
    if authorization.client_id != client.application.id || authorization.tenant_id != tenant.id {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    if super::revoke(app, &mut tx, &authorization.id, "revoked_by_application").await? {
        let mut event = asking.failure("oauth.authorization.revoked", &authorization);
        event.outcome = crate::model::audit_event::Outcome::Success.as_str().to_owned();
        audit::write(&mut tx, &event).await?;
    }
    app.commit(tx).await
}
