//! `/v3/OS-FEDERATION/service_providers`

use serde_json::{Value, json};

use super::links;
use crate::openapi::operation::Operation;
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{boolean, nullable, text};

const ALL: &str = "/v3/OS-FEDERATION/service_providers";
const ONE: &str = "/v3/OS-FEDERATION/service_providers/{service_provider_id}";

/// All of them.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get(ALL, "ListServiceProviders", "List service providers.")
            .filters(&["id"])
            .switch("enabled")
            .pages()
            .lists("ServiceProviderList"),
        Operation::get(ONE, "GetServiceProvider", "Show a service provider.").shows("ServiceProviderEnvelope"),
        Operation::put(ONE, "CreateServiceProvider", "Make a service provider.")
            .takes_named("ServiceProviderCreate")
            .makes("ServiceProviderEnvelope"),
        Operation::patch(ONE, "UpdateServiceProvider", "Change a service provider.")
            .takes_named("ServiceProviderUpdate")
            .changes("ServiceProviderEnvelope"),
        Operation::delete(ONE, "DeleteServiceProvider", "Delete a service provider.").done(),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let url = || json!({"type": "string", "maxLength": 225, "pattern": "^[a-zA-Z0-9+.-]+:.+"});
    let prefix = json!({"type": ["string", "null"], "maxLength": 256});
    Resource::new(
        "ServiceProvider",
        "service_provider",
        "service_providers",
        vec![
            Member::shown("id", text()),
            Member::needed("auth_url", url()),
            Member::needed("sp_url", url()),
            Member::taken("enabled", boolean()),
            Member::taken("description", nullable(text())),
            Member::taken("relay_state_prefix", text()).taken_as(prefix),
            Member::shown("links", links()),
        ],
    )
    .schemas()
}
