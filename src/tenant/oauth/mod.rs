//! The tenant as OAuth 2.0 and OpenID provider.

mod authorize;
mod documents;
mod endpoint;
mod tokens;
mod userinfo;

#[cfg(test)]
mod tests;

use http::Method;

use crate::http::route::{Access, Route};

const AUTHORIZE: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/authorize";
const TOKEN: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/token";
const INTROSPECT: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/introspect";
const REVOKE: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/revoke";
const DEVICE: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/device_authorization";
const USERINFO: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/userinfo";

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    let mut all = vec![
        Route::get(AUTHORIZE, Access::Open, authorize::get),
        Route::post(AUTHORIZE, Access::Open, authorize::post),
        Route::post(TOKEN, Access::Open, tokens::token),
        Route::post(INTROSPECT, Access::Open, tokens::introspect),
        Route::post(REVOKE, Access::Open, tokens::revoke),
        Route::post(DEVICE, Access::Open, tokens::device_authorization),
        Route::get(USERINFO, Access::Open, userinfo::userinfo),
        Route::post(USERINFO, Access::Open, userinfo::userinfo),
    ];
    for template in [TOKEN, INTROSPECT, REVOKE, DEVICE, USERINFO] {
        all.push(Route::new(Method::OPTIONS, template, Access::Open, endpoint::preflight));
    }
    for template in [documents::CONFIGURATIONS[0], documents::CONFIGURATIONS[1]] {
        all.push(Route::get(template, Access::Open, documents::configuration));
        all.push(Route::new(Method::OPTIONS, template, Access::Open, documents::preflight));
    }
    all.push(Route::get(documents::KEYS, Access::Open, documents::keys));
    all.push(Route::new(Method::OPTIONS, documents::KEYS, Access::Open, documents::preflight));
    all
}
