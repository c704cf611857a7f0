//! `/v3/OS-FEDERATION/mappings/{mapping_id}/explain`: what a mapping would make of an assertion. Nothing is created.

use std::sync::Arc;

use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, federated_login};

/// `POST …`
pub async fn explain(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    Ok(Reply::ok(&federated_login::explain::mapping(&app, &caller, req.param("mapping_id")?, &body).await?))
}
