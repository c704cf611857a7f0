//! Who the holder of an access token is (OpenID Connect Core §5.3). A remembered token answers without asking the database.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::{App, activity, tenant};
use super::{access, claims};
use crate::error::{Code, Error, Result};
use crate::model::tenant::Tenant;

/// The document, as JSON text.
///
/// # Errors
/// `invalid_token`, `insufficient_scope`.
pub async fn of(app: &App, tenant: &Tenant, token: &str) -> Result<Bytes> {
    let granted = access::resolve(app, tenant, token).await?;
    let access = &granted.prepared;
    let user_id = access.user_id.as_ref().filter(|_| claims::has(&access.scopes, "openid"));
    let Some(user_id) = user_id else {
        return Err(Error::refused(Code::InsufficientScope, "The token lacks the scope openid."));
    };
    if let Some(document) = access.userinfo.get() {
        return Ok(document.clone());
    }
    let client = tenant::client(app, &tenant.id, &access.client_id).await?;
    let as_ids = client.is_some_and(|c| c.application.settings.groups_as_ids);
    let mut conn = app.store.read().await?;
    let identity = activity::user(app, &mut conn, user_id).await?;
    let gone = || Error::refused_because(Code::InvalidToken, "The token is not valid.", "its user is gone");
    let user = identity.ok_or_else(gone)?.user;
    let mut told = claims::of_user(app, &mut conn, &user, &access.scopes, access.federated.as_ref(), as_ids).await?;
    told.insert("sub".into(), json!(user.id));
    told.insert("tenant_id".into(), json!(tenant.id));
    let document = Bytes::from(Value::Object(told).to_string());
    Ok(access.userinfo.get_or_init(|| document).clone())
}
