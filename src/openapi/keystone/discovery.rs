//! `/`, `/v3`, `/healthcheck`

use serde_json::json;

use crate::openapi::operation::{Answer, Operation};
use crate::openapi::schema::{link, list, object, text, time, word};

/// All of them.
pub fn operations() -> Vec<Operation> {
    const HOME: &str = "application/json-home";
    let version = || {
        object([
            ("id", text()),
            ("status", word(&["stable"])),
            ("updated", time()),
            ("links", list(object([("rel", text()), ("href", link())]))),
            ("media-types", list(object([("base", text()), ("type", text())]))),
        ])
    };
    let versions = object([("versions", object([("values", list(version()))]))]);
    let home = || object([("resources", json!({"type": "object", "additionalProperties": {"type": "object"}}))]);
    let asks = |operation: Operation| {
        operation.header("Accept", false, text(), "`application/json-home` asks for the relations instead.")
    };
    vec![
        asks(Operation::get("/", "ListVersions", "List the versions of the API."))
            .answer(200, Answer::contents("The relations.", [(HOME, home())]))
            .answer(300, Answer::json("The versions.", versions).header("Location", link(), "The newest version."))
            .plain(),
        asks(Operation::get("/v3", "GetVersion", "Show version 3."))
            .answer(
                200,
                Answer::contents(
                    "The version, or its relations.",
                    [("application/json", object([("version", version())])), (HOME, home())],
                ),
            )
            .plain(),
        Operation::get("/healthcheck", "CheckHealth", "Whether this node can answer.")
            .answer(200, Answer::contents("It can.", [("text/plain", text())]))
            .answer(503, Answer::contents("It cannot: its database is away.", [("text/plain", text())]))
            .plain(),
    ]
}
