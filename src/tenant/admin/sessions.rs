//! `/api/v1/admin/sessions`: who is signed in at a tenant, and ending that.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::query::Parameters;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Route;
use crate::model::fields::Fields;
use crate::model::job::Job;
use crate::model::list::Window;
use crate::service::App;
use crate::service::session::{self, Seen};

/// Items on a page, unless it is told otherwise, and at most.
const PER_PAGE: i64 = 20;
const MAX_PER_PAGE: i64 = 100;
/// Longest id, in characters.
const MAX_ID: usize = 64;

/// The routes of sessions.
pub fn routes() -> Vec<Route> {
    const ALL: &str = "/api/v1/admin/sessions";
    const ONE: &str = "/api/v1/admin/sessions/{session_id}";
    vec![
        Route::get(ALL, "tenant:list_sessions", list),
        Route::get(ONE, "tenant:get_session", get),
        Route::delete(ONE, "tenant:delete_session", delete),
        Route::post("/api/v1/admin/sessions/revoke-all", "tenant:revoke_sessions", revoke_all),
    ]
}

/// A session as the face shows it.
fn shown(seen: &Seen) -> Value {
    let Seen { session: it, applications } = seen;
    let upstream = it.upstream.as_ref();
    let time = |at: Timestamp| at.to_string();
    let applications: Vec<Value> = applications
        .iter()
        .map(|(client_id, notice)| json!({"client_id": client_id, "notice": notice.as_ref().map(shown_notice)}))
        .collect();
    json!({
        "id": it.id,
        "tenant_id": it.tenant_id,
        "user_id": it.user_id,
        "idp_id": upstream.map(|u| &u.idp_id),
        "protocol_id": upstream.map(|u| &u.protocol_id),
        "subject": upstream.map(|u| &u.subject),
        "auth_time": time(it.auth_time),
        "amr": it.amr,
        "acr": it.acr,
        "ip": it.remote,
        "user_agent": it.user_agent,
        "created_at": time(it.created_at),
        "last_seen": time(it.last_seen),
        "expires_at": time(it.expires_at),
        "terminated_at": it.terminated_at.map(time),
        "terminated_reason": it.terminated_reason,
        "applications": applications,
    })
}

/// What became of telling an application.
fn shown_notice(job: &Job) -> Value {
    json!({
        "job_id": job.id,
        "state": job.state.as_str(),
        "attempts": job.attempts,
        "error": job.error,
        "updated_at": job.updated_at.to_string(),
    })
}

fn tenant_id<'q>(parameters: &'q Parameters<'_>) -> Result<&'q str> {
    let id = parameters.get("tenant_id").filter(|id| !id.is_empty() && id.len() <= MAX_ID);
    id.ok_or_else(|| Error::invalid_field("tenant_id", "names the tenant and is required"))
}

/// Which page is asked for: its number and its length.
fn page(parameters: &Parameters<'_>) -> Result<(i64, i64)> {
    let number = |name: &str, default: i64, most: i64| match parameters.get(name) {
        None | Some("") => Ok(default),
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|n| (1..=most).contains(n))
            .ok_or_else(|| Error::invalid_field(name, format!("must be a whole number from 1 to {most}"))),
    };
    Ok((number("page", 1, 1_000_000)?, number("per_page", PER_PAGE, MAX_PER_PAGE)?))
}

/// `GET /api/v1/admin/sessions`
async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let (page, per_page) = page(&parameters)?;
    let window = Window { limit: per_page, offset: (page - 1) * per_page };
    let user_id = parameters.get("user_id").filter(|id| !id.is_empty());
    let found = session::list(&app, &caller, tenant_id(&parameters)?, user_id, window).await?;
    let items: Vec<Value> = found.items.iter().map(shown).collect();
    Ok(Reply::ok(&json!({"items": items, "total": found.total, "page": page, "per_page": per_page})))
}

/// `GET /api/v1/admin/sessions/{session_id}`
async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let seen = session::get(&app, &caller, tenant_id(&parameters)?, req.param("session_id")?).await?;
    Ok(Reply::ok(&shown(&seen)))
}

/// `DELETE /api/v1/admin/sessions/{session_id}`
async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    session::delete(&app, &caller, tenant_id(&parameters)?, req.param("session_id")?).await?;
    Ok(Reply::no_content())
}

/// `POST /api/v1/admin/sessions/revoke-all`
async fn revoke_all(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let read = || {
        let mut fields = Fields::at(&body, "")?;
        let missing = || Error::unprocessable("tenant_id", "missing", "Field required");
        let tenant_id = fields.text("tenant_id", 1..=MAX_ID)?.ok_or_else(missing)?;
        let user_id = fields.text("user_id", 1..=MAX_ID)?;
        fields.finish()?;
        Ok((tenant_id, user_id))
    };
    let (tenant_id, user_id) = read().map_err(|error| match error {
        Error::Invalid { message, field } => Error::unprocessable(field.unwrap_or_default(), "value_error", message),
        other => other,
    })?;
    let revoked = session::revoke_all(&app, &caller, &tenant_id, user_id.as_deref()).await?;
    Ok(Reply::ok(&json!({ "revoked": revoked })))
}

#[cfg(test)]
mod tests;
