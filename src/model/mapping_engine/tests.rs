//! The engine as a whole: rules, assertions and what comes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use super::*;

mod bounds;
mod domains;
mod explanations;
mod golden;
mod values;

fn rules_of(rules: &Value, version: &str) -> Rules {
    Rules::parse(rules, SchemaVersion::parse(version).unwrap(), Owner::Cloud).unwrap()
}

fn refusal_of(rules: &Value, version: &str) -> String {
    let error = Rules::parse(rules, SchemaVersion::parse(version).unwrap(), Owner::Cloud).unwrap_err();
    assert_eq!(error.status(), 400);
    error.to_string()
}

fn assertion(texts: &[(&str, &str)]) -> Assertion {
    Assertion::of_texts(texts.iter().copied()).unwrap()
}

/// One rule.
fn rule(local: Value, remote: Value) -> Value {
    json!([{"local": local, "remote": remote}])
}

fn named() -> Value {
    json!({"user": {"name": "{0}"}})
}

/// What comes of it, as JSON, or the message of the refusal.
fn result(rules: &Value, version: &str, texts: &[(&str, &str)]) -> Value {
    let rules = rules_of(rules, version);
    let explained = rules.explain(&assertion(texts)).outcome;
    let evaluated = rules.evaluate(&assertion(texts));
    assert_eq!(explained, evaluated);
    match evaluated {
        Ok(mapped) => mapped.document(rules.version()),
        Err(refusal) => json!(refusal.message),
    }
}

fn groups(result: &Value) -> Vec<&str> {
    result["group_names"].as_array().unwrap().iter().map(|g| g["name"].as_str().unwrap()).collect()
}

#[test]
fn rules_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Rules>();
}
