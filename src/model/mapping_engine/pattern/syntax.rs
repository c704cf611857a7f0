//! Reading a pattern as Python's `re` reads a `str` pattern (Python 3.11's grammar).
//!
//! What comes out names sets of characters only: flags, escapes and classes are resolved here, so that whatever runs a
//! pattern need not know them.

use std::collections::{BTreeMap, HashMap};

use super::set::Set;

mod class;
mod group;
mod node;
mod width;

pub use node::{Fold, Node, Place, Prefer, SetId};

use width::Width;

/// Most characters of a pattern.
const MAX_LENGTH: usize = 2_000;
/// Most groups inside each other.
const MAX_DEPTH: usize = 60;
/// Most capturing groups.
const MAX_GROUPS: usize = 100;
/// Python's bound of a repetition; no value is that long.
const MAX_REPEAT: u32 = u32::MAX;

/// A pattern, read.
#[derive(Debug)]
pub struct Parsed {
    /// What it says.
    pub root: Node,
    /// The sets that nodes refer to.
    pub sets: Vec<Set>,
    /// Capturing groups, the whole match included.
    pub groups: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multiline: bool,
    dot_all: bool,
    verbose: bool,
    ascii: bool,
}

/// Reads `pattern`; the error says what is wrong and where.
pub fn parse(pattern: &str) -> Result<Parsed, String> {
    let text: Vec<char> = pattern.chars().collect();
    if text.len() > MAX_LENGTH {
        return Err(format!("the pattern is longer than {MAX_LENGTH} characters"));
    }
    let mut parser = Parser::new(&text);
    let flags = parser.global_flags(Flags::default())?;
    let root = parser.alternatives(flags, 0)?;
    if parser.at < text.len() {
        return Err(parser.wrong("unbalanced parenthesis"));
    }
    if let Some(at) = parser.conditions.iter().find(|(group, _)| *group >= parser.widths.len()).map(|(_, at)| *at) {
        return Err(format!("a condition names a group that does not exist, at position {at}"));
    }
    Ok(Parsed { root, sets: parser.sets, groups: parser.widths.len() })
}

struct Parser<'a> {
    text: &'a [char],
    at: usize,
    sets: Vec<Set>,
    known: HashMap<Set, SetId>,
    /// Of each group, once it is closed.
    widths: Vec<Option<Width>>,
    names: BTreeMap<String, usize>,
    /// Groups named in conditions, which may come later.
    conditions: Vec<(usize, usize)>,
    /// In a look-behind: how many groups there were before it.
    behind: Option<usize>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [char]) -> Self {
        Self {
            text,
            at: 0,
            sets: Vec::new(),
            known: HashMap::new(),
            widths: vec![None],
            names: BTreeMap::new(),
            conditions: Vec::new(),
            behind: None,
        }
    }

    fn wrong(&self, what: &str) -> String {
        format!("{what} at position {}", self.at)
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        self.at += usize::from(there);
        there
    }

    fn eat_all(&mut self, word: &str) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let there = word.chars().count() <= rest.len() && word.chars().zip(rest).all(|(a, b)| a == *b);
        self.at += if there { word.chars().count() } else { 0 };
        there
    }

    fn intern(&mut self, set: Set) -> SetId {
        if let Some(id) = self.known.get(&set) {
            return *id;
        }
        self.sets.push(set.clone());
        self.known.insert(set, self.sets.len() - 1);
        self.sets.len() - 1
    }

    fn set(&mut self, set: Set, flags: Flags) -> Node {
        let set = if flags.ignore_case { set.folded(flags.ascii) } else { set };
        Node::Set(self.intern(set))
    }

    fn literal(&mut self, c: char, flags: Flags) -> Node {
        self.set(Set::single(c), flags)
    }

    /// `(?im)` at the very start.
    fn global_flags(&mut self, mut flags: Flags) -> Result<Flags, String> {
        loop {
            let start = self.at;
            if flags.verbose {
                self.skip_blank();
            }
            if !(self.peek() == Some('(')
                && self.text.get(self.at + 1) == Some(&'?')
                && self.text.get(self.at + 2).is_some_and(|c| "aiLmsux".contains(*c)))
            {
                self.at = start;
                return Ok(flags);
            }
            self.at += 2;
            let (on, off) = self.flag_letters(flags)?;
            if !self.eat(')') || off {
                self.at = start;
                return Ok(flags);
            }
            flags = on;
        }
    }

    /// Letters of flags up to `)` or `:`, which stays; also says whether some are switched off.
    fn flag_letters(&mut self, mut flags: Flags) -> Result<(Flags, bool), String> {
        let mut off = false;
        let mut kinds = 0;
        while let Some(c) = self.peek().filter(|c| !matches!(c, ')' | ':')) {
            match c {
                '-' if !off => off = true,
                'i' => flags.ignore_case = !off,
                'm' => flags.multiline = !off,
                's' => flags.dot_all = !off,
                'x' => flags.verbose = !off,
                'a' | 'u' if !off => {
                    flags.ascii = c == 'a';
                    kinds += 1;
                }
                'L' => return Err(self.wrong("the flag L is for bytes only")),
                'a' | 'u' => return Err(self.wrong("the flags a and u cannot be switched off")),
                _ => return Err(self.wrong("unknown flag")),
            }
            self.at += 1;
        }
        if kinds > 1 {
            return Err(self.wrong("the flags a and u exclude each other"));
        }
        Ok((flags, off))
    }

    fn skip_blank(&mut self) {
        while let Some(c) = self.peek() {
            if c == '#' {
                while self.next().is_some_and(|c| c != '\n') {}
            } else if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}') {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn alternatives(&mut self, flags: Flags, depth: usize) -> Result<Node, String> {
        if depth > MAX_DEPTH {
            return Err(self.wrong("groups are nested too deeply"));
        }
        let mut branches = vec![self.sequence(flags, depth)?];
        while self.eat('|') {
            branches.push(self.sequence(flags, depth)?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Either(branches) })
    }

    fn sequence(&mut self, flags: Flags, depth: usize) -> Result<Node, String> {
        let mut items: Vec<Node> = Vec::new();
        loop {
            if flags.verbose {
                self.skip_blank();
            }
            let Some(c) = self.peek().filter(|c| !matches!(c, '|' | ')')) else { break };
            let start = self.at;
            self.at += 1;
            let node = match c {
                '\\' => self.escape(flags)?,
                '[' => self.class(flags)?,
                '(' => match self.group(flags, depth)? {
                    Some(node) => node,
                    None => continue,
                },
                '.' => {
                    let newline = Set::single('\n');
                    let set = if flags.dot_all { Set::of(Vec::new()).negated() } else { newline.negated() };
                    Node::Set(self.intern(set))
                }
                '^' => Node::Place(if flags.multiline { Place::LineStart } else { Place::Start }),
                '$' => Node::Place(if flags.multiline { Place::LineEnd } else { Place::EndOrLastLineFeed }),
                '*' | '+' | '?' | '{' => {
                    self.at = start;
                    match self.quantifier()? {
                        Some(bounds) => {
                            let repeated = self.repeated(items.pop(), bounds, start)?;
                            items.push(repeated);
                            continue;
                        }
                        None => {
                            self.at = start + 1;
                            self.literal('{', flags)
                        }
                    }
                }
                c => self.literal(c, flags),
            };
            items.push(node);
        }
        Ok(match items.len() {
            0 => Node::Empty,
            1 => items.remove(0),
            _ => Node::Concat(items),
        })
    }

    /// A quantifier at `start`, which has been read, and what it repeats.
    fn repeated(&mut self, node: Option<Node>, (min, max): (u32, Option<u32>), start: usize) -> Result<Node, String> {
        let wrong = |what: &str| Err(format!("{what} at position {start}"));
        let node = match node {
            None | Some(Node::Place(_)) => return wrong("nothing to repeat"),
            Some(Node::Repeat { .. }) => return wrong("multiple repeat"),
            Some(node) => Box::new(node),
        };
        let prefer = if self.eat('?') {
            Prefer::Fewer
        } else if self.eat('+') {
            Prefer::Possessive
        } else {
            Prefer::More
        };
        Ok(Node::Repeat { node, min, max, prefer })
    }

    /// A quantifier's bounds; None, and nothing is read, if there is none.
    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        let start = self.at;
        let bounds = match self.next() {
            Some('*') => Some((0, None)),
            Some('+') => Some((1, None)),
            Some('?') => Some((0, Some(1))),
            Some('{') => self.bounds()?,
            _ => None,
        };
        if bounds.is_none() {
            self.at = start;
        }
        Ok(bounds)
    }

    /// What stands behind `{`, if it makes a quantifier; else nothing is read.
    fn bounds(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        let start = self.at;
        if self.peek() == Some('}') {
            return Ok(None);
        }
        let low = self.digits();
        let high = if self.eat(',') { self.digits() } else { low.clone() };
        if !self.eat('}') {
            self.at = start;
            return Ok(None);
        }
        let number = |text: &str| match text.parse::<u32>() {
            Ok(n) if n < MAX_REPEAT => Ok(n),
            _ => Err(self.wrong("the repetition number is too large")),
        };
        let min = if low.is_empty() { 0 } else { number(&low)? };
        let max = if high.is_empty() { None } else { Some(number(&high)?) };
        if max.is_some_and(|max| max < min) {
            return Err(self.wrong("min repeat greater than max repeat"));
        }
        Ok(Some((min, max)))
    }

    fn digits(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek().filter(char::is_ascii_digit) {
            text.push(c);
            self.at += 1;
        }
        text
    }
}
