//! What this node remembers: the facts of tokens, and what makes them untrue.
//!
//! The key is the SHA-256 of the token, never the token itself. An entry remembers the tick of [`Memory`] at which its
//! reading of the database began; a later change to anything it rests on makes it stale, and a revocation event that hits
//! it makes it void. Both are looked up only when something has changed since the entry was last found good, so the usual
//! validation is one look-up and one comparison of numbers.

mod memory;
mod near;
mod revocations;
mod tokens;

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

pub use memory::{Memory, Standing};
pub use tokens::Tokens;

use crate::model::facts::Facts;

/// SHA-256 of a token.
pub type Digest = [u8; 32];

/// The key under which a token is remembered.
pub fn digest(token: &str) -> Digest {
    Sha256::digest(token.as_bytes()).into()
}

/// One remembered token, with whatever the caller of this room prepared for it.
///
/// What every validation reads stands together at its head: with many tokens each cache line of memory that is touched
/// costs more than the work done on it.
#[derive(Debug)]
#[repr(C)]
pub struct Entry<T> {
    checked: AtomicU64,
    /// What was prepared from the facts.
    pub prepared: T,
    built: u64,
    /// Its facts.
    pub facts: Facts,
}

impl<T> Entry<T> {
    /// An entry whose facts were read from the database after `tick` (see [`Memory::tick`]).
    pub fn new(facts: Facts, prepared: T, tick: u64) -> Self {
        Self { facts, prepared, built: tick, checked: AtomicU64::new(tick) }
    }

    /// Where this entry stands against all that is known to have changed.
    pub fn standing(&self, memory: &Memory) -> Standing {
        let tick = memory.tick();
        if self.checked.load(Ordering::Relaxed) == tick {
            return Standing::Good;
        }
        let standing = memory.judge(&self.facts, self.built);
        if standing == Standing::Good {
            self.checked.store(tick, Ordering::Relaxed);
        }
        standing
    }
}
