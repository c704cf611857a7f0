//! `/v3/roles`, and what roles imply.

use serde_json::Value;

use super::links;
use crate::openapi::operation::{Answer, Operation};
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{list, name_of, named, nullable, object, text, text_of};

const ALL: &str = "/v3/roles";
const ONE: &str = "/v3/roles/{role_id}";
const IMPLIED: &str = "/v3/roles/{prior_role_id}/implies/{implied_role_id}";

/// All of them.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get(ALL, "ListRoles", "List roles.")
            .filters(&["id", "name"])
            .query("domain_id", text(), "The roles of this domain, instead of those that are global.")
            .pages()
            .lists("RoleList"),
        Operation::post(ALL, "CreateRole", "Make a role.")
            .takes_named("RoleCreate")
            .makes("RoleEnvelope")
            .refuses(&[404]),
        Operation::get(ONE, "GetRole", "Show a role.").shows("RoleEnvelope"),
        Operation::patch(ONE, "UpdateRole", "Change a role.").takes_named("RoleUpdate").changes("RoleEnvelope"),
        Operation::delete(ONE, "DeleteRole", "Delete a role, and with it every grant of it.").done(),
        Operation::get("/v3/roles/{prior_role_id}/implies", "ListImpliedRoles", "Roles that a role implies.")
            .shows("ImpliedRoles"),
        Operation::get(IMPLIED, "GetImpliedRole", "Show that a role implies another.").shows("RoleInference"),
        Operation::head(IMPLIED, "CheckImpliedRole", "Whether a role implies another.").done(),
        Operation::put(IMPLIED, "CreateImpliedRole", "Let a role imply another.")
            .answer(201, Answer::json("It does.", named("RoleInference")))
            .refuses(&[409]),
        Operation::delete(IMPLIED, "DeleteImpliedRole", "Let a role no longer imply another.").done(),
        Operation::get("/v3/role_inferences", "ListRoleInferences", "All roles that imply others.")
            .shows("RoleInferences"),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let mut all = Resource::new(
        "Role",
        "role",
        "roles",
        vec![
            Member::id(text()),
            Member::needed("name", name_of(255)),
            Member::taken("domain_id", nullable(text_of(1, 64))),
            Member::taken("description", nullable(text())),
            Member::taken("options", named("Immutable")),
            Member::shown("links", links()),
        ],
    )
    .with_extra()
    .schemas();
    let role = || named("InferredRole");
    let inference = |implies: Value| object([("prior_role", role()), ("implies", implies)]);
    let further = [
        ("InferredRole", object([("id", text()), ("name", text()), ("links", links())])),
        ("RoleInference", object([("role_inference", inference(role())), ("links", links())])),
        ("ImpliedRoles", object([("role_inference", inference(list(role()))), ("links", links())])),
        ("RoleInferences", object([("role_inferences", list(inference(list(role()))))])),
    ];
    all.extend(further.map(|(name, schema)| (name.to_owned(), schema)));
    all
}
