//! Tests of `check`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use super::super::parser::RuleText;
use super::super::rules::RuleSet;
use super::super::target::{Credentials, Target};

/// Asks the rule `x` of a rule set.
fn ask(rules: Value, target: Value, creds: Value) -> bool {
    let rules = rules.as_object().unwrap().iter().map(|(name, rule)| (name.clone(), RuleText::from(rule)));
    RuleSet::given(rules, "default").decide_locally("x", &Target::given(&target), &Credentials::given(creds)).unwrap()
}

fn one(rule: &str, target: Value, creds: Value) -> bool {
    ask(json!({"x": rule}), target, creds)
}

#[test]
fn roles_are_compared_without_case_and_expanded() {
    let creds = json!({"roles": ["Admin", "größe"]});
    assert!(one("role:ADMIN", json!({}), creds.clone()));
    assert!(one("role:GRÖSSE or role:GRÖßE", json!({}), creds.clone()));
    assert!(one("role:%(r)s", json!({"r": "aDmIn"}), creds.clone()));
    assert!(!one("role:%(missing)s", json!({}), creds.clone()));
    assert!(!one("role:adm", json!({}), creds));
    assert!(!one("role:admin", json!({}), json!({})));
    for roles in [json!("admin"), json!(null), json!({"admin": 1}), json!(["admin", 5])] {
        assert!(!one("role:admin", json!({}), json!({"roles": roles})));
        assert!(!one("not role:other", json!({}), json!({"roles": roles})), "{roles}");
    }
}

#[test]
fn generic_checks_compare_the_text_of_values() {
    for (rule, target, creds, expected) in [
        ("user_id:%(user_id)s", json!({"user_id": "u"}), json!({"user_id": "u"}), true),
        ("user_id:%(user_id)s", json!({"user_id": "u"}), json!({"user_id": "U"}), false),
        ("user_id:%(user_id)s", json!({}), json!({"user_id": "u"}), false),
        ("user_id:u", json!({}), json!({}), false),
        ("is_admin:1", json!({}), json!({"is_admin": 1}), true),
        ("is_admin:1", json!({}), json!({"is_admin": true}), false),
        ("is_admin:True", json!({}), json!({"is_admin": true}), true),
        ("n:1.0", json!({}), json!({"n": 1.0}), true),
        ("n:%(n)s", json!({"n": 1}), json!({"n": "1"}), true),
        ("a:x%(v)sz", json!({"v": "y"}), json!({"a": "xyz"}), true),
        ("a:100%%", json!({}), json!({"a": "100%"}), true),
        ("a:b:c", json!({}), json!({"a": "b:c"}), true),
        ("a:", json!({}), json!({"a": ""}), true),
        (
            "domain_id:%(target.user.domain_id)s",
            json!({"target": {"user": {"domain_id": "d"}}}),
            json!({"domain_id": "d"}),
            true,
        ),
    ] {
        assert_eq!(one(rule, target.clone(), creds.clone()), expected, "{rule} {target} {creds}");
    }
}

#[test]
fn dotted_paths_go_through_members_and_any_element_of_lists() {
    let creds = json!({"token": {"user": {"domain": {"id": "d"}}, "roles": [{"id": "r1"}, {"id": "r2"}], "methods": ["password", "token"]}});
    for (rule, expected) in [
        ("token.user.domain.id:d", true),
        ("token.roles.id:r2", true),
        ("token.roles.id:r3", false),
        ("token.methods:token", true),
        ("token.methods:tok", false),
        ("token.missing.deep:d", false),
        ("not token.missing.deep:d", true),
        ("token.user.domain:{'id':", false),
    ] {
        assert_eq!(one(rule, json!({}), creds.clone()), expected, "{rule}");
    }
    // A member of something that has none is where oslo.policy raises: denied, under `not` as well.
    assert!(!one("token.user.domain.id.x:d", json!({}), creds.clone()));
    assert!(!one("not token.user.domain.id.x:d", json!({}), creds.clone()));
    assert!(!one("token.methods.x:d or @", json!({}), creds));
}

#[test]
fn literals_compare_their_text() {
    let target = json!({"role": "member", "flag": true, "none": null, "n": 7, "f": 1.0});
    for (rule, expected) in [
        ("'member':%(role)s", true),
        ("\"member\":%(role)s", true),
        ("'reader':%(role)s", false),
        ("True:%(flag)s", true),
        ("'True':%(flag)s", true),
        ("False:%(flag)s", false),
        ("None:%(none)s", true),
        ("None:%(missing)s", false),
        ("7:%(n)s", true),
        ("1.0:%(f)s", true),
        ("1:%(f)s", false),
    ] {
        assert_eq!(one(rule, target.clone(), json!({})), expected, "{rule}");
    }
}

#[test]
fn null_never_equals_null() {
    let null = json!({"domain_id": null});
    let rule = "domain_id:%(target.domain_id)s";
    assert!(!one(rule, json!({"target.domain_id": null}), null.clone()));
    assert!(!one(rule, json!({"target.domain_id": "None"}), null.clone()));
    assert!(!one(rule, json!({"target.domain_id": null}), json!({"domain_id": "None"})));
    assert!(!one(rule, json!({}), null.clone()));
    assert!(one("domain_id:None", json!({}), null.clone()));
    assert!(one("domain_id:None", json!({}), json!({"domain_id": "None"})));
    assert!(!one("domain_id:None", json!({}), json!({"domain_id": "d"})));
    assert!(!one("domain_id:None", json!({}), json!({})));
    assert!(!one("not domain_id:None", json!({}), null));
}

#[test]
fn rules_refer_to_rules_and_unknown_ones_to_the_default() {
    assert!(ask(json!({"x": "rule:y", "y": "@"}), json!({}), json!({})));
    assert!(!ask(json!({"x": "rule:y"}), json!({}), json!({})));
    assert!(ask(json!({"x": "not rule:y"}), json!({}), json!({})));
    assert!(ask(json!({"x": "rule:y", "default": "@"}), json!({}), json!({})));
    assert!(ask(json!({"default": "@"}), json!({}), json!({})), "an unknown action is the default, too");
    assert!(!ask(json!({"y": "@"}), json!({}), json!({})));
    assert!(
        !ask(json!({"x": "rule:%(n)s", "y": "@"}), json!({"n": "y"}), json!({})),
        "names of rules are not expanded"
    );
}

#[test]
fn circles_are_false() {
    let admin = || json!({"roles": ["admin"]});
    assert!(!ask(json!({"x": "rule:x"}), json!({}), json!({})));
    assert!(!ask(json!({"x": "not rule:x"}), json!({}), json!({})));
    assert!(!ask(json!({"x": "rule:y", "y": "rule:z", "z": "not rule:y"}), json!({}), json!({})));
    assert!(!ask(json!({"default": "rule:nowhere"}), json!({}), json!({})));
    assert!(
        ask(json!({"x": "role:admin or rule:x"}), json!({}), admin()),
        "who is allowed before the circle is allowed"
    );
    assert!(!ask(json!({"x": "role:admin or rule:x"}), json!({}), json!({"roles": []})));
    assert!(!ask(json!({"x": "rule:x and rule:x or rule:x"}), json!({}), admin()));
}

#[test]
fn long_chains_and_wide_fans_end() {
    let chain = |length: usize| {
        let mut rules: serde_json::Map<String, Value> =
            (0..length).map(|at| (format!("r{at}"), json!(format!("rule:r{}", at + 1)))).collect();
        rules.insert(format!("r{length}"), json!("@"));
        rules.insert("x".to_owned(), json!("rule:r0"));
        Value::Object(rules)
    };
    assert!(ask(chain(200), json!({}), json!({})));
    assert!(!ask(chain(10_000), json!({}), json!({})));
    let mut fan: serde_json::Map<String, Value> =
        (0..60).map(|at| (format!("f{at}"), json!(format!("rule:f{0} and rule:f{0}", at + 1)))).collect();
    fan.insert("f60".to_owned(), json!("@"));
    fan.insert("x".to_owned(), json!("rule:f0"));
    assert!(!ask(Value::Object(fan), json!({}), json!({})));
}

#[test]
fn what_is_broken_never_allows() {
    for broken in ["word", "role:a role:b", "(role:a", "'quoted'", "a:%(x", "@:x", "class:x", "a:%d"] {
        for around in [
            "rule:y",
            "not rule:y",
            "not not rule:y",
            "@ and rule:y",
            "@ and not rule:y",
            "not (! or rule:y)",
            "not (@ and rule:y)",
        ] {
            assert!(
                !ask(json!({"x": around, "y": broken}), json!({}), json!({"roles": ["a", "b"]})),
                "{around} / {broken}"
            );
        }
    }
    // An alternative that is understood still counts.
    assert!(one("word or role:a", json!({}), json!({"roles": ["a"]})));
    assert!(!one("not word", json!({}), json!({})));
    assert!(!one("not (word and role:a)", json!({}), json!({"roles": ["a"]})));
}
