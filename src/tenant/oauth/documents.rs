//! What a tenant publishes of itself as a provider: its configuration and its keys, for anybody and from any origin.

use std::sync::Arc;

use http::HeaderValue;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
};

use crate::error::Result;
use crate::http::published::Published;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::oauth::{discovery, keys as service_keys};
use crate::service::{App, tenant};

/// Where the configuration is: as OpenID Connect Discovery §4 has it, and as RFC 8414 calls it.
pub(super) const CONFIGURATIONS: [&str; 2] = [
    "/api/v1/auth/tenants/{tenant_slug}/.well-known/openid-configuration",
    "/api/v1/auth/tenants/{tenant_slug}/.well-known/oauth-authorization-server",
];
/// Where the keys are.
pub(super) const KEYS: &str = "/api/v1/auth/tenants/{tenant_slug}/.well-known/jwks.json";

const ANY: HeaderValue = HeaderValue::from_static("*");

pub(super) async fn configuration(app: Arc<App>, req: Request) -> Result<Reply> {
    let tenant = tenant::by_slug(&app, req.param("tenant_slug")?).await?;
    let document = discovery::document(&app, &tenant).to_string();
    Ok(Published::new("application/json", document).reply(&req).with(ACCESS_CONTROL_ALLOW_ORIGIN, ANY))
}

pub(super) async fn keys(app: Arc<App>, req: Request) -> Result<Reply> {
    let tenant = tenant::by_slug(&app, req.param("tenant_slug")?).await?;
    let set = service_keys::jwks(&app, &tenant).await?;
    Ok(Published::new("application/json", set).reply(&req).with(ACCESS_CONTROL_ALLOW_ORIGIN, ANY))
}

/// Lets scripts of any origin ask, whatever headers they add.
pub(super) async fn preflight(_app: Arc<App>, _req: Request) -> Result<Reply> {
    Ok(Reply::no_content()
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, ANY)
        .with(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"))
        .with(ACCESS_CONTROL_ALLOW_HEADERS, ANY)
        .with(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")))
}
