//! `/api/v1/admin` (`crate::tenant::admin`): tenants, applications, identity providers, links and traces.

mod members;

use serde_json::{Value, json};

use self::members::{Members, application, branding, identity_provider, oidc, settings};
use super::super::operation::{Answer, Operation};
use super::super::schema::{
    boolean, count, from_zero, link, list, named, nullable, object, says, text, text_of, time, word,
};
use crate::model::application::Kind;

const TENANTS: &str = "/api/v1/admin/tenants";
const TENANT: &str = "/api/v1/admin/tenants/{tenant_id}";
const APPLICATIONS: &str = "/api/v1/admin/applications";
const APPLICATION: &str = "/api/v1/admin/applications/{application_id}";
const SECRETS: &str = "/api/v1/admin/applications/{application_id}/secrets";
const SECRET: &str = "/api/v1/admin/applications/{application_id}/secrets/{secret_id}";
const PROVIDERS: &str = "/api/v1/admin/identity-providers";
const PROVIDER: &str = "/api/v1/admin/identity-providers/{idp_id}";
const KEPT: &str = "/api/v1/admin/identity-providers/{idp_id}/tenants";
const LINKS: &str = "/api/v1/admin/users/{user_id}/links";
const LINK: &str = "/api/v1/admin/users/{user_id}/links/{idp_id}";
const TRACES: &str = "/api/v1/admin/traces";
const TRACE: &str = "/api/v1/admin/traces/{request_id}";

const MERGES: &str = "What is absent stays; null brings the default back.";

/// The parts that the page shows.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    vec![
        ("Tenants", "Domains whose people sign in on pages of their own.", tenants()),
        ("Applications", "What people of a tenant sign in to.", applications()),
        ("Identity providers of tenants", "A tenant's own, and what it says of global ones.", identity_providers()),
        ("Sign-ins", "Users' links to identity providers, and what became of sign-ins.", sign_ins()),
    ]
}

fn paged(operation: Operation) -> Operation {
    operation.query("page", json!({"type": "integer", "minimum": 1}), "Which page; the first is 1.").query(
        "per_page",
        json!({"type": "integer", "minimum": 1}),
        "Items of a page; 20 by default, 100 at most.",
    )
}

/// Takes a JSON object, whose faults are 422.
fn takes(operation: Operation, schema: &str) -> Operation {
    operation.takes_named(schema).refuses(&[415, 422])
}

fn of_tenant(operation: Operation) -> Operation {
    operation.query("tenant_id", text(), "The tenant; it must be named.").refuses(&[404])
}

fn conditional(operation: Operation) -> Operation {
    operation.header("If-Match", false, text(), "Only if this is its version.").refuses(&[412])
}

fn versioned(description: &str, schema: &str) -> Answer {
    Answer::json(description, named(schema)).header("ETag", text(), "Names this version of it.")
}

fn tenants() -> Vec<Operation> {
    vec![
        paged(Operation::get(TENANTS, "ListTenants", "List tenants, in the order of their making."))
            .says("Who acts in one domain sees the tenant that this domain is.")
            .query("search", text(), "Part of the slug or of the domain's name.")
            .query("active", boolean(), "Only those for which this is so.")
            .lists("Tenants"),
        takes(Operation::post(TENANTS, "CreateTenant", "Make a domain a tenant, or make both."), "CreateTenant")
            .answer(201, versioned("As it was made.", "Tenant"))
            .refuses(&[409]),
        Operation::get(TENANT, "GetTenant", "Show a tenant.").answer(200, versioned("As it is.", "Tenant")),
        conditional(takes(Operation::patch(TENANT, "UpdateTenant", "Change a tenant."), "UpdateTenant"))
            .says("What is absent stays; null brings the default back. A slug that is left still leads there, and the issuer stays.")
            .answer(200, versioned("As it is now.", "Tenant"))
            .refuses(&[409]),
        conditional(Operation::delete(TENANT, "DeleteTenant", "Delete a tenant with its applications; its domain stays."))
            .done(),
    ]
}

fn applications() -> Vec<Operation> {
    vec![
        paged(of_tenant(Operation::get(APPLICATIONS, "ListApplications", "List a tenant's applications.")))
            .lists("Applications"),
        takes(Operation::post(APPLICATIONS, "CreateApplication", "Make an application."), "CreateApplication")
            .says("The answer shows its secret, if it has one; nobody sees that again.")
            .answer(201, versioned("As it was made.", "MadeApplication"))
            .refuses(&[404]),
        Operation::get(APPLICATION, "GetApplication", "Show an application.")
            .answer(200, versioned("As it is.", "Application")),
        conditional(takes(
            Operation::patch(APPLICATION, "UpdateApplication", "Change an application."),
            "UpdateApplication",
        ))
        .says(MERGES)
        .answer(200, versioned("As it is now.", "Application")),
        conditional(Operation::delete(
            APPLICATION,
            "DeleteApplication",
            "Delete an application; what it was given is void.",
        ))
        .done(),
        Operation::post(SECRETS, "CreateApplicationSecret", "Make another secret.")
            .says("Two live at a time, at most.")
            .takes_maybe("CreateApplicationSecret")
            .answer(201, Answer::json("As it was made; nobody sees it again.", named("ApplicationSecret")))
            .refuses(&[409, 415, 422]),
        Operation::delete(SECRET, "DeleteApplicationSecret", "Delete a secret.").done(),
    ]
}

fn identity_providers() -> Vec<Operation> {
    vec![
        paged(of_tenant(Operation::get(PROVIDERS, "ListTenantProviders", "List what a tenant could offer.")))
            .says("Its own identity providers, and the global ones that are not kept for others.")
            .lists("TenantProviders"),
        takes(
            Operation::post(PROVIDERS, "CreateTenantProvider", "Make one of a tenant's own."),
            "CreateTenantProvider",
        )
        .says("All that it needs is made with it: identity provider, mapping, protocol and connection.")
        .answer(201, versioned("As it was made.", "TenantProvider"))
        .refuses(&[404]),
        of_tenant(Operation::get(PROVIDER, "GetTenantProvider", "Show one that a tenant could offer."))
            .answer(200, versioned("As it is.", "TenantProvider")),
        conditional(of_tenant(takes(
            Operation::patch(
                PROVIDER,
                "UpdateTenantProvider",
                "Change a tenant's own, or what it says of a global one.",
            ),
            "UpdateTenantProvider",
        )))
        .says(MERGES)
        .answer(200, versioned("As it is now.", "TenantProvider")),
        conditional(of_tenant(Operation::delete(
            PROVIDER,
            "DeleteTenantProvider",
            "Delete a tenant's own, or forget what it says of a global one.",
        )))
        .done(),
        takes(Operation::put(KEPT, "KeepTenantProvider", "Keep a global one for some tenants."), "TenantIds")
            .says("None: it is offered to all again.")
            .answer(200, Answer::json("As it is now.", named("TenantIds"))),
    ]
}

fn sign_ins() -> Vec<Operation> {
    vec![
        Operation::get(LINKS, "ListUserLinks", "List a user's identities at identity providers.").shows("UserLinks"),
        Operation::delete(LINK, "DeleteUserLink", "Take a user's identities at an identity provider away.")
            .says("Refused if it is their last way in.")
            .done()
            .refuses(&[409]),
        of_tenant(Operation::get(TRACES, "ListTraces", "List the last failures of sign-ins, newest first."))
            .shows("Trace"),
        of_tenant(Operation::get(TRACE, "GetTrace", "Show all steps of the sign-ins that a request took part in."))
            .shows("Trace"),
    ]
}

fn page_of(items: &str) -> Value {
    object([
        ("items", list(named(items))),
        ("total", count(i64::MAX)),
        ("page", json!({"type": "integer", "minimum": 1})),
        ("per_page", json!({"type": "integer", "minimum": 1, "maximum": 100})),
    ])
}

fn items_of(items: &str) -> Value {
    object([("items", list(named(items)))])
}

/// Schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let all = [tenant_schemas(), application_schemas(), provider_schemas(), sign_in_schemas()].concat();
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn tenant_schemas() -> Vec<(&'static str, Value)> {
    let slug = || json!({"type": "string", "pattern": "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"});
    let tenant = object([
        ("id", says(text(), "Its domain's.")),
        ("slug", slug()),
        ("slugs", says(list(slug()), "All that lead there.")),
        ("issuer", link()),
        ("issuer_slug", slug()),
        ("name", says(text(), "Its domain's.")),
        ("active", boolean()),
        ("domain_enabled", boolean()),
        ("settings", named("TenantSettings")),
        ("login_url", link()),
        ("discovery_url", link()),
        ("version", count(i64::MAX)),
        ("created_at", time()),
        ("updated_at", time()),
    ]);
    let create = object([
        ("slug", slug()),
        ("name?", nullable(says(text_of(1, 64), "That of the domain that is made; the slug, if it is left out."))),
        ("domain_id?", nullable(says(text(), "The domain, if it is there already."))),
        ("active?", nullable(boolean())),
        ("settings?", nullable(named("TenantSettingsChange"))),
    ]);
    let update = object([
        ("slug?", slug()),
        ("issuer_slug?", says(slug(), "One of the tenant's slugs.")),
        ("active?", nullable(boolean())),
        ("settings?", nullable(named("TenantSettingsChange"))),
    ]);
    vec![
        ("Tenant", tenant),
        ("Tenants", page_of("Tenant")),
        ("TenantSettings", settings().and("branding", named("TenantBranding")).shown()),
        ("TenantBranding", branding().shown()),
        ("CreateTenant", create),
        ("UpdateTenant", update),
        ("TenantSettingsChange", settings().and("branding", named("TenantBrandingChange")).taken(&[])),
        ("TenantBrandingChange", branding().taken(&[])),
    ]
}

fn application_schemas() -> Vec<(&'static str, Value)> {
    let kinds = || word(&Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>());
    let secret = object([("id", text()), ("created_at", time()), ("expires_at", nullable(time()))]);
    let shown = |members: Members| {
        members
            .and("id", text())
            .and("client_id", says(text(), "The same as its id."))
            .and("tenant_id", text())
            .and("name", text())
            .and("type", kinds())
            .and("enabled", boolean())
            .and("secrets", list(secret.clone()))
            .and("version", count(i64::MAX))
            .and("created_at", time())
            .and("updated_at", time())
    };
    let mut made = shown(application()).shown();
    made["properties"]["client_secret"] = says(text(), "Its secret, if it has one.");
    let taken = || application().and("name", text_of(1, 255)).and("type", kinds()).and("enabled", boolean());
    vec![
        ("Application", shown(application()).shown()),
        ("MadeApplication", made),
        ("Applications", page_of("Application")),
        ("CreateApplication", taken().and("tenant_id", text()).taken(&["tenant_id", "name", "type"])),
        ("UpdateApplication", taken().taken(&[])),
        (
            "CreateApplicationSecret",
            object([("expires_previous_in_secs?", nullable(says(count(7_776_000), "How long those before go on.")))]),
        ),
        ("ApplicationSecret", object([("id", text()), ("client_secret", text()), ("created_at", time())])),
    ]
}

/// How an identity provider that speaks SAML is spoken to.
fn saml() -> Value {
    object([
        ("idp_entity_id?", nullable(text_of(1, 1_024))),
        ("idp_sso_url?", nullable(text_of(1, 2_048))),
        ("idp_slo_url?", nullable(text_of(1, 2_048))),
        ("idp_certificate?", says(nullable(text()), "One or more in PEM, all of which may sign.")),
        ("idp_metadata_url?", says(nullable(text_of(1, 2_048)), "What is not said here is read there.")),
        (
            "sp_entity_id?",
            says(nullable(text_of(1, 1_024)), "Unless given, the address of the tenant's SAML metadata."),
        ),
        ("name_id_format?", says(nullable(text_of(1, 255)), "`any` asks for none.")),
        ("force_authn?", boolean()),
        ("require_signed_assertion?", says(boolean(), "A signature of the Response as a whole is not enough.")),
        ("allow_sha1?", boolean()),
    ])
}

fn provider_schemas() -> Vec<(&'static str, Value)> {
    let mapping = object([("id", text()), ("rules", list(json!({}))), ("schema_version", text())]);
    let mut shown = identity_provider()
        .and("id", text())
        .and("name", text())
        .and("provider_type", nullable(word(&["oidc", "saml", "ldap"])))
        .and("protocol_id", nullable(text()))
        .and("own", says(boolean(), "The tenant's own, rather than a global one."))
        .and("enabled", boolean())
        .and("available", says(boolean(), "Switched on where it is managed."))
        .shown();
    let spoken = says(nullable(json!({"type": "object"})), "How it is spoken to; of the tenant's own only.");
    for kind in ["oidc", "saml", "ldap"] {
        shown["properties"][kind] = spoken.clone();
    }
    shown["properties"]["mapping"] = nullable(mapping);
    let attributes = json!({"type": "object", "additionalProperties": {"type": "string"},
        "description": "Of our fields (username, email, display_name, given_name, family_name, phone, groups, external_id), the claim that each is."});
    let taken = || {
        identity_provider()
            .and("name", text_of(1, 255))
            .and("provider_type", word(&["oidc", "saml"]))
            .and("enabled", boolean())
            .and("oidc", oidc())
            .and("saml", saml())
            .and("mapping", object([("rules", list(json!({}))), ("schema_version?", text())]))
            .and("attribute_mappings", attributes.clone())
            .and("group_provisioning", word(&["sync", "none"]))
    };
    vec![
        ("TenantProvider", shown),
        ("TenantProviders", page_of("TenantProvider")),
        ("CreateTenantProvider", taken().and("tenant_id", text()).taken(&["tenant_id", "name", "provider_type"])),
        ("UpdateTenantProvider", taken().taken(&[])),
        ("TenantIds", object([("tenant_ids", list(text()))])),
    ]
}

fn sign_in_schemas() -> Vec<(&'static str, Value)> {
    let user_link = object([
        ("idp_id", text()),
        ("protocol_id", text()),
        ("unique_id", says(text(), "What the identity provider calls the user.")),
        ("tenant_id", says(nullable(text()), "The tenant that it was made at.")),
        ("email", nullable(text())),
        ("created_at", nullable(time())),
        ("created_by", nullable(text())),
        ("last_login_at", nullable(time())),
    ]);
    let step = object([
        ("id", text()),
        ("sign_in_id", text()),
        ("request_id", text()),
        ("seq", from_zero()),
        ("at", time()),
        ("step", says(text(), "What was done.")),
        ("outcome", word(&["success", "failure"])),
        ("reason", says(nullable(text()), "Why it failed.")),
        ("detail", says(json!({}), "What was sent and received, without secrets, and which rule decided.")),
    ]);
    vec![
        ("UserLink", user_link),
        ("UserLinks", items_of("UserLink")),
        ("TraceStep", step),
        ("Trace", items_of("TraceStep")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{application, tenant, tenant_idp};

    /// The members of a schema beside those of what is written.
    fn assert_members(schema: &Value, written: &Value, more: &[&str]) {
        let mut expected: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
        expected.extend(more);
        expected.sort_unstable();
        let mut members: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, expected);
    }

    #[test]
    fn settings_are_described_as_they_are_written() {
        let all: std::collections::BTreeMap<String, Value> = schemas().into_iter().collect();
        for name in ["TenantSettings", "TenantSettingsChange"] {
            assert_members(&all[name], &json!(tenant::Settings::default()), &[]);
        }
        assert_members(&all["TenantBranding"], &json!(tenant::Branding::default()), &[]);
        let more = ["name", "type", "enabled"];
        assert_members(&all["UpdateApplication"], &json!(application::Settings::default()), &more);
        let more = ["name", "provider_type", "oidc", "saml", "mapping", "attribute_mappings", "group_provisioning"];
        assert_members(&all["UpdateTenantProvider"], &json!(tenant_idp::Settings::default()), &more);
    }
}
