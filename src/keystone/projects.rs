//! `/v3/projects`, their tags, and `/v3/users/{user_id}/projects`

use std::sync::Arc;

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::view;
use crate::error::{Error, Result};
use crate::http::query::{Filter, Kind, Parameters};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::list::{Condition, Operand, Operator};
use crate::model::tag;
use crate::service::App;
use crate::service::project::{self, Around, Branch};

const IS_DOMAIN: &str = "p.is_domain";

const FILTERS: &[Filter] = &[
    ("id", "p.id", Kind::Text),
    ("domain_id", "p.domain_id", Kind::Text),
    ("parent_id", "p.parent_id", Kind::Text),
    ("name", "p.name", Kind::Text),
    ("enabled", "p.enabled", Kind::Bool),
    ("is_domain", IS_DOMAIN, Kind::Bool),
];

/// `GET /v3/projects`. Those that act as domains are listed only if they are asked for.
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let mut query = parameters.list(FILTERS, app.page_limit())?;
    if parameters.get("is_domain").is_none() {
        let regular = Condition { column: IS_DOMAIN, operator: Operator::Equals, operand: Operand::Bool(false) };
        query.conditions.push(regular);
    }
    let limit = query.limit;
    let tags = tag::Filter::parse(|name| parameters.get(name))?;
    let page = project::list(&app, &caller, query, &tags).await?;
    Ok(Reply::ok(&view::collection(&app, &req, "projects", &page, limit, |p| view::project(&app, p), |p| p.id.clone())))
}

/// `GET /v3/users/{user_id}/projects`
pub async fn list_of_user(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let limit = query.limit;
    let page = project::list_of_user(&app, &caller, req.param("user_id")?, &query).await?;
    Ok(Reply::ok(&view::collection(&app, &req, "projects", &page, limit, |p| view::project(&app, p), |p| p.id.clone())))
}

/// `POST /v3/projects`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = project::create(&app, &caller, &body).await?;
    Ok(Reply::created(&json!({"project": view::project(&app, &made)})))
}

/// How much of one side of the tree a query asks for.
fn around(parameters: &Parameters<'_>, list: &str, ids: &str) -> Result<Around> {
    match (parameters.switch(list), parameters.switch(ids)) {
        (true, true) => Err(Error::invalid(format!("Cannot use {list} and {ids} query params at the same time."))),
        (true, false) => Ok(Around::List),
        (false, true) => Ok(Around::Ids),
        (false, false) => Ok(Around::Nothing),
    }
}

fn branch(app: &App, branch: &Branch) -> Value {
    match branch {
        Branch::List(projects) => projects.iter().map(|p| json!({"project": view::project(app, p)})).collect(),
        Branch::Ids(ids) => ids.clone(),
    }
}

/// `GET /v3/projects/{project_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let parents = around(&parameters, "parents_as_list", "parents_as_ids")?;
    let subtree = around(&parameters, "subtree_as_list", "subtree_as_ids")?;
    let found = project::get(&app, &caller, req.param("project_id")?, parents, subtree).await?;
    let mut shown = view::project(&app, &found.project);
    if let Some(parents) = &found.parents {
        shown["parents"] = branch(&app, parents);
    }
    if let Some(subtree) = &found.subtree {
        shown["subtree"] = branch(&app, subtree);
    }
    Ok(Reply::ok(&json!({ "project": shown })))
}

/// `PATCH /v3/projects/{project_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = project::update(&app, &caller, req.param("project_id")?, &body).await?;
    Ok(Reply::ok(&json!({"project": view::project(&app, &next)})))
}

/// `DELETE /v3/projects/{project_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    project::delete(&app, &caller, req.param("project_id")?).await?;
    Ok(Reply::no_content())
}

/// `PATCH /v3/projects/{project_id}/cascade`
pub async fn update_cascade(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = project::update_cascade(&app, &caller, req.param("project_id")?, &body).await?;
    Ok(Reply::ok(&json!({"project": view::project(&app, &next)})))
}

/// `DELETE /v3/projects/{project_id}/cascade`
pub async fn delete_cascade(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    project::delete_cascade(&app, &caller, req.param("project_id")?).await?;
    Ok(Reply::no_content())
}

fn tags_path(app: &App, id: &str) -> String {
    view::link(app, &format!("projects/{}/tags", view::segment(id)))
}

/// `GET /v3/projects/{project_id}/tags`
pub async fn list_tags(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let id = req.param("project_id")?;
    let tags = project::list_tags(&app, &caller, id).await?;
    Ok(Reply::ok(&json!({"tags": tags, "links": {"self": tags_path(&app, id)}})))
}

/// `PUT /v3/projects/{project_id}/tags`
pub async fn update_tags(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let id = req.param("project_id")?;
    let tags = project::update_tags(&app, &caller, id, &body).await?;
    Ok(Reply::ok(&json!({"tags": tags, "links": {"self": tags_path(&app, id)}})))
}

/// `DELETE /v3/projects/{project_id}/tags`
pub async fn delete_tags(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    project::delete_tags(&app, &caller, req.param("project_id")?).await?;
    Ok(Reply::no_content())
}

/// `GET` and `HEAD /v3/projects/{project_id}/tags/{value}`
pub async fn check_tag(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    project::check_tag(&app, &caller, req.param("project_id")?, req.param("value")?).await?;
    Ok(Reply::no_content())
}

/// `PUT /v3/projects/{project_id}/tags/{value}`
pub async fn create_tag(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let (id, tag) = (req.param("project_id")?, req.param("value")?);
    project::create_tag(&app, &caller, id, tag).await?;
    let location = HeaderValue::from_str(&format!("{}/{}", tags_path(&app, id), view::segment(tag)));
    let reply = Reply::empty(StatusCode::CREATED);
    Ok(match location {
        Ok(location) => reply.with(LOCATION, location),
        Err(_) => reply,
    })
}

/// `DELETE /v3/projects/{project_id}/tags/{value}`
pub async fn delete_tag(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    project::delete_tag(&app, &caller, req.param("project_id")?, req.param("value")?).await?;
    Ok(Reply::no_content())
}
