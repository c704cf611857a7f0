//! Reading settings that have defaults: a member that is absent says nothing, and null brings its default back.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::fields::{Fields, wrong_type};
use super::web::Checked;
use crate::error::{Error, Result};

/// What was read of a member: nothing, null, or a value.
pub type Read<T> = Result<Option<Option<T>>>;

/// Writes what was read over a setting.
pub fn put<T>(into: &mut T, read: Option<Option<T>>, default: T) {
    if let Some(value) = read {
        *into = value.unwrap_or(default);
    }
}

/// The same for a setting whose default is to have none.
pub fn put_maybe<T>(into: &mut Option<T>, read: Option<Option<T>>) {
    if let Some(value) = read {
        *into = value;
    }
}

/// A truth value.
pub fn boolean(f: &mut Fields<'_>, name: &str) -> Read<bool> {
    match f.raw(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::Bool(b)) => Ok(Some(Some(*b))),
        Some(other) => Err(wrong_type(&f.path(name), other, "boolean")),
    }
}

/// A whole number within a range.
pub fn number(f: &mut Fields<'_>, name: &str, range: RangeInclusive<i64>) -> Read<i64> {
    match f.raw(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(value) => {
            let n = value.as_i64().ok_or_else(|| wrong_type(&f.path(name), value, "integer"))?;
            if range.contains(&n) {
                return Ok(Some(Some(n)));
            }
            let (least, most) = (range.start(), range.end());
            Err(Error::invalid_field(f.path(name), format!("must be from {least} to {most}")))
        }
    }
}

/// A text for people: not blank, no control characters.
pub fn text(f: &mut Fields<'_>, name: &str, most: usize) -> Read<String> {
    checked(f, name, most, |text| {
        if text.trim().is_empty() {
            return Err("must not be blank".into());
        }
        if text.chars().any(char::is_control) { Err("holds a control character".into()) } else { Ok(()) }
    })
}

/// A text that stands a check.
pub fn checked(f: &mut Fields<'_>, name: &str, most: usize, check: impl Fn(&str) -> Checked) -> Read<String> {
    let Some(read) = f.nullable_text(name, 0..=most)? else { return Ok(None) };
    if let Some(text) = &read {
        check(text).map_err(|wrong| Error::invalid_field(f.path(name), wrong))?;
    }
    Ok(Some(read))
}

/// One of a set of words.
pub fn word<T: Copy>(f: &mut Fields<'_>, name: &str, all: &[T], written: fn(T) -> &'static str) -> Read<T> {
    match f.nullable_text(name, 0..=255)? {
        None => Ok(None),
        Some(None) => Ok(Some(None)),
        Some(Some(text)) => one_of(&f.path(name), &text, all, written).map(|word| Some(Some(word))),
    }
}

/// A list of different words of a set.
pub fn words<T: Copy>(f: &mut Fields<'_>, name: &str, all: &[T], written: fn(T) -> &'static str) -> Read<Vec<T>> {
    let Some(read) = texts(f, name, all.len(), 255, |_| Ok(()))? else { return Ok(None) };
    let Some(texts) = read else { return Ok(Some(None)) };
    let path = f.path(name);
    let read = texts.iter().enumerate().map(|(i, text)| one_of(&format!("{path}.{i}"), text, all, written));
    read.collect::<Result<_>>().map(|words| Some(Some(words)))
}

fn one_of<T: Copy>(path: &str, text: &str, all: &[T], written: fn(T) -> &'static str) -> Result<T> {
    let found = all.iter().copied().find(|word| written(*word) == text);
    let words = || all.iter().map(|word| format!("'{}'", written(*word))).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| Error::invalid_field(path, format!("is not one of {}", words())))
}

/// A list of at most `most` different texts, each of 1 to `longest` characters, that stand a check.
pub fn texts(
    f: &mut Fields<'_>,
    name: &str,
    most: usize,
    longest: usize,
    check: impl Fn(&str) -> Checked,
) -> Read<Vec<String>> {
    let path = f.path(name);
    let items = match f.raw(name) {
        None => return Ok(None),
        Some(Value::Null) => return Ok(Some(None)),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong_type(&path, other, "array")),
    };
    if items.len() > most {
        return Err(Error::invalid_field(path, format!("the list has more than {most} items")));
    }
    let mut seen = BTreeSet::new();
    let mut list = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let path = format!("{path}.{i}");
        let text = item.as_str().ok_or_else(|| wrong_type(&path, item, "string"))?;
        if text.is_empty() || text.chars().count() > longest {
            return Err(Error::invalid_field(path, format!("must have 1 to {longest} characters")));
        }
        if !seen.insert(text) {
            return Err(Error::invalid_field(path, "stands in the list already"));
        }
        check(text).map_err(|wrong| Error::invalid_field(&path, wrong))?;
        list.push(text.to_owned());
    }
    Ok(Some(Some(list)))
}

/// A name: 1 to 255 characters, not blank, no control characters.
pub fn name(f: &mut Fields<'_>, member: &str) -> Result<Option<String>> {
    match text(f, member, 255)? {
        Some(None) => Err(Error::invalid_field(f.path(member), "must not be null")),
        read => Ok(read.flatten()),
    }
}

/// What is said of a member that must be there.
pub const MISSING: &str = "Field required";
/// What is said of a member that there is none of.
pub const UNKNOWN: &str = "Extra inputs are not permitted";

/// 400 for a member that must be there.
pub fn missing(f: &Fields<'_>, member: &str) -> Error {
    Error::invalid_field(f.path(member), MISSING)
}

/// Refuses what has not been read.
pub fn finish(f: &Fields<'_>) -> Result<()> {
    match f.rest() {
        None => Ok(()),
        Some(name) => Err(Error::invalid_field(f.path(&format!("{name:.100}")), UNKNOWN)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn absent_says_nothing_null_is_the_default_and_a_value_is_checked() {
        let body = json!({"a": null, "b": true, "n": 7, "t": "x", "l": ["x", "y"]});
        let mut f = Fields::at(&body, "s").unwrap();
        let (mut a, mut gone, mut b) = (true, true, false);
        put(&mut a, boolean(&mut f, "a").unwrap(), false);
        put(&mut gone, boolean(&mut f, "gone").unwrap(), false);
        put(&mut b, boolean(&mut f, "b").unwrap(), false);
        assert_eq!((a, gone, b), (false, true, true));
        assert_eq!(number(&mut f, "n", 1..=7), Ok(Some(Some(7))));
        assert_eq!(text(&mut f, "t", 1), Ok(Some(Some("x".to_owned()))));
        assert_eq!(texts(&mut f, "l", 2, 1, |_| Ok(())), Ok(Some(Some(vec!["x".to_owned(), "y".to_owned()]))));
        finish(&f).unwrap();
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let body =
            json!({"b": 1, "n": 8, "t": " ", "c": "a\nb", "w": "z", "l": ["x", "x"], "m": [1], "o": ["", "y"], "k": 5});
        let mut f = Fields::at(&body, "s").unwrap();
        let wrong = [
            (boolean(&mut f, "b").map(drop), "s.b:"),
            (number(&mut f, "n", 1..=7).map(drop), "s.n:"),
            (number(&mut f, "t", 1..=7).map(drop), "s.t:"),
            (text(&mut f, "t", 9).map(drop), "s.t:"),
            (text(&mut f, "c", 9).map(drop), "s.c:"),
            (word(&mut f, "w", &["a"], |w| w).map(drop), "s.w:"),
            (words(&mut f, "l", &["x", "y"], |w| w).map(drop), "s.l.1:"),
            (texts(&mut f, "m", 9, 9, |_| Ok(())).map(drop), "s.m.0:"),
            (texts(&mut f, "o", 9, 9, |_| Ok(())).map(drop), "s.o.0:"),
            (texts(&mut f, "o", 1, 9, |_| Ok(())).map(drop), "s.o:"),
            (texts(&mut f, "k", 1, 9, |_| Ok(())).map(drop), "s.k:"),
        ];
        for (read, place) in wrong {
            let error = read.unwrap_err().to_string();
            assert!(error.starts_with(place), "{place} {error}");
        }
    }
}
