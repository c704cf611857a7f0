//! The description as a whole: it says something of every route and of nothing else, and it holds together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::http::route::Access;
use crate::testing::houses;

fn described() -> Value {
    document(&crate::app::routes())
}

/// Every operation with its path and method.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &'_ Value)| (path.clone(), item.as_object().unwrap().clone());
    let mut all = Vec::new();
    for (path, item) in paths.iter().map(of) {
        for method in item.keys().filter(|k| *k != "parameters") {
            all.push((format!("{} {path}", method.to_uppercase()), &document["paths"][&path][method]));
        }
    }
    all
}

/// Everything in a document, with where it stands.
fn walk<'v>(value: &'v Value, path: String, visit: &mut dyn FnMut(&str, &'v Value)) {
    visit(&path, value);
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| walk(v, format!("{path}/{k}"), visit)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| walk(v, format!("{path}/{i}"), visit)),
        _ => {}
    }
}

#[test]
fn every_route_is_described_and_every_description_has_a_route() {
    let routes: BTreeSet<String> =
        crate::app::routes().iter().map(|r| format!("{} {}", r.method, r.template)).collect();
    let mut described = Vec::new();
    for (_, _, operations) in parts() {
        described.extend(operations.iter().map(|o| format!("{} {}", o.method(), o.template())));
    }
    let once: BTreeSet<String> = described.iter().cloned().collect();
    assert_eq!(described.len(), once.len(), "a route is described twice");
    assert_eq!(once, routes);
}

#[test]
fn security_and_policy_rules_are_those_of_the_routes() {
    let document = described();
    for route in crate::app::routes() {
        let operation = &document["paths"][route.template][route.method.as_str().to_ascii_lowercase()];
        let open = operation["security"].as_array().unwrap().iter().all(|s| s.get("Token").is_none());
        assert_eq!(open, route.access == Access::Open, "{route:?}");
        let rule = match route.access {
            Access::Open => Value::Null,
            Access::Rule(rule) => json!(rule),
            Access::Rules(rules) => json!(rules),
        };
        assert_eq!(operation["x-policy-rule"], rule, "{route:?}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = described();
    let mut used = BTreeSet::new();
    walk(&document, String::new(), &mut |path, value| {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{path} refers to {target}");
            used.insert(pointer.to_owned());
        }
    });
    for kind in ["schemas", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(used.contains(&format!("/components/{kind}/{name}")), "nothing refers to the {kind} {name}");
        }
    }
}

#[test]
fn every_name_is_used_once() {
    let document = described();
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    for (place, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let ours = id.chars().all(|c| c.is_ascii_alphanumeric()) && id.starts_with(|c: char| c.is_ascii_uppercase());
        // The tenant face has the names of the document that it comes from: function, path and method.
        let given = place.contains("/federation/") && (id.ends_with("_get") || id.ends_with("_post"));
        assert!(ours || given, "{id}");
        if let Some(other) = ids.insert(id, place.clone()) {
            panic!("{place} and {other} are both called {id}");
        }
        let mut seen = BTreeSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let of = (parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap().to_lowercase());
            assert!(seen.insert(of), "{place}: {parameter}");
        }
    }
    let names: Vec<String> = schemas().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "a schema stands twice: {names:?}");
}

#[test]
fn required_members_are_members_and_every_operation_answers_something() {
    let document = described();
    walk(&document, String::new(), &mut |path, value| {
        let (Some(required), Some(properties)) = (value.get("required"), value.get("properties")) else { return };
        for name in required.as_array().into_iter().flatten() {
            assert!(properties.get(name.as_str().unwrap()).is_some(), "{path}: {name}");
        }
    });
    for (place, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let answers = responses.keys().filter(|s| s.starts_with(['2', '3']) || ["410", "501"].contains(&s.as_str()));
        assert!(answers.count() > 0, "{place}");
        let given = place.contains("/federation/");
        assert!(given || operation["summary"].as_str().unwrap().ends_with(['.', '`']), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_for_anybody_and_may_be_kept() {
    for house in houses(&[]).await {
        let answer = house.ask("GET", "/openapi.json", &[], None).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["openapi"], "3.1.0");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["cache-control"], "public, max-age=300");
        assert!(!answer.headers.contains_key("vary"));
        let tag = answer.headers["etag"].to_str().unwrap().to_owned();
        let again = house.ask("GET", "/openapi.json", &[("if-none-match", &tag)], None).await;
        assert_eq!((again.status, again.headers["etag"].to_str().unwrap()), (304, tag.as_str()));
        assert!(!again.headers.contains_key("content-type"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_runs_its_own_scripts_and_asks_nobody_else() {
    for house in houses(&[]).await {
        for (file, kind) in [
            // The first two lead to the third.
            ("/docs", "text/html"),
            ("/docs/", "text/html"),
            ("/docs/index.html", "text/html"),
            ("/docs/swagger-ui-bundle.js", "text/javascript"),
            ("/docs/favicon-16x16.png", "image/png"),
        ] {
            let answer = house.ask("GET", file, &[], None).await;
            assert_eq!(answer.status, 200, "{file}");
            assert!(answer.headers["content-type"].to_str().unwrap().starts_with(kind), "{file}");
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
            assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        }
        for file in ["oauth2-redirect.html", "swagger-ui-es-bundle.js", "..%2Fopenapi.json", "x"] {
            assert_eq!(house.ask("GET", &format!("/docs/{file}"), &[], None).await.status, 404, "{file}");
        }
    }
}
