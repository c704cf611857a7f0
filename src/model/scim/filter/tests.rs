//! Tests of `filter`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::json;

use super::super::{ENTERPRISE, Kind, schema};
use super::*;

fn shown(filter: &Filter) -> String {
    let list = |all: &[Filter]| all.iter().map(shown).collect::<Vec<_>>().join(" ");
    let path = |p: &AttributePath| match &p.sub {
        Some(sub) => format!("{}.{sub}", p.name),
        None => p.name.clone(),
    };
    match filter {
        Filter::And(all) => format!("(and {})", list(all)),
        Filter::Or(all) => format!("(or {})", list(all)),
        Filter::Not(inner) => format!("(not {})", shown(inner)),
        Filter::Term(p, compare, value) => format!("({} {compare:?} {value})", path(p)),
        Filter::Present(p) => format!("({} pr)", path(p)),
        Filter::Within(p, inner) => format!("({} in {})", path(p), shown(inner)),
    }
}

fn read(text: &str) -> String {
    shown(&Filter::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")))
}

#[test]
fn filters_of_the_standard_are_read() {
    for (text, expected) in [
        (r#"userName eq "bjensen""#, r#"(userName Equal "bjensen")"#),
        (r#"USERNAME Eq "a \"b\" \u00e4""#, r#"(USERNAME Equal "a \"b\" ä")"#),
        (r#"name.familyName co "O'Malley""#, r#"(name.familyName Contains "O'Malley")"#),
        ("title pr", "(title pr)"),
        ("active eq True", "(active Equal true)"),
        ("x lt -1.5", "(x Less -1.5)"),
        ("externalId eq null", "(externalId Equal null)"),
        (r#"a eq "1" or b eq "2" and c eq "3""#, r#"(or (a Equal "1") (and (b Equal "2") (c Equal "3")))"#),
        (r#"(a eq "1" or b pr) and not (c ne "3")"#, r#"(and (or (a Equal "1") (b pr)) (not (c NotEqual "3")))"#),
        (
            r#"emails[type eq "work" and value co "@example.com"] or ims[x pr]"#,
            r#"(or (emails in (and (type Equal "work") (value Contains "@example.com"))) (ims in (x pr)))"#,
        ),
        (r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, r#"(meta.lastModified Greater "2011-05-13T04:42:34Z")"#),
        ("not(a pr)", "(not (a pr))"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    let of_extension = Filter::parse(&format!(r#"{ENTERPRISE}:department eq "x""#)).unwrap();
    let Filter::Term(path, ..) = of_extension else { panic!("{of_extension:?}") };
    assert_eq!((path.schema.as_deref(), path.name.as_str()), (Some(ENTERPRISE), "department"));
}

#[test]
fn scim_6_what_is_no_filter_is_refused_and_a_text_ends_where_it_ends() {
    for bad in [
        "",
        " ",
        "userName",
        "userName eq",
        "userName eq bjensen",
        "userName is \"x\"",
        r#"userName eq "x"#,
        r#"userName eq "x\"#,
        r#"userName eq "x" and"#,
        r#"userName eq "x" "y""#,
        r#"userName eq "x") or (id pr"#,
        "userName eq 'x' or 1 eq 1",
        r#"userName eq "x"; DROP TABLE users"#,
        "not title pr",
        "(title pr",
        "title pr)",
        "emails[type pr",
        "emails[a[b pr]]",
        "emails[]",
        r#""userName" eq "x""#,
        r#"user name eq "x""#,
        r#"userName eq "\u0000""#,
        r#"userName eq "\ud800""#,
        "a eq 1e999",
        "a eq {}",
    ] {
        let error = Filter::parse(bad).unwrap_err();
        assert!(matches!(error, Error::Scim { fault: ScimFault::InvalidFilter, .. }), "{bad}: {error:?}");
    }
    let injected = Filter::parse(r#"userName eq "x\" or \"1\" eq \"1""#).unwrap();
    assert_eq!(shown(&injected), r#"(userName Equal "x\" or \"1\" eq \"1")"#);
}

#[test]
fn long_deep_and_wide_filters_are_refused() {
    let deep = |n: usize| format!("{}a pr{}", "(".repeat(n), ")".repeat(n));
    assert!(Filter::parse(&deep(MAX_DEPTH)).is_ok());
    assert!(Filter::parse(&deep(MAX_DEPTH + 1)).is_err());
    assert!(Filter::parse(&"(".repeat(MAX_LENGTH)).is_err());
    let wide = |n: usize| vec!["a pr"; n].join(" or ");
    assert!(Filter::parse(&wide(MAX_TERMS)).is_ok());
    assert!(Filter::parse(&wide(MAX_TERMS + 1)).is_err());
    assert!(Filter::parse(&format!("a eq \"{}\"", "x".repeat(MAX_LENGTH))).is_err());
}

#[test]
fn paths_of_changes_have_a_filter_and_a_part() {
    let path = Path::parse(r#"emails[type eq "work"].value"#).unwrap();
    assert_eq!((path.attribute.name.as_str(), path.sub.as_deref()), ("emails", Some("value")));
    assert!(path.filter.is_some());
    let path = Path::parse("name.familyName").unwrap();
    assert_eq!((path.attribute.name.as_str(), path.sub.as_deref(), path.filter), ("name", Some("familyName"), None));
    assert!(Path::parse(&format!("{ENTERPRISE}:manager")).unwrap().attribute.schema.is_some());
    assert!(Path::parse(r#"members[value eq "a"]"#).unwrap().sub.is_none());
    for bad in ["", "1", "a b", "emails[", "emails[type eq \"work\"]x", "emails[type eq \"work\"].a.b", "a.b[c pr]"] {
        assert!(Path::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_value_is_held_against_a_filter_by_the_case_rules_of_its_parts() {
    let emails = schema::core(Kind::User).iter().find(|a| a.name == "emails").unwrap();
    let item = json!({"value": "Ann@Example.com", "type": "work", "primary": true});
    let holds = |text: &str| matches(&Filter::parse(text).unwrap(), emails, item.as_object().unwrap());
    for yes in [
        r#"type eq "WORK""#,
        r#"value eq "ann@example.COM""#,
        r#"value ew "example.com" and primary eq true"#,
        r#"primary eq "True""#,
        r#"not (type eq "home")"#,
        r#"type ne "home""#,
        "value pr",
    ] {
        assert!(holds(yes).unwrap(), "{yes}");
    }
    for no in [r#"type eq "home""#, "primary eq false", "not (value pr)", "type eq null"] {
        assert!(!holds(no).unwrap(), "{no}");
    }
    assert!(holds(r#"nothing eq "x""#).is_err());
}

proptest! {
    /// HTTP-FUZZ-1, in little: whatever is written, nobody panics.
    #[test]
    fn any_text_can_be_read(text in any::<String>()) {
        let _ = (Filter::parse(&text), Path::parse(&text));
    }

    #[test]
    fn any_mixture_of_the_languages_signs_can_be_read(words in prop::collection::vec(prop::sample::select(vec![
        "userName", "emails", "type", "eq", "pr", "and", "or", "not", "(", ")", "[", "]", "\"", "\"x\"", "\\", ".", ":", "ä", "urn:a:b", "1",
        "true", " ",
    ]), 0..40), apart in any::<bool>()) {
        let text = words.join(if apart { " " } else { "" });
        let _ = Path::parse(&text);
        if let Ok(filter) = Filter::parse(&text) {
            let emails = schema::core(Kind::User).iter().find(|a| a.name == "emails").unwrap();
            let _ = matches(&filter, emails, &Default::default());
        }
    }
}
