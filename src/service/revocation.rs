//! The revocation list (OS-REVOKE), for services that still poll it.

use super::App;
use super::caller::Caller;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::list::Page;
use crate::model::revocation::RevocationEvent;
use crate::policy::Target;
use crate::store;

/// Events since a time, oldest first: those that can still hit a living token.
pub async fn list(
    app: &App,
    caller: &Caller,
    since: Option<Timestamp>,
    marker: Option<(i64, &str)>,
    limit: usize,
) -> Result<Page<RevocationEvent>> {
    app.allow(caller, "identity:list_revoke_events", &Target::new()).await?;
    let oldest = app.oldest_revocation();
    let since = since.map_or(oldest, |s| s.max(oldest));
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let rows = store::revocation::list(&mut app.store.read().await?, since, marker, fetch).await?;
    Ok(Page::cut(rows, limit))
}

/// A fresh revocation event that names nothing yet.
pub fn event(app: &App, now: Timestamp) -> RevocationEvent {
    RevocationEvent::new(app.random.hex_id(), now)
}

/// Voids all tokens of an audit chain, the first of which has this audit id.
pub fn of_chain(app: &App, audit_chain_id: &str) -> RevocationEvent {
    let mut event = event(app, app.now());
    event.audit_chain_id = Some(audit_chain_id.to_owned());
    event
}

/// A fresh event that voids all tokens of a user. One issued in the second of an earlier such event bears the second after
/// it (see `issue`), so this one reaches at least that far.
pub fn of_user(app: &App, user_id: &str) -> RevocationEvent {
    let (_, of_protocols) = app.memory.latest_revocations();
    let mut event = reaching(app, app.memory.user_revoked_until(user_id), of_protocols);
    event.user_id = Some(user_id.to_owned());
    event
}

/// The same for all tokens that came through an identity provider.
pub fn of_identity_provider(app: &App, idp_id: &str) -> RevocationEvent {
    let (of_users, _) = app.memory.latest_revocations();
    let mut event = reaching(app, app.memory.protocol_revoked_until(idp_id, None), of_users);
    event.idp_id = Some(idp_id.to_owned());
    event
}

/// The same for all tokens that came by one protocol of an identity provider.
pub fn of_protocol(app: &App, idp_id: &str, protocol_id: &str) -> RevocationEvent {
    let (of_users, _) = app.memory.latest_revocations();
    let mut event = reaching(app, app.memory.protocol_revoked_until(idp_id, Some(protocol_id)), of_users);
    event.idp_id = Some(idp_id.to_owned());
    event.protocol_id = Some(protocol_id.to_owned());
    event
}

/// The same for a user's tokens that came by one protocol of an identity provider.
pub fn of_link(app: &App, user_id: &str, idp_id: &str, protocol_id: &str) -> RevocationEvent {
    let same = app.memory.user_revoked_until(user_id).max(app.memory.protocol_revoked_until(idp_id, Some(protocol_id)));
    let mut event = reaching(app, same, None);
    event.user_id = Some(user_id.to_owned());
    event.idp_id = Some(idp_id.to_owned());
    event.protocol_id = Some(protocol_id.to_owned());
    event
}

/// An event of now that reaches tokens which bear the second after an earlier one: after the latest of the `same` thing,
/// and after one of this second that concerns an `other` thing that the token rests on.
fn reaching(app: &App, same: Option<Timestamp>, other: Option<Timestamp>) -> RevocationEvent {
    let now = app.now();
    let after = |second: Timestamp| second.whole_seconds().plus_secs(1);
    let aside = other.filter(|at| *at >= now.whole_seconds()).map(|_| after(now));
    let mut event = event(app, now);
    event.issued_before = now.max(same.map_or(now, after)).max(aside.unwrap_or(now)).0;
    event
}
