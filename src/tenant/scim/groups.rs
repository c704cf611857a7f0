//! `/Groups` (RFC 7644 §3). Members are read only where the answer has them; a change by `PATCH` answers 204 without a body
//! unless the query says what it is to show, so that a large group is not sent back for each piece of it.

use std::sync::Arc;

use http::StatusCode;
use http::header::ETAG;
use serde_json::Value;

use super::{Visit, header, location, resource, search, unchanged};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::scim::Kind;
use crate::model::scim::account::tag;
use crate::model::scim::projection::Projection;
use crate::model::scim::search::Search;
use crate::service::App;
use crate::service::scim::group::{self as service, Shown};

/// A group with what is wanted of it.
pub(super) fn shown_in(base: &str, projection: &Projection, shown: &Shown) -> Value {
    projection.of(shown.entry.resource(base, shown.members.as_deref()))
}

fn one(status: StatusCode, base: &str, projection: &Projection, shown: &Shown) -> Result<Reply> {
    let location = location(base, Kind::Group, &shown.entry.group.id);
    resource(status, &location, shown.entry.version, &shown_in(base, projection, shown))
}

async fn page(visit: &Visit, search: &Search) -> Result<Reply> {
    let found = service::list(&visit.app, &visit.caller, &visit.tenant_id, search, false).await?;
    let resources = found.items.iter().map(|g| shown_in(&visit.base, &search.projection, g)).collect();
    Ok(search::page(search, found.total, resources))
}

/// `GET /Groups`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = Visit::of(app, req).await?;
    let search = search::of_query(Kind::Group, &visit.req.query()?)?;
    page(&visit, &search).await
}

/// `POST /Groups/.search`
pub async fn search(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let body = visit.body().await?;
    page(&visit, &Search::of_body(Some(Kind::Group), &body)?).await
}

/// `POST /Groups`
pub async fn create(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let (projection, body) = (search::projection(&visit.req)?, visit.body().await?);
    let members = projection.wants("members");
    let made = service::create(&visit.app, &visit.caller, &visit.tenant_id, &body, members).await?;
    one(StatusCode::CREATED, &visit.base, &projection, &made)
}

/// `GET /Groups/{group_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = Visit::of(app, req).await?;
    let projection = search::projection(&visit.req)?;
    let (id, wanted) = (visit.req.param("group_id")?, projection.wants("members"));
    let found = service::get(&visit.app, &visit.caller, &visit.tenant_id, id, wanted).await?;
    match found.entry.version {
        version if visit.has(version)? => unchanged(version),
        _ => one(StatusCode::OK, &visit.base, &projection, &found),
    }
}

/// `PUT /Groups/{group_id}`
pub async fn replace(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let (projection, body) = (search::projection(&visit.req)?, visit.body().await?);
    let (id, expected, members) = (visit.req.param("group_id")?, visit.expected()?, projection.wants("members"));
    let done = service::replace(&visit.app, &visit.caller, &visit.tenant_id, id, &expected, &body, members).await?;
    one(StatusCode::OK, &visit.base, &projection, &done)
}

/// `PATCH /Groups/{group_id}`
pub async fn update(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let (projection, body) = (search::projection(&visit.req)?, visit.body().await?);
    let (id, expected) = (visit.req.param("group_id")?, visit.expected()?);
    let silent = projection == Projection::All;
    let members = !silent && projection.wants("members");
    let done = service::update(&visit.app, &visit.caller, &visit.tenant_id, id, &expected, &body, members).await?;
    if silent {
        return Ok(Reply::no_content().with(ETAG, header(&tag(done.entry.version))?));
    }
    one(StatusCode::OK, &visit.base, &projection, &done)
}

/// `DELETE /Groups/{group_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = Visit::of(app, req).await?;
    let (id, expected) = (visit.req.param("group_id")?, visit.expected()?);
    service::delete(&visit.app, &visit.caller, &visit.tenant_id, id, &expected).await?;
    Ok(Reply::no_content())
}
