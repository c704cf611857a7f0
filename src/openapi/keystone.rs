//! The Keystone face, a file for each family.

mod assignment;
mod audit;
mod catalog;
mod connections;
mod discovery;
mod domains;
mod grants;
mod groups;
mod identity_providers;
mod mappings;
mod projects;
mod protocols;
mod roles;
mod saml;
mod service_providers;
mod setup;
mod signing_in;
mod tokens;
mod users;

use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{boolean, nullable, object, open, page_links, text, text_of};

/// The parts of this face.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    vec![
        ("Discovery", "What is offered here, and whether it works.", discovery::operations()),
        ("Tokens", "Signing in, and what a token gives access to.", tokens::operations()),
        (
            "Signing in through an identity provider",
            "OS-FEDERATION, by programs and browsers.",
            [signing_in::operations(), saml::operations()].concat(),
        ),
        ("Identity providers", "Who signs people in.", identity_providers::operations()),
        ("Protocols", "How an identity provider is spoken to, and by which mapping.", protocols::operations()),
        ("Mappings", "What people become here.", mappings::operations()),
        (
            "Connections",
            "How this service itself speaks to an identity provider.",
            [connections::operations(), saml::imports()].concat(),
        ),
        ("Set-up", "An identity provider with all that it needs, or nothing.", setup::operations()),
        ("Service providers", "Other services that take assertions of this one.", service_providers::operations()),
        ("Domains", "Where names are unique, and who administers them.", domains::operations()),
        ("Projects", "What roles are held on.", projects::operations()),
        ("Users", "Who signs in.", users::operations()),
        ("Groups", "Users who hold roles together.", groups::operations()),
        ("Roles", "What may be held, and what it implies.", roles::operations()),
        ("Role assignments", "Who holds which role where.", assignment::operations()),
        ("Grants", "One role of one user or group on one target.", grants::operations()),
        ("Catalog", "Services, their endpoints, and regions.", catalog::operations()),
        ("Audit", "What has happened.", audit::operations()),
    ]
}

/// Its schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let mut all = vec![
        ("PageLinks".to_owned(), page_links()),
        ("Links".to_owned(), object([("self", super::schema::link())])),
        ("Reference".to_owned(), object([("id", text()), ("name", text())])),
        ("DomainReference".to_owned(), object([("id", nullable(text())), ("name", nullable(text()))])),
        ("Immutable".to_owned(), options(&["immutable"])),
    ];
    for family in [
        tokens::schemas(),
        identity_providers::schemas(),
        protocols::schemas(),
        mappings::schemas(),
        connections::schemas(),
        saml::schemas(),
        setup::schemas(),
        service_providers::schemas(),
        domains::schemas(),
        projects::schemas(),
        users::schemas(),
        groups::schemas(),
        roles::schemas(),
        assignment::schemas(),
        catalog::schemas(),
        audit::schemas(),
    ] {
        all.extend(family);
    }
    all
}

/// Resource options that are truth values; null in a body takes one away.
fn options(names: &[&str]) -> Value {
    let mut schema = object([]);
    for name in names {
        schema["properties"][name] = nullable(boolean());
    }
    schema
}

/// Up to 80 tags.
fn tags() -> Value {
    let tag = json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]*[^,/\\s][^,/]*$"});
    json!({"type": "array", "items": tag, "maxItems": 80, "uniqueItems": true})
}

/// Links to the resource itself.
fn links() -> Value {
    super::schema::named("Links")
}

/// An id as bodies give one.
fn id() -> Value {
    json!({"type": "string", "pattern": "^[a-zA-Z0-9-]{1,64}$"})
}

/// A project, user or domain as a request names it: by id, or by name with what makes the name unique.
fn named_in_domain(password: bool) -> Value {
    let mut schema = open([("id?", text_of(1, 255)), ("name?", text_of(1, 255)), ("domain?", named_domain())]);
    schema["anyOf"] = json!([{"required": ["id"]}, {"required": ["name", "domain"]}]);
    if password {
        schema["properties"]["password"] = json!({"type": "string", "writeOnly": true});
        schema["required"] = json!(["password"]);
    }
    schema
}

/// A domain by id or by name.
fn named_domain() -> Value {
    let mut schema = open([("id?", text_of(1, 255)), ("name?", text_of(1, 255))]);
    schema["anyOf"] = json!([{"required": ["id"]}, {"required": ["name"]}]);
    schema
}
