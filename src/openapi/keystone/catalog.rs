//! `/v3/services`, `/v3/endpoints`, `/v3/regions`

use serde_json::{Value, json};

use super::links;
use crate::openapi::operation::Operation;
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{boolean, nullable, says, text, text_of, word};

const SERVICES: &str = "/v3/services";
const SERVICE: &str = "/v3/services/{service_id}";
const ENDPOINTS: &str = "/v3/endpoints";
const ENDPOINT: &str = "/v3/endpoints/{endpoint_id}";
const REGIONS: &str = "/v3/regions";
const REGION: &str = "/v3/regions/{region_id}";

/// All of them.
pub fn operations() -> Vec<Operation> {
    [services(), endpoints(), regions()].concat()
}

fn services() -> Vec<Operation> {
    vec![
        Operation::get(SERVICES, "ListServices", "List services.")
            .filters(&["type", "name"])
            .pages()
            .lists("ServiceList"),
        Operation::post(SERVICES, "CreateService", "Make a service.")
            .takes_named("ServiceCreate")
            .makes("ServiceEnvelope"),
        Operation::get(SERVICE, "GetService", "Show a service.").shows("ServiceEnvelope"),
        Operation::patch(SERVICE, "UpdateService", "Change a service.")
            .takes_named("ServiceUpdate")
            .changes("ServiceEnvelope"),
        Operation::delete(SERVICE, "DeleteService", "Delete a service with its endpoints.").done(),
    ]
}

fn endpoints() -> Vec<Operation> {
    vec![
        Operation::get(ENDPOINTS, "ListEndpoints", "List endpoints.")
            .query("interface", interface(), "Only those for these clients.")
            .filters(&["service_id", "region_id"])
            .pages()
            .lists("EndpointList"),
        Operation::post(ENDPOINTS, "CreateEndpoint", "Make an endpoint.")
            .takes_named("EndpointCreate")
            .makes("EndpointEnvelope")
            .refuses(&[404]),
        Operation::get(ENDPOINT, "GetEndpoint", "Show an endpoint.").shows("EndpointEnvelope"),
        Operation::patch(ENDPOINT, "UpdateEndpoint", "Change an endpoint.")
            .takes_named("EndpointUpdate")
            .changes("EndpointEnvelope"),
        Operation::delete(ENDPOINT, "DeleteEndpoint", "Delete an endpoint.").done(),
    ]
}

fn regions() -> Vec<Operation> {
    vec![
        Operation::get(REGIONS, "ListRegions", "List regions.")
            .filters(&["parent_region_id"])
            .pages()
            .lists("RegionList"),
        Operation::post(REGIONS, "CreateRegion", "Make a region.")
            .takes_named("RegionCreate")
            .makes("RegionEnvelope")
            .refuses(&[404]),
        Operation::get(REGION, "GetRegion", "Show a region.").shows("RegionEnvelope"),
        Operation::put(REGION, "CreateRegionWithId", "Make a region of that id.")
            .takes_named("RegionCreate")
            .makes("RegionEnvelope"),
        Operation::patch(REGION, "UpdateRegion", "Change a region.")
            .takes_named("RegionUpdate")
            .changes("RegionEnvelope"),
        Operation::delete(REGION, "DeleteRegion", "Delete a region with those below it.").done(),
    ]
}

fn interface() -> Value {
    word(&["admin", "internal", "public"])
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let service = Resource::new(
        "Service",
        "service",
        "services",
        vec![
            Member::id(text()),
            Member::needed("type", text_of(1, 255)),
            Member::taken("name", text()).taken_as(text_of(1, 255)),
            Member::taken("enabled", boolean()),
            Member::shown("links", links()),
        ],
    );
    let url = json!({
        "type": "string", "maxLength": 225, "pattern": "^[a-zA-Z0-9+.-]+:.+",
        "description": "`$(project_id)s`, `$(tenant_id)s` and `$(user_id)s` stand for values of the token.",
    });
    let older = says(nullable(text_of(1, 255)), "The older name of `region_id`; a region that is not there is made.");
    let endpoint = Resource::new(
        "Endpoint",
        "endpoint",
        "endpoints",
        vec![
            Member::id(text()),
            Member::needed("service_id", text()),
            Member::needed("interface", interface()),
            Member::needed("url", url),
            Member::taken("region_id", nullable(text())).taken_as(nullable(text_of(1, 255))),
            Member::taken("region", nullable(text())).taken_as(older),
            Member::taken("enabled", boolean()),
            Member::taken("name", text()).sometimes(),
            Member::taken("description", nullable(text())).sometimes(),
            Member::shown("links", links()),
        ],
    );
    let own_id = says(json!({"type": ["string", "null"], "maxLength": 255}), "Its id, which its maker may choose.");
    let region = Resource::new(
        "Region",
        "region",
        "regions",
        vec![
            Member::taken("id", text()).taken_as(own_id),
            Member::taken("description", text()).taken_as(json!({"type": ["string", "null"], "maxLength": 255})),
            Member::taken("parent_region_id", nullable(text())).taken_as(nullable(text_of(1, 255))),
            Member::shown("links", links()),
        ],
    );
    [service, endpoint, region].into_iter().flat_map(|r| r.with_extra().schemas()).collect()
}
