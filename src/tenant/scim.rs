//! `/api/v1/tenants/{tenant_id}/scim/v2`: SCIM 2.0 (RFC 7643, 7644) for the directories of tenants.
//!
//! Who calls is a directory by its SCIM token, or an administrator by a token of this service. All bodies are
//! `application/scim+json`; failures are worded in SCIM's dialect, also those of the table.

mod bulk;
mod discovery;
mod groups;
mod search;
#[cfg(test)]
mod tests;
mod users;

use std::sync::Arc;

use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use crate::error::{Error, Result, ScimFault};
use crate::http::body;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::{Access, Route};
use crate::model::expected::Expected;
use crate::model::scim::account::tag;
use crate::model::scim::{Kind, MAX_BODY};
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::pace;
use crate::service::tenant::scim_token;

/// The type of all bodies.
const MEDIA: &str = "application/scim+json";

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    const SHOW: &str = "tenant:show_scim_service";
    const LISTS: &[&str] = &["tenant:list_scim_users", "tenant:list_scim_groups"];
    const BULK: &[&str] = &[
        "tenant:use_scim_bulk",
        "tenant:create_scim_user",
        "tenant:update_scim_user",
        "tenant:delete_scim_user",
        "tenant:create_scim_group",
        "tenant:update_scim_group",
        "tenant:delete_scim_group",
    ];
    let mut routes = vec![
        Route::get("/api/v1/tenants/{tenant_id}/scim/v2/ServiceProviderConfig", SHOW, discovery::config),
        Route::get("/api/v1/tenants/{tenant_id}/scim/v2/ResourceTypes", SHOW, discovery::resource_types),
        Route::get("/api/v1/tenants/{tenant_id}/scim/v2/ResourceTypes/{resource_type}", SHOW, discovery::resource_type),
        Route::get("/api/v1/tenants/{tenant_id}/scim/v2/Schemas", SHOW, discovery::schemas),
        Route::get("/api/v1/tenants/{tenant_id}/scim/v2/Schemas/{schema}", SHOW, discovery::schema),
        Route::get("/api/v1/tenants/{tenant_id}/scim/v2/Me", SHOW, discovery::me),
        Route::post("/api/v1/tenants/{tenant_id}/scim/v2/.search", Access::Rules(LISTS), search::everywhere),
        Route::post("/api/v1/tenants/{tenant_id}/scim/v2/Bulk", Access::Rules(BULK), bulk::run),
    ];
    routes.extend(user_routes());
    routes.extend(group_routes());
    routes
}

fn user_routes() -> Vec<Route> {
    const ALL: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Users";
    const ONE: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Users/{user_id}";
    const SEARCH: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Users/.search";
    vec![
        Route::get(ALL, "tenant:list_scim_users", users::list),
        Route::post(SEARCH, "tenant:list_scim_users", users::search),
        Route::post(ALL, "tenant:create_scim_user", users::create),
        Route::get(ONE, "tenant:get_scim_user", users::get),
        Route::put(ONE, "tenant:update_scim_user", users::replace),
        Route::patch(ONE, "tenant:update_scim_user", users::update),
        Route::delete(ONE, "tenant:delete_scim_user", users::delete),
    ]
}

fn group_routes() -> Vec<Route> {
    const ALL: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Groups";
    const ONE: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Groups/{group_id}";
    const SEARCH: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Groups/.search";
    vec![
        Route::get(ALL, "tenant:list_scim_groups", groups::list),
        Route::post(SEARCH, "tenant:list_scim_groups", groups::search),
        Route::post(ALL, "tenant:create_scim_group", groups::create),
        Route::get(ONE, "tenant:get_scim_group", groups::get),
        Route::put(ONE, "tenant:update_scim_group", groups::replace),
        Route::patch(ONE, "tenant:update_scim_group", groups::update),
        Route::delete(ONE, "tenant:delete_scim_group", groups::delete),
    ]
}

/// A request at a tenant's SCIM.
struct Visit {
    app: Arc<App>,
    req: Request,
    caller: Caller,
    tenant_id: String,
    base: String,
}

impl Visit {
    /// Who calls, and where.
    async fn of(app: Arc<App>, req: Request) -> Result<Self> {
        let tenant_id = req.param("tenant_id")?.to_owned();
        let origin = req.origin(&app);
        // What is longer than an id is no tenant's, and is not kept.
        if tenant_id.len() <= 64 {
            pace::check(&app, pace::Kind::Scim, &tenant_id, &origin)?;
        }
        let caller = match req.token()? {
            Some(token) if scim_token::is_one(token) => scim_token::holder(&app, token, origin).await?,
            _ => req.caller(&app).await?,
        };
        let base = format!("{}/api/v1/tenants/{tenant_id}/scim/v2", app.public_url);
        Ok(Self { app, req, caller, tenant_id, base })
    }

    /// The body: an object. Its size is judged first, then its type.
    async fn body(&mut self) -> Result<Value> {
        self.req.allow_body(MAX_BODY);
        let bytes = self.req.bytes().await?;
        let is_scim = |headers: &HeaderMap| {
            let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
            kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(MEDIA)
        };
        if !is_scim(&self.req.head.headers) && body::check_json_type(&self.req.head.headers).is_err() {
            return Err(Error::UnsupportedMedia { expected: MEDIA });
        }
        body::parse_object(&bytes)
            .map_err(|_| Error::scim(ScimFault::InvalidSyntax, "The body is no JSON object with one meaning."))
    }

    /// The versions that the change is made for.
    fn expected(&self) -> Result<Expected> {
        Ok(versions(&self.req.head.headers, &IF_MATCH)?.map_or(Expected::Any, |named| match named {
            Named::Any => Expected::Any,
            Named::These(all) => Expected::Versions(all),
        }))
    }

    /// Whether who asks has this version already.
    fn has(&self, version: i64) -> Result<bool> {
        Ok(match versions(&self.req.head.headers, &IF_NONE_MATCH)? {
            Some(Named::Any) => true,
            Some(Named::These(all)) => all.contains(&version),
            None => false,
        })
    }
}

/// Versions that a header names.
enum Named {
    Any,
    These(Vec<i64>),
}

/// The versions of a header. Whether a tag is weak does not matter: one that a proxy has weakened is still that version.
fn versions(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Named>> {
    let mut all = Vec::new();
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| Error::invalid_field(name.as_str(), "is not text"))?;
        for one in text.split(',').map(str::trim) {
            if one == "*" {
                return Ok(Some(Named::Any));
            }
            all.extend(version(one));
        }
    }
    Ok(headers.contains_key(name).then_some(Named::These(all)))
}

/// The version of a tag that is one of ours.
fn version(tag: &str) -> Option<i64> {
    tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// An answer with a document.
fn shown(status: StatusCode, document: &Value) -> Reply {
    Reply::json(status, document).with(CONTENT_TYPE, HeaderValue::from_static(MEDIA))
}

fn header(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|e| Error::internal(e.to_string()))
}

/// An answer with one resource: where it is, and its version.
fn resource(status: StatusCode, location: &str, version: i64, document: &Value) -> Result<Reply> {
    let reply = shown(status, document).with(ETAG, header(&tag(version))?);
    Ok(reply.with(LOCATION, header(location)?))
}

/// 304 with the version that who asks has.
fn unchanged(version: i64) -> Result<Reply> {
    Ok(Reply::empty(StatusCode::NOT_MODIFIED).with(ETAG, header(&tag(version))?))
}

fn location(base: &str, kind: Kind, id: &str) -> String {
    format!("{base}/{}/{id}", kind.endpoint())
}
