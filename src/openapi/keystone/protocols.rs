//! `/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols`

use serde_json::{Value, json};

use crate::openapi::operation::Operation;
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{link, nullable, object, text, text_of};

const ALL: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols";
const ONE: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}";

/// All of them.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get(ALL, "ListProtocols", "List the protocols of an identity provider.")
            .filters(&["id", "mapping_id", "remote_id_attribute"])
            .pages()
            .lists("ProtocolList"),
        Operation::get(ONE, "GetProtocol", "Show a protocol.").shows("ProtocolEnvelope"),
        Operation::put(ONE, "CreateProtocol", "Make a protocol.")
            .says("The mapping is required, except where users exist already (`iam_user_sso`).")
            .takes_named("ProtocolCreate")
            .makes("ProtocolEnvelope"),
        Operation::patch(ONE, "UpdateProtocol", "Change a protocol.")
            .takes_named("ProtocolUpdate")
            .changes("ProtocolEnvelope"),
        Operation::delete(ONE, "DeleteProtocol", "Delete a protocol.").done(),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let attribute = || json!({"type": "string", "maxLength": 64});
    let mut all = Resource::new(
        "Protocol",
        "protocol",
        "protocols",
        vec![
            Member::shown("id", text()),
            Member::shown("idp_id", text()),
            Member::taken("mapping_id", nullable(text())).taken_as(text_of(1, 64)),
            Member::taken("remote_id_attribute", nullable(text())).taken_as(attribute()),
            Member::shown("links", object([("self", link()), ("identity_provider", link())])),
        ],
    )
    .schemas();
    for (name, schema) in &mut all {
        if name == "ProtocolCreate" {
            schema["properties"]["protocol"]["properties"]["remote_id_attribute"] = nullable(attribute());
        }
    }
    all
}
