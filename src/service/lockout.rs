//! Lock-out after failed logins (Keystone's `lockout_failure_attempts` and `lockout_duration`).
//!
//! On one node the attempts of one user go one after the other, from asking whether they are locked out to recording how
//! the attempt ended, so that a hundred at once get no more tries than a hundred in a row.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::{Mutex, MutexGuard};

use crate::clock::Timestamp;
use crate::model::user::LoginState;

/// Users share this many locks; two users that share one only wait for each other.
const STRIPES: usize = 256;

/// The locks.
#[derive(Debug)]
pub struct Lockouts {
    stripes: Vec<Mutex<()>>,
    hash: RandomState,
}

impl Default for Lockouts {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(), hash: RandomState::new() }
    }
}

impl Lockouts {
    /// Waits for a user's turn.
    pub async fn turn(&self, user: &str) -> Option<MutexGuard<'_, ()>> {
        let index = usize::try_from(self.hash.hash_one(user) % (STRIPES as u64)).unwrap_or(0);
        match self.stripes.get(index) {
            Some(stripe) => Some(stripe.lock().await),
            None => None,
        }
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
    use super::*;

    #[test]
    fn web_lock_3_the_lock_holds_for_its_duration_and_no_longer() {
        let state = |n| LoginState {
            hash: None,
            expires_at: None,
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
