//! The text of values as Python's `str()` gives it, because the policy language compares texts.
//!
//! Policy files in the field rely on it: `is_admin:True`, `None:%(target.role.domain_id)s`, `is_admin:1`. Literals on the
//! left of a check (`'member':%(target.role.name)s`) are Python literals, too; the ones understood here are strings
//! without escapes, `True`, `False`, `None` and decimal numbers.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

/// `str(value)`: a string is itself, everything else is as Python prints it.
pub(super) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed("None"),
        Value::Bool(true) => Cow::Borrowed("True"),
        Value::Bool(false) => Cow::Borrowed("False"),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            let mut out = String::new();
            write_repr(&mut out, value);
            Cow::Owned(out)
        }
    }
}

/// Python's truth of a value: nothing, zero and the empty ones are false.
pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_quoted(out, text),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.push_str(&float_text(float)),
            _ => {
                let _ = write!(out, "{number}");
            }
        },
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_repr(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (i, (key, member)) in members.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_quoted(out, key);
                out.push_str(": ");
                write_repr(out, member);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) => out.push_str(&text(value)),
    }
}

/// `repr()` of a string: single quotes unless only those occur inside, control and invisible characters escaped.
fn write_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if invisible(c) => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// The characters that Python escapes: controls, separators other than the space, and format characters.
fn invisible(c: char) -> bool {
    c.is_control()
        || (c != ' ' && c.is_whitespace())
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `repr()` of a float: the shortest digits that read back the same, an exponent below 1e-4 and from 1e16 on.
pub(super) fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let shortest = format!("{float:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else { return shortest };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{float}");
        if plain.contains('.') { plain } else { format!("{plain}.0") }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

/// What stands left of the colon in a generic check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A Python literal; only its text matters.
    Literal(String),
    /// A dotted path into the caller's credentials.
    Path(Vec<String>),
    /// Neither. oslo.policy raises on most of these when they are evaluated.
    Unusable,
}

/// Words that Python does not take as a name.
const RESERVED: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

impl Kind {
    /// Reads what stands left of the colon.
    pub(super) fn read(kind: &str) -> Self {
        match kind.as_bytes().first() {
            None => Self::Unusable,
            Some(b'\'' | b'"') => quoted(kind).map_or(Self::Unusable, |text| Self::Literal(text.to_owned())),
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => number(kind).map_or(Self::Unusable, Self::Literal),
            Some(_) if matches!(kind, "True" | "False" | "None") => Self::Literal(kind.to_owned()),
            Some(_) => path(kind).map_or(Self::Unusable, Self::Path),
        }
    }
}

/// The inside of a one-line string literal without escapes.
fn quoted(kind: &str) -> Option<&str> {
    let quote = kind.chars().next()?;
    let inside = kind.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inside.contains([quote, '\\', '\n', '\r', '\0'])).then_some(inside)
}

/// The text of a decimal number, with an optional sign.
fn number(kind: &str) -> Option<String> {
    let (negative, digits) = match kind.as_bytes().first()? {
        b'-' => (true, &kind[1..]),
        b'+' => (false, &kind[1..]),
        _ => (false, kind),
    };
    let sign = if negative { "-" } else { "" };
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let significant = digits.trim_start_matches('0');
        return match significant {
            "" => Some("0".to_owned()),
            _ if significant.len() == digits.len() => Some(format!("{sign}{digits}")),
            _ => None,
        };
    }
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let starts = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let float: f64 = (plain && starts).then(|| digits.parse().ok())??;
    Some(float_text(if negative { -float } else { float }))
}

/// A dotted path of names. A dash is allowed inside a name, as extensions of Keystone use it.
fn path(kind: &str) -> Option<Vec<String>> {
    let usable = |name: &str| {
        !RESERVED.contains(&name)
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    kind.split('.').map(|segment| segment.split('-').all(usable).then(|| segment.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn values_have_pythons_text() {
        for (value, expected) in [
            (json!(null), "None"),
            (json!(true), "True"),
            (json!(false), "False"),
            (json!(1), "1"),
            (json!(-7), "-7"),
            (json!(18_446_744_073_709_551_615_u64), "18446744073709551615"),
            (json!(1.0), "1.0"),
            (json!(-0.0), "-0.0"),
            (json!(0.1), "0.1"),
            (json!(1e15), "1000000000000000.0"),
            (json!(1e16), "1e+16"),
            (json!(1.5e300), "1.5e+300"),
            (json!(0.0001), "0.0001"),
            (json!(0.00001), "1e-05"),
            (json!("plain"), "plain"),
            (json!([]), "[]"),
            (json!({}), "{}"),
            (json!(["a", 1, null, true, 1.5]), "['a', 1, None, True, 1.5]"),
            (json!({"id": "x", "name": null}), "{'id': 'x', 'name': None}"),
            (json!(["it's"]), "[\"it's\"]"),
            (json!(["it's \"so\""]), "['it\\'s \"so\"']"),
            (json!(["a\n\t\\\u{0}\u{7f}\u{a0}é\u{200b}"]), "['a\\n\\t\\\\\\x00\\x7f\\xa0é\\u200b']"),
        ] {
            assert_eq!(text(&value), expected, "{value}");
        }
    }

    #[test]
    fn literals_and_paths_are_told_apart() {
        let literal = |text: &str| Kind::Literal(text.to_owned());
        for (kind, expected) in [
            ("'Member'", literal("Member")),
            ("\"Member\"", literal("Member")),
            ("''", literal("")),
            ("True", literal("True")),
            ("None", literal("None")),
            ("1", literal("1")),
            ("-1", literal("-1")),
            ("+1", literal("1")),
            ("-0", literal("0")),
            ("00", literal("0")),
            ("1.0", literal("1.0")),
            ("1.", literal("1.0")),
            (".5", literal("0.5")),
            ("1e3", literal("1000.0")),
            ("-1e16", literal("-1e+16")),
        ] {
            assert_eq!(Kind::read(kind), expected, "{kind}");
        }
        assert_eq!(
            Kind::read("token.user.domain.id"),
            Kind::Path(["token", "user", "domain", "id"].map(str::to_owned).into())
        );
        assert_eq!(Kind::read("true"), Kind::Path(vec!["true".to_owned()]));
        assert_eq!(Kind::read("OS-FEDERATION.idp"), Kind::Path(vec!["OS-FEDERATION".to_owned(), "idp".to_owned()]));
        for kind in [
            "", "'a", "a'", "'a'b'", "'a\\'b'", "01", "1x", "0x10", "--1", "1.a", ".", "-", "+", "a.", ".a", "a..b",
            "@", "!", "class", "a.class", "a b", "(1)", "[1]", "é",
        ] {
            assert_eq!(Kind::read(kind), Kind::Unusable, "{kind}");
        }
    }

    #[test]
    fn truth_is_pythons() {
        for value in [json!(null), json!(false), json!(0), json!(0.0), json!(""), json!([]), json!({})] {
            assert!(!truth(&value), "{value}");
        }
        for value in [json!(true), json!(1), json!("0"), json!([null]), json!({"a": null})] {
            assert!(truth(&value), "{value}");
        }
    }
}
