//! `/Users` (RFC 7644 §3).

use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;

use super::{Visit, location, resource, search, unchanged};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::scim::Kind;
use crate::model::scim::projection::Projection;
use crate::model::scim::search::Search;
use crate::service::App;
use crate::service::scim::user::{self as service, Shown};

/// A user with what is wanted of them.
pub(super) fn shown_in(base: &str, projection: &Projection, shown: &Shown) -> Value {
    projection.of(shown.account.resource(base, &shown.groups))
}

fn one(status: StatusCode, base: &str, projection: &Projection, shown: &Shown) -> Result<Reply> {
    let account = &shown.account;
    let location = location(base, Kind::User, &account.user.id);
    resource(status, &location, account.version(), &shown_in(base, projection, shown))
}

async fn page(visit: &Visit, search: &Search) -> Result<Reply> {
    let found = service::list(&visit.app, &visit.caller, &visit.tenant_id, search, false).await?;
    let resources = found.items.iter().map(|u| shown_in(&visit.base, &search.projection, u)).collect();
    Ok(search::page(search, found.total, resources))
}

/// `GET /Users`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = Visit::of(app, req).await?;
    let search = search::of_query(Kind::User, &visit.req.query()?)?;
    page(&visit, &search).await
}

/// `POST /Users/.search`
pub async fn search(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let body = visit.body().await?;
    page(&visit, &Search::of_body(Some(Kind::User), &body)?).await
}

/// `POST /Users`
pub async fn create(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let (projection, body) = (search::projection(&visit.req)?, visit.body().await?);
    let made = service::create(&visit.app, &visit.caller, &visit.tenant_id, &body).await?;
    one(StatusCode::CREATED, &visit.base, &projection, &made)
}

/// `GET /Users/{user_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = Visit::of(app, req).await?;
    let projection = search::projection(&visit.req)?;
    let found = service::get(&visit.app, &visit.caller, &visit.tenant_id, visit.req.param("user_id")?).await?;
    match found.account.version() {
        version if visit.has(version)? => unchanged(version),
        _ => one(StatusCode::OK, &visit.base, &projection, &found),
    }
}

/// `PUT /Users/{user_id}`
pub async fn replace(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let (projection, body) = (search::projection(&visit.req)?, visit.body().await?);
    let (id, expected) = (visit.req.param("user_id")?, visit.expected()?);
    let done = service::replace(&visit.app, &visit.caller, &visit.tenant_id, id, &expected, &body).await?;
    one(StatusCode::OK, &visit.base, &projection, &done)
}

/// `PATCH /Users/{user_id}`
pub async fn update(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let (projection, body) = (search::projection(&visit.req)?, visit.body().await?);
    let (id, expected) = (visit.req.param("user_id")?, visit.expected()?);
    let done = service::update(&visit.app, &visit.caller, &visit.tenant_id, id, &expected, &body).await?;
    one(StatusCode::OK, &visit.base, &projection, &done)
}

/// `DELETE /Users/{user_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = Visit::of(app, req).await?;
    let (id, expected) = (visit.req.param("user_id")?, visit.expected()?);
    service::delete(&visit.app, &visit.caller, &visit.tenant_id, id, &expected).await?;
    Ok(Reply::no_content())
}
