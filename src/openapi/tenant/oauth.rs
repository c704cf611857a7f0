//! Described in `crate::tenant::oauth`.

use serde_json::Value;

use super::super::operation::{Answer, Operation};
use super::super::schema::{boolean, from_zero, link, list, named, object, open, says, text, word};

const CONFIGURATION: &str = "/api/v1/auth/tenants/{tenant_slug}/.well-known/openid-configuration";
const METADATA: &str = "/api/v1/auth/tenants/{tenant_slug}/.well-known/oauth-authorization-server";
const KEYS: &str = "/api/v1/auth/tenants/{tenant_slug}/.well-known/jwks.json";
const TOKEN: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/token";
const INTROSPECT: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/introspect";
const REVOKE: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/revoke";
const DEVICE: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/device_authorization";
const USERINFO: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/userinfo";

/// The parts that the page shows.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    vec![
        ("OpenID provider", "What a tenant publishes of itself as a provider.", documents()),
        ("OAuth 2.0", "Tokens of a tenant's applications.", endpoints()),
    ]
}

fn documents() -> Vec<Operation> {
    let published = |operation: Operation, answer: Answer| {
        let answer = answer.header("ETag", text(), "Names these bytes.");
        operation.answer(200, answer).answer(304, Answer::empty("The client has it.")).refuses(&[403])
    };
    vec![
        published(
            Operation::get(CONFIGURATION, "GetOpenidConfiguration", "Show a tenant's configuration as a provider."),
            Answer::json("OpenID Connect Discovery 1.0 §3.", named("ProviderMetadata")),
        ),
        published(
            Operation::get(METADATA, "GetAuthorizationServerMetadata", "The same under the name of RFC 8414."),
            Answer::json("RFC 8414 §2.", named("ProviderMetadata")),
        ),
        published(
            Operation::get(KEYS, "GetTenantKeys", "Show the keys that a tenant signs with."),
            Answer::json("RFC 7517 §5.", named("JwkSet")),
        ),
        preflight(CONFIGURATION, "PreflightOpenidConfiguration"),
        preflight(METADATA, "PreflightAuthorizationServerMetadata"),
        preflight(KEYS, "PreflightTenantKeys"),
    ]
}

/// What a browser asks before a script may.
fn preflight(template: &'static str, id: &str) -> Operation {
    Operation::options(template, id, "Tell a browser whether a script may ask.")
        .answer(204, Answer::empty("The headers say whether it may."))
        .refuses(&[403])
}

fn endpoints() -> Vec<Operation> {
    let ask = |template, id: &str, summary: &str| {
        Operation::post(template, id, summary).takes_form().refuses(&[401, 403, 429])
    };
    let about = |operation: Operation| {
        operation.answer(200, Answer::json("Who the token's user is.", named("Userinfo"))).refuses(&[401, 403])
    };
    vec![
        ask(TOKEN, "IssueTenantToken", "Give tokens for a grant.")
            .says(
                "The application proves itself by Basic, in the form, or by a JWT. Grants: authorization_code, refresh_token, \
                 client_credentials, device code (RFC 8628) and token exchange (RFC 8693).",
            )
            .answer(200, Answer::json("The tokens.", named("TokenResponse")))
            .refuses(&[502, 504]),
        ask(INTROSPECT, "IntrospectTenantToken", "Say what a token says (RFC 7662).")
            .answer(200, Answer::json("What it says, or that it is not active.", named("Introspection"))),
        ask(REVOKE, "RevokeTenantToken", "Take a token back (RFC 7009).")
            .answer(200, Answer::empty("It is void, or was none.")),
        ask(DEVICE, "AuthorizeTenantDevice", "Begin to let a device in (RFC 8628).")
            .answer(200, Answer::json("What the device shows.", named("DeviceAuthorization"))),
        about(Operation::get(USERINFO, "GetUserinfo", "Say who the holder of an access token is.")),
        about(Operation::post(USERINFO, "PostUserinfo", "The same.").takes_form()),
        preflight(TOKEN, "PreflightTenantToken"),
        preflight(INTROSPECT, "PreflightTenantIntrospection"),
        preflight(REVOKE, "PreflightTenantRevocation"),
        preflight(DEVICE, "PreflightTenantDevice"),
        preflight(USERINFO, "PreflightUserinfo"),
    ]
}

/// Schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let named = |name: &str, schema: Value| (name.to_owned(), schema);
    let seconds = |description: &str| says(from_zero(), description);
    vec![
        named(
            "ProviderMetadata",
            open([
                ("issuer", link()),
                ("authorization_endpoint", link()),
                ("token_endpoint", link()),
                ("userinfo_endpoint", link()),
                ("jwks_uri", link()),
                ("response_types_supported", list(text())),
                ("subject_types_supported", list(text())),
                ("id_token_signing_alg_values_supported", list(text())),
            ]),
        ),
        named(
            "JwkSet",
            object([("keys", list(open([("kty", text()), ("kid", text()), ("alg", text()), ("use", text())])))]),
        ),
        named(
            "TokenResponse",
            object([
                ("access_token", text()),
                ("token_type", word(&["Bearer"])),
                ("expires_in", seconds("Seconds that the access token lasts.")),
                ("scope", text()),
                ("refresh_token?", text()),
                ("id_token?", text()),
                ("issued_token_type?", text()),
            ]),
        ),
        named("Introspection", open([("active", boolean())])),
        named(
            "DeviceAuthorization",
            object([
                ("device_code", text()),
                ("user_code", text()),
                ("verification_uri", link()),
                ("verification_uri_complete", link()),
                ("expires_in", seconds("Seconds in which somebody has to decide.")),
                ("interval", seconds("Seconds between two questions.")),
            ]),
        ),
        named("Userinfo", open([("sub", text()), ("tenant_id", text())])),
    ]
}
