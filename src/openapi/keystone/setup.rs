//! `/v3/OS-FEDERATION/identity_providers/{idp_id}/setup`

use serde_json::{Value, json};

use crate::openapi::operation::Operation;
use crate::openapi::schema::{named, object, says};

/// All of them.
pub fn operations() -> Vec<Operation> {
    let one = Operation::put(
        "/v3/OS-FEDERATION/identity_providers/{idp_id}/setup",
        "SetUpIdentityProvider",
        "Make an identity provider with its mapping, protocol and connection.",
    )
    .says("Each part is what its own operation takes, with its id where the path would name it. All are made, or none.")
    .takes_named("SetupCreate")
    .makes("SetupEnvelope");
    vec![one]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let part = |description: &str| says(json!({"type": "object"}), description);
    let create = object([
        ("identity_provider", part("As `IdentityProviderCreate` has it.")),
        ("mapping?", part("As `MappingBody` has it, and `id`; without an id it gets the identity provider's.")),
        ("protocol", {
            let mut protocol = part("As `ProtocolCreate` has it, and `id`.");
            protocol["required"] = json!(["id"]);
            protocol["properties"] = json!({"id": {"type": "string", "minLength": 1, "maxLength": 64}});
            protocol
        }),
        ("connection?", part("As `ConnectionCreate` has it.")),
    ]);
    let shown = object([
        ("identity_provider", named("IdentityProvider")),
        ("mapping?", named("Mapping")),
        ("protocol", named("Protocol")),
        ("connection?", named("Connection")),
    ]);
    vec![
        ("SetupCreate".to_owned(), object([("setup", create)])),
        ("SetupEnvelope".to_owned(), object([("setup", shown)])),
    ]
}
