//! Tokens by which directories change the users and groups of one tenant by SCIM.
//!
//! A token is random and shown once; what is kept is its digest. There may be several, so that one can take another's place
//! while nobody is kept out. It opens the SCIM of its tenant and nothing else: no other face reads it (ADM-TEN-1).

use serde_json::Value;

use super::reach::admitted;
use crate::error::{Error, Result};
use crate::model::list::{Portion, Window};
use crate::model::scim::token::{Create, PREFIX, ScimToken};
use crate::secret::{self, Secret};
use crate::service::caller::{Caller, Origin};
use crate::service::{App, audit};
use crate::store;

const KIND: &str = "scim_token";
/// Most tokens of one tenant.
const MAX_TOKENS: i64 = 10;
/// Seconds between two notes that a token was used, at most.
const TOUCH_SECS: i64 = 60;
/// Longest token that is looked for, in bytes.
const MAX_LENGTH: usize = 128;

/// A token that has been made; nobody sees it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What is kept of it.
    pub token: ScimToken,
    /// The token itself.
    pub secret: Secret,
}

/// Part of a tenant's tokens, in order of their making.
pub async fn list(app: &App, caller: &Caller, tenant_id: &str, window: Window) -> Result<Portion<ScimToken>> {
    let tenant = admitted(app, caller, "tenant:list_scim_tokens", tenant_id, None).await?;
    let mut conn = app.store.read().await?;
    let total = store::scim::token::count(&mut conn, &tenant.id).await?;
    Ok(Portion { items: store::scim::token::list(&mut conn, &tenant.id, window).await?, total })
}

/// Makes a token.
pub async fn create(app: &App, caller: &Caller, tenant_id: &str, body: &Value) -> Result<Made> {
    let done = make(app, caller, tenant_id, body).await;
    audit::refused(app, caller, "tenant.scim_token.create", ("tenant", tenant_id), done).await
}

async fn make(app: &App, caller: &Caller, tenant_id: &str, body: &Value) -> Result<Made> {
    let tenant = admitted(app, caller, "tenant:create_scim_token", tenant_id, Some(body)).await?;
    let create = Create::parse(body)?;
    let now = app.now();
    let token = ScimToken {
        id: format!("scim_{}", app.random.hex_id()),
        tenant_id: tenant.id.clone(),
        name: create.name,
        created_at: now,
        expires_at: create.expires_in_secs.map(|secs| now.plus_secs(secs)),
        last_used_at: None,
    };
    let text = format!("{PREFIX}{}", app.random.token());
    let mut tx = app.store.write().await?;
    store::domain::lock(&mut tx, &tenant.id).await?;
    if store::scim::token::count(&mut tx, &tenant.id).await? >= MAX_TOKENS {
        return Err(Error::conflict(format!("The tenant has {MAX_TOKENS} SCIM tokens already; delete one first.")));
    }
    store::scim::token::insert(&mut tx, &token, &secret::digest(&text)).await?;
    let detail = format!("tenant={} name={}", tenant.id, token.name);
    audit::changed(app, &mut tx, caller, "tenant.scim_token.create", (KIND, &token.id), Some(&tenant.id), &detail)
        .await?;
    app.commit(tx).await?;
    Ok(Made { token, secret: Secret::from(text) })
}

/// Deletes a token: nobody is let in by it any more.
pub async fn delete(app: &App, caller: &Caller, tenant_id: &str, id: &str) -> Result<()> {
    let done = remove(app, caller, tenant_id, id).await;
    audit::refused(app, caller, "tenant.scim_token.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, tenant_id: &str, id: &str) -> Result<()> {
    let tenant = admitted(app, caller, "tenant:delete_scim_token", tenant_id, None).await?;
    let mut tx = app.store.write().await?;
    let gone = store::scim::token::delete(&mut tx, &tenant.id, id).await?;
    let name = gone.ok_or_else(|| Error::not_found(format!("The tenant has no SCIM token {id:.64}.")))?;
    let detail = format!("tenant={} name={name}", tenant.id);
    audit::changed(app, &mut tx, caller, "tenant.scim_token.delete", (KIND, id), Some(&tenant.id), &detail).await?;
    app.commit(tx).await
}

/// Whether a text can be such a token.
pub fn is_one(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Whoever holds this token, or 401. It is asked for each time: one that was deleted on another node is none here either.
pub async fn holder(app: &App, text: &str, origin: Origin) -> Result<Caller> {
    let refuse = |reason: &str| Error::unauthorized(format!("SCIM token: {reason}"));
    if !is_one(text) || text.len() > MAX_LENGTH {
        return Err(refuse("it is none"));
    }
    let mut conn = app.store.read().await?;
    let found = store::scim::token::get_by_digest(&mut conn, &secret::digest(text)).await?;
    let token = found.ok_or_else(|| refuse("there is none like it"))?;
    let tenant = store::tenant::get(&mut conn, &token.tenant_id).await?.ok_or_else(|| refuse("its tenant is gone"))?;
    let now = app.now();
    if token.expires_at.is_some_and(|at| at <= now) {
        return Err(refuse("it has ended"));
    }
    if !tenant.active || !tenant.domain_enabled {
        return Err(refuse("its tenant is not active"));
    }
    if token.last_used_at.is_none_or(|at| at.plus_secs(TOUCH_SECS) <= now) {
        let mut conn = app.store.write_once_over(conn).await?;
        store::scim::token::touch(&mut conn, &token.id, now).await?;
    }
    Ok(Caller::of_scim_token(app, &token, &tenant, origin))
}
