//! Escapes and classes of characters.

use super::super::super::unicode;
use super::super::set::Set;
use super::{Flags, Node, Parser, Place};

/// What an escape stands for, inside a class or outside.
enum Escape {
    Char(char),
    Set(Set),
}

impl Parser<'_> {
    /// What stands behind a backslash, outside a class.
    pub(super) fn escape(&mut self, flags: Flags) -> Result<Node, String> {
        let Some(c) = self.peek() else { return Err(self.wrong("bad escape (end of pattern)")) };
        let ascii = flags.ascii;
        let place = match c {
            'A' => Some(Place::Start),
            'Z' => Some(Place::End),
            'b' => Some(Place::WordEdge { ascii }),
            'B' => Some(Place::NoWordEdge { ascii }),
            _ => None,
        };
        if let Some(place) = place {
            self.at += 1;
            return Ok(Node::Place(place));
        }
        if matches!(c, '1'..='9') {
            return self.number(flags);
        }
        match self.common_escape(flags, false)? {
            Escape::Char(c) => Ok(self.literal(c, flags)),
            // The classes hold every case of their letters already.
            Escape::Set(set) => Ok(Node::Set(self.intern(set))),
        }
    }

    /// `\1` to `\99` is a group, three octal digits are a character.
    fn number(&mut self, flags: Flags) -> Result<Node, String> {
        let digit = |c: Option<&char>| c.and_then(|c| c.to_digit(10));
        let [a, b, c] = [0, 1, 2].map(|i| digit(self.text.get(self.at + i)));
        if let (Some(a @ 0..=7), Some(b @ 0..=7), Some(c @ 0..=7)) = (a, b, c) {
            self.at += 3;
            let code = a * 64 + b * 8 + c;
            let c = char::from_u32(code).filter(|_| code <= 0o377);
            let c = c.ok_or_else(|| self.wrong("octal escape value outside of range 0-0o377"))?;
            return Ok(self.literal(c, flags));
        }
        let (group, length) = match (a, b) {
            (Some(a), Some(b)) => (a * 10 + b, 2),
            (a, _) => (a.unwrap_or(0), 1),
        };
        self.at += length;
        self.backref(group as usize, flags)
    }

    fn common_escape(&mut self, flags: Flags, in_class: bool) -> Result<Escape, String> {
        let Some(c) = self.next() else { return Err(self.wrong("bad escape (end of pattern)")) };
        let category = |set: &Set, negative: bool| {
            let set = if flags.ascii { set.ascii_only() } else { set.clone() };
            Escape::Set(if negative { set.negated() } else { set })
        };
        Ok(match c {
            'd' | 'D' => category(unicode::digit(), c == 'D'),
            's' | 'S' => category(&unicode::space(), c == 'S'),
            'w' | 'W' => category(unicode::word(), c == 'W'),
            'a' => Escape::Char('\u{7}'),
            'b' if in_class => Escape::Char('\u{8}'),
            'f' => Escape::Char('\u{c}'),
            'n' => Escape::Char('\n'),
            'r' => Escape::Char('\r'),
            't' => Escape::Char('\t'),
            'v' => Escape::Char('\u{b}'),
            'x' => Escape::Char(self.hex(2)?),
            'u' => Escape::Char(self.hex(4)?),
            'U' => Escape::Char(self.hex(8)?),
            'N' => return Err(self.wrong("characters by name (\\N{…}) are not understood here")),
            '0'..='7' if in_class || c == '0' => Escape::Char(self.octal(c)?),
            '0'..='9' => return Err(self.wrong("bad escape")),
            c if c.is_ascii_alphabetic() => return Err(self.wrong(&format!("bad escape \\{c}"))),
            c => Escape::Char(c),
        })
    }

    fn hex(&mut self, length: usize) -> Result<char, String> {
        let digits: Option<Vec<u32>> =
            (0..length).map(|i| self.text.get(self.at + i).and_then(|c| c.to_digit(16))).collect();
        let code = digits.map(|digits| digits.into_iter().fold(0_u32, |code, d| code.wrapping_mul(16) | d));
        let c = code.and_then(char::from_u32).ok_or_else(|| self.wrong("incomplete or impossible escape"))?;
        self.at += length;
        Ok(c)
    }

    /// Up to three octal digits, the first of which has been read.
    fn octal(&mut self, first: char) -> Result<char, String> {
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.at += 1;
        }
        char::from_u32(code)
            .filter(|_| code <= 0o377)
            .ok_or_else(|| self.wrong("octal escape value outside of range 0-0o377"))
    }

    /// What stands behind `[`.
    pub(super) fn class(&mut self, flags: Flags) -> Result<Node, String> {
        let unterminated = "unterminated character set";
        let negative = self.eat('^');
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut first = true;
        loop {
            let Some(c) = self.next() else { return Err(self.wrong(unterminated)) };
            if c == ']' && !first {
                break;
            }
            first = false;
            let from = self.class_item(c, flags)?;
            if self.peek() != Some('-') {
                Self::add(&mut ranges, &from);
                continue;
            }
            self.at += 1;
            let Some(c) = self.next() else { return Err(self.wrong(unterminated)) };
            if c == ']' {
                Self::add(&mut ranges, &from);
                ranges.push((u32::from('-'), u32::from('-')));
                break;
            }
            let to = self.class_item(c, flags)?;
            match (from, to) {
                (Escape::Char(from), Escape::Char(to)) if from <= to => ranges.push((from.into(), to.into())),
                _ => return Err(self.wrong("bad character range")),
            }
        }
        let set = Set::of(ranges);
        // Case is folded before the set is turned round.
        let set = if flags.ignore_case { set.folded(flags.ascii) } else { set };
        Ok(Node::Set(self.intern(if negative { set.negated() } else { set })))
    }

    fn class_item(&mut self, c: char, flags: Flags) -> Result<Escape, String> {
        if c == '\\' { self.common_escape(flags, true) } else { Ok(Escape::Char(c)) }
    }

    fn add(ranges: &mut Vec<(u32, u32)>, item: &Escape) {
        match item {
            Escape::Char(c) => ranges.push((u32::from(*c), u32::from(*c))),
            Escape::Set(set) => ranges.extend_from_slice(set.ranges()),
        }
    }
}
