//! `/v3/OS-FEDERATION/identity_providers/{idp_id}/logins`: what the last log-ins came to.

use std::sync::Arc;

use serde_json::{Value, json};

use super::view;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::login_diagnostic::LoginDiagnostic;
use crate::service::App;
use crate::service::federated_login::diagnostics;

/// `GET …`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let idp_id = req.param("idp_id")?;
    let logins = diagnostics::list(&app, &caller, idp_id).await?;
    let shown: Vec<Value> = logins.iter().map(show).collect();
    let this = view::link(&app, &format!("OS-FEDERATION/identity_providers/{}/logins", view::segment(idp_id)));
    Ok(Reply::ok(&json!({"logins": shown, "links": {"self": this, "next": null, "previous": null}})))
}

fn show(it: &LoginDiagnostic) -> Value {
    json!({
        "id": it.id, "protocol_id": it.protocol_id, "at": it.at.to_string(), "verified": it.verified,
        "outcome": it.outcome, "reason": it.reason, "user_id": it.user_id, "request_id": it.request_id, "detail": it.detail,
    })
}
