//! The pattern that new passwords must match, meant as Keystone means `password_regex` (Python's `re.match`: from the start
//! of the text), and matched in linear time.
//!
//! Such patterns say "and" by look-ahead, `^(?=.*\d)(?=.*[a-z]).{7,}$`, which no engine in linear time has. At the start of
//! a pattern it takes none: there each look-ahead is one more pattern that the same text must, or must not, match.

use std::str::FromStr;

use regex::Regex;

/// A pattern for passwords.
#[derive(Debug, Clone)]
pub struct PasswordPattern {
    must: Vec<Regex>,
    must_not: Vec<Regex>,
}

impl PasswordPattern {
    /// True if `password` matches from its first character on.
    pub fn matches(&self, password: &str) -> bool {
        self.must.iter().all(|r| r.is_match(password)) && !self.must_not.iter().any(|r| r.is_match(password))
    }
}

impl FromStr for PasswordPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pattern = Self { must: Vec::new(), must_not: Vec::new() };
        let mut rest = text.strip_prefix('^').filter(|r| is_ahead(r)).unwrap_or(text);
        let split = is_ahead(rest);
        while is_ahead(rest) {
            let end = closing(rest).ok_or("a look-ahead is not closed")?;
            let wanted = if rest.starts_with("(?=") { &mut pattern.must } else { &mut pattern.must_not };
            wanted.push(from_start(&rest[3..end])?);
            rest = &rest[end + 1..];
        }
        if split && has_alternatives(rest) {
            return Err("alternatives behind a look-ahead must stand in a group".to_owned());
        }
        pattern.must.push(from_start(rest)?);
        Ok(pattern)
    }
}

fn is_ahead(text: &str) -> bool {
    text.starts_with("(?=") || text.starts_with("(?!")
}

/// The pattern, bound to the start of the text.
fn from_start(part: &str) -> Result<Regex, String> {
    // Alone first: a stray bracket must not close the group that binds it.
    Regex::new(part).and_then(|_| Regex::new(&format!("\\A(?:{part})"))).map_err(|e| {
        let text = e.to_string();
        text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

/// How far a class in brackets has been read.
#[derive(Clone, Copy)]
enum Class {
    Opened,
    Negated,
    Filled,
}

/// What of a pattern is syntax: each character that is neither escaped nor in a class, with the depth of groups before it.
fn syntax(text: &str) -> impl Iterator<Item = (usize, char, usize)> {
    let (mut depth, mut escaped, mut class) = (0usize, false, None::<Class>);
    text.char_indices().filter_map(move |(at, c)| {
        if std::mem::take(&mut escaped) {
            class = class.map(|_| Class::Filled);
            return None;
        }
        if c == '\\' {
            escaped = true;
            return None;
        }
        if let Some(seen) = class {
            // A bracket that comes first, perhaps after `^`, is one of the class.
            class = match (c, seen) {
                (']', Class::Filled) => None,
                ('^', Class::Opened) => Some(Class::Negated),
                _ => Some(Class::Filled),
            };
            return None;
        }
        let before = depth;
        match c {
            '[' => class = Some(Class::Opened),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        Some((at, c, before))
    })
}

/// Where the group that the text begins with ends.
fn closing(text: &str) -> Option<usize> {
    syntax(text).find(|(_, c, depth)| *c == ')' && *depth == 1).map(|(at, _, _)| at)
}

fn has_alternatives(text: &str) -> bool {
    syntax(text).any(|(_, c, depth)| c == '|' && depth == 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Each expectation is what Python's `re.match` says.
    #[test]
    fn a_pattern_means_what_python_means_by_it() {
        for (pattern, yes, no) in [
            (r"^(?=.*\d)(?=.*[a-zA-Z]).{7,}$", vec!["abcdef1", "1234567x"], vec!["abcdefg", "1234567", "ab1"]),
            (r"(?=.*[()\]])(?!.*\s).{3,}", vec!["a(b", "ab]c"], vec!["abc", "a (b"]),
            (r"^(?=.*[]a)]).+$", vec!["x]", "xa", "x)"], vec!["x"]),
            (r"^(?=.*[^\])]x).+$", vec!["ax"], vec![")x", "]x"]),
            (r"^(?=.*[^^)]x).+$", vec!["ax"], vec!["^x", ")x"]),
            ("a|bc", vec!["a", "ab", "bc"], vec!["xa", "cbc"]),
            ("^a|b", vec!["a", "b"], vec!["cb"]),
            ("(?i)ABC", vec!["abcd"], vec!["xabc"]),
            ("^(?=.*x)(?:ab|cd)", vec!["abx", "cdx"], vec!["ab", "efx"]),
            (r"^\(?=.+", vec!["=x", "(=x"], vec!["x"]),
            (".{3}", vec!["äöü"], vec!["äö"]),
        ] {
            let parsed: PasswordPattern = pattern.parse().unwrap();
            for text in yes {
                assert!(parsed.matches(text), "{pattern} and {text}");
            }
            for text in no {
                assert!(!parsed.matches(text), "{pattern} and {text}");
            }
        }
    }

    #[test]
    fn what_cannot_be_matched_in_linear_time_is_refused() {
        for pattern in [r"(.)\1", "x(?=y)", "(?<=a)b", "(?=a", "(?=a)b|c", "a)(b", "[", "(?=a)*b"] {
            assert!(pattern.parse::<PasswordPattern>().is_err(), "{pattern}");
        }
    }
}
