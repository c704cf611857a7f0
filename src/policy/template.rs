//! The right-hand side of a check: text with `%(key)s` places that the target fills.
//!
//! Python's formatting knows more (`%d`, widths, `%s` alone); in a policy those are mistakes, on which oslo.policy raises
//! or compares with the whole target. Here they make the check unusable.

use std::borrow::Cow;

use serde_json::Value;

use super::python;
use super::target::Target;

/// A text with places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

impl Template {
    /// Reads a template; `None` if a `%` is followed by anything but `%` or `(key)s`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            plain.push_str(before);
            if let Some(tail) = after.strip_prefix('%') {
                plain.push('%');
                rest = tail;
                continue;
            }
            let (key, tail) = key_of(after)?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Place(key.to_owned()));
            rest = tail;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Some(Self { parts })
    }

    /// The text, if it has no places.
    pub(super) fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// True if the target has a value, be it null, for every place.
    pub(super) fn is_filled_by(&self, target: &Target) -> bool {
        self.places().all(|key| target.get(key).is_some())
    }

    /// True if some place is filled with null.
    pub(super) fn meets_null(&self, target: &Target) -> bool {
        self.places().any(|key| target.get(key).is_some_and(Value::is_null))
    }

    /// Whether the filled text is `candidate`. Nothing is built: the candidate is eaten part by part.
    pub(super) fn equals(&self, target: &Target, candidate: &str) -> bool {
        let mut rest = candidate;
        for part in &self.parts {
            let piece = match part {
                Part::Text(text) => Cow::Borrowed(text.as_str()),
                Part::Place(key) => match target.get(key) {
                    Some(value) => python::text(value),
                    None => return false,
                },
            };
            match rest.strip_prefix(piece.as_ref()) {
                Some(tail) => rest = tail,
                None => return false,
            }
        }
        rest.is_empty()
    }

    /// The filled text, each value passed through `write`; `None` if a place has no value.
    pub(super) fn fill(&self, target: &Target, write: impl Fn(&mut String, &str)) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Place(key) => write(&mut out, &python::text(target.get(key)?)),
            }
        }
        Some(out)
    }

    fn places(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Place(key) => Some(key.as_str()),
        })
    }
}

/// Splits `(key)s…` into the key and what follows. Parentheses inside a key are counted, as Python does.
fn key_of(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('(')?;
    let mut depth = 1_u32;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return inner[at + 1..].strip_prefix('s').map(|tail| (&inner[..at], tail));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn places_are_filled_from_the_flat_target() {
        let target = Target::given(&json!({"a": "x", "n": 1, "z": null, "(b)": "y", "u": {"d": "nested"}}));
        let full = |text: &str| Template::read(text).and_then(|t| t.fill(&target, |out, value| out.push_str(value)));
        assert_eq!(full("plain").as_deref(), Some("plain"));
        assert_eq!(full("").as_deref(), Some(""));
        assert_eq!(full("%(a)s").as_deref(), Some("x"));
        assert_eq!(full("p:%(a)s-%(n)s%%").as_deref(), Some("p:x-1%"));
        assert_eq!(full("%(z)s").as_deref(), Some("None"));
        assert_eq!(full("%((b))s").as_deref(), Some("y"));
        assert_eq!(full("%(u.d)s").as_deref(), Some("nested"));
        assert_eq!(full("%(u)s"), None);
        assert_eq!(full("%(missing)s"), None);
    }

    #[test]
    fn other_python_formats_are_refused() {
        for text in ["%", "%s", "a%d", "%(a)d", "%(a)", "%(a", "%(a)10s", "% (a)s", "100%", "%2F"] {
            assert_eq!(Template::read(text), None, "{text}");
        }
    }

    #[test]
    fn comparing_needs_the_whole_text() {
        let target = Target::given(&json!({"a": "x", "b": "xx"}));
        let equals = |text: &str, candidate: &str| Template::read(text).unwrap().equals(&target, candidate);
        assert!(equals("%(a)s%(b)s", "xxx"));
        assert!(equals("%(b)s%(a)s", "xxx"));
        assert!(!equals("%(a)s", "xx"));
        assert!(!equals("%(b)s", "x"));
        assert!(equals("", ""));
        assert!(!equals("", "x"));
    }
}
