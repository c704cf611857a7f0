//! Runs the program of a pattern as Python does, by trying and going back, and counts every step.
//!
//! It is for what a linear engine has no answer to: look-around, back-references, conditions. Every step does a bounded
//! piece of work, so a bound of steps is a bound of time, whatever pattern and text are.

use super::super::unicode;
use super::program::{Inst, Part, Pc, Program};
use super::set::Set;
use super::syntax::{Fold, Place, Prefer};

/// A register that holds nothing.
const NOTHING: usize = usize::MAX;

/// Most ways back that are kept: 16 MB.
const MAX_BACK: usize = 500_000;

/// There are no steps left, or no room.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfSteps;

/// What to go back to.
enum Back {
    /// A way that was not taken.
    Way { pc: Pc, at: usize },
    /// A run of characters that may be shorter, down to `least`.
    Shorter { pc: Pc, least: usize, at: usize },
    /// A run of characters that may be longer, by at most `left`.
    Longer { pc: Pc, at: usize, left: usize },
    /// A body that may be repeated once more.
    Again { pc: Pc, at: usize, register: usize },
    /// What a register held.
    Register { index: usize, held: usize },
}

/// One search.
struct Search<'a> {
    program: &'a Program,
    text: &'a [char],
    registers: Vec<usize>,
    back: Vec<Back>,
    left: u64,
}

/// Whether `program` matches somewhere in `text`. Takes what it uses from `steps`.
pub fn search(program: &Program, text: &str, steps: &mut u64) -> Result<bool, OutOfSteps> {
    let text: Vec<char> = text.chars().collect();
    let registers = vec![NOTHING; program.registers];
    let mut search = Search { program, text: &text, registers, back: Vec::new(), left: *steps };
    let mut found = Ok(false);
    for start in 0..=text.len() {
        found = search.run(0, start).map(|end| end.is_some());
        if found != Ok(false) {
            break;
        }
    }
    *steps = search.left;
    found
}

impl Search<'_> {
    fn spend(&mut self, steps: usize) -> Result<(), OutOfSteps> {
        match self.left.checked_sub(steps as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(OutOfSteps)
            }
        }
    }

    /// Runs from `pc` at `at` to the next [`Inst::Accept`]; the position there. What it could go back to stays on the stack.
    fn run(&mut self, mut pc: Pc, mut at: usize) -> Result<Option<usize>, OutOfSteps> {
        let program = self.program;
        let floor = self.back.len();
        loop {
            self.spend(1)?;
            if self.back.len() > MAX_BACK {
                return Err(OutOfSteps);
            }
            let Some(inst) = program.code.get(pc) else { return Ok(None) };
            let onwards = match inst {
                Inst::Accept => return Ok(Some(at)),
                Inst::Char(c) => (self.text.get(at) == Some(c)).then_some((pc + 1, at + 1)),
                Inst::Set(set) => self.is_in(*set, at).then_some((pc + 1, at + 1)),
                Inst::Run { .. } => self.many(pc, inst, at)?.map(|at| (pc + 1, at)),
                Inst::Split(first, second) => {
                    self.back.push(Back::Way { pc: *second, at });
                    Some((*first, at))
                }
                Inst::Jump(to) => Some((*to, at)),
                Inst::Save(register) => {
                    self.set(*register, at);
                    Some((pc + 1, at))
                }
                Inst::Place(place) => self.is_place(*place, at).then_some((pc + 1, at)),
                Inst::Backref(group, fold) => self.backref(*group, *fold, at)?.map(|at| (pc + 1, at)),
                Inst::Begin(register) => {
                    self.set(*register, 0);
                    self.set(register + 1, NOTHING);
                    Some((pc + 1, at))
                }
                Inst::Again { register, min, max, fewer, exit } => {
                    self.again(pc, at, *register, (*min, *max), *fewer, *exit)
                }
                Inst::Part { kind, next } => self.part(pc + 1, *kind, at)?.map(|at| (*next, at)),
                Inst::Unless(group, to) => Some((if self.span(*group).is_some() { pc + 1 } else { *to }, at)),
            };
            match onwards {
                Some(onwards) => (pc, at) = onwards,
                None => match self.go_back(floor)? {
                    Some(back) => (pc, at) = back,
                    None => return Ok(None),
                },
            }
        }
    }

    /// The next way that was not taken, down to `floor` of the stack.
    fn go_back(&mut self, floor: usize) -> Result<Option<(Pc, usize)>, OutOfSteps> {
        while self.back.len() > floor {
            self.spend(1)?;
            match self.back.pop() {
                Some(Back::Way { pc, at }) => return Ok(Some((pc, at))),
                Some(Back::Shorter { pc, least, at }) => {
                    let at = at - 1;
                    if at > least {
                        self.back.push(Back::Shorter { pc, least, at });
                    }
                    return Ok(Some((pc + 1, at)));
                }
                Some(Back::Longer { pc, at, left }) => {
                    if let Some(Inst::Run { set, .. }) = self.program.code.get(pc)
                        && self.is_in(*set, at)
                    {
                        if left > 1 {
                            self.back.push(Back::Longer { pc, at: at + 1, left: left - 1 });
                        }
                        return Ok(Some((pc + 1, at + 1)));
                    }
                }
                Some(Back::Again { pc, at, register }) => {
                    self.set(register, self.get(register).saturating_add(1));
                    self.set(register + 1, at);
                    return Ok(Some((pc, at)));
                }
                Some(Back::Register { index, held }) => self.put(index, held),
                None => {}
            }
        }
        Ok(None)
    }

    /// A run of characters of one set; the position behind it.
    fn many(&mut self, pc: Pc, inst: &Inst, at: usize) -> Result<Option<usize>, OutOfSteps> {
        let Inst::Run { set, min, max, prefer } = inst else { return Ok(None) };
        let there = self.text.len() - at;
        let min = *min as usize;
        let max = max.map_or(there, |max| (max as usize).min(there));
        if min > there {
            return Ok(None);
        }
        let wanted = if *prefer == Prefer::Fewer { min } else { max };
        let set_id = *set;
        let Some(set) = self.program.sets.get(set_id) else { return Ok(None) };
        let count = self.text.iter().skip(at).take(wanted).take_while(|c| set.contains(**c)).count();
        self.spend(count)?;
        if count < min {
            return Ok(None);
        }
        match prefer {
            Prefer::More if count > min => {
                self.back.push(Back::Shorter { pc, least: at + min, at: at + count });
            }
            Prefer::Fewer if max > min => self.back.push(Back::Longer { pc, at: at + count, left: max - min }),
            _ => {}
        }
        Ok(Some(at + count))
    }

    /// One more time, or on. A body that has taken nothing is not repeated without need.
    fn again(
        &mut self,
        pc: Pc,
        at: usize,
        register: usize,
        (min, max): (u32, Option<u32>),
        fewer: bool,
        exit: Pc,
    ) -> Option<(Pc, usize)> {
        let count = self.get(register);
        let may = max.is_none_or(|max| count < max as usize) && self.get(register + 1) != at;
        if count < min as usize {
            // Empty bodies up to the least number all match alike: one is enough.
            let count = if self.get(register + 1) == at { min as usize } else { count + 1 };
            self.set(register, count);
            self.set(register + 1, at);
            return Some((pc + 1, at));
        }
        match (may, fewer) {
            (false, _) => Some((exit, at)),
            (true, false) => {
                self.back.push(Back::Way { pc: exit, at });
                self.set(register, count + 1);
                self.set(register + 1, at);
                Some((pc + 1, at))
            }
            (true, true) => {
                self.back.push(Back::Again { pc: pc + 1, at, register });
                Some((exit, at))
            }
        }
    }

    /// A part on its own. The position behind it, which for a look-around is where it began.
    fn part(&mut self, pc: Pc, kind: Part, at: usize) -> Result<Option<usize>, OutOfSteps> {
        let floor = self.back.len();
        let (negative, from) = match kind {
            Part::Atomic => (false, Some(at)),
            Part::Look { negative, behind } => (negative, at.checked_sub(behind.unwrap_or(0))),
        };
        let found = match from {
            Some(from) => self.run(pc, from)?,
            None => None,
        };
        if negative {
            self.undo(floor)?;
            return Ok(if found.is_none() { Some(at) } else { None });
        }
        // What it has matched stays, the other ways go.
        self.spend(self.back.len() - floor)?;
        let mut kept = floor;
        for i in floor..self.back.len() {
            if matches!(self.back.get(i), Some(Back::Register { .. })) {
                self.back.swap(kept, i);
                kept += 1;
            }
        }
        self.back.truncate(kept);
        Ok(found.map(|end| if kind == Part::Atomic { end } else { at }))
    }

    /// Takes back everything above `floor`.
    fn undo(&mut self, floor: usize) -> Result<(), OutOfSteps> {
        self.spend(self.back.len() - floor)?;
        while self.back.len() > floor {
            if let Some(Back::Register { index, held }) = self.back.pop() {
                self.put(index, held);
            }
        }
        Ok(())
    }

    fn get(&self, index: usize) -> usize {
        self.registers.get(index).copied().unwrap_or(NOTHING)
    }

    fn put(&mut self, index: usize, value: usize) {
        if let Some(place) = self.registers.get_mut(index) {
            *place = value;
        }
    }

    /// Writes a register so that going back restores it.
    fn set(&mut self, index: usize, value: usize) {
        let held = self.get(index);
        if held != value {
            self.back.push(Back::Register { index, held });
            self.put(index, value);
        }
    }

    /// What a group has matched.
    fn span(&self, group: usize) -> Option<(usize, usize)> {
        let (from, to) = (self.get(group * 2), self.get(group * 2 + 1));
        (from != NOTHING && to != NOTHING && from <= to).then_some((from, to))
    }

    fn backref(&mut self, group: usize, fold: Fold, at: usize) -> Result<Option<usize>, OutOfSteps> {
        let Some((from, to)) = self.span(group) else { return Ok(None) };
        let length = to - from;
        self.spend(length)?;
        let (Some(held), Some(here)) = (self.text.get(from..to), self.text.get(at..at.saturating_add(length))) else {
            return Ok(None);
        };
        let same = held.iter().zip(here).all(|(a, b)| match fold {
            Fold::None => a == b,
            Fold::Ascii => a.eq_ignore_ascii_case(b),
            Fold::All => a == b || unicode::cases(*a).contains(b),
        });
        Ok(same.then_some(at + length))
    }

    fn is_in(&self, set: usize, at: usize) -> bool {
        let set: Option<&Set> = self.program.sets.get(set);
        self.text.get(at).is_some_and(|c| set.is_some_and(|set| set.contains(*c)))
    }

    fn is_place(&self, place: Place, at: usize) -> bool {
        let length = self.text.len();
        let line_feed = |at: usize| self.text.get(at) == Some(&'\n');
        let word = |at: usize, ascii: bool| {
            self.text.get(at).is_some_and(|c| (!ascii || c.is_ascii()) && unicode::word().contains(*c))
        };
        let edge = |ascii: bool| (at > 0 && word(at - 1, ascii)) != word(at, ascii);
        match place {
            Place::Start => at == 0,
            Place::End => at == length,
            Place::EndOrLastLineFeed => at == length || (at + 1 == length && line_feed(at)),
            Place::LineStart => at == 0 || line_feed(at - 1),
            Place::LineEnd => at == length || line_feed(at),
            Place::WordEdge { ascii } => edge(ascii),
            // Python: an empty text has neither.
            Place::NoWordEdge { ascii } => length > 0 && !edge(ascii),
        }
    }
}
