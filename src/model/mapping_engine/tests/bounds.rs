//! Bounds of documents, patterns and results.

use super::*;

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
