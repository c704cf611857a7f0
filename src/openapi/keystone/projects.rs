//! `/v3/projects`

use serde_json::{Value, json};

use super::{links, tags};
use crate::openapi::operation::{Answer, Operation};
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{boolean, link, list, name_of, named, nullable, object, switch, text, text_of};

const ALL: &str = "/v3/projects";
const ONE: &str = "/v3/projects/{project_id}";
const CASCADE: &str = "/v3/projects/{project_id}/cascade";
const TAGS: &str = "/v3/projects/{project_id}/tags";
const TAG: &str = "/v3/projects/{project_id}/tags/{value}";

/// All of them.
pub fn operations() -> Vec<Operation> {
    let tagged = |operation: Operation| {
        operation
            .query("tags", text(), "Only those with all of these tags, which commas separate.")
            .query("tags-any", text(), "Only those with one of these tags.")
            .query("not-tags", text(), "Only those without all of these tags together.")
            .query("not-tags-any", text(), "Only those with none of these tags.")
    };
    let filtered = |operation: Operation| {
        operation.filters(&["id", "domain_id", "parent_id", "name"]).switch("enabled").switch("is_domain").pages()
    };
    vec![
        tagged(filtered(Operation::get(ALL, "ListProjects", "List projects."))).lists("ProjectList"),
        Operation::post(ALL, "CreateProject", "Make a project.")
            .takes_named("ProjectCreate")
            .makes("ProjectEnvelope")
            .refuses(&[404]),
        Operation::get(ONE, "GetProject", "Show a project, and what is above and below it.")
            .query("parents_as_list", switch(), "With the projects above it, as far as the caller holds a role there.")
            .query("parents_as_ids", switch(), "With the ids of those above it.")
            .query("subtree_as_list", switch(), "With the projects below it, as far as the caller holds a role there.")
            .query("subtree_as_ids", switch(), "With the ids of those below it.")
            .shows("ProjectWithTree"),
        Operation::patch(ONE, "UpdateProject", "Change a project.")
            .takes_named("ProjectUpdate")
            .changes("ProjectEnvelope"),
        Operation::delete(ONE, "DeleteProject", "Delete a project that has none below it.").done(),
        Operation::patch(CASCADE, "UpdateProjectBranch", "Enable or disable a project with all below it.")
            .takes(object([("project", object([("enabled", boolean())]))]))
            .changes("ProjectEnvelope"),
        Operation::delete(CASCADE, "DeleteProjectBranch", "Delete a disabled project with all below it.").done(),
        Operation::get(TAGS, "ListProjectTags", "List the tags of a project.").shows("ProjectTags"),
        Operation::put(TAGS, "ReplaceProjectTags", "Replace the tags of a project.")
            .takes(object([("tags", tags())]))
            .shows("ProjectTags"),
        Operation::delete(TAGS, "DeleteProjectTags", "Take all tags from a project.").done(),
        Operation::get(TAG, "CheckProjectTag", "Whether a project has a tag.").done(),
        Operation::put(TAG, "AddProjectTag", "Give a project a tag.")
            .answer(201, Answer::empty("It has the tag.").header("Location", link(), "The tag.")),
        Operation::delete(TAG, "DeleteProjectTag", "Take a tag from a project.").done(),
        filtered(Operation::get(
            "/v3/users/{user_id}/projects",
            "ListUserProjects",
            "Projects that a user holds a role on.",
        ))
        .lists("ProjectList"),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let place = || nullable(text_of(1, 64));
    let mut all = Resource::new(
        "Project",
        "project",
        "projects",
        vec![
            Member::id(text()),
            Member::needed("name", name_of(64)),
            Member::taken("domain_id", place()),
            Member::taken("parent_id", place()),
            Member::taken("is_domain", boolean()),
            Member::taken("enabled", boolean()),
            Member::taken("description", text()).taken_as(nullable(text())),
            Member::taken("tags", tags()),
            Member::taken("options", named("Immutable")),
            Member::shown("links", links()),
        ],
    )
    .with_extra()
    .with_empty_update()
    .schemas();
    let branch = json!({"anyOf": [list(named("ProjectEnvelope")), named("ProjectIds")]});
    let around = json!({"type": "object", "properties": {"parents": branch, "subtree": branch}});
    let with_tree = object([("project", json!({"allOf": [named("Project"), around]}))]);
    let ids = json!({
        "type": ["object", "null"],
        "additionalProperties": named("ProjectIds"),
        "description": "Ids, each with those beyond it.",
    });
    let own_tags = object([("tags", tags()), ("links", links())]);
    let further = [("ProjectWithTree", with_tree), ("ProjectIds", ids), ("ProjectTags", own_tags)];
    all.extend(further.map(|(name, schema)| (name.to_owned(), schema)));
    all
}
