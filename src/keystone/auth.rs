//! `/v3/auth/catalog|projects|domains|system`, and the same under OS-FEDERATION: what a token gives access to.

use std::sync::Arc;

use serde_json::{Value, json};

use super::view;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::catalog::render;
use crate::service::{App, catalog};

/// `GET /v3/auth/catalog`
pub async fn catalog(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let entries = catalog::of_caller(&app, &caller).await?;
    let shown = render(&entries, caller.facts().scope.project_id(), caller.user_id());
    Ok(Reply::ok(&json!({
        "catalog": shown,
        "links": {"next": null, "self": view::link(&app, "auth/catalog"), "previous": null},
    })))
}

/// `GET …/projects`
pub async fn projects(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let page = view::whole(catalog::projects(&app, &caller).await?);
    Ok(Reply::ok(&view::collection(&app, &req, "projects", &page, 0, |p| view::project(&app, p), |p| p.id.clone())))
}

/// `GET …/domains`
pub async fn domains(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let page = view::whole(catalog::domains(&app, &caller).await?);
    Ok(Reply::ok(&view::collection(&app, &req, "domains", &page, 0, |d| view::domain(&app, d), |d| d.id.clone())))
}

/// `GET /v3/auth/system`
pub async fn system(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let systems: Vec<Value> = if catalog::system(&app, &caller).await? { vec![json!({"all": true})] } else { vec![] };
    Ok(Reply::ok(&json!({"system": systems, "links": {"self": view::link(&app, "auth/system")}})))
}
