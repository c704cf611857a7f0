//! Validating and revoking tokens for a caller.

use super::caller::Caller;
use super::token::{self, Token};
use super::{App, audit, revocation};
use crate::cache::{self, Digest};
use crate::error::Result;
use crate::store;

/// The token that a caller may see: 404 if it is not valid, or ended longer ago than `allow_expired` lets pass.
pub async fn validate(
    app: &App,
    caller: &Caller,
    rule: &'static str,
    subject: &str,
    allow_expired: bool,
) -> Result<Token> {
    let now = caller.at;
    let entry = token::valid(app, subject, now).await?;
    app.allow(caller, rule, &entry.prepared.target).await?;
    let window =
        if allow_expired { i64::try_from(app.config.token.allow_expired_window_secs).unwrap_or(i64::MAX) } else { 0 };
    if entry.prepared.expires_at.plus_secs(window) <= now {
        return Err(token::not_found());
    }
    Ok(entry)
}

/// Takes a token back, and with it all that descend from it.
pub async fn revoke(app: &App, caller: &Caller, subject: &str) -> Result<()> {
    let entry = validate(app, caller, "identity:revoke_token", subject, false).await?;
    let now = app.now();
    let digest: Digest = cache::digest(subject);
    let own = entry.facts.payload.audit_ids.first().cloned().ok_or_else(token::not_found)?;
    let mut tx = app.store.write().await?;
    // Two events: this very token, and every token whose chain begins with it, also one that is being made just now.
    let mut events = [revocation::event(app, now), revocation::event(app, now)];
    for event in &mut events {
        event.issued_before = entry.facts.payload.expires_at.0.max(now.0);
    }
    events[0].audit_id = Some(own.clone());
    events[1].audit_chain_id = Some(own.clone());
    for event in &events {
        store::revocation::insert(&mut tx, event).await?;
    }
    audit::changed(app, &mut tx, caller, "token.revoke", ("token", &own), entry.facts.scope.domain_id(), "").await?;
    app.commit(tx).await?;
    app.tokens.forget(&digest);
    Ok(())
}
