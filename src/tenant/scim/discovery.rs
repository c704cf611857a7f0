//! What a tenant's SCIM can do (RFC 7644 §4).

use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;

use super::{Visit, shown};
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::scim::discovery;
use crate::service::App;
use crate::service::scim as service;

async fn visit(app: Arc<App>, req: Request) -> Result<Visit> {
    let visit = Visit::of(app, req).await?;
    service::show(&visit.app, &visit.caller, &visit.tenant_id).await?;
    Ok(visit)
}

/// These documents are not looked through: a filter is refused, as the standard would have it.
fn all(visit: &Visit, documents: Vec<Value>) -> Result<Reply> {
    if visit.req.query()?.get("filter").is_some() {
        return Err(Error::forbidden("Nothing is looked for among what the service says of itself."));
    }
    let total = i64::try_from(documents.len()).unwrap_or(i64::MAX);
    Ok(shown(StatusCode::OK, &discovery::list(documents, total, 1)))
}

fn one(documents: Vec<Value>, id: &str) -> Result<Reply> {
    let found = documents.into_iter().find(|d| d["id"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(id)));
    let found = found.ok_or_else(|| Error::not_found(format!("There is no '{id:.100}'.")))?;
    Ok(shown(StatusCode::OK, &found))
}

/// `GET /ServiceProviderConfig`
pub async fn config(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = visit(app, req).await?;
    Ok(shown(StatusCode::OK, &discovery::service_provider_config(&visit.base)))
}

/// `GET /ResourceTypes`
pub async fn resource_types(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = visit(app, req).await?;
    all(&visit, discovery::resource_types(&visit.base))
}

/// `GET /ResourceTypes/{resource_type}`
pub async fn resource_type(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = visit(app, req).await?;
    one(discovery::resource_types(&visit.base), visit.req.param("resource_type")?)
}

/// `GET /Schemas`
pub async fn schemas(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = visit(app, req).await?;
    all(&visit, discovery::schemas(&visit.base))
}

/// `GET /Schemas/{schema}`
pub async fn schema(app: Arc<App>, req: Request) -> Result<Reply> {
    let visit = visit(app, req).await?;
    one(discovery::schemas(&visit.base), visit.req.param("schema")?)
}

/// `GET /Me`: a directory is nobody in particular (RFC 7644 §3.11).
pub async fn me(app: Arc<App>, req: Request) -> Result<Reply> {
    visit(app, req).await?;
    Err(Error::NotImplemented { message: "Nobody is 'me' here: a directory speaks for all users.".to_owned() })
}
