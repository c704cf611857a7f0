//! The remembered tokens: moka, bounded in number and time, with a small table in front that makes the usual look-up cheap.

use std::sync::Arc;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::near::Near;
use super::{Digest, Entry};
use crate::clock::Timestamp;

/// Slots of the table in front, if as many tokens may be remembered: 1.8 MB.
const NEAR: u64 = 32_768;

#[derive(Debug)]
struct Held<T> {
    /// When it is to be forgotten.
    until: Timestamp,
    entry: Arc<Entry<T>>,
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self { until: self.until, entry: self.entry.clone() }
    }
}

/// The remembered tokens.
#[derive(Debug)]
pub struct Tokens<T: Send + Sync + 'static> {
    near: Near<T>,
    far: Cache<Digest, Held<T>>,
    ttl_secs: i64,
}

impl<T: Send + Sync + 'static> Tokens<T> {
    /// At most `entries` (none if 0), each for at most `ttl`, which counts in whole seconds.
    pub fn new(entries: u64, ttl: Duration) -> Self {
        // Least recently used: what is asked for most is in front and asks here no more.
        let far =
            Cache::builder().max_capacity(entries).time_to_live(ttl).eviction_policy(EvictionPolicy::lru()).build();
        let near = Near::new(usize::try_from(entries.min(NEAR)).unwrap_or(0));
        Self { near, far, ttl_secs: i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX) }
    }

    /// The entry of a token, if it is remembered `now`; whether it is still good is [`Entry::standing`].
    pub fn get(&self, digest: &Digest, now: Timestamp) -> Option<Arc<Entry<T>>> {
        if let Some(entry) = self.near.get(digest, now) {
            return Some(entry);
        }
        let held = self.far.get(digest).filter(|held| now < held.until)?;
        self.near.put(*digest, held.entry.clone(), held.until, now);
        if !self.far.contains_key(digest) {
            // It was forgotten in between.
            self.near.forget(digest);
        }
        Some(held.entry)
    }

    /// Remembers a token from `now` on.
    pub fn put(&self, digest: Digest, entry: Arc<Entry<T>>, now: Timestamp) {
        let until = now.plus_secs(self.ttl_secs);
        self.far.insert(digest, Held { until, entry: entry.clone() });
        self.near.put(digest, entry, until, now);
    }

    /// Forgets a token.
    pub fn forget(&self, digest: &Digest) {
        // Behind first: what is in front comes from there.
        self.far.invalidate(digest);
        self.near.forget(digest);
    }

    /// Forgets all: a key was taken away, so tokens that it made must be read again.
    pub fn forget_all(&self) {
        self.far.invalidate_all();
        self.near.forget_all();
    }

    /// Gives the memory of those back that are no longer remembered; to be called every few seconds. How many are left,
    /// roughly.
    pub fn sweep(&self, now: Timestamp) -> u64 {
        self.near.sweep(now);
        self.far.run_pending_tasks();
        self.far.entry_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::digest;
    use crate::cache::memory::tests::facts;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn filled(entries: u64, tokens: u32) -> Tokens<u32> {
        let all = Tokens::new(entries, Duration::from_secs(10));
        for n in 0..tokens {
            all.put(digest(&n.to_string()), Arc::new(Entry::new(facts(), n, 0)), NOW);
        }
        all
    }

    fn got(tokens: &Tokens<u32>, n: u32, now: Timestamp) -> Option<u32> {
        tokens.get(&digest(&n.to_string()), now).map(|e| e.prepared)
    }

    #[test]
    fn what_has_no_place_in_front_is_found_behind_until_its_time_is_over() {
        // So many that sets in front overflow.
        let tokens = filled(20, 20);
        assert!((0..20).all(|n| got(&tokens, n, NOW) == Some(n)));
        assert!((0..20).all(|n| got(&tokens, n, NOW.plus_secs(9)) == Some(n)));
        assert!((0..20).all(|n| got(&tokens, n, NOW.plus_secs(10)).is_none()));
    }

    #[test]
    fn tok_key_4_what_is_forgotten_is_forgotten_in_front_and_behind() {
        let tokens = filled(20, 20);
        tokens.forget(&digest("7"));
        assert_eq!((got(&tokens, 7, NOW), got(&tokens, 8, NOW)), (None, Some(8)));
        tokens.forget_all();
        assert!((0..20).all(|n| got(&tokens, n, NOW).is_none()));
    }

    #[test]
    fn the_number_of_tokens_is_bounded_and_none_are_kept_where_none_may_be() {
        let tokens = filled(50, 500);
        assert!(tokens.sweep(NOW) <= 50);
        let none = filled(0, 10);
        none.sweep(NOW);
        assert!((0..10).all(|n| got(&none, n, NOW).is_none()));
    }
}
