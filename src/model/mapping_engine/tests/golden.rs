//! The golden cases Q1 to Q30 of the specification.

use super::*;

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
