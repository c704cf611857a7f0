//! What whoever writes a mapping is told: warnings, and how an assertion fares with every entry.

use super::*;

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
