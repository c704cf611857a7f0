//! The description of the whole API (OpenAPI 3.1), and the page that shows it.
//!
//! `GET /openapi.json` is made from the table of routes: each route of [`crate::app::routes`] is joined with the
//! [`operation::Operation`] that describes it. Method, path, path parameters and security come from the route; its policy
//! rules stand in `x-policy-rule`; the failures that every operation of its kind may answer come from [`errors`], in the
//! envelope of the part of the service that the path lies in. A route without a description, or a description without a
//! route, fails a test here.
//!
//! Schemas of the Keystone face are written by hand, a file for each family of resources (`keystone/`): a
//! [`resource::Resource`] lists a resource's members once, and the schemas of what is answered, of what makes one and of what
//! changes one follow from it. Where the face has types, schemas are derived (`utoipa::ToSchema`) and joined by
//! [`components::of_type`]. `compat-tests/openapi` holds every answer of a real server against them.
//!
//! `/docs` is Swagger UI from memory ([`page`]); it asks no other host for anything. Both are open to anybody, depend on no
//! credential, and may be kept by caches.

mod components;
mod errors;
mod keystone;
mod operation;
mod page;
mod resource;
mod schema;
mod sso;
mod tenant;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::http::published::Published;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Access::Open;
use crate::http::route::Route;
use crate::openapi::errors::Envelope;
use crate::openapi::operation::Operation;
use crate::service::App;

const DESCRIPTION: &str = "\
Identity v3 with OS-FEDERATION, in Keystone's dialect and in that of Huawei Cloud and Open Telekom Cloud, and the \
configuration of single sign-on.

A token goes into `X-Auth-Token` or `Authorization: Bearer`. `HEAD` is wherever `GET` is. Lists take the comparators \
`__contains`, `__icontains`, `__startswith`, `__endswith` and the like behind the name of a filter (`name__contains=a`), \
and ignore parameters that they do not know. No text may hold the character NUL, and no member of a JSON object may stand \
twice.

Before any of this is looked at, a request that breaks a limit of the server is answered with 408, 414 or 431. Every \
answer carries `x-openstack-request-id`.";

/// The parts that the page shows, in order, each with the operations that it has.
fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    let mut parts = keystone::parts();
    parts.extend(sso::parts());
    parts.extend(tenant::parts());
    parts.push(("Description", "This description, and the page that shows it.", page::operations()));
    parts
}

/// Every schema that has a name, but those of failures.
fn schemas() -> Vec<(String, Value)> {
    let mut all = keystone::schemas();
    all.extend(sso::schemas());
    all.extend(tenant::schemas());
    all
}

/// The document for these routes.
pub fn document(routes: &[Route]) -> Value {
    let parts = parts();
    let mut described: BTreeMap<(&str, &str), (&str, &Operation)> = BTreeMap::new();
    for (tag, _, operations) in &parts {
        for operation in operations {
            described.insert((operation.template(), operation.method().as_str()), (tag, operation));
        }
    }
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut refusals: BTreeSet<(Envelope, u16)> = BTreeSet::new();
    for route in routes {
        let Some((tag, operation)) = described.get(&(route.template, route.method.as_str())) else { continue };
        let shown = operation.render(route, tag, &mut refusals);
        let path = paths.entry(route.template).or_insert_with(|| operation::path_item(route.template));
        path.insert(route.method.as_str().to_ascii_lowercase(), shown);
    }
    let tags: Vec<Value> =
        parts.iter().map(|(name, description, _)| json!({"name": name, "description": description})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Archstone",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        // Where the document itself is, whatever stands in front of the service.
        "servers": [{"url": "./"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas().into_iter().chain(errors::schemas(&refusals)).collect::<Map<_, _>>(),
            "responses": errors::responses(&refusals),
            "securitySchemes": operation::security_schemes(),
        },
    })
}

/// The document's bytes, written once: the routes are the same for the life of the process.
static DOCUMENT: LazyLock<Published> = LazyLock::new(|| {
    let bytes = serde_json::to_vec(&document(&crate::app::routes())).unwrap_or_default();
    Published::new("application/json", bytes)
});

/// The routes of the description and its page.
pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/openapi.json", Open, get),
        Route::get("/docs", Open, page::enter),
        Route::get("/docs/{file}", Open, page::get),
    ]
}

/// `GET /openapi.json`
async fn get(_: Arc<App>, req: Request) -> Result<Reply> {
    Ok(DOCUMENT.reply(&req))
}
