//! Patterns that a finite automaton can run: in one pass, in time that grows with the text alone.
//!
//! The automaton does not read characters but what they are to this pattern: characters that all its sets treat alike share
//! one byte. That gives it Python's idea of words, cases and lines, and keeps it as small as the pattern. States are made
//! as they are needed; a pattern that needs too many is given up and goes to the backtracking matcher, which counts.

use std::collections::HashMap;

use regex_automata::Input;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::pool::Pool;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, Look, Repetition};

use super::super::unicode;
use super::set::Set;
use super::syntax::{Node, Parsed, Place, Prefer, SetId};

/// Most bytes of the automaton that a pattern is compiled to.
const MAX_AUTOMATON: usize = 512 * 1024;
/// Bytes for the states that one search makes.
const STATES: usize = 256 * 1024;
/// How often these may be thrown away in a search before it is given up.
const MAX_REFILLS: usize = 2;

/// A compiled pattern.
#[derive(Debug)]
pub struct Linear {
    dfa: DFA,
    scratch: Pool<Scratch, Box<dyn Fn() -> Scratch + Send + Sync>>,
    alphabet: Alphabet,
}

#[derive(Debug)]
struct Scratch {
    cache: Cache,
    bytes: Vec<u8>,
}

/// What a search found, and the bytes of states that it made.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// None if it was given up.
    pub matched: Option<bool>,
    /// What it cost beside the pass.
    pub made: usize,
}

impl Linear {
    /// None if the pattern has no automaton, or too large a one.
    pub fn compile(parsed: &Parsed) -> Option<Self> {
        let mut needs = Needs::default();
        if !needs.read(&parsed.root) || (needs.lines && needs.last_line) || (needs.word && needs.ascii_word) {
            return None;
        }
        let alphabet = Alphabet::of(&parsed.sets, &needs)?;
        let hir = alphabet.hir(&parsed.root)?;
        let config =
            thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_AUTOMATON)).which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(&hir).ok()?;
        let config = DFA::config()
            .cache_capacity(STATES)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(MAX_REFILLS))
            .unicode_word_boundary(false);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        let copy = dfa.clone();
        let make: Box<dyn Fn() -> Scratch + Send + Sync> =
            Box::new(move || Scratch { cache: copy.create_cache(), bytes: Vec::new() });
        Some(Self { dfa, scratch: Pool::new(make), alphabet })
    }

    /// Whether it matches somewhere in `text`.
    pub fn search(&self, text: &str) -> Found {
        let mut scratch = self.scratch.get();
        let Scratch { cache, bytes } = &mut *scratch;
        if cache.clear_count() > 0 {
            cache.reset(&self.dfa);
        }
        bytes.clear();
        self.alphabet.translate(text, bytes);
        let before = cache.memory_usage();
        let found = self.dfa.try_search_fwd(cache, &Input::new(bytes.as_slice()).earliest(true));
        let made = cache.memory_usage().saturating_sub(before) + cache.clear_count() * STATES;
        if bytes.capacity() > 64 * 1024 {
            *bytes = Vec::new();
        }
        Found { matched: found.ok().map(|place| place.is_some()), made }
    }
}

/// What a pattern looks at beside sets.
#[derive(Debug, Default)]
struct Needs {
    word: bool,
    ascii_word: bool,
    lines: bool,
    last_line: bool,
}

impl Needs {
    /// False if no automaton can run it.
    fn read(&mut self, node: &Node) -> bool {
        match node {
            Node::Empty | Node::Set(_) => true,
            Node::Concat(nodes) | Node::Either(nodes) => nodes.iter().all(|n| self.read(n)),
            Node::Repeat { node, prefer, .. } => *prefer != Prefer::Possessive && self.read(node),
            Node::Group(_, node) => self.read(node),
            Node::Place(place) => {
                match place {
                    Place::Start | Place::End => {}
                    Place::EndOrLastLineFeed => self.last_line = true,
                    Place::LineStart | Place::LineEnd => self.lines = true,
                    Place::WordEdge { ascii } => self.word_edge(*ascii),
                    // Python has none in an empty text, an automaton has.
                    Place::NoWordEdge { .. } => return false,
                }
                true
            }
            Node::Atomic(_) | Node::Look { .. } | Node::Backref(..) | Node::Conditional { .. } => false,
        }
    }

    fn word_edge(&mut self, ascii: bool) {
        if ascii {
            self.ascii_word = true;
        } else {
            self.word = true;
        }
    }
}

/// What each character is to the pattern, as a byte. Characters of words have bytes of words, and only a line feed that
/// counts has that of a line feed.
#[derive(Debug)]
struct Alphabet {
    ascii: [u8; 128],
    /// From which character on which byte, in order.
    beyond: Vec<(u32, u8)>,
    /// The bytes of each set.
    sets: Vec<Vec<u8>>,
    /// What line feeds are before the last character, if not themselves.
    inner_line_feed: Option<u8>,
}

impl Alphabet {
    /// None if the pattern tells more kinds of characters apart than there are bytes.
    fn of(sets: &[Set], needs: &Needs) -> Option<Self> {
        let ascii_word;
        let words = if needs.ascii_word {
            ascii_word = unicode::word().ascii_only();
            Some(&ascii_word)
        } else {
            needs.word.then(unicode::word)
        };
        let line_feed = Set::single('\n');
        let all: Vec<&Set> = sets.iter().chain(words).chain([&line_feed]).collect();

        let mut starts: Vec<u32> = vec![0];
        starts.extend(all.iter().flat_map(|set| set.ranges()).flat_map(|(from, to)| [*from, to + 1]));
        starts.sort_unstable();
        starts.dedup();
        starts.retain(|start| *start < 0x11_0000);

        // Which sets have the characters from each start on, as bits.
        let mut members = vec![vec![0_u64; all.len().div_ceil(64)]; starts.len()];
        for (i, set) in all.iter().enumerate() {
            for (from, to) in set.ranges() {
                let first = starts.partition_point(|start| start < from);
                for (_, bits) in starts.iter().zip(&mut members).skip(first).take_while(|(start, _)| *start <= to) {
                    if let Some(word) = bits.get_mut(i / 64) {
                        *word |= 1 << (i % 64);
                    }
                }
            }
        }
        let has = |bits: &[u64], i: usize| bits.get(i / 64).is_some_and(|word| word & (1 << (i % 64)) != 0);

        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let mut word_bytes = (0..=255_u8).filter(is_word);
        let mut other_bytes = (0..=255_u8).filter(|b| !is_word(b) && *b != b'\n');
        let mut kinds: HashMap<&[u64], u8> = HashMap::new();
        let mut beyond: Vec<(u32, u8)> = Vec::new();
        for (start, bits) in starts.iter().zip(&members) {
            let byte = match kinds.get(bits.as_slice()) {
                Some(byte) => *byte,
                None => {
                    let word = words.is_some() && has(bits, sets.len());
                    let byte = if has(bits, all.len() - 1) {
                        b'\n'
                    } else if word {
                        word_bytes.next()?
                    } else {
                        other_bytes.next()?
                    };
                    kinds.insert(bits, byte);
                    byte
                }
            };
            if beyond.last().is_none_or(|(_, last)| *last != byte) {
                beyond.push((*start, byte));
            }
        }
        let inner_line_feed = if needs.last_line { Some(other_bytes.next()?) } else { None };

        let mut of_sets = vec![Vec::new(); sets.len()];
        for (bits, byte) in &kinds {
            for (_, bytes) in of_sets.iter_mut().enumerate().filter(|(i, _)| has(bits, *i)) {
                bytes.push(*byte);
                bytes.extend(inner_line_feed.filter(|_| *byte == b'\n'));
            }
        }
        let mut alphabet = Self { ascii: [0; 128], beyond, sets: of_sets, inner_line_feed };
        for code in 0..128_u8 {
            let byte = alphabet.look_up(u32::from(code));
            if let Some(place) = alphabet.ascii.get_mut(usize::from(code)) {
                *place = byte;
            }
        }
        Some(alphabet)
    }

    fn look_up(&self, code: u32) -> u8 {
        let behind = self.beyond.partition_point(|(start, _)| *start <= code);
        behind.checked_sub(1).and_then(|at| self.beyond.get(at)).map_or(0, |(_, byte)| *byte)
    }

    fn translate(&self, text: &str, into: &mut Vec<u8>) {
        into.reserve(text.len());
        into.extend(text.chars().map(|c| {
            let code = u32::from(c);
            self.ascii.get(code as usize).copied().unwrap_or_else(|| self.look_up(code))
        }));
        if let Some(inner) = self.inner_line_feed
            && text.contains('\n')
            && let Some((_, body)) = into.split_last_mut()
        {
            for byte in body.iter_mut().filter(|byte| **byte == b'\n') {
                *byte = inner;
            }
        }
    }

    fn hir(&self, node: &Node) -> Option<Hir> {
        Some(match node {
            Node::Empty => Hir::empty(),
            Node::Set(set) => self.class(*set),
            Node::Concat(nodes) => Hir::concat(nodes.iter().map(|n| self.hir(n)).collect::<Option<_>>()?),
            Node::Either(nodes) => Hir::alternation(nodes.iter().map(|n| self.hir(n)).collect::<Option<_>>()?),
            Node::Repeat { node, min, max, prefer } => Hir::repetition(Repetition {
                min: *min,
                max: *max,
                greedy: *prefer == Prefer::More,
                sub: Box::new(self.hir(node)?),
            }),
            Node::Group(_, node) => self.hir(node)?,
            Node::Place(place) => Hir::look(match place {
                Place::Start => Look::Start,
                Place::End => Look::End,
                Place::LineStart => Look::StartLF,
                Place::EndOrLastLineFeed | Place::LineEnd => Look::EndLF,
                Place::WordEdge { .. } => Look::WordAscii,
                Place::NoWordEdge { .. } => return None,
            }),
            Node::Atomic(_) | Node::Look { .. } | Node::Backref(..) | Node::Conditional { .. } => return None,
        })
    }

    fn class(&self, set: SetId) -> Hir {
        let bytes = self.sets.get(set).map_or(&[][..], Vec::as_slice);
        Hir::class(Class::Bytes(ClassBytes::new(bytes.iter().map(|b| ClassBytesRange::new(*b, *b)))))
    }
}
