//! What an identity provider says about a person: names of attributes, each with its values.
//!
//! Mapping documents are written against Keystone's picture of it, an environment in which a semicolon joins the values of
//! one attribute. Who has the values one by one (claims that were verified here) hands them over one by one: a value that a
//! person may choose must not become two by a semicolon in it.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Most attributes of one assertion.
const MAX_NAMES: usize = 2_000;
/// Most values of one assertion.
const MAX_VALUES: usize = 20_000;
/// Most bytes of all names and values.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// Values and bytes of a short one.
const SHORT_VALUES: usize = 200;
const SHORT_BYTES: usize = 8_192;

/// Where the values came from, which decides how far a text among them is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A text for each attribute, as a web server's module leaves it: `;` between values, and a value may be the text of a
    /// list.
    Text,
    /// Values that were told apart by who issued them: each is one value, whatever it looks like.
    Values,
}

/// The attributes of one login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    origin: Origin,
    attributes: BTreeMap<String, Vec<String>>,
}

impl Assertion {
    /// From an environment, as Keystone prepares it: only names that start with `prefix`, UTF-8 that was read as Latin-1
    /// put right, values split at `;`. Of a name that comes twice the last counts.
    pub fn from_environment<N, T>(variables: impl IntoIterator<Item = (N, T)>, prefix: &str) -> Result<Self>
    where
        N: Into<String>,
        T: AsRef<str>,
    {
        let named = variables.into_iter().map(|(name, text)| (name.into(), text));
        let kept = named.filter(|(name, _)| name.starts_with(prefix));
        Self::bounded(Origin::Text, kept.map(|(name, text)| (name, split(&repaired(text.as_ref())))), false)
    }

    /// From a text for each name, split at `;` and otherwise taken as it is.
    pub fn of_texts<N, T>(texts: impl IntoIterator<Item = (N, T)>) -> Result<Self>
    where
        N: Into<String>,
        T: AsRef<str>,
    {
        Self::bounded(Origin::Text, texts.into_iter().map(|(n, text)| (n.into(), split(text.as_ref()))), false)
    }

    /// From values that are separate already. Values under a name that comes again are added to its first; a name without
    /// values is not there.
    pub fn of_values<N>(values: impl IntoIterator<Item = (N, Vec<String>)>) -> Result<Self>
    where
        N: Into<String>,
    {
        Self::bounded(Origin::Values, values.into_iter().map(|(name, values)| (name.into(), values)), true)
    }

    /// How far its texts are read.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The values of an attribute, if it is there. Names are case-sensitive.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.attributes.get(name).map(Vec::as_slice)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.attributes.keys().map(String::as_str)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.attributes.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// True when it is as most are: a few values, and not long ones.
    pub fn is_short(&self) -> bool {
        let values = || self.attributes.values().flatten();
        self.attributes.len() <= SHORT_VALUES
            && values().count() <= SHORT_VALUES
            && values().map(String::len).sum::<usize>() <= SHORT_BYTES
    }

    /// True when it says nothing.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    fn bounded(origin: Origin, items: impl Iterator<Item = (String, Vec<String>)>, add: bool) -> Result<Self> {
        let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let (mut bytes, mut count) = (0_usize, 0_usize);
        for (name, values) in items.filter(|(_, values)| !values.is_empty()) {
            bytes = values.iter().fold(bytes.saturating_add(name.len()), |sum, v| sum.saturating_add(v.len()));
            count = count.saturating_add(values.len());
            if bytes > MAX_BYTES || count > MAX_VALUES {
                return Err(Error::invalid(format!(
                    "The assertion has more than {MAX_VALUES} values or {MAX_BYTES} bytes."
                )));
            }
            let held = attributes.entry(name).or_default();
            if !add {
                held.clear();
            }
            held.extend(values);
            if attributes.len() > MAX_NAMES {
                return Err(Error::invalid(format!("The assertion has more than {MAX_NAMES} attributes.")));
            }
        }
        Ok(Self { origin, attributes })
    }
}

/// At least one value: an empty text is one empty value.
fn split(text: &str) -> Vec<String> {
    text.split(';').map(str::to_owned).collect()
}

/// Text that was UTF-8 and has been decoded as Latin-1 on its way (RFC 9110 §5.5, PEP 3333), put right; any other text is
/// kept.
fn repaired(text: &str) -> std::borrow::Cow<'_, str> {
    use std::borrow::Cow;
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    match bytes.map(String::from_utf8) {
        Some(Ok(utf8)) => Cow::Owned(utf8),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn values<'a>(assertion: &'a Assertion, name: &str) -> Vec<&'a str> {
        assertion.get(name).unwrap().iter().map(String::as_str).collect()
    }

    #[test]
    fn an_environment_is_prepared_as_keystone_does() {
        let variables = [
            ("OIDC_groups", "a;b;;a"),
            ("OIDC_empty", ""),
            ("OIDC_name", "JosÃ©"),
            ("OIDC_latin", "Jos\u{e9}"),
            ("OIDC_wide", "日本"),
            ("PATH", "/bin"),
            ("oidc_groups", "x"),
        ];
        let assertion = Assertion::from_environment(variables, "OIDC_").unwrap();
        assert_eq!(assertion.names().count(), 5);
        assert_eq!(values(&assertion, "OIDC_groups"), ["a", "b", "", "a"]);
        assert_eq!(values(&assertion, "OIDC_empty"), [""]);
        assert_eq!(values(&assertion, "OIDC_name"), ["José"]);
        assert_eq!(values(&assertion, "OIDC_latin"), ["José"]);
        assert_eq!(values(&assertion, "OIDC_wide"), ["日本"]);
        assert!(assertion.get("PATH").is_none() && assertion.get("oidc_groups").is_none());
        let all = Assertion::from_environment(variables, "").unwrap();
        assert_eq!(all.names().count(), 7);
    }

    #[test]
    fn a_text_that_needs_no_repair_gets_none() {
        let assertion = Assertion::of_texts([("name", "JosÃ©"), ("name", "a;b")]).unwrap();
        assert_eq!(values(&assertion, "name"), ["a", "b"]);
        assert_eq!(values(&Assertion::of_texts([("name", "JosÃ©")]).unwrap(), "name"), ["JosÃ©"]);
    }

    #[test]
    fn separate_values_are_not_split() {
        let given =
            [("groups", vec!["a;b".to_owned(), "c".to_owned()]), ("none", vec![]), ("groups", vec!["d".into()])];
        let assertion = Assertion::of_values(given).unwrap();
        assert_eq!(values(&assertion, "groups"), ["a;b", "c", "d"]);
        assert!(assertion.get("none").is_none());
        assert_eq!(assertion.origin(), Origin::Values);
    }

    /// KS-MAP-9: a name is data, whatever it is.
    #[test]
    fn ks_map_9_a_claim_named_like_something_else_is_a_claim() {
        let given = ["groups", "__proto__", "user", "REMOTE_USER", ""].map(|n| (n, vec![n.to_owned()]));
        let assertion = Assertion::of_values(given).unwrap();
        for name in ["groups", "__proto__", "user", "REMOTE_USER", ""] {
            assert_eq!(values(&assertion, name), [name]);
        }
    }

    #[test]
    fn an_assertion_is_bounded() {
        let many = (0..=MAX_NAMES).map(|n| (n.to_string(), "x"));
        assert_eq!(Assertion::of_texts(many).unwrap_err().status(), 400);
        assert_eq!(Assertion::of_texts([("a", ";".repeat(MAX_VALUES))]).unwrap_err().status(), 400);
        assert_eq!(Assertion::of_texts([("a", "x".repeat(MAX_BYTES))]).unwrap_err().status(), 400);
        assert!(Assertion::of_texts([("a", "x".repeat(MAX_BYTES - 1))]).is_ok());
    }
}
