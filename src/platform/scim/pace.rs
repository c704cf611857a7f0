//! How fast and how long a server is asked: waits between attempts, `Retry-After` (RFC 9110 §10.2.3), and the pause that
//! all requests to one server share.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, header};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::{Instant, sleep, sleep_until};

use super::failure::{Failure, Kind};
use crate::clock::{Random, Timestamp};

/// Bounds of time and attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// For one object with all its requests, attempts and waits; of large groups and lists, for one piece.
    pub deadline: Duration,
    /// Most attempts of one request.
    pub attempts: u32,
    /// Upper bound of the first wait; it doubles with each.
    pub first_wait: Duration,
    /// The largest such bound.
    pub longest_wait: Duration,
    /// Longest wait that a server can ask for.
    pub longest_pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            attempts: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(8),
            longest_pause: Duration::from_secs(300),
        }
    }
}

impl Pace {
    /// A wait before the attempt after the `nth`, counted from nothing: anything up to a bound that doubles.
    pub(super) fn wait(&self, nth: u32, random: &Random) -> Duration {
        let bound = self.first_wait.saturating_mul(2_u32.saturating_pow(nth)).min(self.longest_wait);
        let millis = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(u64::from_be_bytes(random.bytes()) % millis.saturating_add(1))
    }

    /// What the server asks for, in seconds or as a date; bounded.
    pub(super) fn retry_after(&self, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
        let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        let secs = match text.parse::<u64>() {
            Ok(secs) => secs,
            // More digits than fit are a long time, too.
            Err(_) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => u64::MAX,
            Err(_) => {
                let date = OffsetDateTime::parse(text, &Rfc2822).ok()?.unix_timestamp();
                u64::try_from(date.saturating_sub(now.secs())).unwrap_or(0)
            }
        };
        Some(Duration::from_secs(secs).min(self.longest_pause))
    }
}

/// Until when nobody asks the server, and for how long that was asked for.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<(Instant, Duration)>>);

impl Pause {
    /// Begins a pause, unless a longer one is on.
    pub(super) fn begin(&self, length: Duration) {
        let until = after(length);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none_or(|(earlier, _)| earlier < until) {
            *held = Some((until, length));
        }
    }

    /// Waits until no pause is on.
    ///
    /// # Errors
    /// `Busy` for a pause that goes on longer than `limit`.
    pub(super) async fn wait(&self, limit: Instant) -> Result<(), Failure> {
        let mut waited = None;
        loop {
            let held = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((until, length)) = held.filter(|(until, _)| Some(*until) != waited) else { return Ok(()) };
            if until >= limit {
                let busy = Failure::new(Kind::Busy, "the server has asked for a pause");
                return Err(Failure { retry_after: Some(length), ..busy });
            }
            sleep_until(until).await;
            waited = Some(until);
        }
    }
}

/// The time after `length`, by the clock that waits are measured with.
pub(super) fn after(length: Duration) -> Instant {
    sleep(length).deadline()
}
