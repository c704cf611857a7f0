//! Regular expressions with Python's meaning (`re.search`), bounded in the time they may take.
//!
//! A pattern that a finite automaton can run is run by one; look-around, back-references and the like by a matcher that
//! goes back and counts its steps. Neither can be made slow by a pattern or a value: what takes too many steps is given up.

mod backtrack;
mod linear;
mod program;
mod set;
mod syntax;

#[cfg(test)]
mod tests;

pub use set::Set;

use linear::Linear;
use program::Program;

/// Most steps of one search: some milliseconds.
const SEARCH_STEPS: u64 = 1_000_000;
/// Most steps of all searches of one evaluation.
const EVALUATION_STEPS: u64 = 3_000_000;

/// The steps that are left for an evaluation.
#[derive(Debug)]
pub struct Steps(u64);

impl Default for Steps {
    fn default() -> Self {
        Self(EVALUATION_STEPS)
    }
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The pattern matches somewhere in the value.
    Match,
    /// It does not.
    NoMatch,
    /// It was given up, undecided.
    GaveUp,
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    program: Program,
    linear: Option<Linear>,
}

impl Pattern {
    /// Compiles a pattern; the error says what is wrong with it.
    pub fn compile(text: &str) -> Result<Self, String> {
        let parsed = syntax::parse(text)?;
        let linear = Linear::compile(&parsed);
        Ok(Self { text: text.to_owned(), program: Program::write(parsed), linear })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Searches `value`, for what it needs of `steps`.
    pub fn search(&self, value: &str, steps: &mut Steps) -> Verdict {
        let granted = steps.0.min(SEARCH_STEPS);
        let mut left = granted;
        let verdict = self.search_within(value, &mut left);
        steps.0 -= granted - left;
        verdict
    }

    fn search_within(&self, value: &str, left: &mut u64) -> Verdict {
        let pass = (value.len() / 4) as u64 + 1;
        let Some(after) = left.checked_sub(pass) else {
            *left = 0;
            return Verdict::GaveUp;
        };
        *left = after;
        if let Some(linear) = &self.linear {
            let found = linear.search(value);
            *left = left.saturating_sub((found.made / 4) as u64);
            match found.matched {
                Some(true) => return Verdict::Match,
                Some(false) => return Verdict::NoMatch,
                None => {}
            }
        }
        match backtrack::search(&self.program, value, left) {
            Ok(true) => Verdict::Match,
            Ok(false) => Verdict::NoMatch,
            Err(backtrack::OutOfSteps) => Verdict::GaveUp,
        }
    }
}
