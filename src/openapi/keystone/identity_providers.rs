//! `/v3/OS-FEDERATION/identity_providers`

use serde_json::{Value, json};

use super::id;
use crate::openapi::operation::{Answer, Operation};
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{boolean, count, link, list, named, nullable, object, page_links, says, text, time, word};

const ALL: &str = "/v3/OS-FEDERATION/identity_providers";
const ONE: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}";

/// All of them.
pub fn operations() -> Vec<Operation> {
    let logins = Operation::get(
        "/v3/OS-FEDERATION/identity_providers/{idp_id}/logins",
        "ListIdentityProviderLogins",
        "The last log-ins there, newest first, and why they failed.",
    );
    vec![
        Operation::get(ALL, "ListIdentityProviders", "List identity providers.")
            .filters(&["id", "domain_id", "description"])
            .switch("enabled")
            .pages()
            .lists("IdentityProviderList"),
        Operation::get(ONE, "GetIdentityProvider", "Show an identity provider.").shows("IdentityProviderEnvelope"),
        Operation::put(ONE, "CreateIdentityProvider", "Make an identity provider.")
            .says("Without a domain one is made with it, for a cloud's administrator; a security administrator's own counts for them.")
            .takes_named("IdentityProviderCreate")
            .makes("IdentityProviderEnvelope"),
        Operation::patch(ONE, "UpdateIdentityProvider", "Change an identity provider.")
            .takes_named("IdentityProviderUpdate")
            .changes("IdentityProviderEnvelope"),
        Operation::delete(ONE, "DeleteIdentityProvider", "Delete an identity provider with its protocols.").done(),
        logins.answer(200, Answer::json("The log-ins.", named("LoginList"))),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let remote_ids = || json!({"type": "array", "items": {"type": "string", "maxLength": 255}, "maxItems": 1000, "uniqueItems": true});
    let ttl =
        says(nullable(count(i64::from(i32::MAX))), "Minutes that memberships last which it asserts; 0 is the default.");
    let mut all = Resource::new(
        "IdentityProvider",
        "identity_provider",
        "identity_providers",
        vec![
            Member::shown("id", text()),
            Member::taken("domain_id", text()).taken_as(nullable(id())).once(),
            Member::taken("enabled", boolean()),
            Member::taken("description", nullable(text())),
            Member::taken("remote_ids", remote_ids()).taken_as(nullable(remote_ids())),
            Member::taken("authorization_ttl", ttl),
            Member::taken("sso_type", word(&["virtual_user_sso", "iam_user_sso"])),
            Member::shown("links", object([("self", link()), ("protocols", link())])),
        ],
    )
    .schemas();
    let login = object([
        ("id", text()),
        ("protocol_id", text()),
        ("at", time()),
        ("verified", says(boolean(), "Whether what was shown came from the identity provider.")),
        ("outcome", word(&["success", "failure"])),
        ("reason", nullable(text())),
        ("user_id", nullable(text())),
        ("request_id", text()),
        ("detail", says(json!({"type": "object"}), "What the mapping made of it.")),
    ]);
    all.push(("LoginList".to_owned(), object([("logins", list(login)), ("links", page_links())])));
    all
}
