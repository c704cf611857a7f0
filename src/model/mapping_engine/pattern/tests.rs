//! Patterns: each expectation is what `re.search` of Python 3.11 says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn verdict(pattern: &Pattern, text: &str) -> Verdict {
    pattern.search(text, &mut Steps::default())
}

/// By the matcher that goes back alone, whatever there is beside it.
fn by_steps(pattern: &Pattern, text: &str) -> Verdict {
    let mut left = SEARCH_STEPS;
    match backtrack::search(&pattern.program, text, &mut left) {
        Ok(true) => Verdict::Match,
        Ok(false) => Verdict::NoMatch,
        Err(backtrack::OutOfSteps) => Verdict::GaveUp,
    }
}

#[test]
fn a_pattern_means_what_python_means_by_it() {
    for (pattern, yes, no) in [
        ("adm", vec!["adm", "the-admins"], vec!["ad", "ADM", ""]),
        ("", vec!["", "x"], vec![]),
        ("^a", vec!["a", "ab"], vec!["ba", "\na"]),
        ("a$", vec!["a", "ba", "a\n"], vec!["ab", "a\n\n", "a\nb"]),
        ("a\\Z", vec!["a"], vec!["a\n"]),
        ("^$", vec!["", "\n"], vec!["a", "\n\n"]),
        ("a$\n", vec!["a\n"], vec!["a", "a\nb"]),
        ("\\n$", vec!["\n", "a\n", "\n\n"], vec!["\na"]),
        ("(?m)^b$", vec!["b", "a\nb", "a\nb\nc"], vec!["ab", "b c"]),
        ("a.c", vec!["abc", "aéc"], vec!["a\nc", "ac"]),
        ("(?s)a.c", vec!["a\nc"], vec!["ac"]),
        ("^a|b", vec!["ac", "cb"], vec!["ca"]),
        ("^(?:ab|cd)+$", vec!["ab", "abcdab"], vec!["", "abc"]),
        ("a{2,3}", vec!["aa", "baaab"], vec!["a"]),
        ("^a{,2}$", vec!["", "aa"], vec!["aaa"]),
        ("^a{,}$", vec!["", "aaaa"], vec!["b"]),
        ("a{x}", vec!["a{x}"], vec!["aaa"]),
        ("a{}", vec!["a{}"], vec!["a"]),
        ("x{1", vec!["x{1"], vec!["x"]),
        ("^(?:a{0,3}){2}b", vec!["b", "aaaaaab"], vec!["aaaaaaab"]),
        ("^[]a]+$", vec!["]a"], vec!["b"]),
        ("^[^]a]+$", vec!["b["], vec!["]", "a"]),
        ("^[a-]+$", vec!["a-"], vec!["b"]),
        ("^[[a&&b~~c||]+$", vec!["[a&b~c|"], vec!["d", "]"]),
        ("^[a\\-z]+$", vec!["a-z"], vec!["b"]),
        ("^[\\w.-]+$", vec!["a_9.é-"], vec!["a b", "a@b"]),
        ("^[^\\W\\d]+$", vec!["abc_"], vec!["a1", "-"]),
        ("^[\\b]$", vec!["\u{8}"], vec!["b"]),
        ("^\\w+$", vec!["aé日²½"], vec!["a\u{301}", "-", "Ⓐ"]),
        ("(?a)^\\w+$", vec!["ab_1"], vec!["é"]),
        ("^\\d+$", vec!["12٣"], vec!["²", "a"]),
        ("(?a)^\\d+$", vec!["12"], vec!["٣"]),
        ("^\\s$", vec![" ", "\u{1f}", "\u{a0}", "\u{3000}"], vec!["\u{200b}", "a"]),
        ("(?a)^\\s$", vec![" ", "\u{b}"], vec!["\u{a0}"]),
        ("\\bfoo\\b", vec!["foo", "a foo.", "é foo"], vec!["foos", "éfoo", "foo²"]),
        ("(?a)\\bfoo\\b", vec!["éfoo"], vec!["xfoo"]),
        ("\\Boo", vec!["foo", "fooo"], vec!["oo"]),
        ("\\B", vec!["ab", "  "], vec!["", "a"]),
        ("\\b", vec!["a"], vec!["", " "]),
        ("(?i)ADM", vec!["adm", "aDm"], vec!["ad"]),
        ("(?i)straße", vec!["STRAẞE"], vec!["strasse"]),
        ("(?i)k", vec!["\u{212a}"], vec![]),
        ("(?i)[a-z]", vec!["ſ", "ı", "İ", "Q"], vec!["é", "1"]),
        ("(?i)[^a-z]", vec!["é"], vec!["Q", "ſ"]),
        ("(?i)σ", vec!["ς", "Σ"], vec!["s"]),
        ("(?ai)k", vec!["K"], vec!["\u{212a}"]),
        ("a(?i:b)c", vec!["aBc"], vec!["ABc", "aBC"]),
        ("(?i)a(?-i:b)c", vec!["AbC"], vec!["ABC"]),
        ("(?x) a b # c\n c", vec!["abc"], vec!["a b", "ab c"]),
        ("(?x)[a b]{2}", vec!["a "], vec!["ac"]),
        ("(?x)a {2}", vec!["aa"], vec!["a"]),
        ("a(?#no)b", vec!["ab"], vec!["a"]),
        ("^a(?#no)+$", vec!["aa"], vec![""]),
        ("a\\.b", vec!["a.b"], vec!["axb"]),
        ("\\<a\\>", vec!["<a>"], vec!["a"]),
        ("\\@\\#\\é\\_", vec!["@#é_"], vec!["@"]),
        ("\\x41\\u00e9\\U0001F600\\0\\012\\101", vec!["Aé😀\0\nA"], vec!["A"]),
        ("(?P<n>a)(?P=n)", vec!["aa"], vec!["ab"]),
        ("(.)\\1", vec!["abb"], vec!["aba"]),
        ("(?i)(a)\\1", vec!["aA"], vec!["ab"]),
        ("^(a)?b\\1$", vec!["aba"], vec!["b", "ab"]),
        ("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10", vec!["abcdefghijj"], vec!["abcdefghija0"]),
        ("^(?=.*\\d)(?=.*[a-z]).{4,}$", vec!["abc1"], vec!["abcd", "a1"]),
        ("a(?!b)", vec!["ac", "a"], vec!["ab"]),
        ("(?<=@)example", vec!["a@example"], vec!["example"]),
        ("(?<!x)a", vec!["a", "ba"], vec!["xa"]),
        ("(?<=a|b)c", vec!["ac", "bc"], vec!["c"]),
        ("(?<=^)a", vec!["a"], vec!["ba"]),
        ("(?<=(a))b\\1", vec!["aba"], vec!["abb"]),
        ("(?>a+)b", vec!["aab"], vec!["aa"]),
        ("(?>a+)ab", vec![], vec!["aaab"]),
        ("a++ab", vec![], vec!["aaab"]),
        ("^(?:ab)++$", vec!["abab"], vec!["aba"]),
        ("^(a)?(?(1)b|c)$", vec!["ab", "c"], vec!["a", "b", "ac"]),
        ("^(?P<q>')?x(?(q)')$", vec!["x", "'x'"], vec!["'x"]),
        ("^(?:a|ab)(?:c|bcd)$", vec!["ac", "abc", "abcd", "abbcd"], vec!["ab"]),
        ("^.*?x$", vec!["x", "axbx"], vec!["xa"]),
        ("^(?:a+?b)+?$", vec!["ab", "aabab"], vec!["a"]),
        ("^(?:(a)|b)*\\1$", vec!["aba", "aa"], vec!["b", ""]),
        ("^(?:a*)*$", vec!["", "aaa"], vec!["b"]),
        ("^(?:a*)+b", vec!["b", "aab"], vec!["a"]),
        ("^(?:|a)+$", vec!["", "a"], vec!["b"]),
        ("^(?:a|b|)*?c", vec!["abac", "c"], vec!["abd"]),
        ("(?=a)*b", vec!["b"], vec!["a"]),
        ("(?:^)*a", vec!["a"], vec!["b"]),
        ("()*a", vec!["a"], vec![]),
        ("^(?:(?:a{2}){2}){2}$", vec!["aaaaaaaa"], vec!["aaaaaaa"]),
        ("^(?i:É)$", vec!["é"], vec!["e"]),
        ("日本", vec!["x日本"], vec!["日"]),
        ("[^\n]", vec!["a"], vec!["\n"]),
        ("[]]", vec!["]"], vec!["["]),
        ("a|", vec!["", "b"], vec![]),
    ] {
        let compiled = Pattern::compile(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
        for (texts, expected) in [(yes, Verdict::Match), (no, Verdict::NoMatch)] {
            for text in texts {
                assert_eq!(verdict(&compiled, text), expected, "{pattern} and {text:?}");
                assert_eq!(by_steps(&compiled, text), expected, "{pattern} and {text:?}, going back");
            }
        }
    }
}

#[test]
fn what_python_refuses_is_refused() {
    for pattern in [
        "[",
        "[a",
        "(",
        ")",
        "a)",
        "(?:a",
        "*",
        "a**",
        "a{2}{3}",
        "^*",
        "a|*",
        "\\",
        "\\q",
        "\\x4",
        "\\u123",
        "\\777",
        "\\1",
        "(\\1)",
        "(?P<n>a)(?P<n>b)",
        "(?P=n)",
        "(?P<1>a)",
        "(?P<n",
        "(?<n>a)",
        "(?z)",
        "a(?i)b",
        "(?i",
        "(?L)a",
        "(?au)a",
        "(?-a:x)",
        "[z-a]",
        "[\\w-z]",
        "(?<=a*)b",
        "(?<=a|bc)d",
        "a{3,2}",
        "(?(1)a|b|c)",
        "(?<=(a)\\1)b",
        "(?<=(?(1)a))b(c)",
        "a*(?#x)*",
        "(?(2)a)(b)",
        "(?(n)a)",
        "(?#a",
        "\\8",
        "[\\8]",
        "a+++",
        "a{99999999999}",
        "(?>a",
        "\\N",
        "\\p{L}",
        "\\h",
        "\\K",
        "(?|a)",
        "(?&n)",
        "\\G",
    ] {
        assert!(Pattern::compile(pattern).is_err(), "{pattern}");
    }
    assert!(Pattern::compile(&"a".repeat(2_001)).unwrap_err().contains("2000 characters"));
    assert!(Pattern::compile(&"(".repeat(1_000)).unwrap_err().contains("deep"));
    assert!(Pattern::compile("a[").unwrap_err().contains("position 2"));
}

/// KS-MAP-2 to KS-MAP-5: patterns that make other engines take for ever, on values of 100 kB.
#[test]
fn ks_map_2_to_5_no_pattern_takes_for_ever() {
    let long = "a".repeat(100_000);
    let mut mixed = String::new();
    for i in 0..100_000_u32 {
        mixed.push(if (i.wrapping_mul(2_654_435_761) >> 13) & 1 == 0 { 'a' } else { 'b' });
    }
    for (pattern, regular) in [
        ("(a+)+$", true),
        ("(a|aa)+$", true),
        ("(.*)*x", true),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", true),
        ("((a{0,100}){0,100}){0,100}b", false),
        ("(?:(?:(?:a?){1000}){1000}){1000}b", false),
        ("(a|b)*a(a|b){12}c", true),
        ("(a|b)*a(a|b){400}c", false),
        ("(?=(a+)+$)x", false),
        ("(?:(?=.*x)a)*c", false),
        ("(?:(?=(?:(?=.*x)a)*)a)*c", false),
        ("(a*)*\\1c", false),
        ("(.*)\\1c", false),
        ("(?<!x)(a|aa)+c", false),
        ("(?:a*?)*?c(?!d)", false),
        ("(?>a*)*c", false),
        ("(?:a|a|a|a)*?(?=c)", false),
        ("(?(1)a|(a))*c", false),
    ] {
        let Ok(compiled) = Pattern::compile(pattern) else { continue };
        for text in [&long, &format!("{long}!"), &mixed, &format!("é{long}\n")] {
            let mut steps = Steps::default();
            let before = steps.0;
            let found = compiled.search(text, &mut steps);
            assert!(before - steps.0 <= SEARCH_STEPS, "{pattern} took {} steps", before - steps.0);
            assert!(!regular || found != Verdict::GaveUp, "{pattern} was given up");
        }
        assert!(compiled.search("ab", &mut Steps::default()) != Verdict::GaveUp, "{pattern} on a short text");
    }
}

#[test]
fn all_searches_of_an_evaluation_share_their_steps() {
    let pattern = Pattern::compile("(a*)*\\1c").unwrap();
    let long = "a".repeat(10_000);
    let mut steps = Steps::default();
    for _ in 0..1_000 {
        assert_eq!(pattern.search(&long, &mut steps), Verdict::GaveUp);
    }
    assert_eq!(steps.0, 0);
    assert_eq!(pattern.search("c", &mut steps), Verdict::GaveUp);
}
