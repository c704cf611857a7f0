//! Described in `crate::tenant::scim` and `crate::tenant::admin::scim_tokens`.
//!
//! Bodies are described loosely on purpose: directories take liberties, and what is read of their attributes says `/Schemas`.

use serde_json::{Value, json};

use super::super::operation::{Answer, Operation};
use super::super::schema::{count, from_zero, link, list, named, nullable, object, open, says, text, text_of, time};
use crate::model::scim::bulk::MAX_OPERATIONS;
use crate::model::scim::{BULK, MAX_RESULTS};

const TOKENS: &str = "/api/v1/admin/tenants/{tenant_id}/scim-tokens";
const TOKEN: &str = "/api/v1/admin/tenants/{tenant_id}/scim-tokens/{token_id}";
const USERS: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Users";
const USERS_SEARCH: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Users/.search";
const USER: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Users/{user_id}";
const GROUPS: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Groups";
const GROUPS_SEARCH: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Groups/.search";
const GROUP: &str = "/api/v1/tenants/{tenant_id}/scim/v2/Groups/{group_id}";

/// The type of all bodies.
const MEDIA: &str = "application/scim+json";

/// The parts that the page shows.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    vec![
        ("SCIM tokens", "By which directories come to a tenant's SCIM.", tokens()),
        (
            "SCIM",
            "Users and groups of a tenant, for its directory (RFC 7644).",
            [service(), users(), groups()].concat(),
        ),
    ]
}

fn tokens() -> Vec<Operation> {
    vec![
        Operation::get(TOKENS, "ListScimTokens", "List a tenant's SCIM tokens, in the order of their making.")
            .query("page", json!({"type": "integer", "minimum": 1}), "Which page; the first is 1.")
            .query("per_page", json!({"type": "integer", "minimum": 1}), "Items of a page; 20 by default, 100 at most.")
            .lists("ScimTokens"),
        Operation::post(TOKENS, "CreateScimToken", "Make a SCIM token.")
            .says("The answer shows it; nobody sees it again. Ten live at a time, at most.")
            .takes_named("CreateScimToken")
            .answer(201, Answer::json("As it was made.", named("MadeScimToken")))
            .refuses(&[409, 415, 422]),
        Operation::delete(TOKEN, "DeleteScimToken", "Delete a SCIM token: nobody is let in by it any more.").done(),
    ]
}

fn shows(description: &str, schema: &str) -> Answer {
    Answer::contents(description, [(MEDIA, named(schema))])
}

fn versioned(description: &str, schema: &str) -> Answer {
    shows(description, schema).header("ETag", text(), "Names this version of it.")
}

fn takes(operation: Operation, schema: &str) -> Operation {
    operation.takes_of(MEDIA, named(schema)).refuses(&[415, 429])
}

fn conditional(operation: Operation) -> Operation {
    operation.header("If-Match", false, text(), "Only if this is its version.").refuses(&[412, 429])
}

fn projected(operation: Operation) -> Operation {
    operation.query("attributes", text(), "Names of the attributes that are shown, with commas between them.").query(
        "excludedAttributes",
        text(),
        "Names of those that are not; `members` of a large group, say.",
    )
}

fn searched(operation: Operation, sorted_by: &'static str) -> Operation {
    projected(operation)
        .query("filter", text(), "Only those for which this holds (RFC 7644 §3.4.2.2).")
        .query("startIndex", json!({"type": "integer"}), "Where the page begins, from 1.")
        .query("count", json!({"type": "integer"}), "Most resources of the page.")
        .query("sortBy", text(), sorted_by)
        .query("sortOrder", text(), "`ascending` or `descending`.")
        .answer(200, shows("One page of the list.", "ScimList"))
        .refuses(&[429])
}

fn service() -> Vec<Operation> {
    let get = |template, id: &str, summary: &str, schema: &str| {
        Operation::get(template, id, summary).answer(200, shows("As it is.", schema)).refuses(&[429])
    };
    vec![
        get(
            "/api/v1/tenants/{tenant_id}/scim/v2/ServiceProviderConfig",
            "GetScimServiceProviderConfig",
            "Show what is supported.",
            "ScimDocument",
        ),
        get(
            "/api/v1/tenants/{tenant_id}/scim/v2/ResourceTypes",
            "ListScimResourceTypes",
            "List the kinds of resources.",
            "ScimList",
        ),
        get(
            "/api/v1/tenants/{tenant_id}/scim/v2/ResourceTypes/{resource_type}",
            "GetScimResourceType",
            "Show a kind of resources.",
            "ScimDocument",
        ),
        get("/api/v1/tenants/{tenant_id}/scim/v2/Schemas", "ListScimSchemas", "List the schemas.", "ScimList"),
        get("/api/v1/tenants/{tenant_id}/scim/v2/Schemas/{schema}", "GetScimSchema", "Show a schema.", "ScimDocument"),
        Operation::get("/api/v1/tenants/{tenant_id}/scim/v2/Me", "GetScimMe", "Nobody: a directory speaks for all.")
            .refuses(&[429, 501]),
        takes(
            Operation::post(
                "/api/v1/tenants/{tenant_id}/scim/v2/.search",
                "SearchScim",
                "Look among users and groups.",
            ),
            "ScimSearch",
        )
        .answer(200, shows("One page of the list: users first.", "ScimList")),
        takes(
            Operation::post("/api/v1/tenants/{tenant_id}/scim/v2/Bulk", "RunScimBulk", "Have several things done."),
            "ScimBulk",
        )
        .says("One after the other, each with an outcome of its own. `bulkId:…` names what another of them makes.")
        .answer(200, shows("What came of each.", "ScimBulkAnswer")),
    ]
}

fn users() -> Vec<Operation> {
    const SORTED: &str = "`id`, `userName`, `displayName`, `externalId`, `meta.created` or `meta.lastModified`.";
    vec![
        searched(Operation::get(USERS, "ListScimUsers", "List the users of the tenant."), SORTED),
        takes(Operation::post(USERS_SEARCH, "SearchScimUsers", "Look among the users."), "ScimSearch")
            .answer(200, shows("One page of the list.", "ScimList")),
        takes(projected(Operation::post(USERS, "CreateScimUser", "Make a user.")), "ScimUserBody")
            .says("Attributes that are not in the schemas are left out, as are passwords and roles.")
            .answer(201, versioned("As they were made.", "ScimUser").header("Location", link(), "Where they are."))
            .refuses(&[409]),
        projected(Operation::get(USER, "GetScimUser", "Show a user."))
            .header("If-None-Match", false, text(), "Only if this is not its version.")
            .answer(200, versioned("As they are.", "ScimUser"))
            .answer(304, Answer::empty("As they were."))
            .refuses(&[429]),
        conditional(takes(projected(Operation::put(USER, "ReplaceScimUser", "Replace a user.")), "ScimUserBody"))
            .says("Who was not made by SCIM is taken over by setting `externalId`; else they are not changed.")
            .answer(200, versioned("As they are now.", "ScimUser"))
            .refuses(&[409]),
        conditional(takes(projected(Operation::patch(USER, "UpdateScimUser", "Change a user.")), "ScimPatch"))
            .says("Whoever is made inactive has lost their sessions and tokens at once.")
            .answer(200, versioned("As they are now.", "ScimUser"))
            .refuses(&[409]),
        conditional(Operation::delete(USER, "DeleteScimUser", "Delete a user whom the directory looks after.")).done(),
    ]
}

fn groups() -> Vec<Operation> {
    const SORTED: &str = "`id`, `displayName`, `externalId` or `meta.lastModified`.";
    vec![
        searched(Operation::get(GROUPS, "ListScimGroups", "List the groups of the tenant."), SORTED)
            .says("A page has fewer groups than were asked for if they have very many members."),
        takes(Operation::post(GROUPS_SEARCH, "SearchScimGroups", "Look among the groups."), "ScimSearch")
            .answer(200, shows("One page of the list.", "ScimList")),
        takes(projected(Operation::post(GROUPS, "CreateScimGroup", "Make a group.")), "ScimGroupBody")
            .answer(201, versioned("As it was made.", "ScimGroup").header("Location", link(), "Where it is."))
            .refuses(&[409]),
        projected(Operation::get(GROUP, "GetScimGroup", "Show a group."))
            .header("If-None-Match", false, text(), "Only if this is not its version.")
            .answer(200, versioned("As it is.", "ScimGroup"))
            .answer(304, Answer::empty("As it was."))
            .refuses(&[429]),
        conditional(takes(projected(Operation::put(GROUP, "ReplaceScimGroup", "Replace a group.")), "ScimGroupBody"))
            .says("A body that names no members leaves them.")
            .answer(200, versioned("As it is now.", "ScimGroup"))
            .refuses(&[409]),
        conditional(takes(projected(Operation::patch(GROUP, "UpdateScimGroup", "Change a group.")), "ScimPatch"))
            .says("Shown only if the query says what of it: a large group is not sent back for each piece.")
            .answer(200, versioned("As it is now.", "ScimGroup"))
            .answer(204, Answer::empty("It is so.").header("ETag", text(), "Names this version of it."))
            .refuses(&[409]),
        conditional(Operation::delete(GROUP, "DeleteScimGroup", "Delete a group that the directory looks after."))
            .done(),
    ]
}

/// Anything, with a word for people.
fn any(description: &str) -> Value {
    json!({"description": description})
}

/// Schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let all = [token_schemas(), resource_schemas(), message_schemas()].concat();
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn token_schemas() -> Vec<(&'static str, Value)> {
    let token = || {
        [
            ("id", text()),
            ("tenant_id", text()),
            ("name", text()),
            ("created_at", time()),
            ("expires_at", nullable(time())),
            ("last_used_at", says(nullable(time()), "To the minute.")),
        ]
    };
    let [id, tenant_id, name, created_at, expires_at, last_used_at] = token();
    let made = object([
        id,
        tenant_id,
        name,
        created_at,
        expires_at,
        last_used_at,
        ("token", says(text(), "The token itself.")),
        ("scim_url", says(link(), "What the directory is told beside it.")),
    ]);
    let page = object([
        ("items", list(named("ScimToken"))),
        ("total", count(i64::MAX)),
        ("page", json!({"type": "integer", "minimum": 1})),
        ("per_page", json!({"type": "integer", "minimum": 1, "maximum": 100})),
    ]);
    let create = object([
        ("name", json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "\\S"})),
        ("expires_in_secs?", nullable(json!({"type": "integer", "minimum": 1, "maximum": 315_360_000}))),
    ]);
    vec![("ScimToken", object(token())), ("ScimTokens", page), ("MadeScimToken", made), ("CreateScimToken", create)]
}

fn resource_schemas() -> Vec<(&'static str, Value)> {
    let schemas = || list(text());
    let user = open([
        ("schemas", schemas()),
        ("id", text()),
        ("userName?", text_of(1, 255)),
        ("externalId?", text_of(1, 255)),
        ("active?", json!({"type": "boolean"})),
        ("meta?", named("ScimMeta")),
    ]);
    let group = open([
        ("schemas", schemas()),
        ("id", text()),
        ("displayName?", text_of(1, 64)),
        ("externalId?", text_of(1, 255)),
        ("members?", list(open([("value?", text())]))),
        ("meta?", named("ScimMeta")),
    ]);
    let meta = object([
        ("resourceType?", text()),
        ("created?", time()),
        ("lastModified?", time()),
        ("location?", link()),
        ("version?", text()),
    ]);
    let user_body = open([
        ("userName", any("The name, unique in the tenant whatever its letter case.")),
        ("externalId?", any("What the directory calls them.")),
        ("active?", any("Whether they may sign in.")),
    ]);
    let group_body = open([
        ("displayName", any("The name, unique in the tenant.")),
        ("externalId?", any("What the directory calls it.")),
        ("members?", any("The users in it.")),
    ]);
    vec![
        ("ScimUser", user),
        ("ScimGroup", group),
        ("ScimMeta", meta),
        ("ScimUserBody", user_body),
        ("ScimGroupBody", group_body),
        ("ScimDocument", open([("schemas", schemas()), ("meta", named("ScimMeta"))])),
    ]
}

fn message_schemas() -> Vec<(&'static str, Value)> {
    let page = open([
        ("schemas", list(text())),
        ("totalResults", from_zero()),
        ("startIndex", json!({"type": "integer", "minimum": 1})),
        ("itemsPerPage", count(MAX_RESULTS * 2)),
        ("Resources", list(json!({"type": "object"}))),
    ]);
    let search = open([
        ("filter?", any("Only those for which this holds.")),
        ("startIndex?", any("Where the page begins, from 1.")),
        ("count?", any("Most resources of the page.")),
        ("sortBy?", any("What they are in order of.")),
        ("sortOrder?", any("`ascending` or `descending`.")),
        ("attributes?", any("Names of the attributes that are shown.")),
        ("excludedAttributes?", any("Names of those that are not.")),
    ]);
    let operation = open([
        ("op", says(text(), "`add`, `replace` or `remove`.")),
        ("path?", any("Where.")),
        ("value?", any("What.")),
    ]);
    let patch = open([("Operations", json!({"type": "array", "minItems": 1, "items": operation}))]);
    let bulk = open([
        ("schemas", json!({"type": "array", "contains": {"const": BULK}})),
        ("failOnErrors?", json!({"type": ["integer", "null"], "minimum": 1})),
        ("Operations", json!({"type": "array", "maxItems": MAX_OPERATIONS, "items": {}})),
    ]);
    let outcome = object([
        ("method", text()),
        ("bulkId?", text()),
        ("status", json!({"type": "string", "pattern": "^\\d{3}$"})),
        ("location?", text()),
        ("version?", text()),
        ("response?", named("ScimError")),
    ]);
    vec![
        ("ScimList", page),
        ("ScimSearch", search),
        ("ScimPatch", patch),
        ("ScimBulk", bulk),
        ("ScimBulkAnswer", open([("schemas", list(text())), ("Operations", list(outcome))])),
    ]
}
