//! `/v3-ext/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/metadata`: a SAML identity provider's metadata as
//! Huawei Cloud imports and shows it (keystone-api §2.2).

use std::sync::Arc;

use serde_json::json;

use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Route;
use crate::model::connection::Settings;
use crate::service::App;
use crate::service::connection::At;
use crate::service::connection::imported;

const ONE: &str = "/v3-ext/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/metadata";
/// Most bytes of a body: the document as JSON text.
pub(super) const MAX_BODY: usize = 1_048_576;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(ONE, "identity:get_connection", get), Route::post(ONE, "identity:create_connection", import)]
}

fn at(req: &Request) -> Result<At<'_>> {
    Ok(At { idp_id: req.param("idp_id")?, protocol_id: req.param("protocol_id")? })
}

/// `POST …/metadata`
async fn import(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    req.allow_body(MAX_BODY);
    let body = req.json().await?;
    imported::import(&app, &caller, at(&req)?, &body).await?;
    Ok(Reply::created(&json!({"message": "Import metadata successful"})))
}

/// `GET …/metadata`
async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let at = at(&req)?;
    let (domain_id, found) = imported::get(&app, &caller, at).await?;
    let Settings::Saml(saml) = &found.connection.settings else {
        return Err(Error::internal("metadata of another protocol"));
    };
    // Without a zone, as the dialect has it.
    let updated = found.connection.updated_at.to_string();
    Ok(Reply::ok(&json!({
        "id": format!("{}/{}", at.idp_id, at.protocol_id),
        "idp_id": at.idp_id,
        "protocol_id": at.protocol_id,
        "entity_id": saml.idp_entity_id,
        "domain_id": domain_id,
        "xaccount_type": "",
        "update_time": updated.trim_end_matches('Z'),
        "data": saml.idp_metadata_xml,
    })))
}
