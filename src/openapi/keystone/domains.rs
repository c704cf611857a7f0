//! `/v3/domains`

use serde_json::{Value, json};

use super::{links, options, tags};
use crate::openapi::operation::Operation;
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{boolean, name_of, named, nullable, text};

const ALL: &str = "/v3/domains";
const ONE: &str = "/v3/domains/{domain_id}";

/// All of them.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get(ALL, "ListDomains", "List domains.")
            .filters(&["id", "name"])
            .switch("enabled")
            .pages()
            .lists("DomainList"),
        Operation::post(ALL, "CreateDomain", "Make a domain.").takes_named("DomainCreate").makes("DomainEnvelope"),
        Operation::get(ONE, "GetDomain", "Show a domain.").shows("DomainEnvelope"),
        Operation::patch(ONE, "UpdateDomain", "Change a domain.").takes_named("DomainUpdate").changes("DomainEnvelope"),
        Operation::delete(ONE, "DeleteDomain", "Delete a domain with all that is in it.")
            .says("It must be disabled first.")
            .done(),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let explicit = json!({"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "The id that it is to have."});
    let mut all = Resource::new(
        "Domain",
        "domain",
        "domains",
        vec![
            Member::id(text()),
            Member::needed("name", name_of(64)),
            Member::taken("enabled", boolean()),
            Member::taken("description", text()).taken_as(nullable(text())),
            Member::taken("tags", tags()),
            Member::taken("options", named("DomainOptions")),
            Member::taken("explicit_domain_id", explicit).hidden().once(),
            Member::shown("links", links()),
        ],
    )
    .with_extra()
    .schemas();
    all.push(("DomainOptions".to_owned(), options(&["immutable", "link_federated_users"])));
    all
}
