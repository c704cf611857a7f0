//! `/v3/roles/{prior_role_id}/implies[/{implied_role_id}]` and `/v3/role_inferences`

use std::sync::Arc;

use serde_json::{Value, json};

use super::view;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::implied_role::{self, Implication};
use crate::service::{App, caller::Caller};

/// A role as inferences show it.
fn role(app: &App, id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "links": {"self": view::link(app, &format!("roles/{}", view::segment(id)))}})
}

/// One implication.
fn inference(app: &App, one: &Implication) -> Value {
    let (prior, implied) = (&one.prior, &one.implied);
    let path = format!("roles/{}/implies/{}", view::segment(&prior.id), view::segment(&implied.id));
    json!({
        "role_inference": {
            "prior_role": role(app, &prior.id, &prior.name),
            "implies": role(app, &implied.id, &implied.name),
        },
        "links": {"self": view::link(app, &path)},
    })
}

/// Who calls, and the two roles of the path.
async fn asked<'r>(app: &App, req: &'r Request) -> Result<(Caller, &'r str, &'r str)> {
    Ok((req.caller(app).await?, req.param("prior_role_id")?, req.param("implied_role_id")?))
}

/// `GET …/implies`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let (prior, implied) = implied_role::list(&app, &caller, req.param("prior_role_id")?).await?;
    let path = format!("roles/{}/implies", view::segment(&prior.id));
    Ok(Reply::ok(&json!({
        "role_inference": {
            "prior_role": role(&app, &prior.id, &prior.name),
            "implies": implied.iter().map(|r| role(&app, &r.id, &r.name)).collect::<Vec<_>>(),
        },
        "links": {"self": view::link(&app, &path)},
    })))
}

/// `GET …/implies/{implied_role_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let (caller, prior, implied) = asked(&app, &req).await?;
    Ok(Reply::ok(&inference(&app, &implied_role::get(&app, &caller, prior, implied).await?)))
}

/// `HEAD …/implies/{implied_role_id}`
pub async fn check(app: Arc<App>, req: Request) -> Result<Reply> {
    let (caller, prior, implied) = asked(&app, &req).await?;
    implied_role::check(&app, &caller, prior, implied).await?;
    Ok(Reply::no_content())
}

/// `PUT …/implies/{implied_role_id}`
pub async fn create(app: Arc<App>, req: Request) -> Result<Reply> {
    let (caller, prior, implied) = asked(&app, &req).await?;
    Ok(Reply::created(&inference(&app, &implied_role::create(&app, &caller, prior, implied).await?)))
}

/// `DELETE …/implies/{implied_role_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let (caller, prior, implied) = asked(&app, &req).await?;
    implied_role::delete(&app, &caller, prior, implied).await?;
    Ok(Reply::no_content())
}

/// `GET /v3/role_inferences`
pub async fn list_all(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let roles = implied_role::list_all(&app, &caller).await?;
    let show = |id: &String| roles.by_id.get(id).map(|r| role(&app, id, &r.name));
    let inferences: Vec<Value> = roles
        .implied
        .iter()
        .map(|(prior, implied)| {
            json!({"prior_role": show(prior), "implies": implied.iter().filter_map(show).collect::<Vec<_>>()})
        })
        .collect();
    Ok(Reply::ok(&json!({ "role_inferences": inferences })))
}
