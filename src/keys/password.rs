//! Passwords: argon2id for new ones (RFC 9106), and verification of every hash that Keystone has written.
//!
//! Hashing costs many milliseconds of processor and megabytes of memory on purpose, so it runs off the async threads,
//! on all processors but one, behind a queue of bounded length; beyond it the answer is "try again later" (429).
//!
//! An attempt costs the same whether the user exists, the password is empty or too long, or the stored hash is
//! unknown to us: each of these is verified against a fixed hash of the configured cost. (A user whose imported hash
//! has another cost differs until the hash is renewed at the next successful login, see [`Hasher::needs_rehash`].)

mod scheme;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::clock::Random;
use crate::error::{Error, Result};
use crate::secret::Secret;
use scheme::Stored;

/// The longest password in bytes. A longer one is refused when set and never verifies.
pub const MAX_PASSWORD: usize = 4096;

/// The cost of new hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes of the memory.
    pub lanes: u32,
}

impl Default for Cost {
    /// 19 MiB, two passes, one lane: about 18 ms.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, iterations: 2, lanes: 1 }
    }
}

/// Hashes and verifies passwords.
#[derive(Debug)]
pub struct Hasher {
    cost: Cost,
    random: Arc<Random>,
    /// Who may wait or run.
    admitted: Arc<Semaphore>,
    /// Who may run.
    running: Arc<Semaphore>,
}

impl Hasher {
    /// For hashes of this cost; at most `queue` callers wait for their turn. `workers` hashes are
    /// computed at once; 0 means one less than the cores, at least one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cost that argon2 does not know or that we would not verify.
    pub fn new(cost: Cost, queue: usize, workers: usize, random: Arc<Random>) -> Result<Self> {
        let permits = match workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get).saturating_sub(1).max(1),
            workers => workers,
        };
        if !scheme::is_bearable(cost) {
            return Err(Error::invalid(
                "the password cost must be 8 KiB per lane to 256 MiB of memory, 1 to 16 iterations, 1 to 16 lanes",
            ));
        }
        let admitted = permits.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        let (admitted, running) = (Arc::new(Semaphore::new(admitted)), Arc::new(Semaphore::new(permits)));
        Ok(Self { cost, random, admitted, running })
    }

    /// The argon2id hash of `password`, in PHC form, with a fresh salt.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a password over [`MAX_PASSWORD`], [`Error::TooMany`] if the queue is full.
    pub async fn hash(&self, password: Secret) -> Result<String> {
        if password.len() > MAX_PASSWORD {
            return Err(Error::invalid_field("password", format!("must be at most {MAX_PASSWORD} bytes long")));
        }
        let (cost, salt) = (self.cost, self.random.bytes::<16>());
        let hash = self.run(move || scheme::hash(cost, &salt, password.expose())).await?;
        hash.ok_or_else(|| Error::internal("argon2 refused its parameters"))
    }

    /// True if `password` is the one that `hash` was made of. `None` stands for a user who does not exist, or has no
    /// password: always false, at the same cost.
    ///
    /// # Errors
    /// [`Error::TooMany`] if the queue is full.
    pub async fn verify(&self, hash: Option<&str>, password: Secret) -> Result<bool> {
        let stored = hash.and_then(|hash| {
            let stored = scheme::parse(hash);
            if stored.is_none() {
                tracing::warn!(
                    scheme = scheme::name(hash),
                    "a stored password hash is of no known form, or its cost is too high"
                );
            }
            stored
        });
        let (stored, possible) = self.plan(stored, password.len());
        let matches = self.run(move || {
            let bytes = password.expose();
            stored.matches(&bytes[..bytes.len().min(MAX_PASSWORD)])
        });
        Ok(matches.await? && possible)
    }

    /// True unless `hash` is argon2id of exactly the configured cost.
    pub fn needs_rehash(&self, hash: &str) -> bool {
        !scheme::parse(hash).is_some_and(|stored| stored.is_argon2id_of(self.cost))
    }

    /// What to compute, and whether its result counts.
    fn plan(&self, stored: Option<Stored>, length: usize) -> (Stored, bool) {
        match stored {
            Some(stored) => (stored, length <= MAX_PASSWORD),
            None => (Stored::unmatchable(self.cost), false),
        }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned();
        let admitted = admitted.map_err(|_| Error::too_many("too many logins at once"))?;
        let running = Arc::clone(&self.running).acquire_owned().await;
        let running = running.map_err(|_| Error::internal("the password queue is closed"))?;
        // The permits go with the work: a caller who goes away does not make room for another while it runs.
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((running, admitted));
            result
        });
        task.await.map_err(|_| Error::internal("a password computation failed"))
    }
}

#[cfg(test)]
mod tests;
