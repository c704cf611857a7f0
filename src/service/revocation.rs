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

/// A fresh event that voids all tokens of a user. One issued in the second of an earlier such event bears the second after
/// it (see `issue`), so this one reaches at least that far.
pub fn of_user(app: &App, user_id: &str) -> RevocationEvent {
    let now = app.now();
    let borne = app.memory.user_revoked_until(user_id).map_or(now, |until| until.whole_seconds().plus_secs(1));
    let mut event = event(app, now);
    event.user_id = Some(user_id.to_owned());
    event.issued_before = now.max(borne).0;
    event
}
