//! What this node remembers: the facts of tokens, and what makes them untrue.
//!
//! The key is the SHA-256 of the token, never the token itself. An entry remembers the tick of [`Memory`] at which its
//! reading of the database began; a later change to anything it rests on makes it stale, and a revocation event that hits
//! it makes it void. Both are looked up only when something has changed since the entry was last found good, so the usual
//! validation is one look-up and one comparison of numbers.

mod memory;
mod revocations;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

pub use memory::{Memory, Standing};

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
    built: u64,
    /// What was prepared from the facts.
    pub prepared: T,
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

/// The remembered tokens: bounded in number and time.
#[derive(Debug)]
pub struct Tokens<T: Send + Sync + 'static>(moka::sync::Cache<Digest, Arc<Entry<T>>, DigestHash>);

impl<T: Send + Sync + 'static> Tokens<T> {
    /// At most `entries`, each for at most `ttl`.
    pub fn new(entries: u64, ttl: Duration) -> Self {
        Self(
            // Least recently used, not least frequently: counting frequencies touches memory all over for each look-up.
            moka::sync::Cache::builder()
                .max_capacity(entries)
                .time_to_live(ttl)
                .eviction_policy(moka::policy::EvictionPolicy::lru())
                .build_with_hasher(DigestHash),
        )
    }

    /// The entry of a token, if it is remembered; whether it is still good is [`Entry::standing`].
    pub fn get(&self, digest: &Digest) -> Option<Arc<Entry<T>>> {
        self.0.get(digest)
    }

    /// Remembers a token.
    pub fn put(&self, digest: Digest, entry: Arc<Entry<T>>) {
        self.0.insert(digest, entry);
    }

    /// Forgets a token.
    pub fn forget(&self, digest: &Digest) {
        self.0.invalidate(digest);
    }

    /// Forgets all: a key was taken away, so tokens that it made must be read again.
    pub fn forget_all(&self) {
        self.0.invalidate_all();
    }

    /// How many are remembered, roughly.
    pub fn len(&self) -> u64 {
        self.0.entry_count()
    }

    /// True when none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A digest is as good as random already: its first eight bytes are its hash.
#[derive(Debug, Clone, Copy, Default)]
pub struct DigestHash;

impl std::hash::BuildHasher for DigestHash {
    type Hasher = FirstBytes;

    fn build_hasher(&self) -> FirstBytes {
        FirstBytes(0)
    }
}

/// Takes the first eight bytes it is given.
#[derive(Debug, Clone, Copy)]
pub struct FirstBytes(u64);

impl std::hash::Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // The length prefix of an array says nothing.
    fn write_usize(&mut self, _: usize) {}
    fn write_u64(&mut self, _: u64) {}
}
