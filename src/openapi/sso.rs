//! The SSO face. What it answers is derived from the types that it writes; what it takes is written here.

use serde_json::{Map, Value, json};

use super::components::of_type;
use super::operation::{Answer, Operation};
use super::schema::{boolean, count, from_zero, list, named, nullable, object, open, says, text, text_of, time, word};
use crate::model::job::Kind;
use crate::model::sso_config::deletion::Propagation;
use crate::model::sso_config::{MASK, block};
use crate::sso::view::{Preview, Probed, SsoConfiguration, SsoConfigurations, Tested};

const ALL: &str = "/api/v1/sso/configurations";
const ONE: &str = "/api/v1/sso/configurations/{id}";

/// The parts of this face.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    vec![
        ("SSO configurations", "Global OIDC, SAML and LDAP configurations.", configurations()),
        ("Background jobs", "What is done later, or again and again.", jobs()),
    ]
}

fn configurations() -> Vec<Operation> {
    let etag = |answer: Answer| answer.header("ETag", text(), "Names this version of the configuration.");
    let one = |description: &str| etag(Answer::json(description, named("SsoConfiguration")));
    let conditional = |operation: Operation| {
        operation.header("If-Match", false, text(), "Only if this is its version.").refuses(&[409, 412])
    };
    let update = |operation: Operation, more: &'static str| {
        conditional(operation)
            .says(more)
            .takes_named("UpdateSSOConfig")
            .answer(200, one("As it is now."))
            .refuses(&[415])
    };
    const MERGES: &str = "What is absent stays, null clears, blocks are merged member by member, mappings are replaced whole. A secret stays \
                          if it is absent, empty or the mask.";
    vec![
        Operation::get(ALL, "ListSSOConfigs", "List configurations, in the order of their making.")
            .query("limit", from_zero(), "Most items of a page; 0 is 20, and 1000 is the most.")
            .query("offset", from_zero(), "Items left out before the page.")
            .query("tenantUuid", text(), "Means nothing.")
            .lists("SsoConfigurations"),
        Operation::post(ALL, "CreateSSOConfig", "Make a configuration.")
            .says("The identity provider need not be reachable. Blocks of other kinds than its own are ignored.")
            .query("test", boolean(), "Test it before answering.")
            .takes_named("CreateSSOConfig")
            .answer(200, one("As it was made."))
            .refuses(&[409, 415]),
        Operation::get(ONE, "GetSSOConfig", "Show a configuration.")
            .query("tenantUuid", text(), "Means nothing.")
            .answer(200, one("As it is.")),
        update(Operation::put(ONE, "UpdateSSOConfig", "Change a configuration."), MERGES),
        update(Operation::patch(ONE, "PatchSSOConfig", "The same as PUT."), MERGES),
        conditional(Operation::delete(ONE, "DeleteSSOConfig", "Delete a configuration, at once or later."))
            .query("options.propagationPolicy", policy(), "What becomes of the people who came by it.")
            .query("options.force", boolean(), "Whatever hangs on it; for system administrators.")
            .query("options.gracePeriodSeconds", count(2_592_000), "Seconds until anything is looked at.")
            .query("options.revokeRemoteCredentials", boolean(), "Revoke credentials that were made elsewhere.")
            .answer(200, Answer::json("It is so, or will be.", object([]))),
        Operation::post(
            "/api/v1/sso/configurations/{id}/previewDelete",
            "PreviewDeleteSSOConfig",
            "Say what deleting a configuration would do.",
        )
        .takes_maybe("PreviewDeleteSSOConfigRequest")
        .answer(200, Answer::json("What it would do.", named("Preview")))
        .refuses(&[415]),
        Operation::post("/api/v1/sso/configurations/{id}/test", "TestSSOConnection", "Test a configuration.")
            .says("That the identity provider fails is an answer, not an error. The result is kept.")
            .takes_maybe("TestSSOConnectionRequest")
            .answer(200, Answer::json("How it went.", named("Tested")))
            .refuses(&[415]),
        Operation::post("/api/v1/sso/configurations/test", "TestSSODraft", "Test what a create's body describes.")
            .takes_named("CreateSSOConfig")
            .answer(200, Answer::json("How it went.", named("Tested")))
            .refuses(&[415]),
        Operation::post("/api/v1/sso/probe", "ProbeOIDCProvider", "Ask an OpenID provider for its configuration.")
            .takes_named("ProbeOIDCProviderRequest")
            .answer(200, Answer::json("What it says.", named("Probed")))
            .refuses(&[415, 502, 504]),
    ]
}

fn jobs() -> Vec<Operation> {
    const JOB: &str = "/api/v1/sso/jobs/{job_id}";
    vec![
        Operation::get("/api/v1/sso/jobs", "ListJobs", "List background jobs, newest first.")
            .query("limit", from_zero(), "Most items of a page; 0 is 20, and 1000 is the most.")
            .query("offset", from_zero(), "Items left out before the page.")
            .query("state", states(), "Only those that stand so.")
            .query("kind", text(), "Only those of this kind.")
            .query("subject", text(), "Only those about this.")
            .lists("Jobs"),
        Operation::get(JOB, "GetJob", "Show a background job.").shows("Job"),
        Operation::post("/api/v1/sso/jobs/{job_id}/cancel", "CancelJob", "Cancel a background job.")
            .says("One that runs ends within seconds.")
            .shows("Job")
            .refuses(&[409]),
    ]
}

fn states() -> Value {
    word(&["queued", "running", "succeeded", "failed", "cancelled"])
}

fn policy() -> Value {
    word(&Propagation::ALL.map(Propagation::as_str))
}

/// Its schemas: those of its types, and what it takes.
pub fn schemas() -> Vec<(String, Value)> {
    let mut all = of_type::<SsoConfiguration>();
    for more in [of_type::<SsoConfigurations>(), of_type::<Preview>(), of_type::<Tested>(), of_type::<Probed>()] {
        all.extend(more.into_iter().filter(|(name, _)| name != "SsoConfiguration"));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.dedup_by(|a, b| a.0 == b.0);
    all.extend(taken());
    let kinds = Kind::ALL.map(Kind::as_str).join(", ");
    let job = object([
        ("uuid", text()),
        ("kind", says(text(), &format!("What is done: {kinds}."))),
        ("subject", says(text(), "What it is about: a configuration's uuid.")),
        ("state", states()),
        ("attempts", count(i64::MAX)),
        ("maxAttempts", count(i64::MAX)),
        ("runAt", says(time(), "Not before.")),
        ("error", says(nullable(text()), "Why the last attempt failed.")),
        ("createdAt", time()),
        ("updatedAt", time()),
    ]);
    let jobs = object([
        ("items", list(named("Job"))),
        ("total", count(i64::MAX)),
        ("limit", count(1_000)),
        ("offset", count(i64::MAX)),
    ]);
    all.extend([("Job".to_owned(), job), ("Jobs".to_owned(), jobs)]);
    all
}

/// What bodies say. Members that nobody knows are ignored everywhere.
fn taken() -> Vec<(String, Value)> {
    let tenant = || says(json!({}), "Means nothing.");
    let options = open([
        ("propagationPolicy?", nullable(policy())),
        ("force?", nullable(boolean())),
        ("gracePeriodSeconds?", nullable(count(2_592_000))),
        ("revokeRemoteCredentials?", nullable(boolean())),
    ]);
    let mut create = configuration();
    create["required"] = json!(["displayName", "providerType"]);
    vec![
        ("CreateSSOConfig".to_owned(), create),
        ("UpdateSSOConfig".to_owned(), configuration()),
        (
            "PreviewDeleteSSOConfigRequest".to_owned(),
            open([("options?", nullable(options)), ("tenantUuid?", tenant())]),
        ),
        ("TestSSOConnectionRequest".to_owned(), open([("tenantUuid?", tenant())])),
        (
            "ProbeOIDCProviderRequest".to_owned(),
            open([("issuer", says(text(), "With or without the discovery suffix."))]),
        ),
    ]
}

fn configuration() -> Value {
    let group = open([("idpGroup", text_of(1, 255)), ("zcfRole", text_of(1, 255))]);
    let attributes = json!({"type": ["object", "null"], "additionalProperties": {"type": "string"},
        "description": "Of our fields (username, email, displayName, givenName, familyName, phone, groups, externalId), the claim that each is."});
    open([
        ("displayName?", text_of(1, 255)),
        ("providerType?", nullable(word(&["OIDC", "SAML", "LDAP"]))),
        ("protocol?", nullable(word(&["oidc", "saml", "ldap"]))),
        ("oidcConfig?", nullable(block_of("OIDC"))),
        ("samlConfig?", nullable(block_of("SAML"))),
        ("ldapConfig?", nullable(block_of("LDAP"))),
        ("userProvisioning?", nullable(word(&["auto", "manual", "disabled"]))),
        ("groupProvisioning?", nullable(word(&["sync", "none"]))),
        ("attributeMappings?", attributes),
        ("groupMappings?", nullable(list(group))),
        ("enabled?", nullable(boolean())),
        ("tenantUuid?", says(json!({}), "Means nothing.")),
    ])
}

/// The members of a block by their types. All may be null.
fn block_of(kind: &str) -> Value {
    let members: Map<String, Value> = block::types(kind)
        .into_iter()
        .map(|(name, kind)| {
            let schema = match kind {
                "boolean" => boolean(),
                "integer" => json!({"type": "integer", "minimum": 1, "maximum": 65_535}),
                "array" => list(text()),
                "secret" => {
                    json!({"type": "string", "writeOnly": true, "description": format!("A secret; `{MASK}` keeps it.")})
                }
                _ => text(),
            };
            (name.to_owned(), nullable(schema))
        })
        .collect();
    json!({"type": "object", "properties": members})
}
