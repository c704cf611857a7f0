//! The audit trail: one record for every change and every login, in the database and in the log.
//!
//! A change and its record are one transaction. What was refused is recorded on its own. Records hold names and ids, never
//! values that may be secret.

use super::App;
use super::caller::{Caller, Origin};
use crate::clock::{Random, Timestamp};
use crate::error::{Error, Result, ScimFault};
use crate::model::audit_event::{self, AuditEvent, Outcome};
use crate::model::list::{Page, Query};
use crate::policy::Target;
use crate::store::{self, Conn};

/// An event of now that says nothing yet.
pub fn event(app: &App, origin: Option<&Origin>, action: &str, outcome: Outcome) -> AuditEvent {
    let mut event = blank(app.now(), &app.random, action, outcome);
    if let Some(origin) = origin {
        event.request_id = origin.request_id();
        event.remote = origin.remote();
    }
    event
}

/// An event that comes from no request.
pub fn blank(at: Timestamp, random: &Random, action: &str, outcome: Outcome) -> AuditEvent {
    AuditEvent {
        id: audit_event::new_id(at, random.bytes()),
        at,
        request_id: String::new(),
        action: action.to_owned(),
        outcome: outcome.as_str().to_owned(),
        reason: None,
        user_id: None,
        user_name: None,
        scope_kind: None,
        scope_id: None,
        domain_id: None,
        target_kind: None,
        target_id: None,
        remote: None,
        detail: String::new(),
    }
}

fn of_caller(app: &App, caller: &Caller, action: &str, outcome: Outcome, target: (&str, &str)) -> AuditEvent {
    let facts = caller.facts();
    let (kind, id) = facts.scope.kind_and_id();
    let mut event = event(app, caller.origin.as_ref(), action, outcome);
    event.user_id = Some(facts.payload.user_id.clone());
    event.user_name = Some(facts.user_name.clone());
    event.scope_kind = kind.map(str::to_owned);
    event.scope_id = id.map(str::to_owned);
    event.target_kind = Some(target.0.to_owned());
    event.target_id = Some(cut(target.1)).filter(|id| !id.is_empty());
    event
}

/// Records a change in the transaction that makes it. `detail` names what changed.
pub async fn changed(
    app: &App,
    tx: &mut Conn,
    caller: &Caller,
    action: &str,
    target: (&str, &str),
    domain_id: Option<&str>,
    detail: &str,
) -> Result<()> {
    let mut event = of_caller(app, caller, action, Outcome::Success, target);
    event.domain_id = domain_id.map(str::to_owned);
    event.detail = cut(detail);
    write(tx, &event).await
}

/// Passes `result` on, and records it if the caller was refused or failed.
pub async fn refused<T>(
    app: &App,
    caller: &Caller,
    action: &str,
    target: (&str, &str),
    result: Result<T>,
) -> Result<T> {
    if let Err(error) = &result
        && matches!(
            error,
            Error::Forbidden { .. }
                | Error::Conflict { .. }
                | Error::NotFound { .. }
                | Error::Scim { fault: ScimFault::Uniqueness, .. }
        )
    {
        let mut event = of_caller(app, caller, action, Outcome::Failure, target);
        event.reason = Some(cut(&error.to_string()));
        let mut tx = app.store.write().await?;
        write(&mut tx, &event).await?;
        app.commit(tx).await?;
    }
    result
}

/// Writes an event to the database and to the log.
pub async fn write(conn: &mut Conn, event: &AuditEvent) -> Result<()> {
    let escaped = |text: &Option<String>| text.as_deref().unwrap_or_default().escape_debug().to_string();
    tracing::info!(
        target: "audit",
        id = %event.id,
        request_id = %event.request_id,
        action = %event.action,
        outcome = %event.outcome,
        reason = %escaped(&event.reason),
        user_id = %escaped(&event.user_id),
        target_kind = %escaped(&event.target_kind),
        target_id = %escaped(&event.target_id),
        remote = %escaped(&event.remote),
        "audit"
    );
    store::audit_event::insert(conn, event).await
}

/// At most 255 characters, as the columns hold.
pub fn cut(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(255).collect()
}

/// One page of the trail, newest first.
pub async fn list(
    app: &App,
    caller: &Caller,
    query: &Query,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Page<AuditEvent>> {
    app.allow(caller, "identity:list_audit_events", &Target::new()).await?;
    let mut conn = app.store.read().await?;
    let rows = store::audit_event::list(&mut conn, query, since, until).await?;
    Ok(Page::cut(rows, query.limit))
}
