//! A pattern as a program for the backtracking matcher.
//!
//! Repetitions are counted at run time, not unrolled, so a program is about as long as its pattern.

use super::set::Set;
use super::syntax::{Fold, Node, Parsed, Place, Prefer, SetId};

/// Index of an instruction.
pub type Pc = usize;

/// One instruction.
#[derive(Debug)]
pub enum Inst {
    /// One character.
    Char(char),
    /// One character of a set.
    Set(SetId),
    /// Characters of a set, again and again.
    Run {
        /// The set.
        set: SetId,
        /// At least.
        min: u32,
        /// At most.
        max: Option<u32>,
        /// More or fewer first.
        prefer: Prefer,
    },
    /// Try the first way, then the second.
    Split(Pc, Pc),
    /// Go on elsewhere.
    Jump(Pc),
    /// Note the position.
    Save(usize),
    /// A place.
    Place(Place),
    /// What a group has matched.
    Backref(usize, Fold),
    /// Begin a counted repetition whose count and last position are in these two registers.
    Begin(usize),
    /// Decide whether to repeat; the body follows.
    Again {
        /// The first of its two registers.
        register: usize,
        /// At least.
        min: u32,
        /// At most.
        max: Option<u32>,
        /// Fewer first.
        fewer: bool,
        /// Where it goes on afterwards.
        exit: Pc,
    },
    /// A part that is matched on its own and ends with [`Inst::Accept`]; what follows it is at `next`.
    Part {
        /// What it is for.
        kind: Part,
        /// Where it goes on afterwards.
        next: Pc,
    },
    /// Go elsewhere unless a group has matched.
    Unless(usize, Pc),
    /// The end of the program or of a part.
    Accept,
}

/// What a part is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Matched once and kept.
    Atomic,
    /// Must, or must not, stand at a distance behind, or ahead.
    Look {
        /// Must not.
        negative: bool,
        /// Characters to go back first.
        behind: Option<usize>,
    },
}

/// A program.
#[derive(Debug)]
pub struct Program {
    /// Its instructions.
    pub code: Vec<Inst>,
    /// The sets they name.
    pub sets: Vec<Set>,
    /// Two for each group, two for each counted repetition.
    pub registers: usize,
}

impl Program {
    /// Writes the program of a pattern.
    pub fn write(parsed: Parsed) -> Self {
        let mut program = Self { code: Vec::new(), sets: parsed.sets, registers: parsed.groups * 2 };
        program.emit(&parsed.root);
        program.code.push(Inst::Accept);
        program
    }

    fn emit(&mut self, node: &Node) {
        match node {
            Node::Empty => {}
            Node::Set(set) => {
                let single = self.sets.get(*set).and_then(Set::as_single);
                self.code.push(single.map_or(Inst::Set(*set), Inst::Char));
            }
            Node::Concat(nodes) => nodes.iter().for_each(|n| self.emit(n)),
            Node::Either(nodes) => self.either(nodes),
            Node::Repeat { node, min, max, prefer } => self.repeat(node, *min, *max, *prefer),
            Node::Group(group, node) => {
                self.code.push(Inst::Save(group * 2));
                self.emit(node);
                self.code.push(Inst::Save(group * 2 + 1));
            }
            Node::Atomic(node) => self.part(Part::Atomic, |program| program.emit(node)),
            Node::Look { node, negative, behind } => {
                self.part(Part::Look { negative: *negative, behind: *behind }, |program| program.emit(node));
            }
            Node::Place(place) => self.code.push(Inst::Place(*place)),
            Node::Backref(group, fold) => self.code.push(Inst::Backref(*group, *fold)),
            Node::Conditional { group, yes, no } => {
                let unless = self.hole();
                self.emit(yes);
                let jump = self.hole();
                self.fill(unless, |at| Inst::Unless(*group, at));
                self.emit(no);
                self.fill(jump, Inst::Jump);
            }
        }
    }

    fn either(&mut self, nodes: &[Node]) {
        let mut jumps = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            if i + 1 == nodes.len() {
                self.emit(node);
            } else {
                let split = self.hole();
                self.emit(node);
                jumps.push(self.hole());
                self.fill(split, |at| Inst::Split(split + 1, at));
            }
        }
        for jump in jumps {
            self.fill(jump, Inst::Jump);
        }
    }

    fn repeat(&mut self, node: &Node, min: u32, max: Option<u32>, prefer: Prefer) {
        if let Node::Set(set) = node {
            self.code.push(Inst::Run { set: *set, min, max, prefer });
            return;
        }
        if prefer == Prefer::Possessive {
            self.part(Part::Atomic, |program| program.repeat(node, min, max, Prefer::More));
            return;
        }
        let fewer = prefer == Prefer::Fewer;
        if (min, max) == (0, Some(1)) {
            let split = self.hole();
            self.emit(node);
            self.fill(split, |at| if fewer { Inst::Split(at, split + 1) } else { Inst::Split(split + 1, at) });
            return;
        }
        let register = self.registers;
        self.registers += 2;
        self.code.push(Inst::Begin(register));
        let again = self.hole();
        self.emit(node);
        self.code.push(Inst::Jump(again));
        self.fill(again, |exit| Inst::Again { register, min, max, fewer, exit });
    }

    fn part(&mut self, kind: Part, body: impl FnOnce(&mut Self)) {
        let part = self.hole();
        body(self);
        self.code.push(Inst::Accept);
        self.fill(part, |next| Inst::Part { kind, next });
    }

    /// A place for an instruction that must know where the code goes on.
    fn hole(&mut self) -> Pc {
        self.code.push(Inst::Accept);
        self.code.len() - 1
    }

    /// Fills a hole, now that the code goes on here.
    fn fill(&mut self, hole: Pc, inst: impl FnOnce(Pc) -> Inst) {
        let here = self.code.len();
        if let Some(place) = self.code.get_mut(hole) {
            *place = inst(here);
        }
    }
}
