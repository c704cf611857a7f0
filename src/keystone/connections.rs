//! `/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/connection`, an extension: how this service
//! itself speaks to the identity provider.

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::App;
use crate::service::connection::{self, At};

fn at(req: &Request) -> Result<At<'_>> {
    Ok(At { idp_id: req.param("idp_id")?, protocol_id: req.param("protocol_id")? })
}

/// `GET …/connection`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = connection::get_connection(&app, &caller, at(&req)?).await?;
    Ok(Reply::ok(&json!({"connection": view::connection(&app, &found)})))
}

/// `PUT …/connection`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = connection::create_connection(&app, &caller, at(&req)?, &body).await?;
    Ok(Reply::created(&json!({"connection": view::connection(&app, &made)})))
}

/// `PATCH …/connection`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = connection::update_connection(&app, &caller, at(&req)?, &body).await?;
    Ok(Reply::ok(&json!({"connection": view::connection(&app, &next)})))
}

/// `DELETE …/connection`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    connection::delete_connection(&app, &caller, at(&req)?).await?;
    Ok(Reply::no_content())
}
