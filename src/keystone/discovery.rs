//! Discovery: versions, JSON-home (draft-nottingham-json-home), health.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION, VARY};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::Route;
use crate::service::App;

const HOME: &str = "application/json-home";

fn v3(app: &App) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{}/v3/", app.public_url)}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    })
}

fn wants_home(req: &Request) -> bool {
    let accepts = req.head.headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok());
    accepts.flat_map(|v| v.split(',')).any(|t| t.split(';').next().is_some_and(|t| t.trim() == HOME))
}

/// The document as it is seen from `/` and from `/v3`. It is as long as the table of routes and never changes: written once.
static HOMES: LazyLock<[Bytes; 2]> = LazyLock::new(|| {
    ["/v3", ""].map(|prefix| serde_json::to_vec(&json_home(&super::routes(), prefix)).unwrap_or_default().into())
});

fn home(document: &Bytes) -> Reply {
    Reply::json_bytes(StatusCode::OK, document.clone())
        .with(CONTENT_TYPE, HeaderValue::from_static(HOME))
        .with(VARY, HeaderValue::from_static("Accept"))
}

/// `GET /`
pub async fn versions(app: Arc<App>, req: Request) -> Result<Reply> {
    if wants_home(&req) {
        return Ok(home(&HOMES[0]));
    }
    let location =
        HeaderValue::from_str(&format!("{}/v3/", app.public_url)).unwrap_or(HeaderValue::from_static("/v3/"));
    Ok(Reply::json(StatusCode::MULTIPLE_CHOICES, &json!({"versions": {"values": [v3(&app)]}})).with(LOCATION, location))
}

/// `GET /v3`
pub async fn version(app: Arc<App>, req: Request) -> Result<Reply> {
    if wants_home(&req) {
        return Ok(home(&HOMES[1]));
    }
    Ok(Reply::ok(&json!({"version": v3(&app)})))
}

/// `GET /healthcheck`: 200 while this node can answer, which needs the database.
pub async fn healthcheck(app: Arc<App>, _: Request) -> Result<Reply> {
    let healthy = app.memory.is_current();
    let (status, text) = if healthy {
        (StatusCode::OK, "OK")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached")
    };
    let mut reply = Reply::empty(status).with(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply.body = text.into();
    Ok(reply)
}

/// The relations of a route table, made from the table itself. `prefix` is what stands before a link, seen from where the
/// document was asked for.
pub fn json_home(routes: &[Route], prefix: &str) -> Value {
    const BASE: &str = "https://docs.openstack.org/api/openstack-identity/3";
    let mut resources = Map::new();
    for route in routes {
        let Some(relation) = route.relation else { continue };
        // An extension's parameters stand beside its relations.
        let (name, params) = match relation.split_once("/rel/") {
            Some((extension, _)) => (format!("{BASE}/{relation}"), format!("{BASE}/{extension}/param")),
            None => (format!("{BASE}/rel/{relation}"), format!("{BASE}/param")),
        };
        let names: Vec<&str> =
            route.template.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')).collect();
        let path = format!("{prefix}{}", route.template.strip_prefix("/v3").unwrap_or(route.template));
        let resource = if names.is_empty() {
            json!({ "href": path })
        } else {
            let vars: Map<String, Value> =
                names.iter().map(|n| ((*n).to_owned(), json!(format!("{params}/{n}")))).collect();
            json!({"href-template": path, "href-vars": vars})
        };
        resources.insert(name, resource);
    }
    json!({ "resources": resources })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_home_lists_the_federation_relations_with_their_variables() {
        let home = json_home(&crate::keystone::routes(), "");
        let base = "https://docs.openstack.org/api/openstack-identity/3/ext/OS-FEDERATION/1.0/rel";
        assert_eq!(
            home["resources"][format!("{base}/identity_providers")]["href"],
            "/OS-FEDERATION/identity_providers"
        );
        let one = &home["resources"][format!("{base}/identity_provider")];
        assert_eq!(one["href-template"], "/OS-FEDERATION/identity_providers/{idp_id}");
        assert!(one["href-vars"]["idp_id"].is_string());
    }
}
