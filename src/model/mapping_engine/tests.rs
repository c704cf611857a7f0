//! The engine as a whole: the golden cases Q1 to Q30 of the specification, the grammar, what belongs to a domain, bounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use super::*;

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

/// The cases of one rule that are about values: `U` is the user, `G` the groups.
#[test]
fn golden_cases_of_values() {
    let name = |remote: Value, texts: &[(&str, &str)]| {
        result(&rule(json!([named()]), remote), "1.0", texts)["user"]["name"].clone()
    };
    let plain = json!([{"type": "U"}]);
    // Q1: an empty value is a value.
    assert_eq!(name(plain.clone(), &[("U", "")]), "");
    // Q2: several values in a name are the text of a list.
    assert_eq!(name(plain.clone(), &[("U", "bob;alice")]), "['bob', 'alice']");
    // Q7, Q8: braces, and the next value in order.
    let of = |template: &str| {
        result(&rule(json!([{"user": {"name": template}}]), plain.clone()), "1.0", &[("U", "bob")])["user"]["name"]
            .clone()
    };
    assert_eq!(of("{{0}}"), "{0}");
    assert_eq!(of("{}"), "bob");
    // Q14: patterns are searched for.
    let remote = json!([{"type": "U"}, {"type": "O", "any_one_of": ["adm"], "regex": true}]);
    assert_eq!(name(remote, &[("U", "bob"), ("O", "the-admins")]), "bob");
    // Q23: names of attributes are case-sensitive.
    let rules = rule(json!([named()]), plain.clone());
    assert!(result(&rules, "1.0", &[("u", "bob")]).as_str().unwrap().starts_with("Could not map any federated user"));
    // Q4: a condition gives no value.
    let remote = json!([{"type": "A"}, {"type": "B", "any_one_of": ["b"]}, {"type": "C"}]);
    let rules = rule(json!([{"user": {"name": "{1}"}}]), remote);
    assert_eq!(result(&rules, "1.0", &[("A", "a"), ("B", "b"), ("C", "c")])["user"]["name"], "c");
    // Q29: id and name as they are; quoting is the business of who makes the user.
    let rules = rule(json!([{"user": {"id": "{0}", "name": "Disp {0}"}}]), plain);
    let user = &result(&rules, "1.0", &[("U", "a b@c")])["user"];
    assert_eq!((&user["id"], &user["name"]), (&json!("a b@c"), &json!("Disp a b@c")));
}

#[test]
fn golden_cases_of_groups() {
    let of = |remote: Value, value: &str| {
        let local = json!([{"user": {"name": "{0}"}, "groups": "{1}", "domain": {"name": "D"}}]);
        result(&rule(local, json!([{"type": "U"}, remote])), "1.0", &[("U", "bob"), ("G", value)])
    };
    let list = |remote: Value, value: &str| groups(&of(remote, value)).join(",");
    // Q10 to Q13.
    assert_eq!(list(json!({"type": "G", "whitelist": ["a"]}), "a;b"), "a");
    assert_eq!(list(json!({"type": "G", "whitelist": []}), "b;a"), "");
    assert_eq!(list(json!({"type": "G", "blacklist": ["a"]}), "b;a;c;a"), "b,c");
    assert_eq!(list(json!({"type": "G", "blacklist": ["^a"], "regex": true}), "b;ab;ca;a"), "b,ca");
    // Q17: a name with "name" in it is a name.
    assert_eq!(list(json!({"type": "G"}), "rename-team"), "rename-team");
    assert_eq!(list(json!({"type": "G"}), "rename-team;b"), "b,rename-team");
    // A value may be the text of a list.
    assert_eq!(list(json!({"type": "G"}), "['x', \"y\"]"), "x,y");
    assert_eq!(list(json!({"type": "G"}), "[1, 'y']"), "1,y");
    // Q18: groups with their own domains.
    let own = r#"JSON:{"name":"g1","domain":{"name":"Default"}};JSON:{"name":"g2","domain":{"id":"d2"}}"#;
    assert_eq!(
        of(json!({"type": "G"}), own)["group_names"],
        json!([{"name": "g1", "domain": {"name": "Default"}}, {"name": "g2", "domain": {"id": "d2"}}])
    );
    let plain =
        |local: Value, texts: &[(&str, &str)]| result(&rule(json!([local]), json!([{"type": "U"}])), "1.0", texts);
    // Q16: no domain beside them.
    let refused = plain(json!({"groups": "{0}"}), &[("U", "b;a")]);
    assert!(refused.as_str().unwrap().contains("Both 'groups' and 'domain' keywords must be specified."));
    // Q19, Q20, Q22.
    let fixed = |text: &str| plain(json!({"groups": text, "domain": {"name": "D"}}), &[("U", "bob")]);
    assert_eq!(groups(&fixed("a;b")), ["a;b"]);
    assert_eq!(groups(&fixed(r#"["a","b"]"#)), ["a", "b"]);
    assert_eq!(groups(&fixed("1234")), ["1234"]);
    // Q21, Q22 by id.
    assert_eq!(plain(json!({"group_ids": "{0}"}), &[("U", "x;y;x")])["group_ids"], json!(["x", "y"]));
    assert_eq!(plain(json!({"group_ids": "1234"}), &[("U", "x")])["group_ids"], json!(["1234"]));
    // Q25: one name in two domains, and the same group twice.
    let local = json!([
        {"group": {"name": "g", "domain": {"name": "A"}}}, {"group": {"name": "g", "domain": {"name": "B"}}},
        {"group": {"name": "g", "domain": {"name": "A"}}},
    ]);
    let both = result(&rule(local, json!([{"type": "U"}])), "1.0", &[("U", "bob")]);
    assert_eq!(
        both["group_names"],
        json!([{"name": "g", "domain": {"name": "A"}}, {"name": "g", "domain": {"name": "B"}}])
    );
}

#[test]
fn golden_cases_of_several_rules() {
    let remote = json!([{"type": "U"}]);
    let two = |first: Value, second: Value| json!([{"local": [first], "remote": remote}, {"local": [second], "remote": remote}]);
    // Q3: the first user, all groups.
    let rules = two(
        json!({"user": {"name": "{0}"}, "group": {"id": "g1"}}),
        json!({"user": {"name": "other"}, "group": {"id": "g2"}}),
    );
    let both = result(&rules, "1.0", &[("U", "bob")]);
    assert_eq!((&both["user"]["name"], &both["group_ids"]), (&json!("bob"), &json!(["g1", "g2"])));
    let mapped = rules_of(&rules, "1.0").evaluate(&assertion(&[("U", "bob")])).unwrap();
    assert!(mapped.warnings[0].starts_with("rules[1].local[0]: the user is passed over"));
    // Q24: nobody is named.
    let mapped = rules_of(&rule(json!([{"group": {"id": "g"}}]), remote.clone()), "1.0");
    assert!(mapped.warnings()[0].contains("no rule names a user"));
    let mapped = mapped.evaluate(&assertion(&[("U", "bob")])).unwrap();
    assert!(mapped.user.is_none() && !mapped.names_somebody());
    // Q1: nor does an empty name.
    let rules = rules_of(&rule(json!([named()]), remote.clone()), "1.0");
    let somebody = |name: &str| rules.evaluate(&assertion(&[("U", name)])).unwrap().names_somebody();
    assert!(somebody("bob") && !somebody(""));
    // A user without members is none.
    let rules = two(json!({"user": {}}), json!({"user": {"name": "{0}"}}));
    assert_eq!(result(&rules, "1.0", &[("U", "bob")])["user"]["name"], "bob");
    // Q28: the last projects.
    let project = |name: &str| json!({"projects": [{"name": name, "roles": [{"name": "r"}]}]});
    let rules = two(project("one"), project("{0}"));
    assert_eq!(result(&rules, "1.0", &[("U", "p")])["projects"], json!([{"name": "p", "roles": [{"name": "r"}]}]));
    let rules = two(project("one"), json!({"projects": []}));
    assert_eq!(result(&rules, "1.0", &[("U", "p")])["projects"], json!([]));
}

/// Q5, Q6, Q9, Q15, Q27 and their like: refused when written, with rule, entry and reason.
#[test]
fn golden_cases_that_are_refused_when_written() {
    let remote = json!([{"type": "U"}]);
    for (local, remote, version, expected) in [
        (json!([{"user": {"name": "{1}"}}]), remote.clone(), "1.0", "rules[0].local[0].user.name: {1} has no value"),
        (
            json!([{"user": {"name": "{bad}"}}]),
            remote.clone(),
            "1.0",
            "rules[0].local[0].user.name: {bad} is not understood",
        ),
        (json!([{"user": {"name": "{0.__class__}"}}]), remote.clone(), "1.0", "{0.__class__} is not understood"),
        (json!([{"user": {"name": "{0!r}"}}]), remote.clone(), "1.0", "{0!r} is not understood"),
        (json!([{"user": {"name": "{0:>9}"}}]), remote.clone(), "1.0", "{0:>9} is not understood"),
        (
            json!([named()]),
            json!([{"type": "U"}, {"type": "O", "any_one_of": ["["], "regex": true}]),
            "1.0",
            "rules[0].remote[1].any_one_of[0]: '[' is not a regular expression",
        ),
        (
            json!([{"projects": [{"name": "p", "roles": [], "domain": {"id": "d"}}]}]),
            remote.clone(),
            "1.0",
            "rules[0].local[0].projects[0]: Additional properties are not allowed ('domain' was unexpected)",
        ),
        (json!([{"projects_json": "{0}"}]), remote.clone(), "2.0", "('projects_json' was unexpected)"),
        (json!([{"projects_json": "{1}"}]), remote.clone(), "3.0", "projects_json: {1} has no value"),
        (json!([{"projects_json": "x{0}"}]), remote.clone(), "3.0", "must be the place of a value"),
        (json!([{"user": {"type": "other"}}]), remote.clone(), "1.0", "'other' is not one of ['ephemeral', 'local']"),
        (json!([{"group": {"id": "g", "domain": {"id": "d"}}}]), remote.clone(), "1.0", "('domain' was unexpected)"),
        (json!([{"group": {"name": "g"}}]), remote.clone(), "1.0", "group: 'domain' is a required property"),
        (json!([{"group": {"name": "g", "domain": {}}}]), remote.clone(), "1.0", "a domain has an 'id' or a 'name'"),
        (
            json!([{"groups": ["a"]}]),
            remote.clone(),
            "1.0",
            "local[0].groups: the value is of type 'array', expected 'string'",
        ),
        (json!([named()]), json!([]), "1.0", "rules[0].remote: the list is too short"),
        (json!([named()]), json!([{"type": "U", "regex": true}]), "1.0", "remote[0]: 'regex' belongs to one of"),
        (json!([named()]), json!([{"type": "U", "any_one_of": [], "whitelist": []}]), "1.0", "one condition only"),
        (json!([named()]), json!([{"any_one_of": []}]), "1.0", "remote[0]: 'type' is a required property"),
        (
            json!([named()]),
            json!([{"type": "U", "any_one_of": [["x"]]}]),
            "1.0",
            "any_one_of[0]: the value is of type 'array'",
        ),
        (
            json!([named()]),
            json!([{"type": "U", "whitelist": [1], "regex": true}]),
            "1.0",
            "whitelist[0]: the value is of type 'number'",
        ),
        (json!({}), remote.clone(), "1.0", "rules[0].local: the value is of type 'object', expected 'array'"),
    ] {
        let told = refusal_of(&rule(local, remote), version);
        assert!(told.contains(expected), "{told} should say {expected}");
    }
    for (rules, expected) in [
        (json!([]), "rules: the list is too short"),
        (json!({}), "rules: the value is of type 'object', expected 'array'"),
        (json!([{"local": []}]), "rules[0]: 'remote' is a required property"),
        (
            json!([{"local": [], "remote": [{"type": "U"}], "x": 1}]),
            "rules[0]: Additional properties are not allowed ('x'",
        ),
    ] {
        let told = refusal_of(&rules, "1.0");
        assert!(told.contains(expected), "{told} should say {expected}");
    }
    // All problems are told at once.
    let told = refusal_of(
        &json!([
            {"local": [{"user": {"name": "{3}"}, "x": 1}], "remote": [{"type": 1}]},
            {"local": [{"user": {"name": "{3}"}, "y": 1}], "remote": [{"type": "U"}]},
        ]),
        "1.0",
    );
    assert_eq!(told.lines().count(), 4, "{told}");
}

/// Q26 and what a local domain is for in each version.
#[test]
fn domains_by_version() {
    let local = json!([{
        "user": {"name": "{0}"}, "projects": [{"name": "p", "roles": [{"name": "r"}]}], "domain": {"name": "D"},
    }]);
    let rules = rule(local, json!([{"type": "U"}]));
    let first = result(&rules, "1.0", &[("U", "bob")]);
    assert_eq!(first["user"], json!({"name": "bob", "type": "ephemeral"}));
    assert_eq!(first["projects"], json!([{"name": "p", "roles": [{"name": "r"}]}]));
    for version in ["2.0", "3.0"] {
        let later = result(&rules, version, &[("U", "bob")]);
        assert_eq!(later["user"], json!({"name": "bob", "type": "ephemeral", "domain": {"name": "D"}}));
        assert_eq!(later["projects"], json!([{"name": "p", "roles": [{"name": "r"}], "domain": {"name": "D"}}]));
        // Nothing names a domain: it is the identity provider's.
        let none = rule(json!([named()]), json!([{"type": "U"}]));
        assert_eq!(
            result(&none, version, &[("U", "bob")])["user"],
            json!({"name": "bob", "type": "ephemeral", "domain": null})
        );
        let mapped = rules_of(&none, version).evaluate(&assertion(&[("U", "bob")])).unwrap();
        assert_eq!(mapped.user.unwrap().domain, None);
        // As in Keystone the last object's domain is the user's default; if it has none, that of the user's own object.
        let two =
            json!([{"user": {"name": "{0}"}, "domain": {"id": "a"}}, {"group": {"id": "g"}, "domain": {"id": "b"}}]);
        let two = rule(two, json!([{"type": "U"}]));
        assert_eq!(result(&two, version, &[("U", "bob")])["user"]["domain"], json!({"id": "b"}));
        let one = json!([{"user": {"name": "{0}"}, "domain": {"id": "a"}}, {"group": {"id": "g"}}]);
        let one = rule(one, json!([{"type": "U"}]));
        assert_eq!(result(&one, version, &[("U", "bob")])["user"]["domain"], json!({"id": "a"}));
    }
    // What names its own keeps it.
    let own = rule(
        json!([{
            "user": {"name": "{0}", "type": "local", "domain": {"id": "{0}"}}, "domain": {"id": "x"},
            "projects": [{"name": "p", "roles": [], "domain": {"name": "{0}-d"}}],
        }]),
        json!([{"type": "U"}]),
    );
    let own = result(&own, "2.0", &[("U", "bob")]);
    assert_eq!(own["user"], json!({"name": "bob", "type": "local", "domain": {"id": "bob"}}));
    assert_eq!(own["projects"], json!([{"name": "p", "roles": [], "domain": {"name": "bob-d"}}]));
}

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

/// KS-MAP-2 to KS-MAP-5 in an evaluation: nothing that was given up speaks for the person.
#[test]
fn ks_map_2_what_is_given_up_does_not_count_for_the_person() {
    let endless = json!(["(a*)*\\1c"]);
    for (condition, expected) in
        [("any_one_of", None), ("not_any_of", None), ("whitelist", Some("[]")), ("blacklist", Some("[]"))]
    {
        let local = if expected.is_some() { json!([named()]) } else { json!([{"user": {"name": "x"}}]) };
        // Forty entries share the steps of one evaluation.
        let mut remote = vec![json!({"type": "G", condition: endless, "regex": true})];
        if expected.is_some() {
            remote.extend(std::iter::repeat_n(remote[0].clone(), 39));
        }
        let rules = rules_of(&rule(local, json!(remote)), "1.0");
        let value = format!("{}d", "a".repeat(50_000));
        let explanation = rules.explain(&assertion(&[("G", &value)]));
        assert!(explanation.rules[0].entries[0].reason.contains("step limit"), "{condition}");
        match (explanation.outcome, expected) {
            (Err(refusal), None) => assert_eq!(refusal.stage, Stage::Match),
            (Ok(mapped), Some(name)) => {
                assert_eq!(mapped.user.unwrap().name.unwrap(), name);
                assert!(mapped.warnings.iter().any(|w| w.contains("gave up at the step limit")));
            }
            (outcome, _) => panic!("{condition}: {outcome:?}"),
        }
    }
}

#[test]
fn ks_map_7_documents_are_bounded() {
    let one = json!({"local": [named()], "remote": [{"type": "U"}]});
    assert!(refusal_of(&Value::Array(vec![one.clone(); 10_000]), "1.0").starts_with("rules: "));
    assert!(refusal_of(&Value::Array(vec![one.clone(); 1_001]), "1.0").contains("more than 1000 items"));
    assert_eq!(rules_of(&Value::Array(vec![one; 1_000]), "1.0").rules.len(), 1_000);
    let large = rule(json!([named()]), json!([{"type": "U", "any_one_of": ["x".repeat(1_000_000)]}]));
    assert!(refusal_of(&large, "1.0").contains("over 262144 bytes"));
    let mut deep = json!("x");
    for _ in 0..1_000 {
        deep = json!([deep]);
    }
    assert!(refusal_of(&deep, "1.0").contains("rules[0]: the value is of type 'array'"));
    assert!(refusal_of(&rule(deep.clone(), deep), "1.0").contains("rules[0].local[0]"));
    let patterns = rule(json!([]), json!([{"type": "U", "any_one_of": vec!["a"; 2_001], "regex": true}]));
    assert!(refusal_of(&patterns, "1.0").contains("more than 2000 patterns"));
    let problems = Value::Array(vec![json!(1); 1_000]);
    assert_eq!(refusal_of(&problems, "1.0").lines().count(), 21);
}

#[test]
fn results_are_bounded() {
    let template = "{0}".repeat(10_000);
    let rules = rules_of(&rule(json!([{"user": {"name": template}}]), json!([{"type": "U"}])), "1.0");
    let refusal = rules.evaluate(&assertion(&[("U", &"x".repeat(100_000))])).unwrap_err();
    assert_eq!(refusal.stage, Stage::Limit);
}

/// A mapping of a domain, as security administrators write them.
#[test]
fn a_domains_mapping_stays_in_its_domain() {
    let owner = || Owner::Domain("mine".to_owned());
    let remote = json!([{"type": "U"}, {"type": "G"}]);
    let of =
        |local: Value, version: SchemaVersion| Rules::parse(&rule(json!([local]), remote.clone()), version, owner());
    let rules = of(json!({"user": {"name": "{0}"}, "group": {"name": "g"}}), SchemaVersion::V1).unwrap();
    let mapped = rules.evaluate(&assertion(&[("U", "bob"), ("G", "x")])).unwrap();
    let mine = DomainRef { id: Some("mine".to_owned()), name: None };
    assert_eq!(mapped.group_names, BTreeSet::from([GroupName { name: "g".to_owned(), domain: mine.clone() }]));
    let rules = of(json!({"groups": "{1}"}), SchemaVersion::V1).unwrap();
    let mapped = rules.evaluate(&assertion(&[("U", "bob"), ("G", "x;y")])).unwrap();
    assert!(mapped.group_names.len() == 2 && mapped.group_names.iter().all(|g| g.domain == mine));
    for local in [
        json!({"user": {"name": "{0}", "domain": {"id": "other"}}}),
        json!({"user": {"name": "{0}", "domain": {"id": "{1}"}}}),
        json!({"group": {"name": "g", "domain": {"id": "other"}}}),
        json!({"groups": "g", "domain": {"id": "other"}}),
        json!({"groups": "g", "domain": {"name": "{0}"}}),
        json!({"projects": [{"name": "p", "roles": [], "domain": {"id": "other"}}]}),
    ] {
        assert_eq!(of(local.clone(), SchemaVersion::V2).unwrap_err().status(), 400, "{local}");
    }
    // By name it can only be told who knows the domains.
    let named = of(
        json!({"user": {"name": "{0}", "domain": {"id": "mine"}}, "group": {"name": "g", "domain": {"name": "Mine"}}}),
        SchemaVersion::V2,
    );
    let expected = [DomainRef { id: None, name: Some("Mine".to_owned()) }, mine];
    assert_eq!(named.unwrap().domain_references().into_iter().collect::<Vec<_>>(), expected);
    // Nor may a value lead elsewhere.
    let rules = of(json!({"groups": "{1}", "projects_json": "{0}"}), SchemaVersion::V3).unwrap();
    let run = |u: &str, g: &str| rules.evaluate(&assertion(&[("U", u), ("G", g)]));
    assert!(run("[]", r#"JSON:{"name":"g","domain":{"id":"mine"}}"#).is_ok());
    assert!(run("[]", r#"JSON:{"name":"g"}"#).is_ok());
    assert!(run("[]", r#"JSON:{"name":"g","domain":{"id":"other"}}"#).is_err());
    assert!(run(r#"[{"name":"p","roles":[],"domain":{"id":"other"}}]"#, "x").is_err());
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let warned = |local: Value, remote: Value| rules_of(&rule(local, remote), "1.0").warnings().join("\n");
    let remote = json!([{"type": "U"}]);
    assert_eq!(warned(json!([named()]), remote.clone()), "");
    assert!(warned(json!([]), remote.clone()).contains("never lets anybody in"));
    assert!(warned(json!([{"groups": "a;b", "domain": {"id": "d"}}]), remote.clone()).contains("semicolon"));
    assert!(warned(json!([{"groups": "{0}"}]), remote.clone()).contains("'groups' without 'domain'"));
    assert!(
        warned(json!([named()]), json!([{"type": "U"}, {"type": "N", "any_one_of": [1]}]))
            .contains("any_one_of[0]: a number")
    );
    let mapped = rules_of(&rule(json!([named()]), remote), "1.0").evaluate(&assertion(&[("U", "a;b")])).unwrap();
    assert!(mapped.warnings[0].contains("rules[0].local[0].user.name: the text of a list"));
}

#[test]
fn an_explanation_tells_of_every_entry() {
    let rules = json!([
        {"local": [named()], "remote": [{"type": "U"}, {"type": "G", "any_one_of": ["adm"], "regex": true}, {"type": "X"}]},
        {"local": [{"user": {"name": "guest {0}"}}], "remote": [{"type": "G", "blacklist": ["b"]}]},
    ]);
    let explanation = rules_of(&rules, "1.0").explain(&assertion(&[("U", "bob"), ("G", "a;b")]));
    assert_eq!(
        explanation.to_string(),
        "rule 0: does not match\n\
         \x20 ok   \"U\": one value is there\n\
         \x20        values [\"bob\"]\n\
         \x20        {0} = [\"bob\"]\n\
         \x20 FAIL \"G\" any_one_of (regex) [\"adm\"]: no value matches\n\
         \x20        values [\"a\", \"b\"]\n\
         \x20 FAIL \"X\": the assertion has no such attribute\n\
         rule 1: matches\n\
         \x20 ok   \"G\" blacklist [\"b\"]: one value is kept\n\
         \x20        values [\"a\", \"b\"]\n\
         \x20        {0} = [\"a\"]\n\
         user: ephemeral, name \"guest a\", domain of the identity provider\n"
    );
    let document = explanation.document();
    assert_eq!(document["rules"][1]["remote"][0]["given"], json!(["a"]));
    assert_eq!(document["rules"][0]["remote"][2]["values"], Value::Null);
    assert_eq!(document["result"]["user"]["name"], "guest a");
}

#[test]
fn rules_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Rules>();
}
