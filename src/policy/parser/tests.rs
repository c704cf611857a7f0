//! Tests of `parser`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The tree in one canonical notation, as oslo.policy prints it.
fn shape(check: &Check) -> String {
    let joined = |parts: &[Check], word: &str| format!("({})", parts.iter().map(shape).collect::<Vec<_>>().join(word));
    match check {
        Check::Allow => "@".to_owned(),
        Check::Deny => "!".to_owned(),
        Check::Broken => "?".to_owned(),
        Check::Fault => "??".to_owned(),
        Check::Not(inner) => format!("not {}", shape(inner)),
        Check::All(parts) => joined(parts, " and "),
        Check::Any(parts) => joined(parts, " or "),
        Check::Rule(name, _) => format!("rule:{name}"),
        Check::Role(template, _) => format!("role:{}", template.constant().unwrap_or("…")),
        Check::Match(Kind::Path(path), template) => {
            format!("{}:{}", path.join("."), template.constant().unwrap_or("…"))
        }
        Check::Match(Kind::Literal(text), template) => format!("'{text}':{}", template.constant().unwrap_or("…")),
        Check::Match(Kind::Unusable, template) => format!("??:{}", template.constant().unwrap_or("…")),
        Check::Remote(template) => template.constant().unwrap_or("…").to_owned(),
    }
}

fn read(text: &str) -> (String, bool) {
    let parsed = parse(&RuleText::from(text));
    (shape(&parsed.check), parsed.problems.is_empty())
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    for (text, expected) in [
        ("a:b", "a:b"),
        ("not a:b and c:d", "(not a:b and c:d)"),
        ("not not a:b", "not not a:b"),
        ("a:b or c:d and e:f", "(a:b or (c:d and e:f))"),
        ("a:b and c:d or e:f and g:h", "((a:b and c:d) or (e:f and g:h))"),
        ("a:b or not c:d and e:f", "(a:b or (not c:d and e:f))"),
        ("not (a:b or c:d)", "not (a:b or c:d)"),
        ("(a:b or c:d) and e:f", "((a:b or c:d) and e:f)"),
        ("a:b or (c:d or e:f) and g:h", "(a:b or ((c:d or e:f) and g:h))"),
        ("(((a:b)))", "a:b"),
        ("( ( a:b ) )", "a:b"),
        ("NOT @ AND ! Or @", "((not @ and !) or @)"),
    ] {
        assert_eq!(read(text), (expected.to_owned(), true), "{text}");
    }
}

#[test]
fn words_are_split_at_white_space_and_checks_at_the_first_colon() {
    for (text, expected) in [
        ("  a:b\tand\nc:d  ", "(a:b and c:d)"),
        ("a:b\u{a0}and\u{1c}c:d", "(a:b and c:d)"),
        ("a:b:c", "a:b:c"),
        ("a:", "a:"),
        ("(a:(b)", "a:(b"),
        ("rule:iam:x:y", "rule:iam:x:y"),
        ("role:a:b", "role:a:b"),
        ("'a':b", "'a':b"),
        ("https://host:443/p", "https://host:443/p"),
    ] {
        assert_eq!(read(text), (expected.to_owned(), true), "{text}");
    }
}

#[test]
fn the_short_rules() {
    for (text, expected) in [("", "@"), ("@", "@"), ("!", "!"), ("(@)", "@"), ("not @", "not @")] {
        assert_eq!(read(text), (expected.to_owned(), true), "{text:?}");
    }
}

#[test]
fn what_is_no_sentence_denies_as_a_whole_and_says_why() {
    for text in [
        " ",
        "\t",
        "not",
        "and",
        "or",
        "a:b and",
        "and a:b",
        "a:b or or c:d",
        "a:b c:d",
        "a:b not c:d",
        "not a:b c:d",
        "(a:b",
        "a:b)",
        "()",
        "( )",
        ")(",
        "a:%(b)s)",
        "'foo'",
        "\"foo\"",
        "\"\"",
        "'a:b'",
        "a:b and 'foo'",
        "a:b and ()",
        "foo",
        "('foo')",
    ] {
        assert_eq!(read(text), ("?".to_owned(), false), "{text:?}");
    }
}

#[test]
fn a_bare_word_denies_in_its_place() {
    assert_eq!(read("foo or a:b"), ("(? or a:b)".to_owned(), false));
    assert_eq!(read("not foo"), ("not ?".to_owned(), false));
}

#[test]
fn unusable_checks_are_reported() {
    for text in ["@:b", ":b", "class:b", "'a:b", "a..b:c", "a:%d", "role:%s", "http://h/%2F"] {
        assert!(!read(text).1, "{text}");
    }
}

#[test]
fn the_list_form_is_or_of_and() {
    for (rule, expected, clean) in [
        (json!([]), "@", true),
        (json!([[]]), "!", true),
        (json!([""]), "!", true),
        (json!(["a:b"]), "a:b", true),
        (json!([["a:b", "c:d"], "e:f"]), "((a:b and c:d) or e:f)", true),
        (json!([[], "@"]), "@", true),
        (json!([[""]]), "?", false),
        (json!(["a:b and c:d"]), "a:b and c:d", true),
        (json!([["a:b", []]]), "(a:b and ?)", false),
        (json!([["a:b", 5]]), "(a:b and ?)", false),
        (json!(["a:b", null]), "?", false),
        (json!(["foo"]), "?", false),
        (json!(null), "?", false),
        (json!(false), "?", false),
        (json!(0), "?", false),
        (json!({}), "?", false),
        (json!({"a": "@"}), "?", false),
    ] {
        let parsed = parse(&RuleText::from(&rule));
        assert_eq!((shape(&parsed.check).as_str(), parsed.problems.is_empty()), (expected, clean), "{rule}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |levels: usize| format!("{}@{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(read(&nested(64)).0, "@");
    assert_eq!(read(&nested(65)).0, "?");
    assert_eq!(read(&nested(30_000)).0, "?");
    assert_eq!(read(&format!("{}@", "not ".repeat(64))).0, format!("{}@", "not ".repeat(64)));
    assert_eq!(read(&format!("{}@", "not ".repeat(15_000))).0, "?");
    assert_eq!(read(&"(".repeat(MAX_TEXT)).0, "?");
    assert_eq!(read(&format!("a:{}", "x".repeat(MAX_TEXT - 1))).0, "?");
    assert!(read(&format!("a:{}", "x".repeat(MAX_TEXT - 2))).1);
    let long = RuleText::List(vec![RuleText::Text("a:".repeat(MAX_TEXT))]);
    assert_eq!(parse(&long).check, Check::Broken);
}

#[test]
fn messages_show_a_bounded_printable_part() {
    let parsed = parse(&RuleText::from(format!("\u{1b}{}", "w".repeat(5_000)).as_str()));
    assert!(parsed.problems[0].len() < 200);
    assert!(!parsed.problems[0].contains('\u{1b}'));
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in any::<String>()) {
        parse(&RuleText::from(text.as_str()));
    }

    #[test]
    fn any_mixture_of_the_languages_signs_can_be_read(words in prop::collection::vec(
        prop::sample::select(vec!["(", ")", "and", "or", "not", "@", "!", "a:b", "rule:x", "role:%(r)s", "'", "\"", "%", ":", "%(", "'q'", " ", "", "((", "))", "é:ß"]), 0..60)) {
        for glue in ["", " "] {
            let parsed = parse(&RuleText::from(words.join(glue).as_str()));
            prop_assert!(parsed.check.height() <= 2 * MAX_NESTING + 4);
        }
    }
}
