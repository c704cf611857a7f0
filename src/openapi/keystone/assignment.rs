//! `/v3/role_assignments`

use serde_json::{Value, json};

use crate::openapi::operation::Operation;
use crate::openapi::schema::{link, named, object, page, says, switch, text};

/// All of them.
pub fn operations() -> Vec<Operation> {
    let list = Operation::get("/v3/role_assignments", "ListRoleAssignments", "Who holds which role where.")
        .query("user.id", text(), "Only those of this user.")
        .query("group.id", text(), "Only those of this group.")
        .query("role.id", text(), "Only those of this role.")
        .query("scope.project.id", text(), "Only those on this project.")
        .query("scope.domain.id", text(), "Only those on this domain.")
        .query("scope.system", text(), "`all`: only those on the system.")
        .query("scope.OS-INHERIT:inherited_to", text(), "`projects`: only those that are inherited.")
        .query("effective", switch(), "What users hold in the end: through groups, inheritance and implied roles.")
        .query("include_names", switch(), "With names beside ids.")
        .query("include_subtree", switch(), "With those on all projects below the one that is named.")
        .pages()
        .lists("RoleAssignmentList");
    vec![list]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let reference = || {
        let name = says(text(), "If names were asked for.");
        object([("id", text()), ("name?", name), ("domain?", named("DomainReference"))])
    };
    let scope = object([
        ("project?", reference()),
        ("domain?", object([("id", text()), ("name?", text())])),
        ("system?", object([("all", json!({"const": true}))])),
        ("OS-INHERIT:inherited_to?", json!({"const": "projects"})),
    ]);
    let links = object([
        ("assignment", link()),
        ("membership?", says(link(), "The membership that it comes of.")),
        ("prior_role?", says(link(), "The role that implies this one.")),
    ]);
    let one = object([
        ("role", reference()),
        ("user?", reference()),
        ("group?", reference()),
        ("scope", scope),
        ("links", links),
    ]);
    let list = page("role_assignments", named("RoleAssignment"));
    vec![("RoleAssignment".to_owned(), one), ("RoleAssignmentList".to_owned(), list)]
}
