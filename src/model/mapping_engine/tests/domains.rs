//! Which domain what is mapped belongs to, and what a mapping of a domain may not reach.

use super::*;

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
