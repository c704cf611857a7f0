//! The SSO face. What it answers is derived from the types that it writes; what it takes is written here.

use serde_json::{Map, Value, json};

use super::components::of_type;
use super::operation::{Answer, Operation};
use super::schema::{boolean, count, from_zero, list, named, nullable, object, open, says, text, text_of, time, word};
use crate::model::job::Kind;
use crate::model::sso_config::deletion::Propagation;
use crate::model::sso_config::{MASK, block};
use crate::sso::view::{
    ConnectionTested, Federated, Federations, Platforms, Preview, Probed, ProvisioningRuns, RotatedKey,
    SsoConfiguration, SsoConfigurations, Tested,
};

const ALL: &str = "/api/v1/sso/configurations";
const ONE: &str = "/api/v1/sso/configurations/{id}";

/// The parts of this face.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    vec![
        ("SSO configurations", "Global OIDC, SAML and LDAP configurations.", configurations()),
        ("SSO federation", "Configurations, users and groups on platforms.", federation()),
        ("Platforms", "Where configurations can be pushed.", platforms()),
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
            .answer(200, Answer::json("It is so, or will be.", object([])))
            .refuses(&[502]),
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

const LIMIT: &str = "Most items of a page; 0 is 20, and 1000 is the most.";
const OFFSET: &str = "Items left out before the page.";

fn federation() -> Vec<Operation> {
    let status = |path, id, summary| {
        Operation::get(path, id, summary)
            .query("limit", from_zero(), LIMIT)
            .query("offset", from_zero(), OFFSET)
            .query("platformUuid", text(), "Only this platform.")
            .query("ssoConfigUuid", text(), "Only what is federated of this configuration.")
            .query("tenantUuid", text(), "Means nothing.")
            .lists("Federations")
    };
    vec![
        Operation::post(
            "/api/v1/sso/configurations/{id}/federate",
            "FederateSSO",
            "Push a configuration, its users and groups to platforms.",
        )
        .says("A platform that fails is an item. What does not finish within 25 seconds goes on in the background.")
        .takes_named("FederateSSORequest")
        .answer(200, Answer::json("What came of each platform, in the order asked.", named("Federated")))
        .refuses(&[409, 415]),
        Operation::post(
            "/api/v1/sso/configurations/{id}/unfederate",
            "UnfederateSSO",
            "Take a configuration away from platforms.",
        )
        .takes_named("UnfederateSSORequest")
        .answer(200, Answer::json("What came of each platform, in the order asked.", named("Federated")))
        .refuses(&[409, 415]),
        status(
            "/api/v1/sso/federation/status",
            "ListFederationStatus",
            "List platforms with what is federated to them.",
        ),
        status("/api/v1/sso/federations", "ListFederations", "The same."),
        Operation::get(
            "/api/v1/sso/federation/jobs",
            "ListProvisioningRuns",
            "List runs that provision users and groups, newest first.",
        )
        .query("limit", from_zero(), LIMIT)
        .query("offset", from_zero(), OFFSET)
        .query("federationUuid", text(), "Only those of this federation.")
        .lists("ProvisioningRuns"),
        Operation::get(
            "/api/v1/sso/federation/jobs/{job_id}",
            "GetProvisioningRun",
            "Show such a run with its report.",
        )
        .says("Also while it runs: how far it has come.")
        .shows("ProvisioningRun"),
    ]
}

fn platforms() -> Vec<Operation> {
    const ALL: &str = "/api/v1/platforms";
    const ONE: &str = "/api/v1/platforms/{uuid}";
    let etag = |answer: Answer| answer.header("ETag", text(), "Names this version of the platform.");
    let one = |description: &str| etag(Answer::json(description, named("Platform")));
    let update = |operation: Operation| {
        operation
            .header("If-Match", false, text(), "Only if this is its version.")
            .says("What is absent stays, null clears. A secret stays if it is absent, empty or the mask, unless the address changes.")
            .takes_named("UpdatePlatformRequest")
            .answer(200, one("As it is now."))
            .refuses(&[409, 412, 415, 502])
    };
    vec![
        Operation::get(ALL, "ListPlatforms", "List platforms, in the order of their making.")
            .query("limit", from_zero(), LIMIT)
            .query("offset", from_zero(), OFFSET)
            .lists("Platforms"),
        Operation::post(ALL, "CreatePlatform", "Register a platform.")
            .says("A password is used once, to make a key there.")
            .takes_named("CreatePlatformRequest")
            .answer(200, one("As it was registered."))
            .refuses(&[409, 415, 502]),
        Operation::post(
            "/api/v1/platforms/validate",
            "ValidatePlatform",
            "Say whether a platform could be registered.",
        )
        .takes_named("CreatePlatformRequest")
        .answer(200, Answer::json("It could.", object([("message", text())])))
        .refuses(&[409, 415]),
        Operation::post(
            "/api/v1/platforms/test-connection",
            "TestConnectionDetailed",
            "Try a connection out, step by step.",
        )
        .takes_named("TestConnectionRequest")
        .answer(200, Answer::json("How it went.", named("ConnectionTested")))
        .refuses(&[415]),
        Operation::get(ONE, "GetPlatform", "Show a platform.").answer(200, one("As it is.")),
        update(Operation::put(ONE, "UpdatePlatform", "Change a platform.")),
        update(Operation::patch(ONE, "PatchPlatform", "The same as PUT.")),
        Operation::delete(ONE, "DeletePlatform", "Delete a platform.")
            .query("options.propagationPolicy", policy(), "What becomes of what is federated to it.")
            .query("options.force", boolean(), "Whatever hangs on it; for system administrators.")
            .query("options.gracePeriodSeconds", count(2_592_000), "Means nothing here.")
            .query("options.revokeRemoteCredentials", boolean(), "Take the key away that is used there.")
            .answer(200, Answer::json("It is gone.", object([])))
            .refuses(&[409, 502]),
        Operation::post(
            "/api/v1/platforms/{uuid}/previewDelete",
            "PreviewDeletePlatform",
            "Say what deleting a platform would do.",
        )
        .takes_maybe("PreviewDeleteSSOConfigRequest")
        .answer(200, Answer::json("What it would do.", named("Preview")))
        .refuses(&[415]),
        Operation::post("/api/v1/platforms/{uuid}/rotate-keys", "RotateAccessKeys", "Make another key for a platform.")
            .takes_maybe("TestSSOConnectionRequest")
            .answer(200, Answer::json("The key; it is told this once.", named("RotatedKey")))
            .refuses(&[409, 415, 502]),
        Operation::post(
            "/api/v1/federation/platforms/{platform_id}/sso/login",
            "OpenSSOSession",
            "Open a session on a platform by one's own token.",
        )
        .takes_named("OpenSSOSessionRequest")
        .answer(200, Answer::json("Where to send the browser.", object([("ssoUrl", text())])))
        .refuses(&[409, 415, 502]),
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
    for more in [
        of_type::<SsoConfigurations>(),
        of_type::<Preview>(),
        of_type::<Tested>(),
        of_type::<Probed>(),
        of_type::<Federated>(),
        of_type::<Federations>(),
        of_type::<ProvisioningRuns>(),
        of_type::<Platforms>(),
        of_type::<ConnectionTested>(),
        of_type::<RotatedKey>(),
    ] {
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
    let mut register = platform();
    register["required"] = json!(["name", "productType"]);
    let ids = json!({"oneOf": [
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 100},
        {"type": "string", "minLength": 1, "description": "With commas."}]});
    let mut create = configuration();
    create["required"] = json!(["displayName", "providerType"]);
    vec![
        ("CreateSSOConfig".to_owned(), create),
        ("UpdateSSOConfig".to_owned(), configuration()),
        (
            "FederateSSORequest".to_owned(),
            open([
                ("platformUuids", ids.clone()),
                ("allowMassDeactivation?", says(nullable(boolean()), "However many users are deactivated by it.")),
                ("tenantUuid?", tenant()),
            ]),
        ),
        (
            "UnfederateSSORequest".to_owned(),
            open([
                ("platformUuids", ids),
                ("deprovision?", nullable(word(&["none", "deactivate", "delete"]))),
                ("tenantUuid?", tenant()),
            ]),
        ),
        ("CreatePlatformRequest".to_owned(), register),
        ("UpdatePlatformRequest".to_owned(), platform()),
        (
            "TestConnectionRequest".to_owned(),
            open([
                ("productType", text_of(1, 64)),
                ("endpoint", says(text_of(1, 2_048), "A URL, or host:port.")),
                ("accessKey?", nullable(text_of(0, 255))),
                ("secretKey?", nullable(text_of(0, 4_096))),
            ]),
        ),
        ("OpenSSOSessionRequest".to_owned(), open([("jwt", text_of(1, 8_192))])),
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

fn platform() -> Value {
    let secret =
        |what: &str| says(nullable(text_of(0, 4_096)), &format!("{what} `{MASK}` or nothing keeps what is stored."));
    open([
        ("name?", text_of(1, 255)),
        (
            "productType?",
            says(text_of(1, 255), "`keystone`, `zstack`, `zsphere`, `scim`, `webhook`; others are listed only."),
        ),
        ("hostIp?", text_of(1, 255)),
        ("hostPort?", json!({"type": ["integer", "null"], "minimum": 1, "maximum": 65_535})),
        ("username?", says(nullable(text_of(0, 255)), "A user who may make a key there.")),
        ("password?", secret("That user's password, which is used once.")),
        ("accessKeyId?", nullable(text_of(0, 255))),
        ("accessKeyName?", nullable(text_of(0, 255))),
        ("accessKeySecret?", secret("The key's secret.")),
        (
            "endpoint?",
            says(nullable(text_of(0, 2_048)), "Base URL of its API, where it is not https and host and port."),
        ),
        ("uiUrl?", nullable(text_of(0, 2_048))),
        ("callbackUrl?", nullable(text_of(0, 2_048))),
        ("loginType?", nullable(text_of(0, 64))),
        ("projectName?", nullable(text_of(0, 255))),
        ("projectDomainName?", nullable(text_of(0, 255))),
        ("userDomainName?", nullable(text_of(0, 255))),
        ("protocolId?", nullable(text_of(0, 64))),
        ("claimPrefix?", nullable(text_of(0, 64))),
        ("scimEndpoint?", says(nullable(text_of(0, 2_048)), "Base URL of its SCIM server, up to the version.")),
        ("scimToken?", secret("What that wants to see.")),
        ("caCertificatePem?", nullable(text_of(0, 65_536))),
        ("insecureSkipVerify?", boolean()),
        ("features?", says(json!({"type": ["object", "null"]}), "Means nothing.")),
    ])
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
