//! `/v3/groups`, their users, and `/v3/users/{user_id}/groups`

use std::sync::Arc;

use serde_json::json;

use super::{users, view};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::group::Group;
use crate::service::{App, group};

const FILTERS: &[Filter] =
    &[("id", "g.id", Kind::Text), ("domain_id", "g.domain_id", Kind::Text), ("name", "g.name", Kind::Text)];

/// `GET /v3/groups`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let limit = query.limit;
    let page = group::list(&app, &caller, query).await?;
    Ok(Reply::ok(&view::collection(&app, &req, "groups", &page, limit, |g| view::group(&app, g), |g| g.id.clone())))
}

/// `GET /v3/users/{user_id}/groups`
pub async fn list_of_user(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let limit = query.limit;
    let page = group::list_of_user(&app, &caller, req.param("user_id")?, query).await?;
    let show = |(group, end): &(Group, Option<Timestamp>)| {
        let mut shown = view::group(&app, group);
        shown["membership_expires_at"] = view::ends_at(*end);
        shown
    };
    Ok(Reply::ok(&view::collection(&app, &req, "groups", &page, limit, show, |(g, _)| g.id.clone())))
}

/// `POST /v3/groups`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = group::create(&app, &caller, &body).await?;
    Ok(Reply::created(&json!({"group": view::group(&app, &made)})))
}

/// `GET /v3/groups/{group_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = group::get(&app, &caller, req.param("group_id")?).await?;
    Ok(Reply::ok(&json!({"group": view::group(&app, &found)})))
}

/// `PATCH /v3/groups/{group_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = group::update(&app, &caller, req.param("group_id")?, &body).await?;
    Ok(Reply::ok(&json!({"group": view::group(&app, &next)})))
}

/// `DELETE /v3/groups/{group_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    group::delete(&app, &caller, req.param("group_id")?).await?;
    Ok(Reply::no_content())
}

/// `GET /v3/groups/{group_id}/users`
pub async fn list_users(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(users::FILTERS, app.page_limit())?;
    let limit = query.limit;
    let page = group::list_users(&app, &caller, req.param("group_id")?, query).await?;
    Ok(Reply::ok(&view::collection(&app, &req, "users", &page, limit, |u| view::user(&app, u), |u| u.id.clone())))
}

/// `GET` and `HEAD /v3/groups/{group_id}/users/{user_id}`
pub async fn check_user(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    group::check_user(&app, &caller, req.param("group_id")?, req.param("user_id")?).await?;
    Ok(Reply::no_content())
}

/// `PUT /v3/groups/{group_id}/users/{user_id}`
pub async fn add_user(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    group::add_user(&app, &caller, req.param("group_id")?, req.param("user_id")?).await?;
    Ok(Reply::no_content())
}

/// `DELETE /v3/groups/{group_id}/users/{user_id}`
pub async fn remove_user(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    group::remove_user(&app, &caller, req.param("group_id")?, req.param("user_id")?).await?;
    Ok(Reply::no_content())
}
