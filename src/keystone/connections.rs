//! `/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/connection`, an extension: how this service
//! itself speaks to the identity provider.

use std::sync::Arc;

use serde_json::json;

use super::saml_metadata::MAX_BODY;
use super::{openid_connect_config, view};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Route;
use crate::service::App;
use crate::service::connection::{self, At};

/// The routes, with those of Huawei's form.
pub fn routes() -> Vec<Route> {
    const CONNECTION: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/connection";
    const CONFIG: &str = "/v3.0/OS-FEDERATION/identity-providers/{idp_id}/openid-connect-config";
    vec![
        Route::get(CONNECTION, "identity:get_connection", get),
        Route::put(CONNECTION, "identity:create_connection", create),
        Route::patch(CONNECTION, "identity:update_connection", update),
        Route::delete(CONNECTION, "identity:delete_connection", delete),
        Route::get(CONFIG, "identity:get_connection", openid_connect_config::get),
        Route::post(CONFIG, "identity:create_connection", openid_connect_config::create),
        Route::put(CONFIG, "identity:update_connection", openid_connect_config::update),
    ]
}

fn at(req: &Request) -> Result<At<'_>> {
    Ok(At { idp_id: req.param("idp_id")?, protocol_id: req.param("protocol_id")? })
}

/// `GET …/connection`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = connection::get(&app, &caller, at(&req)?).await?;
    Ok(Reply::ok(&json!({"connection": view::connection(&app, &found)})))
}

/// `PUT …/connection`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    req.allow_body(MAX_BODY);
    let body = req.json().await?;
    let made = connection::create(&app, &caller, at(&req)?, &body).await?;
    Ok(Reply::created(&json!({"connection": view::connection(&app, &made)})))
}

/// `PATCH …/connection`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    req.allow_body(MAX_BODY);
    let body = req.json().await?;
    let next = connection::update(&app, &caller, at(&req)?, &body).await?;
    Ok(Reply::ok(&json!({"connection": view::connection(&app, &next)})))
}

/// `DELETE …/connection`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    connection::delete(&app, &caller, at(&req)?).await?;
    Ok(Reply::no_content())
}
