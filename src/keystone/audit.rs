//! `/v3/archstone/audit`: the audit trail, newest first (ours; Keystone has none).

use std::sync::Arc;

use serde_json::{Value, json};

use super::view;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::query::{Filter, Kind, Parameters};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::audit_event::AuditEvent;
use crate::service::{App, audit};

const FILTERS: &[Filter] = &[
    ("action", "action", Kind::Text),
    ("outcome", "outcome", Kind::Text),
    ("user_id", "user_id", Kind::Text),
    ("user_name", "user_name", Kind::Text),
    ("domain_id", "domain_id", Kind::Text),
    ("target_kind", "target_kind", Kind::Text),
    ("target_id", "target_id", Kind::Text),
    ("request_id", "request_id", Kind::Text),
];

fn shown(e: &AuditEvent) -> Value {
    json!({
        "id": e.id,
        "at": e.at.to_string(),
        "request_id": e.request_id,
        "action": e.action,
        "outcome": e.outcome,
        "reason": e.reason,
        "user": {"id": e.user_id, "name": e.user_name},
        "scope": {"kind": e.scope_kind, "id": e.scope_id},
        "domain_id": e.domain_id,
        "target": {"kind": e.target_kind, "id": e.target_id},
        "remote": e.remote,
        "detail": e.detail,
    })
}

fn time(parameters: &Parameters<'_>, name: &str) -> Result<Option<Timestamp>> {
    let parse = |text: &str| {
        Timestamp::parse(text)
            .ok_or_else(|| Error::invalid_field(name, "the value is not a time such as 2026-01-31T12:00:00Z"))
    };
    parameters.get(name).map(parse).transpose()
}

/// `GET`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let query = parameters.list(FILTERS, app.page_limit())?;
    let (since, until) = (time(&parameters, "since")?, time(&parameters, "until")?);
    let page = audit::list(&app, &caller, &query, since, until).await?;
    Ok(Reply::ok(&view::collection(&app, &req, "audit_events", &page, query.limit, shown, |e| e.id.clone())))
}
