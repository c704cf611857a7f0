//! Lists as Python prints and reads them.
//!
//! Keystone puts several values into a text as Python prints a list, and reads texts back with `ast.literal_eval`. Documents
//! rely on both (`"groups": "['a', 'b']"`).

use std::fmt::Write as _;

use super::unicode::is_printable;

/// Appends `repr()` of a list of texts.
pub fn write_list(out: &mut String, values: &[&str]) {
    out.push('[');
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_text(out, value);
    }
    out.push(']');
}

/// `repr()` of a text: single quotes unless only those occur in it, escapes for what is not printed.
fn write_text(out: &mut String, text: &str) {
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
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
}

/// Reads a list of texts and whole numbers, which become their digits. None for anything else, also for what Python would
/// take for a list of other things.
pub fn read_list(text: &str) -> Option<Vec<String>> {
    if !text.trim_start_matches([' ', '\t']).starts_with('[') || text.contains('\0') {
        return None;
    }
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']) };
    let items = reader.list()?;
    reader.blank();
    reader.rest.is_empty().then_some(items)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..)?;
        Some(c)
    }

    fn list(&mut self) -> Option<Vec<String>> {
        let mut items = Vec::new();
        self.eat('[').then_some(())?;
        self.blank();
        while !self.eat(']') {
            items.push(self.item()?);
            self.blank();
            if !self.eat(',') {
                self.eat(']').then_some(())?;
                break;
            }
            self.blank();
        }
        Some(items)
    }

    fn item(&mut self) -> Option<String> {
        match self.rest.chars().next()? {
            'u' | 'U' => {
                self.next();
                self.text(false)
            }
            'r' | 'R' => {
                self.next();
                self.text(true)
            }
            '\'' | '"' => self.text(false),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Option<String> {
        let negative = self.eat('-');
        let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = self.rest.split_at_checked(digits)?;
        // Zeros in front are an error in Python, but for zero itself; what is longer it does not read as a number.
        let zero = number.bytes().all(|b| b == b'0');
        if number.is_empty() || number.len() > 4_300 || (!zero && number.starts_with('0')) {
            return None;
        }
        self.rest = rest;
        Some(match (zero, negative) {
            (true, _) => "0".to_owned(),
            (false, true) => format!("-{number}"),
            (false, false) => number.to_owned(),
        })
    }

    fn text(&mut self, raw: bool) -> Option<String> {
        let quote = self.next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut text = String::new();
        loop {
            match self.next()? {
                c if c == quote => {
                    // `''` and a third quote begin a text of several lines; a text behind a text is joined to it.
                    let more = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
                    return (!more.starts_with(['\'', '"', 'u', 'U', 'r', 'R'])).then_some(text);
                }
                '\n' | '\r' => return None,
                '\\' if raw => {
                    text.push('\\');
                    text.push(self.next().filter(|c| !matches!(c, '\n' | '\r'))?);
                }
                '\\' => self.escape(&mut text)?,
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        let c = self.next()?;
        let plain = match c {
            '\n' => return Some(()),
            '\\' | '\'' | '"' => c,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => self.hex(2)?,
            'u' => self.hex(4)?,
            'U' => self.hex(8)?,
            'N' => return None,
            '0'..='7' => {
                let digits = self.rest.bytes().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let (more, rest) = self.rest.split_at_checked(digits)?;
                let code = more.bytes().fold(c.to_digit(8)?, |code, b| code * 8 + u32::from(b - b'0'));
                self.rest = rest;
                char::from_u32(code)?
            }
            // Python keeps the backslash of what is no escape.
            c => {
                text.push('\\');
                c
            }
        };
        text.push(plain);
        Some(())
    }

    fn hex(&mut self, length: usize) -> Option<char> {
        let (digits, rest) = self.rest.split_at_checked(length)?;
        let code = digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())??;
        self.rest = rest;
        char::from_u32(code)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn repr(values: &[&str]) -> String {
        let mut out = String::new();
        write_list(&mut out, values);
        out
    }

    /// Each expectation is what Python 3.11 prints.
    #[test]
    fn lists_are_printed_as_python_does() {
        for (values, expected) in [
            (vec![], "[]"),
            (vec!["a"], "['a']"),
            (vec!["a", "b c"], "['a', 'b c']"),
            (vec!["it's"], "[\"it's\"]"),
            (vec!["it's \"so\""], r#"['it\'s "so"']"#),
            (vec!["say \"hi\""], r#"['say "hi"']"#),
            (vec!["a\n\r\t\\\u{0}\u{7f}"], r"['a\n\r\t\\\x00\x7f']"),
            (vec!["é\u{a0}\u{ad}\u{200b}\u{2028}日😀\u{e0001}"], r"['é\xa0\xad\u200b\u2028日😀\U000e0001']"),
        ] {
            assert_eq!(repr(&values), expected);
        }
    }

    #[test]
    fn what_was_printed_is_read_again() {
        for value in
            ["", "it's \"so\"", "a\\n", "\u{0}\u{1f}\u{7f}\u{85}\u{ad}", "[']", "\u{e0001}", "'\"\\'\\\"", "\r\n"]
        {
            assert_eq!(read_list(&repr(&[value, value])).unwrap(), [value, value], "{value:?}");
        }
    }

    /// Each expectation is what Python's `ast.literal_eval` reads.
    #[test]
    fn lists_are_read_as_python_does() {
        let owned = |items: &[&str]| Some(items.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        for (text, expected) in [
            ("[]", owned(&[])),
            ("[ ]", owned(&[])),
            ("['a',]", owned(&["a"])),
            ("  ['a' , \"b\"]  ", owned(&["a", "b"])),
            ("[\n'a',\n'b'\n]", owned(&["a", "b"])),
            ("[u'a', r'b\\n', 'c\\n']", owned(&["a", "b\\n", "c\n"])),
            (r"['\x41\u00e9\U0001F600\101\0\q']", owned(&["Aé😀A\0\\q"])),
            ("[1, -2, 00, 1234567890123456789012]", owned(&["1", "-2", "0", "1234567890123456789012"])),
            ("[,]", None),
            ("['a' 'b']", None),
            ("['a'", None),
            ("['a']]", None),
            ("['a'] x", None),
            ("['a\nb']", None),
            ("['''a''']", None),
            ("[01]", None),
            ("[1.5]", None),
            ("[None]", None),
            ("[['a']]", None),
            ("[b'a']", None),
            ("('a',)", None),
            ("'a'", None),
            ("a", None),
            ("", None),
            ("[a]", None),
            ("['a\0']", None),
            ("['\\x4']", None),
            ("['\\ud800']", None),
        ] {
            assert_eq!(read_list(text), expected, "{text}");
        }
    }
}
