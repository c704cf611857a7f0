//! What Python holds of characters: letters of a word, spaces, digits, which are one letter in two cases, which are printed.
//!
//! The general categories come from the tables of `regex-syntax`, the cases from the standard library.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

use super::pattern::Set;

static WORD: LazyLock<Set> = LazyLock::new(|| class(r"[\p{L}\p{N}_]"));
static DIGIT: LazyLock<Set> = LazyLock::new(|| class(r"\p{Nd}"));
static HIDDEN: LazyLock<Set> = LazyLock::new(|| class(r"[\p{C}\p{Z}--\x20]"));
static CASES: LazyLock<Cases> = LazyLock::new(Cases::read);

/// `\w`: `str.isalnum()` or the underscore.
pub(super) fn word() -> &'static Set {
    &WORD
}

/// `\d`: decimal digits.
pub(super) fn digit() -> &'static Set {
    &DIGIT
}

/// `\s`: `str.isspace()`, which counts the four information separators of ASCII.
pub(super) fn space() -> Set {
    Set::of(
        [
            (0x09, 0x0d),
            (0x1c, 0x20),
            (0x85, 0x85),
            (0xa0, 0xa0),
            (0x1680, 0x1680),
            (0x2000, 0x200a),
            (0x2028, 0x2029),
            (0x202f, 0x202f),
            (0x205f, 0x205f),
            (0x3000, 0x3000),
        ]
        .into(),
    )
}

/// `str.isprintable()`, by which `repr()` decides what to escape.
pub(super) fn is_printable(c: char) -> bool {
    if c.is_ascii() { !c.is_ascii_control() } else { !HIDDEN.contains(c) }
}

/// The characters that are the same as `c` where case does not count, `c` among them; empty when there is only `c`.
pub(super) fn cases(c: char) -> &'static [char] {
    CASES.of(c)
}

/// Every character that has another case, with its fellows.
pub(super) fn all_cases() -> impl Iterator<Item = (char, &'static [char])> {
    CASES.groups.iter().flat_map(|group| group.iter().map(|c| (*c, group.as_slice())))
}

/// Two characters are the same to Python's `re.IGNORECASE` when their lower cases are, or have the same upper case.
struct Cases {
    groups: Vec<Vec<char>>,
    place: BTreeMap<char, usize>,
}

impl Cases {
    fn read() -> Self {
        let mut by_key: BTreeMap<String, Vec<char>> = BTreeMap::new();
        // No letter beyond this plane has a case.
        for c in '\0'..='\u{1ffff}' {
            let lower = lower(c);
            if c != lower || c.to_uppercase().next() != Some(c) {
                by_key.entry(lower.to_uppercase().collect()).or_default().push(c);
            }
        }
        let groups: Vec<Vec<char>> = by_key.into_values().filter(|group| group.len() > 1).collect();
        let place = groups.iter().enumerate().flat_map(|(i, group)| group.iter().map(move |c| (*c, i))).collect();
        Self { groups, place }
    }

    fn of(&self, c: char) -> &[char] {
        self.place.get(&c).and_then(|i| self.groups.get(*i)).map_or(&[], Vec::as_slice)
    }
}

/// The simple lower case; the dotted capital I is the only letter whose full one is longer.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn class(pattern: &str) -> Set {
    let ranges = match regex_syntax::parse(pattern).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => {
            class.ranges().iter().map(|r| (u32::from(r.start()), u32::from(r.end()))).collect()
        }
        _ => Vec::new(),
    };
    Set::of(ranges)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Each expectation is what Python 3.11 says.
    #[test]
    fn characters_are_what_they_are_to_python() {
        for c in ['a', 'Z', '0', '_', 'é', '日', '²', '½', 'ª', '٣'] {
            assert!(word().contains(c), "{c}");
        }
        for c in ['-', ' ', '\u{301}', '\u{903}', 'Ⓐ', '\u{200d}', '€'] {
            assert!(!word().contains(c), "{c}");
        }
        assert!(digit().contains('٣') && !digit().contains('²'));
        assert!(space().contains('\u{1c}') && space().contains('\u{2003}') && !space().contains('\u{200b}'));
        for c in ['\u{ad}', '\u{a0}', '\u{200b}', '\u{2028}', '\u{e000}', '\u{7f}', '\n', '\u{feff}', '\u{378}'] {
            assert!(!is_printable(c), "{c:?}");
        }
        assert!(['a', ' ', 'é', '日', '\u{301}', '😀'].into_iter().all(is_printable));
    }

    #[test]
    fn cases_are_pythons() {
        let group = |c| cases(c).iter().collect::<String>();
        assert_eq!(group('i'), "Iiİı");
        assert_eq!(group('K'), "Kk\u{212a}");
        assert_eq!(group('s'), "Ssſ");
        assert_eq!(group('σ'), "Σςσ");
        assert_eq!(group('é'), "Éé");
        assert_eq!(group('ß'), "ßẞ");
        assert_eq!(group('1'), "");
        assert_eq!(group('ª'), "");
        // What Python 3.11 counts; later editions of Unicode have more.
        assert!(CASES.groups.len() >= 1427);
    }
}
