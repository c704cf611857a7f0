//! The golden table (invariant I3, KS-POL-1): every route × every persona × own and other domain. What is allowed and
//! what is not is in the snapshot, so a change of policy shows as a change of that file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app;
use crate::clock::Timestamp;
use crate::http::route::{Access, Route};
use crate::model::grant::{Actor, Grant, Target};
use crate::model::token::Scope;
use crate::policy::registry;
use crate::store;
use crate::store::tests::connections::a_connection;
use crate::store::tests::federation::{a_mapping, a_protocol, a_service_provider};
use crate::store::tests::{a_domain, a_group, a_project, a_role, a_user, an_idp};
use crate::testing::{House, houses};

/// A domain-scoped token carries a UUID.
fn id_of(domain: &str) -> &'static str {
    match domain {
        "own" => "00000000000040008000000000000001",
        _ => "00000000000040008000000000000002",
    }
}

/// Name, role and where it is held; all live in the domain `own`.
type Persona = (&'static str, &'static str, fn() -> Scope);

const PERSONAS: [Persona; 14] = [
    ("project-reader", "reader", || Scope::Project("p-own".into())),
    ("project-member", "member", || Scope::Project("p-own".into())),
    ("project-manager", "manager", || Scope::Project("p-own".into())),
    ("project-admin", "admin", || Scope::Project("p-own".into())),
    ("project-service", "service", || Scope::Project("p-own".into())),
    ("project-secu_admin", "secu_admin", || Scope::Project("p-own".into())),
    ("domain-reader", "reader", || Scope::Domain(id_of("own").into())),
    ("domain-member", "member", || Scope::Domain(id_of("own").into())),
    ("domain-manager", "manager", || Scope::Domain(id_of("own").into())),
    ("domain-admin", "admin", || Scope::Domain(id_of("own").into())),
    ("domain-secu_admin", "secu_admin", || Scope::Domain(id_of("own").into())),
    ("system-reader", "reader", || Scope::System),
    ("system-member", "member", || Scope::System),
    ("system-admin", "admin", || Scope::System),
];

/// The part of the scene that belongs to no domain.
async fn set_the_catalog(tx: &mut store::Conn) {
    use crate::store::tests::catalog::{a_region, a_service, an_endpoint};
    if store::region::get(tx, "victim-region").await.unwrap().is_none() {
        store::region::insert(tx, &a_region("victim-region", None)).await.unwrap();
    }
    if store::service::get(tx, "victim-service").await.unwrap().is_none() {
        store::service::insert(tx, &a_service("victim-service")).await.unwrap();
    }
    if store::endpoint::get(tx, "victim-endpoint").await.unwrap().is_none() {
        store::endpoint::insert(tx, &an_endpoint("victim-endpoint", "victim-service", None)).await.unwrap();
    }
    if store::service_provider::get(tx, "victim-sp").await.unwrap().is_none() {
        store::service_provider::insert(tx, &a_service_provider("victim-sp")).await.unwrap();
    }
}

/// A background job that waits.
async fn set_the_job(tx: &mut store::Conn) {
    use crate::store::tests::jobs::a_job;
    store::job::insert(tx, "victim-job", &a_job("victim", Timestamp::MAX), Timestamp(0)).await.unwrap();
}

/// The tenant that a domain is, with an application, a link of its victim and a sign-in that failed.
async fn set_the_tenant(tx: &mut store::Conn, d: &str, now: Timestamp) {
    use crate::store::tests::tenants::{a_link, a_step, a_tenant, an_application};
    let id = id_of(d);
    if store::tenant::get(tx, id).await.unwrap().is_none() {
        store::tenant::insert(tx, &a_tenant(id, d)).await.unwrap();
        store::sign_in_step::insert(tx, &[a_step(&format!("step-{d}"), id, "victim-request")]).await.unwrap();
    }
    let application = an_application(&format!("victim-app-{d}"), id);
    if store::application::find(tx, &application.id).await.unwrap().is_none() {
        store::application::insert(tx, &application).await.unwrap();
    }
    store::application::drop_ended_secrets(tx, &application, Timestamp::MAX).await.unwrap();
    for secret in store::application::secrets(tx, &application.id).await.unwrap() {
        store::application::delete_secret(tx, &application, &secret.id).await.unwrap();
    }
    let secret = store::application::StoredSecret {
        id: format!("victim-secret-{d}"),
        digest: "d".into(),
        created_at: now,
        expires_at: None,
    };
    store::application::insert_secret(tx, &application, &secret).await.unwrap();
    let victim = format!("victim-{d}");
    if store::user_link::list(tx, &victim).await.unwrap().is_empty() {
        let link = a_link(&format!("idp-{d}"), "victim-protocol", &victim);
        store::user_link::insert(tx, &victim, &link).await.unwrap();
    }
}

/// A directory's token, and what it looks after at a tenant.
async fn set_the_directory(tx: &mut store::Conn, d: &str, now: Timestamp) {
    use crate::model::scim::{account, group, token::ScimToken};
    let tenant_id = id_of(d).to_owned();
    let id = format!("victim-token-{d}");
    store::scim::token::delete(tx, &tenant_id, &id).await.unwrap();
    let (name, digest) = ("victim".to_owned(), format!("digest-{d}"));
    let token = ScimToken { id, tenant_id, name, created_at: now, expires_at: None, last_used_at: None };
    store::scim::token::insert(tx, &token, &digest).await.unwrap();
    let victim = format!("scim-victim-{d}");
    if store::user::get(tx, &victim).await.unwrap().is_none() {
        store::user::insert(tx, &a_user(&victim, id_of(d)), now).await.unwrap();
    }
    let record = account::Record { made: true, ..account::Record::default() };
    store::scim::user::put(tx, id_of(d), &victim, &record).await.unwrap();
    let record = group::Record { external_id: None, made: true, created_at: now };
    store::scim::group::put(tx, id_of(d), &format!("victim-group-{d}"), &record).await.unwrap();
}

/// Somebody who is signed in at a tenant.
async fn set_the_session(tx: &mut store::Conn, d: &str, now: Timestamp) {
    let (id, tenant_id) = (format!("victim-session-{d}"), id_of(d));
    if store::session::get(tx, tenant_id, &id).await.unwrap().is_none() {
        let session = crate::testing::tenancy::plain_session(tenant_id, &id, &format!("victim-{d}"), now);
        store::session::insert(tx, &session).await.unwrap();
    }
}

/// How to speak to an identity provider of the scene.
async fn set_the_connection(tx: &mut store::Conn, idp_id: &str) {
    for protocol_id in ["victim-protocol", "oidc"] {
        if store::connection::get(tx, idp_id, protocol_id).await.unwrap().is_none() {
            store::connection::insert(tx, &a_connection(idp_id, protocol_id)).await.unwrap();
        }
    }
}

/// Makes whatever of the scene is missing, so that a deletion before does not matter.
async fn set_the_scene(house: &House) {
    let now = house.app.now();
    let mut tx = house.app.store.write().await.unwrap();
    let tx_ref = &mut tx;
    set_the_catalog(tx_ref).await;
    set_the_job(tx_ref).await;
    for role in ["admin", "manager", "member", "reader", "service", "secu_admin", "victim-role"] {
        if store::role::get(tx_ref, role).await.unwrap().is_none() {
            store::role::insert(tx_ref, &a_role(role)).await.unwrap();
        }
    }
    for (prior, implied) in [("admin", "manager"), ("manager", "member"), ("member", "reader")] {
        store::implied_role::insert(tx_ref, prior, implied).await.unwrap();
    }
    for d in ["own", "other"] {
        let id = id_of(d);
        if store::domain::get(tx_ref, id).await.unwrap().is_none() {
            store::domain::insert(tx_ref, &a_domain(id)).await.unwrap();
            store::project::insert(tx_ref, &a_project(&format!("p-{d}"), id)).await.unwrap();
        }
        let victim = format!("victim-{d}");
        if store::user::get(tx_ref, &victim).await.unwrap().is_none() {
            store::user::insert(tx_ref, &a_user(&victim, id), now).await.unwrap();
        }
        if store::identity_provider::get(tx_ref, &format!("idp-{d}")).await.unwrap().is_none() {
            store::identity_provider::insert(tx_ref, &an_idp(&format!("idp-{d}"), id, &[d])).await.unwrap();
        }
        // One mapping is in use, the other is not.
        for mapping in [format!("used-{d}"), format!("victim-mapping-{d}")] {
            if store::mapping::get(tx_ref, &mapping).await.unwrap().is_none() {
                store::mapping::insert(tx_ref, &a_mapping(&mapping, Some(id))).await.unwrap();
            }
        }
        if store::protocol::get(tx_ref, &format!("idp-{d}"), "victim-protocol").await.unwrap().is_none() {
            let protocol = a_protocol(&format!("idp-{d}"), "victim-protocol", &format!("used-{d}"));
            store::protocol::insert(tx_ref, &protocol).await.unwrap();
        }
        set_the_connection(tx_ref, &format!("idp-{d}")).await;
        set_the_tenant(tx_ref, d, now).await;
        set_the_session(tx_ref, d, now).await;
        let (project, group) = (format!("victim-project-{d}"), format!("victim-group-{d}"));
        if store::project::get(tx_ref, &project).await.unwrap().is_none() {
            store::project::insert(tx_ref, &a_project(&project, id)).await.unwrap();
        }
        let mut stored = store::project::get(tx_ref, &project).await.unwrap().unwrap().project;
        stored.tags = ["victim-tag".to_owned()].into();
        store::project::update(tx_ref, &stored).await.unwrap();
        if store::group::get(tx_ref, &group).await.unwrap().is_none() {
            store::group::insert(tx_ref, &a_group(&group, id)).await.unwrap();
        }
        store::group::add_member(tx_ref, &group, &victim).await.unwrap();
        set_the_directory(tx_ref, d, now).await;
        for target in [Target::Project(project), Target::Domain(id.into()), Target::System] {
            for actor in [Actor::User(victim.clone()), Actor::Group(group.clone())] {
                for inherited in [false, true] {
                    let (actor, target, role_id) = (actor.clone(), target.clone(), "reader".to_owned());
                    store::grant::insert(tx_ref, &Grant { actor, target, role_id, inherited }).await.unwrap();
                }
            }
        }
    }
    store::implied_role::insert(tx_ref, "victim-role", "service").await.unwrap();
    store::implied_role::delete(tx_ref, "victim-role", "reader").await.unwrap();
    for (name, role, scope) in PERSONAS {
        if store::user::get(tx_ref, name).await.unwrap().is_some() {
            continue;
        }
        store::user::insert(tx_ref, &a_user(name, id_of("own")), now).await.unwrap();
        let target = match scope() {
            Scope::Project(id) => Target::Project(id),
            Scope::Domain(id) => Target::Domain(id),
            Scope::System => Target::System,
            Scope::Unscoped => unreachable!(),
        };
        let grant = Grant::of_user(name, target, role);
        store::grant::insert(tx_ref, &grant).await.unwrap();
    }
    house.app.commit(tx).await.unwrap();
}

/// The path of a route, about things of one domain.
fn path(route: &Route, domain: &str) -> String {
    // Granting and implying are about another role than taking back.
    let (grant_role, implied) = if route.method == "PUT" { ("member", "reader") } else { ("reader", "service") };
    let is_grant = route.template.contains("/roles/{role_id}") && !route.template.starts_with("/v3/roles");
    let makes_idp = route.method == "PUT" && ["/{idp_id}", "/setup"].iter().any(|end| route.template.ends_with(end));
    let role = if is_grant { grant_role } else { "victim-role" };
    let mut path = route.template.to_owned();
    for (name, value) in [
        ("{domain_id}", id_of(domain).to_owned()),
        ("{project_id}", format!("victim-project-{domain}")),
        ("{group_id}", format!("victim-group-{domain}")),
        ("{value}", "victim-tag".to_owned()),
        ("{prior_role_id}", "victim-role".to_owned()),
        ("{implied_role_id}", implied.to_owned()),
        // Tokens of whom a directory deletes are void, also when they have been made again.
        ("{user_id}", format!("{}victim-{domain}", if route.template.contains("/scim/v2/") { "scim-" } else { "" })),
        ("{role_id}", role.to_owned()),
        // A creation is about a name that nobody has.
        ("{idp_id}", if makes_idp { "fresh".to_owned() } else { format!("idp-{domain}") }),
        ("{protocol_id}", if route.method == "PUT" { "fresh".to_owned() } else { "victim-protocol".to_owned() }),
        ("{mapping_id}", if route.method == "PUT" { "fresh".to_owned() } else { format!("victim-mapping-{domain}") }),
        ("{service_provider_id}", if route.method == "PUT" { "fresh".to_owned() } else { "victim-sp".to_owned() }),
        ("{region_id}", if route.method == "PUT" { "fresh".to_owned() } else { "victim-region".to_owned() }),
        ("{service_id}", "victim-service".to_owned()),
        ("{endpoint_id}", "victim-endpoint".to_owned()),
        ("{job_id}", "victim-job".to_owned()),
        ("{tenant_id}", id_of(domain).to_owned()),
        ("{application_id}", format!("victim-app-{domain}")),
        ("{secret_id}", format!("victim-secret-{domain}")),
        ("{request_id}", "victim-request".to_owned()),
        ("{session_id}", format!("victim-session-{domain}")),
        ("{token_id}", format!("victim-token-{domain}")),
        ("{resource_type}", "User".to_owned()),
        ("{schema}", crate::model::scim::USER.to_owned()),
    ] {
        path = path.replace(name, &value);
    }
    let of_tenant =
        ["/applications", "/identity-providers", "/identity-providers/{idp_id}", "/traces", "/traces/{request_id}"];
    match route.template.strip_prefix("/api/v1/admin") {
        Some(rest) if of_tenant.contains(&rest) || (rest.starts_with("/sessions") && route.method != "POST") => {
            format!("{path}?tenant_id={}", id_of(domain))
        }
        _ => path,
    }
}

/// A body that is refused after policy, so that nothing is made.
fn body(route: &Route, domain: &str) -> Option<Value> {
    match (route.method.as_str(), route.template) {
        ("POST", "/v3/users") => Some(json!({"user": {"domain_id": id_of(domain)}})),
        ("POST", "/v3/groups") => Some(json!({"group": {"domain_id": id_of(domain)}})),
        ("POST", "/v3/projects") => Some(json!({"project": {"domain_id": id_of(domain)}})),
        ("PUT", "/v3/projects/{project_id}/tags") => Some(json!({"tags": 1})),
        // Bodies are looked at before what they are about: these are sound.
        ("PATCH", t) if t.ends_with("{protocol_id}") => {
            Some(json!({"protocol": {"mapping_id": format!("used-{domain}")}}))
        }
        ("PATCH", t) if t.ends_with("{mapping_id}") => {
            Some(json!({"mapping": {"rules": [{"local": [], "remote": [{"type": "x"}]}]}}))
        }
        ("POST", "/api/v1/admin/sessions/revoke-all") => Some(json!({"tenant_id": id_of(domain), "user_id": "nobody"})),
        ("POST", "/api/v1/admin/applications" | "/api/v1/admin/identity-providers") => {
            Some(json!({"tenant_id": id_of(domain)}))
        }
        ("PUT", "/api/v1/admin/identity-providers/{idp_id}/tenants") => Some(json!({"tenant_ids": 1})),
        ("PUT", t) if t.contains("/scim/v2/") => Some(json!({})),
        ("POST" | "PATCH", _) => Some(json!({})),
        ("PUT", t) if t.contains("OS-FEDERATION") => Some(json!({})),
        ("PUT", "/v3/regions/{region_id}") => Some(json!({})),
        _ => None,
    }
}

/// The status; a 403 that is not policy's is marked.
async fn outcome(house: &House, route: &Route, domain: &str, token: Option<&str>) -> String {
    let subject = house.token(&format!("victim-{domain}"), Scope::Domain(id_of(domain).into()));
    let mut headers = Vec::new();
    if let Some(token) = token {
        headers.push(("x-auth-token", token));
    }
    if route.template == "/v3/auth/tokens" {
        headers.push(("x-subject-token", subject.as_str()));
    }
    let answer = house.ask(route.method.as_str(), &path(route, domain), &headers, body(route, domain).as_ref()).await;
    assert!(answer.status < 500 || answer.status == 501, "{route:?} {answer:?}");
    if answer.status < 300 && route.method != "GET" && route.method != "HEAD" {
        set_the_scene(house).await;
    }
    let policy = answer.message().starts_with("You are not authorized") || answer.body.is_null();
    format!("{}{}", answer.status, if answer.status == 403 && !policy { "*" } else { "" })
}

async fn table(house: &House) -> String {
    set_the_scene(house).await;
    let mut text = String::new();
    let mut routes: Vec<Route> = app::routes().into_iter().filter(|r| r.access != Access::Open).collect();
    routes.sort_by_key(|r| (r.template, r.method.to_string()));
    let mut personas = vec![("nobody", None), ("unscoped", Some(house.token("project-reader", Scope::Unscoped)))];
    personas.extend(PERSONAS.map(|(name, _, scope)| (name, Some(house.token(name, scope())))));
    for route in routes {
        writeln!(text, "{route:?}").unwrap();
        for domain in ["own", "other"] {
            let mut cells: Vec<(String, Vec<&str>)> = Vec::new();
            for (name, token) in &personas {
                let got = outcome(house, &route, domain, token.as_deref()).await;
                match cells.iter_mut().find(|(status, _)| *status == got) {
                    Some((_, names)) => names.push(name),
                    None => cells.push((got, vec![name])),
                }
            }
            cells.sort();
            for (status, names) in cells {
                writeln!(text, "  {domain:5} {status:4} {}", names.join(" ")).unwrap();
            }
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ks_pol_1_every_route_and_every_persona() {
    let mut tables = Vec::new();
    for house in houses(&[]).await {
        tables.push(table(&house).await);
    }
    assert!(tables.windows(2).all(|w| w[0] == w[1]), "the databases differ");
    insta::assert_snapshot!(tables[0]);
}

#[test]
fn every_route_has_a_registered_rule_and_every_registered_rule_a_route() {
    let mut used = BTreeSet::new();
    for route in app::routes() {
        match route.access {
            Access::Open => {}
            Access::Rule(rule) => drop(used.insert(rule)),
            Access::Rules(rules) => used.extend(rules),
        }
    }
    let registered: BTreeSet<&str> = registry().iter().filter(|r| !r.operations.is_empty()).map(|r| r.name).collect();
    assert_eq!(used, registered);
}
