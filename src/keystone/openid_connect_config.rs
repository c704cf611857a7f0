//! `/v3.0/OS-FEDERATION/identity-providers/{idp_id}/openid-connect-config`: the connection of the protocol `oidc` as
//! Huawei Cloud writes it (keystone-api §2.3).

use std::sync::Arc;

use serde_json::json;

use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::connection::{Settings, huawei};
use crate::service::App;
use crate::service::connection::{self, Shown};

fn shown(found: &Shown) -> Result<serde_json::Value> {
    match &found.connection.settings {
        Settings::Oidc(oidc) => Ok(json!({ huawei::MEMBER: huawei::shown(oidc) })),
        Settings::Saml(_) | Settings::Ldap(_) => Err(connection::no_config(&found.connection.idp_id)),
    }
}

/// `GET …/openid-connect-config`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = connection::get_config(&app, &caller, req.param("idp_id")?).await?;
    Ok(Reply::ok(&shown(&found)?))
}

/// `POST …/openid-connect-config`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = connection::create_config(&app, &caller, req.param("idp_id")?, &body).await?;
    Ok(Reply::created(&shown(&made)?))
}

/// `PUT …/openid-connect-config`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = connection::update_config(&app, &caller, req.param("idp_id")?, &body).await?;
    Ok(Reply::ok(&shown(&next)?))
}
