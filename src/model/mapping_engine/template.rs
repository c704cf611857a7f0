//! Texts with places for values: `{n}`, `{}` for the next in order, `{{` and `}}` for the braces themselves.
//!
//! Keystone hands these texts to Python's `str.format`; the rest of its language (attributes, conversions, widths) reaches
//! into objects of the interpreter and is refused. What is put in is never read again as a template.

use super::literal;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Slot(usize),
}

/// A template, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Reads a template for a rule that has `slots` values to give.
    pub fn parse(text: &str, slots: usize) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut next = 0;
        let mut numbered = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if !matches!(c, '{' | '}') || chars.next_if_eq(&c).is_some() {
                plain.push(c);
            } else if c == '}' {
                return Err("a single '}' stands there; write '}}' for the brace itself".to_owned());
            } else {
                let mut field = String::new();
                loop {
                    match chars.next() {
                        Some('}') => break,
                        Some(c) => field.push(c),
                        None => return Err("'{' has no '}'; write '{{' for the brace itself".to_owned()),
                    }
                }
                if numbered.is_some_and(|numbered| numbered == field.is_empty()) {
                    return Err("'{}' and '{n}' exclude each other in one text".to_owned());
                }
                numbered = Some(!field.is_empty());
                let slot = if field.is_empty() { next } else { slot(&field)? };
                next += 1;
                if slot >= slots {
                    return Err(out_of_range(slot, slots));
                }
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Slot(slot));
            }
        }
        if !plain.is_empty() || parts.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// The text, if no value goes into it.
    pub fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The slot, if it is nothing but one slot's values.
    pub fn lone_slot(&self) -> Option<usize> {
        match self.parts.as_slice() {
            [Part::Slot(slot)] => Some(*slot),
            _ => None,
        }
    }

    /// The slots that it uses.
    pub fn slots(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot(slot) => Some(*slot),
            Part::Text(_) => None,
        })
    }

    /// The text with the values put in: one value as it is, several or none as Python prints a list. None if it would be
    /// longer than `limit`.
    pub fn fill(&self, slots: &[Vec<&str>], limit: usize) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Slot(slot) => match slots.get(*slot).map(Vec::as_slice) {
                    Some([value]) => out.push_str(value),
                    values => literal::write_list(&mut out, values.unwrap_or_default()),
                },
            }
            if out.len() > limit {
                return None;
            }
        }
        Some(out)
    }
}

/// Reads the number of a slot. Anything else that Python understands there is refused.
fn slot(field: &str) -> Result<usize, String> {
    if field.bytes().all(|b| b.is_ascii_digit()) {
        field.parse().map_err(|_| format!("{{{field}}} is too large a number"))
    } else {
        Err(format!("{{{field:.60}}} is not understood: only {{n}}, {{}}, {{{{ and }}}} are"))
    }
}

/// Why there is no such slot.
pub fn out_of_range(slot: usize, slots: usize) -> String {
    let there = match slots {
        0 => "the remote part of the rule gives no value".to_owned(),
        1 => "the remote part of the rule gives one value, {0}".to_owned(),
        n => format!("the remote part of the rule gives {n} values, {{0}} to {{{}}}", n - 1),
    };
    format!("{{{slot}}} has no value: {there} (an entry without condition, a whitelist and a blacklist give one each)")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn fill(text: &str, slots: &[Vec<&str>]) -> String {
        Template::parse(text, slots.len()).unwrap().fill(slots, 1_000).unwrap()
    }

    /// Each expectation is what Python's `str.format` gives.
    #[test]
    fn values_are_put_in_as_python_does() {
        let slots = [vec!["bob"], vec!["a", "b"], vec![]];
        for (text, expected) in [
            ("{0}", "bob"),
            ("{}", "bob"),
            ("{}/{}/{}", "bob/['a', 'b']/[]"),
            ("{00}", "bob"),
            ("{1}", "['a', 'b']"),
            ("{2}", "[]"),
            ("{{0}}", "{0}"),
            ("{{{0}}}", "{bob}"),
            ("}}{{", "}{"),
            ("", ""),
            ("plain ü", "plain ü"),
            ("x{0}{0}y", "xbobboby"),
        ] {
            assert_eq!(fill(text, &slots), expected, "{text}");
        }
    }

    #[test]
    fn nothing_else_is_understood() {
        for text in [
            "{",
            "}",
            "{0",
            "0}",
            "{bad}",
            "{0.__class__}",
            "{0!r}",
            "{0:>9}",
            "{0[0]}",
            "{ 0 }",
            "{-1}",
            "{:}",
            "{0}{}",
            "{}{0}",
            "{{0}",
            "{0}}",
            "{١}",
            "{3}",
            "{99999999999999999999999}",
            "{{}",
            "{0{1}}",
        ] {
            assert!(Template::parse(text, 3).is_err(), "{text}");
        }
        assert!(Template::parse("{}{}{}", 2).unwrap_err().contains("{2} has no value"));
    }

    #[test]
    fn ks_map_6_a_value_is_never_read_as_a_template() {
        let slots = [vec!["{1}{{"], vec!["it's \"so\"", "{0}", "naïve\n"]];
        assert_eq!(fill("{0}", &slots), "{1}{{");
        assert_eq!(fill("{1}", &slots), r#"['it\'s "so"', '{0}', 'naïve\n']"#);
    }

    #[test]
    fn the_result_is_bounded() {
        let template = Template::parse("{0}{0}", 1).unwrap();
        assert_eq!(template.fill(&[vec!["abc"]], 6).unwrap(), "abcabc");
        assert!(template.fill(&[vec!["abc"]], 5).is_none());
    }
}
