//! `/v3/auth/tokens`, and what a token gives access to.

use serde_json::{Value, json};

use super::{named_domain, named_in_domain};
use crate::openapi::operation::{Answer, Operation};
use crate::openapi::schema::{
    boolean, end, list, named, nullable, object, open, page_links, says, switch, text, time, word,
};

const TOKENS: &str = "/v3/auth/tokens";

fn subject(operation: Operation) -> Operation {
    operation.header("X-Subject-Token", true, text(), "The token that the request is about.").refuses(&[404])
}

fn without_catalog(operation: Operation) -> Operation {
    operation.query("nocatalog", text(), "Leaves the catalog out, whatever its value is.")
}

fn expired(operation: Operation) -> Operation {
    operation.query("allow_expired", switch(), "Shows a token that has ended not long ago, for services.")
}

fn with_token(answer: Answer) -> Answer {
    answer.header("X-Subject-Token", text(), "The token.")
}

/// All of them.
pub fn operations() -> Vec<Operation> {
    let token = |description: &str| with_token(Answer::json(description, named("TokenEnvelope")));
    let issue = without_catalog(Operation::post(TOKENS, "CreateToken", "Sign in, or change the scope of a token."));
    let validate = without_catalog(expired(subject(Operation::get(TOKENS, "ValidateToken", "Show a token."))));
    let check = expired(subject(Operation::head(TOKENS, "CheckToken", "Whether a token is valid.")));
    vec![
        issue.takes_named("AuthRequest").answer(201, token("The token is made.")).refuses(&[401, 403, 404, 429]),
        validate.answer(200, token("The token is valid.")),
        without_catalog(check).answer(200, with_token(Answer::empty("The token is valid."))),
        subject(Operation::delete(TOKENS, "RevokeToken", "Make a token void.")).done(),
        Operation::get("/v3/auth/tokens/OS-PKI/revoked", "ListRevokedPkiTokens", "The list of PKI tokens' days.")
            .says("PKI tokens are gone, and their list with them.")
            .answer(410, Answer::json("It is gone, for everybody.", named("KeystoneError")))
            .plain()
            .deprecated(),
        Operation::get("/v3/auth/catalog", "GetCatalog", "The catalog of the caller's token.").shows("CatalogEnvelope"),
        Operation::get("/v3/auth/projects", "ListAuthProjects", "Projects that the caller can get a token for.")
            .lists("ProjectList"),
        Operation::get("/v3/auth/domains", "ListAuthDomains", "Domains that the caller can get a token for.")
            .lists("DomainList"),
        Operation::get("/v3/auth/system", "GetAuthSystem", "Whether the caller can get a token for the system.")
            .shows("SystemScopes"),
        Operation::get(
            "/v3/OS-FEDERATION/projects",
            "ListFederatedProjects",
            "Projects that the caller can get a token for.",
        )
        .lists("ProjectList"),
        Operation::get(
            "/v3/OS-FEDERATION/domains",
            "ListFederatedDomains",
            "Domains that the caller can get a token for.",
        )
        .lists("DomainList"),
        Operation::get("/v3/OS-REVOKE/events", "ListRevocationEvents", "What has made tokens void, for services.")
            .query("since", time(), "Only those since then.")
            .pages()
            .lists("RevocationEventList"),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let all = [
        ("AuthRequest", auth_request()),
        ("Scope", scope()),
        ("Token", token()),
        ("TokenEnvelope", object([("token", named("Token"))])),
        ("CatalogService", catalog_service()),
        ("CatalogEnvelope", object([("catalog", list(named("CatalogService"))), ("links", page_links())])),
        ("SystemScopes", object([("system", list(system())), ("links", named("Links"))])),
        ("RevocationEvent", revocation_event()),
        ("RevocationEventList", crate::openapi::schema::page("events", named("RevocationEvent"))),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn system() -> Value {
    object([("all", json!({"const": true}))])
}

/// The scope that is asked for.
fn scope() -> Value {
    let one = |member: &str, of: Value| object([(member, of)]);
    json!({
        "oneOf": [
            says(one("project", named_in_domain(false)), "A project."),
            says(one("domain", named_domain()), "A domain."),
            says(one("system", open([("all", json!({"const": true}))])), "The whole deployment."),
            says(one("unscoped", json!({})), "None, even if the user has a default project."),
            {"const": "unscoped", "description": "The same."},
        ],
    })
}

fn auth_request() -> Value {
    let methods = json!({"type": "array", "items": word(&["password", "token"]), "minItems": 1, "maxItems": 8});
    let mut identity = open([
        ("methods", methods),
        ("password?", open([("user", named_in_domain(true))])),
        ("token?", open([("id", json!({"type": "string", "writeOnly": true, "maxLength": 16_384}))])),
    ]);
    let needs = |method: &str| {
        json!({
            "if": {"properties": {"methods": {"contains": {"const": method}}}},
            "then": {"required": [method]},
        })
    };
    identity["allOf"] = json!([needs("password"), needs("token")]);
    object([("auth", open([("identity", identity), ("scope?", named("Scope"))]))])
}

fn token() -> Value {
    let asserted = object([
        ("groups", list(named("Reference"))),
        ("identity_provider", object([("id", text())])),
        ("protocol", object([("id", text())])),
    ]);
    let user = object([
        ("id", text()),
        ("name", text()),
        ("domain", named("Reference")),
        ("password_expires_at?", end()),
        ("OS-FEDERATION?", says(asserted, "Of users who came through an identity provider.")),
    ]);
    let project = object([("id", text()), ("name", text()), ("domain", named("DomainReference"))]);
    let service_provider = object([("id", text()), ("auth_url", text()), ("sp_url", text())]);
    object([
        ("methods", list(text())),
        ("user", user),
        ("audit_ids", json!({"type": "array", "items": text(), "minItems": 1, "maxItems": 2})),
        ("expires_at", time()),
        ("issued_at", time()),
        ("project?", project),
        ("is_domain?", says(boolean(), "Whether the project acts as a domain.")),
        ("domain?", named("Reference")),
        ("system?", system()),
        ("roles?", says(list(named("Reference")), "What the user holds on the scope.")),
        ("catalog?", list(named("CatalogService"))),
        ("service_providers?", list(service_provider)),
    ])
}

fn catalog_service() -> Value {
    let endpoint = object([
        ("id", text()),
        ("interface", word(&["admin", "internal", "public"])),
        ("region", nullable(text())),
        ("region_id", nullable(text())),
        ("url", text()),
    ]);
    object([("id", text()), ("type", text()), ("name", text()), ("endpoints", list(endpoint))])
}

fn revocation_event() -> Value {
    object([
        ("issued_before", says(time(), "Tokens from before are void.")),
        ("revoked_at", time()),
        ("audit_id?", text()),
        ("audit_chain_id?", text()),
        ("user_id?", text()),
        ("project_id?", text()),
        ("domain_id?", text()),
        ("role_id?", text()),
        ("identity_provider_id?", text()),
        ("expires_at?", time()),
        ("OS-TRUST:trust_id?", text()),
        ("OS-OAUTH1:consumer_id?", text()),
        ("OS-OAUTH1:access_token_id?", text()),
    ])
}
