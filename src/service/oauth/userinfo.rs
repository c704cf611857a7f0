//! Who the holder of an access token is (OpenID Connect Core §5.3). A remembered token answers without asking the database.

use bytes::Bytes;
use serde_json::{Map, Value, json};

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
    let about = claims::of_user(app, &mut conn, &user, &access.scopes, access.federated.as_ref(), as_ids).await?;
    Ok(access.userinfo.get_or_init(|| document(tenant, &user.id, about)).clone())
}

/// The document, of what is told about the user.
pub(super) fn document(tenant: &Tenant, user_id: &str, mut about: Map<String, Value>) -> Bytes {
    about.insert("sub".into(), json!(user_id));
    about.insert("tenant_id".into(), json!(tenant.id));
    Bytes::from(Value::Object(about).to_string())
}
