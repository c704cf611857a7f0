//! `/v3/archstone/audit`

use serde_json::Value;

use crate::openapi::operation::Operation;
use crate::openapi::schema::{named, nullable, object, page, says, text, time, word};

/// All of them.
pub fn operations() -> Vec<Operation> {
    let list = Operation::get("/v3/archstone/audit", "ListAuditEvents", "What has happened, newest first.")
        .filters(&["action", "user_id", "user_name", "domain_id", "target_kind", "target_id", "request_id"])
        .query("outcome", text(), "Only what ended so: `success` or `failure`.")
        .query("since", time(), "Only what happened since then.")
        .query("until", time(), "Only what happened before.")
        .pages()
        .lists("AuditEventList");
    vec![list]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let what = || nullable(text());
    let event = object([
        ("id", text()),
        ("at", time()),
        ("request_id", text()),
        ("action", says(text(), "`resource.verb`")),
        ("outcome", word(&["success", "failure"])),
        ("reason", says(what(), "Why it failed.")),
        ("user", object([("id", what()), ("name", what())])),
        ("scope", object([("kind", nullable(word(&["project", "domain", "system"]))), ("id", what())])),
        ("domain_id", says(what(), "The domain that it happened in.")),
        ("target", object([("kind", what()), ("id", what())])),
        ("remote", says(what(), "The address of the caller.")),
        ("detail", text()),
    ]);
    vec![("AuditEvent".to_owned(), event), ("AuditEventList".to_owned(), page("audit_events", named("AuditEvent")))]
}
