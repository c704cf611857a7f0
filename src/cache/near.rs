//! The table in front of the remembered tokens: small sets of slots, so that a look-up touches little memory.
//!
//! A token's digest names the one set that may hold it: a look-up takes one lock that hardly anybody else wants and touches
//! one or two cache lines before the entry. With thousands of tokens in turn that, not computing, is what a look-up costs;
//! a general cache keeps the order of use of all its entries and pays for it at every reading.
//!
//! A set holds [`WAYS`] entries at most; a full one gives up the entry that would end first, which is then found behind the
//! table. Only tokens that were found valid come in, so nobody chooses digests to crowd a set with. The slots are there
//! from the start, 56 bytes each.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Digest, Entry};
use crate::clock::Timestamp;

/// Most entries of one set.
const WAYS: usize = 8;

#[derive(Debug)]
struct Slot<T> {
    digest: Digest,
    /// When it is to be forgotten.
    until: Timestamp,
    entry: Arc<Entry<T>>,
}

/// Begins with a cache line, so that the lock and the first slot are read together.
#[derive(Debug)]
#[repr(align(64))]
struct Set<T>(RwLock<[Option<Slot<T>>; WAYS]>);

impl<T> Set<T> {
    fn read(&self) -> RwLockReadGuard<'_, [Option<Slot<T>>; WAYS]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, [Option<Slot<T>>; WAYS]> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Empties the slots that `gone` names.
    fn clear(&self, gone: impl Fn(&Slot<T>) -> bool) {
        for slot in self.write().iter_mut() {
            slot.take_if(|held| gone(held));
        }
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Near<T> {
    sets: Box<[Set<T>]>,
    ways: usize,
}

impl<T> Near<T> {
    /// At most `entries`, none if 0.
    pub(super) fn new(entries: usize) -> Self {
        let ways = entries.clamp(1, WAYS);
        let sets = (0..entries / ways).map(|_| Set(RwLock::default())).collect();
        Self { sets, ways }
    }

    /// The set of a digest; there is none if nothing is to be remembered. A digest is as good as random already.
    fn set(&self, digest: &Digest) -> Option<&Set<T>> {
        let first = digest.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let place = (u128::from(first) * self.sets.len() as u128) >> 64;
        self.sets.get(usize::try_from(place).ok()?)
    }

    /// The entry of a token, if it is remembered `now`; whether it is still good is [`Entry::standing`].
    pub(super) fn get(&self, digest: &Digest, now: Timestamp) -> Option<Arc<Entry<T>>> {
        let set = self.set(digest)?.read();
        let held = set.iter().flatten().find(|held| held.digest == *digest)?;
        (now < held.until).then(|| held.entry.clone())
    }

    /// Takes a token in, until a time.
    pub(super) fn put(&self, digest: Digest, entry: Arc<Entry<T>>, until: Timestamp, now: Timestamp) {
        // Its own slot, else a free one, else the one that would be free first.
        let rank = |slot: &Option<Slot<T>>| match slot {
            Some(held) if held.digest == digest => (0, None),
            Some(held) if now < held.until => (2, Some(held.until)),
            _ => (1, None),
        };
        let Some(set) = self.set(&digest) else { return };
        let mut set = set.write();
        if let Some(slot) = set.iter_mut().take(self.ways).min_by_key(|slot| rank(slot)) {
            *slot = Some(Slot { digest, until, entry });
        }
    }

    /// Forgets a token.
    pub(super) fn forget(&self, digest: &Digest) {
        if let Some(set) = self.set(digest) {
            set.clear(|held| held.digest == *digest);
        }
    }

    /// Forgets all: a key was taken away, so tokens that it made must be read again.
    pub(super) fn forget_all(&self) {
        for set in &self.sets {
            set.clear(|_| true);
        }
    }

    /// Gives back the memory of those whose time is over; to be called every few seconds. How many are left.
    pub(super) fn sweep(&self, now: Timestamp) -> usize {
        let mut left = 0;
        for set in &self.sets {
            let held = set.read();
            let (live, all) =
                held.iter().flatten().fold((0, 0), |(live, all), held| (live + usize::from(now < held.until), all + 1));
            drop(held);
            if live < all {
                set.clear(|held| held.until <= now);
            }
            left += live;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_000_000);

    fn table(entries: usize) -> Near<u32> {
        Near::new(entries)
    }

    /// Takes a token in for ten seconds.
    fn put(tokens: &Near<u32>, digest: Digest, entry: Arc<Entry<u32>>, now: Timestamp) {
        tokens.put(digest, entry, now.plus_secs(10), now);
    }

    fn entry(n: u32) -> Arc<Entry<u32>> {
        Arc::new(Entry::new(crate::cache::memory::tests::facts(), n, 0))
    }

    /// A digest of its own whose set is that of every other one of the same `set`.
    fn digest(set: u8, n: u32) -> Digest {
        let mut digest = [0; 32];
        digest[7] = set;
        digest[28..].copy_from_slice(&n.to_le_bytes());
        digest
    }

    fn got(tokens: &Near<u32>, digest: &Digest, now: Timestamp) -> Option<u32> {
        tokens.get(digest, now).map(|entry| entry.prepared)
    }

    #[test]
    fn a_token_is_remembered_until_its_time_is_over_and_no_longer() {
        let tokens = table(100);
        put(&tokens, digest(0, 1), entry(1), START);
        assert_eq!(got(&tokens, &digest(0, 1), START), Some(1));
        assert_eq!(got(&tokens, &digest(0, 1), Timestamp(START.plus_secs(10).0 - 1)), Some(1));
        assert_eq!(got(&tokens, &digest(0, 1), START.plus_secs(10)), None);
        // Being asked for does not prolong it, being put again does.
        put(&tokens, digest(0, 1), entry(2), START.plus_secs(5));
        assert_eq!(got(&tokens, &digest(0, 1), START.plus_secs(14)), Some(2));
        assert_eq!(tokens.sweep(START.plus_secs(14)), 1);
        assert_eq!(tokens.sweep(START.plus_secs(15)), 0);
        assert!(tokens.sets.iter().all(|set| set.read().iter().flatten().count() == 0), "its memory is given back");
    }

    #[test]
    fn a_digest_is_compared_as_a_whole() {
        let tokens = table(800);
        for n in 0..8 {
            put(&tokens, digest(3, n), entry(n), START);
        }
        for n in 0..8 {
            assert_eq!(got(&tokens, &digest(3, n), START), Some(n));
        }
        assert_eq!(got(&tokens, &digest(3, 8), START), None);
        tokens.forget(&digest(3, 4));
        assert_eq!(got(&tokens, &digest(3, 4), START), None);
        assert_eq!(got(&tokens, &digest(3, 5), START), Some(5));
    }

    #[test]
    fn a_full_set_gives_up_what_would_end_first_or_has_ended() {
        let tokens = table(800);
        for n in 0..8 {
            put(&tokens, digest(3, n), entry(n), START.plus_secs(i64::from(n == 0)));
        }
        put(&tokens, digest(3, 8), entry(8), START.plus_secs(2));
        assert_eq!(got(&tokens, &digest(3, 0), START.plus_secs(2)), Some(0), "it ends later than others");
        assert_eq!(got(&tokens, &digest(3, 8), START.plus_secs(2)), Some(8));
        assert_eq!(tokens.sweep(START.plus_secs(2)), 8);
        put(&tokens, digest(3, 9), entry(9), START.plus_secs(10));
        assert_eq!(tokens.sweep(START.plus_secs(10)), 3, "0, 8 and 9");
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        for entries in [0, 1, 7, 8, 9, 100] {
            let tokens = table(entries);
            for n in 0..1_000 {
                put(&tokens, crate::cache::digest(&n.to_string()), entry(n), START);
            }
            let held = tokens.sweep(START);
            assert!(held <= entries && held * 2 >= entries, "{held} of {entries}");
        }
    }

    #[test]
    fn every_set_is_used() {
        let tokens = table(800);
        for n in 0..5_000 {
            put(&tokens, crate::cache::digest(&n.to_string()), entry(n), START);
        }
        assert!(tokens.sets.iter().all(|set| set.read().iter().flatten().count() == WAYS));
        assert_eq!(tokens.sweep(START), 800);
    }

    #[test]
    fn tok_key_3_all_are_forgotten_when_a_key_is_taken_away() {
        let tokens = table(100);
        for n in 0..50 {
            put(&tokens, crate::cache::digest(&n.to_string()), entry(n), START);
        }
        tokens.forget_all();
        assert!((0..50_u32).all(|n| got(&tokens, &crate::cache::digest(&n.to_string()), START).is_none()));
        assert_eq!(tokens.sweep(START), 0);
    }
}
