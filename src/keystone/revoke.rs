//! `/v3/OS-REVOKE/events`

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::view;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::revocation::RevocationEvent;
use crate::service::{App, revocation};

/// An event as Keystone shows it: only the fields that it names.
fn shown(event: &RevocationEvent) -> Value {
    let mut out = Map::new();
    let texts = [
        ("audit_id", &event.audit_id),
        ("audit_chain_id", &event.audit_chain_id),
        ("user_id", &event.user_id),
        ("project_id", &event.project_id),
        ("domain_id", &event.domain_id),
        ("role_id", &event.role_id),
        ("OS-TRUST:trust_id", &event.trust_id),
        ("OS-OAUTH1:consumer_id", &event.consumer_id),
        ("OS-OAUTH1:access_token_id", &event.access_token_id),
        ("identity_provider_id", &event.idp_id),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            out.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(at) = event.expires_at {
        out.insert("expires_at".to_owned(), json!(Timestamp(at).to_string()));
    }
    out.insert("issued_before".to_owned(), json!(Timestamp(event.issued_before).to_string()));
    out.insert("revoked_at".to_owned(), json!(Timestamp(event.revoked_at).to_string()));
    Value::Object(out)
}

/// `GET ?since=`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let since = match parameters.get("since") {
        None => None,
        Some(text) => Some(
            Timestamp::parse(text)
                .ok_or_else(|| Error::invalid_field("since", "the value is not a time such as 2026-01-31T12:00:00Z"))?,
        ),
    };
    let query = parameters.list(&[], app.page_limit())?;
    // A page goes on after a time and an id.
    let marker = match query.marker.as_deref() {
        None => None,
        Some(text) => Some(
            text.split_once('-')
                .and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id)))
                .ok_or_else(|| Error::not_found(format!("Marker {text} could not be found.")))?,
        ),
    };
    let page = revocation::list(&app, &caller, since, marker, query.limit).await?;
    Ok(Reply::ok(&view::collection(&app, &req, "events", &page, query.limit, shown, |e| {
        format!("{}-{}", e.revoked_at, e.id)
    })))
}
