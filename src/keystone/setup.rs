//! `PUT /v3/OS-FEDERATION/identity_providers/{idp_id}/setup`, an extension: all of an identity provider at once, or nothing.

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, setup};

/// `PUT …/setup`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = setup::create(&app, &caller, req.param("idp_id")?, &body).await?;
    let mut shown = json!({
        "identity_provider": view::identity_provider(&app, &made.identity_provider),
        "protocol": view::protocol(&app, &made.protocol),
    });
    if let Some(mapping) = &made.mapping {
        shown["mapping"] = view::mapping(&app, mapping);
    }
    if let Some(connection) = &made.connection {
        shown["connection"] = view::connection(&app, connection);
    }
    Ok(Reply::created(&json!({ "setup": shown })))
}
