//! Values: the conditions on them, those that are JSON, and that they are data whatever stands in them.

use super::*;

#[test]
fn projects_as_json() {
    let local = json!([{"user": {"name": "{0}"}, "projects_json": "{1}", "projects": [{"name": "a", "roles": []}], "domain": {"id": "d"}}]);
    let rules = rule(local, json!([{"type": "U"}, {"type": "P", "blacklist": ["none"]}]));
    let of = |value: &str| result(&rules, "3.0", &[("U", "bob"), ("P", value)]);
    assert_eq!(
        of(r#"[{"name": "b", "roles": [{"name": "r"}]}, {"name": "{0}", "roles": [], "domain": {"name": "E"}}]"#)["projects"],
        json!([
            {"name": "a", "roles": [], "domain": {"id": "d"}},
            {"name": "b", "roles": [{"name": "r"}], "domain": {"id": "d"}},
            {"name": "{0}", "roles": [], "domain": {"name": "E"}},
        ])
    );
    assert_eq!(of("none")["projects"].as_array().unwrap().len(), 1);
    for bad in [
        "x",
        "{}",
        r#"[{"name": "b"}]"#,
        r#"[{"name": "b", "roles": ["r"]}]"#,
        r#"[{"name": 1, "roles": []}]"#,
        r#"[{"name": "b", "roles": [], "x": 1}]"#,
        "[]; []",
        "",
    ] {
        assert!(of(bad).as_str().unwrap().contains("projects_json"), "{bad}");
    }
}

#[test]
fn groups_as_json_must_be_complete() {
    let of = |value: &str, local: Value| result(&rule(json!([local]), json!([{"type": "G"}])), "1.0", &[("G", value)]);
    let alone = json!({"groups": "{0}"});
    assert_eq!(groups(&of(r#"JSON:{"name":"g","domain":{"id":"d"}}"#, alone.clone())), ["g"]);
    for bad in [
        "JSON:",
        "JSON:[]",
        r#"JSON:{"name":"g"}"#,
        r#"JSON:{"name":"g","domain":{}}"#,
        r#"JSON:{"name":"g","domain":"d"}"#,
        r#"JSON:{"domain":{"id":"d"}}"#,
        r#"JSON:{"name":1,"domain":{"id":"d"}}"#,
    ] {
        assert!(of(bad, alone.clone()).is_string(), "{bad}");
    }
    // Plain names may stand beside them where there is a domain for these.
    let mixed = r#"JSON:{"name":"g","domain":{"id":"d"}};plain"#;
    assert!(of(mixed, alone).is_string());
    assert_eq!(groups(&of(mixed, json!({"groups": "{0}", "domain": {"id": "e"}}))), ["g", "plain"]);
}

/// KS-MAP-1 and KS-MAP-6: conditions empty and absent, values with everything in them.
#[test]
fn ks_map_1_conditions() {
    let passes = |condition: Value, value: Option<&str>| {
        let mut entry = json!({"type": "G"});
        entry.as_object_mut().unwrap().extend(condition.as_object().unwrap().clone());
        let texts: Vec<(&str, &str)> = value.into_iter().map(|v| ("G", v)).collect();
        result(&rule(json!([{"user": {"name": "x"}}]), json!([entry])), "1.0", &texts).is_object()
    };
    for (condition, value, expected) in [
        (json!({"any_one_of": ["a"]}), Some("b;a"), true),
        (json!({"any_one_of": ["a"]}), Some("ab"), false),
        (json!({"any_one_of": []}), Some("a"), false),
        (json!({"any_one_of": ["a"]}), None, false),
        (json!({"any_one_of": [1, null, true, "a"]}), Some("1"), false),
        (json!({"any_one_of": [""]}), Some(""), true),
        (json!({"any_one_of": ["a"], "regex": false}), Some("ab"), false),
        (json!({"any_one_of": ["a"], "regex": true}), Some("b;cab"), true),
        (json!({"any_one_of": [], "regex": true}), Some("a"), false),
        (json!({"not_any_of": ["a"]}), Some("b;a"), false),
        (json!({"not_any_of": ["a"]}), Some("b"), true),
        (json!({"not_any_of": []}), Some("a"), true),
        (json!({"not_any_of": ["a"]}), None, false),
        (json!({"not_any_of": ["^a"], "regex": true}), Some("ba;b"), true),
        (json!({"not_any_of": ["^a"], "regex": true}), Some("b;ab"), false),
        (json!({"whitelist": []}), Some("a"), true),
        (json!({"whitelist": ["a"]}), None, false),
        (json!({"blacklist": []}), Some("a"), true),
        (json!({"blacklist": ["a"], "regex": true}), None, false),
    ] {
        assert_eq!(passes(condition.clone(), value), expected, "{condition} of {value:?}");
    }
    // Filtered values keep the order of the assertion, each once.
    let name = |condition: Value, value: &str| {
        let mut entry = json!({"type": "G"});
        entry.as_object_mut().unwrap().extend(condition.as_object().unwrap().clone());
        result(&rule(json!([named()]), json!([entry])), "1.0", &[("G", value)])["user"]["name"].clone()
    };
    assert_eq!(name(json!({"whitelist": ["a", "c"]}), "c;b;a;c"), "['c', 'a']");
    assert_eq!(name(json!({"whitelist": ["[ac]"], "regex": true}), "c;b;a;c"), "['c', 'a']");
    assert_eq!(name(json!({"blacklist": ["b"]}), "c;b;a;c"), "['c', 'a']");
    assert_eq!(name(json!({}), "c;b;a;c"), "['c', 'b', 'a', 'c']");
}

#[test]
fn ks_map_6_values_are_data() {
    let local = json!([{"user": {"name": "{0}", "email": "{1}"}, "groups": "{1}", "domain": {"name": "{0}"}, "group_ids": "{0}"}]);
    let rules = rule(local, json!([{"type": "U"}, {"type": "G"}]));
    for user in
        ["{1}", "{0}", "{{", "}", "it's", "say \"hi\"", "naïve 日本 \u{1f600}", "\\", "a\nb", "\u{0}", "%s", "$0"]
    {
        let got = result(&rules, "1.0", &[("U", user), ("G", user)]);
        assert_eq!((&got["user"]["name"], &got["user"]["email"]), (&json!(user), &json!(user)));
        assert_eq!(got["group_names"], json!([{"name": user, "domain": {"name": user}}]));
        let mut both = [user, "['x']"];
        both.sort_unstable();
        let got = result(&rules, "1.0", &[("U", "u"), ("G", &both.join(";"))]);
        assert_eq!(groups(&got), both);
    }
}

/// A value that was told apart from others is one value, even if it looks like a list.
#[test]
fn verified_claims_are_not_taken_apart() {
    let local = json!([{"user": {"name": "{0}"}, "groups": "{1}", "domain": {"id": "d"}, "group_ids": "{1}"}]);
    let rules = rules_of(&rule(local, json!([{"type": "U"}, {"type": "G"}])), "1.0");
    for value in ["['admin', 'root']", "a;b", "[]"] {
        let claims = [("U", vec!["u;v".to_owned()]), ("G", vec![value.to_owned()])];
        let mapped = rules.evaluate(&Assertion::of_values(claims).unwrap()).unwrap();
        assert_eq!(mapped.user.unwrap().name.unwrap(), "u;v");
        assert_eq!(mapped.group_ids, BTreeSet::from([value.to_owned()]));
        assert_eq!(mapped.group_names.first().unwrap().name, value);
    }
}
