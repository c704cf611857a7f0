//! Lock-out after failed logins (Keystone's `lockout_failure_attempts` and `lockout_duration`).
//!
//! On one node the attempts of one user go one after the other, from asking whether they are locked out to recording how
//! the attempt ended, so that a hundred at once get no more tries than a hundred in a row.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::user::LoginState;

/// Users share this many locks; two users that share one only wait for each other.
const STRIPES: usize = 256;

/// Most attempts that wait for one lock: a flood for one user must not become a queue of minutes.
const MAX_WAITING: usize = 128;

/// The locks.
#[derive(Debug)]
pub struct Lockouts {
    stripes: [Stripe; STRIPES],
    hash: RandomState,
}

#[derive(Debug, Default)]
struct Stripe {
    lock: Mutex<()>,
    waiting: AtomicUsize,
}

impl Default for Lockouts {
    fn default() -> Self {
        Self { stripes: std::array::from_fn(|_| Stripe::default()), hash: RandomState::new() }
    }
}

/// One attempt's turn.
#[derive(Debug)]
pub struct Turn<'a> {
    _lock: MutexGuard<'a, ()>,
}

/// Counts a waiter for as long as it waits, also when it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lockouts {
    /// Waits for a user's turn; 429 if too many wait for it already.
    pub async fn turn(&self, user: &str) -> Result<Turn<'_>> {
        let index = usize::try_from(self.hash.hash_one(user) % (STRIPES as u64)).unwrap_or(0);
        let stripe = self.stripes.get(index).ok_or_else(|| Error::internal("no such stripe"))?;
        let waiting = Waiting(&stripe.waiting);
        if stripe.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(Error::too_many("Too many attempts to log in at once, please try again."));
        }
        let lock = stripe.lock.lock().await;
        drop(waiting);
        Ok(Turn { _lock: lock })
    }
}

/// What earlier failures mean now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try.
    Open,
    /// Try; a failure is the first again, as the lock has run out.
    OpenAgain,
    /// Refuse, whatever the password.
    Locked,
}

/// Whether a user is locked out. `attempts` 0 switches it off; `duration` 0 holds until an administrator lifts it.
pub fn verdict(state: &LoginState, attempts: u32, duration: u64, now: Timestamp) -> Verdict {
    if attempts == 0 || state.failed_count < i64::from(attempts) {
        return Verdict::Open;
    }
    let over = state.failed_at.map_or(Timestamp(0), |at| at.plus_secs(i64::try_from(duration).unwrap_or(i64::MAX)));
    if duration != 0 && over <= now { Verdict::OpenAgain } else { Verdict::Locked }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_flood_for_one_user_is_turned_away() {
        let locks = Lockouts::default();
        let held = locks.turn("ann").await.unwrap();
        let mut waiting: Vec<_> = (0..MAX_WAITING).map(|_| Box::pin(locks.turn("ann"))).collect();
        for turn in &mut waiting {
            assert!(std::future::poll_fn(|cx| Poll::Ready(turn.as_mut().poll(cx))).await.is_pending());
        }
        assert_eq!(locks.turn("ann").await.unwrap_err().status(), 429);
        drop(waiting);
        drop(held);
        assert!(locks.turn("ann").await.is_ok());
    }

    #[test]
    fn web_lock_3_the_lock_holds_for_its_duration_and_no_longer() {
        let state = |n| LoginState {
            hash: None,
            set_at: None,
            expires_at: None,
            self_service: false,
            failed_count: n,
            failed_at: Some(Timestamp::from_secs(100)),
        };
        let at = Timestamp::from_secs;
        assert_eq!(verdict(&state(2), 3, 60, at(101)), Verdict::Open);
        assert_eq!(verdict(&state(3), 3, 60, at(101)), Verdict::Locked);
        assert_eq!(verdict(&state(3), 3, 60, at(159)), Verdict::Locked);
        assert_eq!(verdict(&state(3), 3, 60, at(160)), Verdict::OpenAgain);
        assert_eq!(verdict(&state(3), 3, 0, at(1_000_000)), Verdict::Locked);
        assert_eq!(verdict(&state(300), 0, 60, at(101)), Verdict::Open);
    }
}
