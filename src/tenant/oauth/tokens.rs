//! Token, introspection, revocation and device authorization endpoints (RFC 6749 §3.2, RFC 7662, RFC 7009, RFC 8628).

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::endpoint::{Call, answer};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::oauth::token::{Asking, grant};
use crate::service::oauth::{Tokens, device, introspect as told};
use crate::service::{App, pace};

pub(super) async fn token(app: Arc<App>, req: Request) -> Result<Reply> {
    answer(app, req, async |app, mut call: Call| {
        let form = call.form().await?;
        let client = call.client(&app, &form).await?;
        let origin = call.req.origin(&app);
        pace::check_client(&app, &call.tenant.id, &client.application.id, &origin)?;
        let asking = Asking::new(&app, &call.tenant, &origin);
        Ok(Reply::ok(&body(grant(&asking, &client, &form).await?)))
    })
    .await
}

fn body(tokens: Tokens) -> Value {
    let mut body = json!({
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "scope": tokens.scopes.join(" "),
    });
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    };
    add("refresh_token", tokens.refresh_token.as_deref());
    add("id_token", tokens.id_token.as_deref());
    add("issued_token_type", tokens.issued_token_type);
    body
}

pub(super) async fn introspect(app: Arc<App>, req: Request) -> Result<Reply> {
    answer(app, req, async |app, mut call: Call| {
        let form = call.form().await?;
        let client = call.confidential(&app, &form).await?;
        let token = form.required("token")?;
        Ok(Reply::ok(&told::introspect(&app, &call.tenant, &client, token).await?))
    })
    .await
}

pub(super) async fn revoke(app: Arc<App>, req: Request) -> Result<Reply> {
    answer(app, req, async |app, mut call: Call| {
        let form = call.form().await?;
        let client = call.client(&app, &form).await?;
        let origin = call.req.origin(&app);
        let asking = Asking::new(&app, &call.tenant, &origin);
        told::revoke(&asking, &client, form.required("token")?).await?;
        Ok(Reply::empty(StatusCode::OK))
    })
    .await
}

pub(super) async fn device_authorization(app: Arc<App>, req: Request) -> Result<Reply> {
    answer(app, req, async |app, mut call: Call| {
        let form = call.form().await?;
        let client = call.client(&app, &form).await?;
        let begun = device::begin(&app, &call.tenant, &client, &form).await?;
        Ok(Reply::ok(&json!({
            "device_code": begun.device_code,
            "user_code": begun.user_code,
            "verification_uri": begun.verification_uri,
            "verification_uri_complete": begun.verification_uri_complete,
            "expires_in": begun.expires_in,
            "interval": begun.interval,
        })))
    })
    .await
}
