//! `/v3/users`

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, identity, password};

/// What users can be filtered by.
pub const FILTERS: &[Filter] = &[
    ("id", "u.id", Kind::Text),
    ("domain_id", "u.domain_id", Kind::Text),
    ("name", "u.name", Kind::Text),
    ("enabled", "u.enabled", Kind::Bool),
    ("password_expires_at", "w.expires_at", Kind::Time),
    ("idp_id", "f.idp_id", Kind::Text),
    ("protocol_id", "f.protocol_id", Kind::Text),
    ("unique_id", "f.unique_id", Kind::Text),
];

/// `GET /v3/users`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let limit = query.limit;
    let page = identity::list(&app, &caller, query).await?;
    Ok(Reply::ok(&view::collection(&app, &req, "users", &page, limit, |u| view::user(&app, u), |u| u.id.clone())))
}

/// `POST /v3/users`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = identity::create(&app, &caller, &body).await?;
    Ok(Reply::created(&json!({"user": view::one_user(&app, &made)})))
}

/// `GET /v3/users/{user_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = identity::get(&app, &caller, req.param("user_id")?).await?;
    Ok(Reply::ok(&json!({"user": view::one_user(&app, &found)})))
}

/// `PATCH /v3/users/{user_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = identity::update(&app, &caller, req.param("user_id")?, &body).await?;
    Ok(Reply::ok(&json!({"user": view::one_user(&app, &next)})))
}

/// `DELETE /v3/users/{user_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    identity::delete(&app, &caller, req.param("user_id")?).await?;
    Ok(Reply::no_content())
}

/// `POST /v3/users/{user_id}/password`: no token, the password itself is the proof.
pub async fn change_password(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let body = req.json().await?;
    let origin = req.origin(&app);
    password::change_own(&app, &origin, req.param("user_id")?, &body).await?;
    Ok(Reply::no_content())
}
