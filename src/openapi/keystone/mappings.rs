//! `/v3/OS-FEDERATION/mappings`

use serde_json::{Value, json};

use crate::openapi::operation::Operation;
use crate::openapi::schema::{boolean, list, named, nullable, object, open, page, says, text, text_of, word};

const ALL: &str = "/v3/OS-FEDERATION/mappings";
const ONE: &str = "/v3/OS-FEDERATION/mappings/{mapping_id}";

/// All of them.
pub fn operations() -> Vec<Operation> {
    let explain = Operation::post(
        "/v3/OS-FEDERATION/mappings/{mapping_id}/explain",
        "ExplainMapping",
        "What a mapping would make of an assertion, and why. Nothing is made.",
    );
    vec![
        Operation::get(ALL, "ListMappings", "List mappings.")
            .filters(&["id", "schema_version"])
            .pages()
            .lists("MappingList"),
        Operation::get(ONE, "GetMapping", "Show a mapping.").shows("MappingEnvelope"),
        Operation::put(ONE, "CreateMapping", "Make a mapping.").takes_named("MappingBody").makes("MappingEnvelope"),
        Operation::patch(ONE, "UpdateMapping", "Replace what a mapping says.")
            .takes_named("MappingBody")
            .changes("MappingEnvelope"),
        Operation::delete(ONE, "DeleteMapping", "Delete a mapping.").done().refuses(&[409]),
        explain.takes_named("ExplainRequest").shows("ExplanationEnvelope"),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let version = || word(&["1.0", "2.0", "3.0"]);
    let mapping = object([
        ("id", text()),
        ("schema_version", version()),
        ("rules", list(named("MappingRule"))),
        ("links", named("Links")),
    ]);
    let given = nullable(word(&["", "1.0", "2.0", "3.0"]));
    let rules = json!({"type": "array", "items": named("MappingRule"), "minItems": 1});
    let body = open([("mapping", open([("rules", rules), ("schema_version?", given)]))]);
    let all = [
        ("Mapping", mapping),
        ("MappingRule", rule()),
        ("MappingEnvelope", object([("mapping", named("Mapping"))])),
        ("MappingList", page("mappings", named("Mapping"))),
        ("MappingBody", body),
        ("ExplainRequest", explain_request()),
        ("ExplanationEnvelope", object([("explanation", explanation())])),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// A rule as it is written. What stands in `local` depends on the version; the texts take `{n}` for what `remote` gives.
fn rule() -> Value {
    // What is no text is equal to no value, as in Keystone.
    let listed = || list(json!({"type": ["string", "null", "boolean", "number"]}));
    let remote = object([
        ("type", says(text(), "The attribute that must be there.")),
        ("any_one_of?", listed()),
        ("not_any_of?", listed()),
        ("whitelist?", listed()),
        ("blacklist?", listed()),
        ("regex?", says(boolean(), "The list holds patterns.")),
    ]);
    open([
        ("local", says(list(json!({"type": "object"})), "The user, groups and projects that come of it.")),
        ("remote", says(list(remote), "What the assertion must say.")),
    ])
}

fn explain_request() -> Value {
    let values = json!({"anyOf": [text(), list(text())]});
    let assertion = json!({"type": "object", "additionalProperties": values});
    let mut schema = object([
        ("assertion?", says(assertion, "Attributes as a web server's module would give them.")),
        ("claims?", says(json!({"type": "object"}), "Claims of an OpenID provider.")),
        ("identity_provider?", says(text_of(1, 64), "Whose people would come: then the account is told too.")),
        ("protocol?", says(text_of(1, 64), "By which protocol.")),
    ]);
    schema["oneOf"] = json!([{"required": ["assertion"]}, {"required": ["claims"]}]);
    schema
}

fn explanation() -> Value {
    let texts = || list(text());
    let seen = object([
        ("type", text()),
        ("condition", nullable(word(&["any_one_of", "not_any_of", "whitelist", "blacklist"]))),
        ("listed?", texts()),
        ("regex?", boolean()),
        ("values", nullable(texts())),
        ("passed", boolean()),
        ("reason", text()),
        ("slot?", json!({"type": "integer", "minimum": 0})),
        ("given?", nullable(texts())),
    ]);
    let tried =
        object([("rule", json!({"type": "integer", "minimum": 0})), ("matched", boolean()), ("remote", list(seen))]);
    let domain = || nullable(object([("id?", text()), ("name?", text())]));
    let user = object([
        ("type", word(&["ephemeral", "local"])),
        ("id?", text()),
        ("name?", text()),
        ("email?", text()),
        ("domain?", domain()),
    ]);
    let role = object([("name", text())]);
    let result = object([
        ("user", user),
        ("group_ids", texts()),
        ("group_names", list(object([("name", text()), ("domain", domain())]))),
        ("projects", list(object([("name", text()), ("roles", list(role)), ("domain?", domain())]))),
    ]);
    let project = object([("name", text()), ("id", nullable(text())), ("roles", texts())]);
    let account = json!({
        "oneOf": [
            object([
                ("user", object([("id", nullable(text())), ("exists", boolean())])),
                ("groups", texts()),
                ("projects", list(project)),
            ]),
            object([("refused", says(text(), "Why a log-in would be refused."))]),
        ],
    });
    object([
        ("schema_version", text()),
        ("rules", list(tried)),
        ("warnings", texts()),
        ("result?", result),
        ("error?", says(text(), "Why nothing comes of it.")),
        ("account?", account),
    ])
}
