//! SAML: where answers of identity providers come to, their metadata in Huawei's form, and assertions for other clouds.

use serde_json::{Value, json};

use crate::openapi::operation::{Answer, Operation};
use crate::openapi::schema::{named, nullable, object, open, says, text, text_of};

const ACS: &str = "/v3-ext/auth/OS-FEDERATION/SSO/SAML2/POST";
const ECP: &str = "/v3-ext/auth/OS-FEDERATION/SSO/SAML2/ECP";
const METADATA: &str = "/v3-ext/auth/OS-FEDERATION/SSO/metadata";
const TOKENS: &str = "/v3.0/OS-FEDERATION/tokens";
const IMPORTED: &str = "/v3-ext/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/metadata";
const RESPONSE: &str = "/v3/auth/OS-FEDERATION/saml2";
const ENVELOPE: &str = "/v3/auth/OS-FEDERATION/saml2/ecp";
const OWN: &str = "/v3/OS-FEDERATION/saml2/metadata";

fn token() -> Answer {
    Answer::json("The token is made.", named("TokenEnvelope")).header("X-Subject-Token", text(), "The token.")
}

fn xml(description: &str) -> Answer {
    Answer::contents(description, [("text/xml", text())])
}

/// Signing in, and where identity providers learn of us.
pub fn operations() -> Vec<Operation> {
    let vouches = |operation: Operation| {
        let answer = xml("The assertion.").header("X-sp-url", text(), "Where it is sent.").header(
            "X-auth-url",
            text(),
            "Where a token is got with it.",
        );
        operation.takes_named("AssertionRequest").answer(200, answer).refuses(&[401, 403, 404])
    };
    vec![
        Operation::post(ACS, "SamlWebSso", "A browser posts what the identity provider has answered.")
            .takes_form_named("SamlAnswer")
            .answer(200, Answer::contents("The form that takes the token on.", [("text/html", json!({}))]))
            .answer(201, token())
            .refuses(&[401, 403, 404, 409, 429])
            .for_browsers(),
        Operation::post(ECP, "SamlEcp", "A client brings what its identity provider has answered (SAML ECP).")
            .takes_document("application/vnd.paos+xml")
            .answer(303, Answer::empty("Where a token is got, once.").header("Location", text(), "There."))
            .refuses(&[401, 403, 404]),
        Operation::get(METADATA, "ShowServiceProviderMetadata", "What this service is to identity providers.")
            .query("unsigned", text(), "`true`: without a signature.")
            .answer(200, Answer::contents("The document.", [("application/samlmetadata+xml", text())])),
        Operation::post(TOKENS, "CreateTokenBySaml", "Sign in by an assertion that was not asked for.")
            .header("X-Idp-Id", true, text_of(1, 64), "The identity provider.")
            .takes_form_named("SamlAnswer")
            .answer(201, token())
            .refuses(&[401, 403, 404, 409, 429]),
        vouches(Operation::post(RESPONSE, "CreateSamlAssertion", "An assertion for a service provider.")),
        vouches(Operation::post(ENVELOPE, "CreateEcpAssertion", "The same in an envelope, as it is posted there.")),
        Operation::get(OWN, "ShowIdentityProviderMetadata", "What this service is to other clouds.")
            .answer(200, xml("The document.")),
    ]
}

/// Metadata in Huawei's form.
pub fn imports() -> Vec<Operation> {
    vec![
        Operation::get(IMPORTED, "GetIDPMetadata", "Show the metadata that was imported.").shows("ImportedMetadata"),
        Operation::post(IMPORTED, "CreateIDPMetadata", "Import metadata, over what was imported before.")
            .takes_named("MetadataImport")
            .makes("MetadataImported"),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let answer = object([
        ("SAMLResponse", says(text_of(1, 400_000), "The Response, in base64.")),
        ("RelayState?", says(text(), "Which log-in it is of.")),
    ]);
    let token = object([("id", json!({"type": "string", "minLength": 1, "maxLength": 16_384, "writeOnly": true}))]);
    let methods = json!({"type": "array", "items": {"const": "token"}});
    let identity = object([("methods?", methods), ("token", token)]);
    let scope = object([("service_provider", object([("id", text_of(1, 64))]))]);
    let asked = object([("auth", object([("identity", identity), ("scope", scope)]))]);
    let import = object([
        ("xaccount_type?", nullable(text_of(0, 64))),
        ("domain_id?", nullable(text_of(0, 64))),
        ("metadata", says(text_of(1, 500_000), "The document.")),
    ]);
    let imported = open([
        ("id", text()),
        ("idp_id", text()),
        ("entity_id", nullable(text())),
        ("protocol_id", text()),
        ("domain_id", text()),
        ("xaccount_type", text()),
        ("update_time", says(text(), "In UTC, without saying so.")),
        ("data", says(text(), "The document.")),
    ]);
    vec![
        ("SamlAnswer".to_owned(), answer),
        ("AssertionRequest".to_owned(), asked),
        ("MetadataImport".to_owned(), import),
        ("MetadataImported".to_owned(), object([("message", text())])),
        ("ImportedMetadata".to_owned(), imported),
    ]
}
