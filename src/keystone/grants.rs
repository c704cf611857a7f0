//! `/v3/projects|domains/{id}/users/{user_id}/roles[/{role_id}]`

use std::sync::Arc;

use super::view;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::grant::{Grant, Target};
use crate::service::{App, assignment};

/// What the path is about.
#[derive(Debug, Clone, Copy)]
pub enum On {
    /// A project.
    Project,
    /// A domain.
    Domain,
}

fn target(req: &Request, on: On) -> Result<Target> {
    Ok(match on {
        On::Project => Target::Project(req.param("project_id")?.to_owned()),
        On::Domain => Target::Domain(req.param("domain_id")?.to_owned()),
    })
}

fn grant(req: &Request, on: On) -> Result<Grant> {
    Ok(Grant {
        user_id: req.param("user_id")?.to_owned(),
        target: target(req, on)?,
        role_id: req.param("role_id")?.to_owned(),
    })
}

/// `GET …/roles`
pub async fn list(app: Arc<App>, req: Request, on: On) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let roles = assignment::list(&app, &caller, req.param("user_id")?, &target(&req, on)?).await?;
    let page = view::whole(roles);
    Ok(Reply::ok(&view::collection(&app, &req, "roles", &page, 0, |r| view::role(&app, r), |r| r.id.clone())))
}

/// `GET` and `HEAD …/roles/{role_id}`
pub async fn check(app: Arc<App>, req: Request, on: On) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    assignment::check(&app, &caller, &grant(&req, on)?).await?;
    Ok(Reply::no_content())
}

/// `PUT …/roles/{role_id}`
pub async fn create(app: Arc<App>, req: Request, on: On) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    assignment::create(&app, &caller, &grant(&req, on)?).await?;
    Ok(Reply::no_content())
}

/// `DELETE …/roles/{role_id}`
pub async fn revoke(app: Arc<App>, req: Request, on: On) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    assignment::revoke(&app, &caller, &grant(&req, on)?).await?;
    Ok(Reply::no_content())
}
