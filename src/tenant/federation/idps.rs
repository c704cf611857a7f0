//! The identity providers that a tenant offers, for whoever draws buttons (tenant-login §3).

use std::sync::Arc;

use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ORIGIN, VARY};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::http::published::Published;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::Offered;
use crate::service::{App, login, oauth, pace, tenant};

/// The identity providers of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct AvailableIdps {
    idps: Vec<AvailableIdp>,
    /// Whether people may sign in with a password of this service.
    local_login_enabled: bool,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct AvailableIdp {
    id: String,
    name: String,
    /// `oidc` or `saml`.
    provider_type: &'static str,
    display_name: String,
    button_text: String,
    icon_url: Option<String>,
    preset: Option<String>,
    is_default: bool,
    /// Where signing in begins. An application appends its own parameters.
    login_url: String,
}

impl AvailableIdp {
    fn of(app: &App, tenant: &Tenant, offered: &Offered, is_default: bool) -> Self {
        Self {
            id: offered.idp_id.clone(),
            name: offered.name.clone(),
            provider_type: offered.kind,
            display_name: offered.name.clone(),
            button_text: login::button_text(offered),
            icon_url: offered.settings.icon_url.clone(),
            preset: offered.settings.preset.clone(),
            is_default,
            login_url: login::login_url(app, tenant, offered),
        }
    }
}

/// `GET …/federation/idps`: nothing in it tells strangers who the tenant's people are.
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let tenant = tenant::by_slug(&app, req.param("tenant_slug")?).await?;
    pace::check(&app, pace::Kind::Idps, &tenant.id, &req.origin(&app))?;
    let query = req.query()?;
    let some = |name: &str| query.get(name).filter(|v| !v.is_empty());
    let mut offered = tenant::offered(&app, &tenant).await?.to_vec();
    if let Some(client_id) = some("client_id") {
        let client = tenant::client(&app, &tenant.id, client_id).await?;
        let allowed = client.map(|c| c.application.settings.allowed_idps.clone()).unwrap_or_default();
        offered.retain(|o| allowed.is_empty() || allowed.contains(&o.idp_id));
    }
    offered.retain(|o| o.settings.show_on_login && o.kind != "ldap");
    if let Some(hint) = some("login_hint") {
        offered.sort_by_key(|o| !login::is_home_realm(o, hint));
    }
    let only = offered.len() == 1 && !tenant.settings.local_login;
    let idps = offered.iter().map(|o| AvailableIdp::of(&app, &tenant, o, only)).collect();
    let shown = AvailableIdps { idps, local_login_enabled: tenant.settings.local_login };
    let bytes = serde_json::to_vec(&shown).map_err(|e| Error::internal(format!("an answer cannot be written: {e}")))?;
    let reply = Published::new("application/json", bytes).reply(&req);
    let reply = reply.with(CACHE_CONTROL, HeaderValue::from_static("public, max-age=30"));
    let reply = reply.with(VARY, HeaderValue::from_static("Origin"));
    match req.head.headers.get(ORIGIN) {
        Some(origin) if oauth::origins::allows(&app, &tenant, origin.to_str().unwrap_or_default()).await? => {
            Ok(reply.with(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()))
        }
        _ => Ok(reply),
    }
}
