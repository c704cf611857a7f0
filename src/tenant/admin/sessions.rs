//! `/api/v1/admin/sessions`: who is signed in at a tenant, and ending that.

use std::sync::Arc;

use serde_json::{Value, json};

use super::body;
use super::page::{Page, required};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Route;
use crate::model::fields::Fields;
use crate::model::job::Job;
use crate::model::setting::{MISSING, UNKNOWN};
use crate::service::App;
use crate::service::session::{self, Seen};

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

/// `GET /api/v1/admin/sessions`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let (page, tenant_id) = (Page::of(&parameters)?, required(&parameters, "tenant_id")?);
    let user_id = parameters.get("user_id").filter(|id| !id.is_empty());
    let found = session::list(&app, &caller, tenant_id, user_id, page.window()).await?;
    Ok(Reply::ok(&page.shown(&found, shown)))
}

/// `GET /api/v1/admin/sessions/{session_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let tenant_id = required(&parameters, "tenant_id")?;
    let seen = session::get(&app, &caller, tenant_id, req.param("session_id")?).await?;
    Ok(Reply::ok(&shown(&seen)))
}

/// `DELETE /api/v1/admin/sessions/{session_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let tenant_id = required(&parameters, "tenant_id")?;
    session::delete(&app, &caller, tenant_id, req.param("session_id")?).await?;
    Ok(Reply::no_content())
}

/// `POST /api/v1/admin/sessions/revoke-all`
pub async fn revoke_all(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = body::read(&mut req).await?;
    let (tenant_id, user_id) = body::judged(whose(&body))?;
    let revoked = session::revoke_all(&app, &caller, &tenant_id, user_id.as_deref()).await?;
    Ok(Reply::ok(&json!({ "revoked": revoked })))
}

/// The tenant whose sessions end, and the user if they are one's only.
fn whose(body: &Value) -> Result<(String, Option<String>)> {
    let mut fields = Fields::at(body, "")?;
    let tenant_id = fields.text("tenant_id", 1..=MAX_ID)?;
    let tenant_id = tenant_id.ok_or_else(|| Error::invalid_field("tenant_id", MISSING))?;
    let user_id = fields.text("user_id", 1..=MAX_ID)?;
    match body.as_object().and_then(|all| all.keys().find(|k| *k != "tenant_id" && *k != "user_id")) {
        Some(other) => Err(Error::invalid_field(format!("{other:.100}"), UNKNOWN)),
        None => Ok((tenant_id, user_id)),
    }
}

#[cfg(test)]
mod tests;
