//! The pattern that new passwords must match, meant as Keystone means `password_regex`: Python's `re.match`, from the start
//! of the text. Such patterns say "and" by look-ahead, so the engine has it, with a limit on the steps it may take.

use std::str::FromStr;

use fancy_regex::{Regex, RegexBuilder};

/// Steps back after which a password counts as not matching: some milliseconds.
const MAX_STEPS: usize = 100_000;

/// A pattern for passwords.
#[derive(Debug, Clone)]
pub struct PasswordPattern(Regex);

impl PasswordPattern {
    /// True if `password` matches from its first character on, within the limit of steps.
    pub fn matches(&self, password: &str) -> bool {
        self.0.is_match(password).unwrap_or(false)
    }
}

impl FromStr for PasswordPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let build = |pattern: &str| RegexBuilder::new(pattern).backtrack_limit(MAX_STEPS).build();
        // Alone first: a stray bracket must not close the group that binds it.
        build(text).and_then(|_| build(&format!("\\A(?:{text})"))).map(Self).map_err(|e| e.to_string())
    }
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
            ("a|bc", vec!["a", "ab", "bc"], vec!["xa", "cbc"]),
            ("^a|b", vec!["a", "b"], vec!["cb"]),
            ("(?i)ABC", vec!["abcd"], vec!["xabc"]),
            ("^(?=.*x)(?:ab|cd)", vec!["abx", "cdx"], vec!["ab", "efx"]),
            (r"(.)\1", vec!["aab"], vec!["aba"]),
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
    fn a_pattern_that_is_none_is_refused_and_one_without_end_is_given_up() {
        for pattern in ["(?=a", "a)(b", "[", "(", "*"] {
            assert!(pattern.parse::<PasswordPattern>().is_err(), "{pattern}");
        }
        let endless: PasswordPattern = r"(?=(a+)+$)x".parse().unwrap();
        assert!(!endless.matches(&format!("{}!", "a".repeat(4_000))));
    }
}
