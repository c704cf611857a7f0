//! `/v3/users`

use serde_json::{Value, json};

use super::{id, links, options};
use crate::openapi::operation::Operation;
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{boolean, end, list, name_of, named, nullable, object, open, says, text, text_of};

const ALL: &str = "/v3/users";
const ONE: &str = "/v3/users/{user_id}";

/// What users can be filtered by.
pub fn filtered(operation: Operation) -> Operation {
    let at = "^((n?eq|lte?|gte?):)?\\d{4}-\\d\\d-\\d\\d([T ]\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,6})?Z?)?$";
    operation
        .filters(&["id", "domain_id", "name", "idp_id", "protocol_id", "unique_id"])
        .switch("enabled")
        .query(
            "password_expires_at",
            json!({"type": "string", "pattern": at}),
            "Only those whose password ends then: `lt:2026-01-31T12:00:00Z`, with `eq`, `neq`, `lt`, `lte`, `gt` or `gte`.",
        )
        .pages()
}

/// All of them.
pub fn operations() -> Vec<Operation> {
    vec![
        filtered(Operation::get(ALL, "ListUsers", "List users.")).lists("UserList"),
        Operation::post(ALL, "CreateUser", "Make a user.")
            .takes_named("UserCreate")
            .makes("UserEnvelope")
            .refuses(&[404]),
        Operation::get(ONE, "GetUser", "Show a user, and who they are at identity providers.").shows("UserEnvelope"),
        Operation::patch(ONE, "UpdateUser", "Change a user.").takes_named("UserUpdate").changes("UserEnvelope"),
        Operation::delete(ONE, "DeleteUser", "Delete a user.").done(),
        Operation::post("/v3/users/{user_id}/password", "ChangePassword", "Change one's own password.")
            .says("The password itself is the proof; no token is needed.")
            .takes(object([("user", password_change())]))
            .done()
            .refuses(&[401, 429]),
    ]
}

fn password_change() -> Value {
    let secret = |least: u64| json!({"type": "string", "writeOnly": true, "minLength": least});
    object([("original_password", secret(0)), ("password", secret(1))])
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let protocol = || open([("protocol_id", text_of(1, 64)), ("unique_id", text_of(1, 255))]);
    let protocols = json!({"type": "array", "items": protocol(), "minItems": 1});
    let federated = list(open([("idp_id", text_of(1, 64)), ("protocols", protocols)]));
    let mut all = Resource::new(
        "User",
        "user",
        "users",
        vec![
            Member::id(text()),
            Member::needed("name", name_of(255)),
            Member::taken("domain_id", id()),
            Member::taken("enabled", boolean()),
            Member::taken("default_project_id", text()).taken_as(nullable(text_of(1, 64))).sometimes(),
            Member::taken("description", nullable(text())).sometimes(),
            Member::taken("options", named("UserOptions")),
            Member::taken("password", nullable(text_of(1, 4_096))).hidden(),
            Member::taken("federated", says(federated, "Who the user is at identity providers.")).sometimes(),
            Member::shown("password_expires_at", end()),
            Member::shown("links", links()),
        ],
    )
    .with_extra()
    .schemas();
    let mut known = options(&[
        "ignore_change_password_upon_first_use",
        "ignore_password_expiry",
        "ignore_lockout_failure_attempts",
        "ignore_user_inactivity",
        "lock_password",
        "multi_factor_auth_enabled",
    ]);
    let rule = json!({"type": "array", "items": text(), "minItems": 1, "uniqueItems": true});
    known["properties"]["multi_factor_auth_rules"] =
        json!({"type": ["array", "null"], "items": rule, "uniqueItems": true});
    all.push(("UserOptions".to_owned(), known));
    all
}
