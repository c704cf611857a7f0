//! Time and randomness, which come in from outside so that tests are exact (invariant I5).
//!
//! This is the one file that asks the operating system for either; a lint (`.clippy.toml`) forbids it elsewhere.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

/// Microseconds since 1970-01-01T00:00:00Z, as stored in every time column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

const ISO: &[FormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// 9999-12-31T23:59:59Z: times beyond it have no four-digit year, so arithmetic stops here.
const LAST: i64 = 253_402_300_799 * 1_000_000;

impl Timestamp {
    /// The latest time that can be written with a four-digit year.
    pub const MAX: Self = Self(LAST);

    /// From whole seconds since the epoch, held within the years 1970 to 9999.
    pub fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000).clamp(0, LAST))
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This time moved by `secs`, held within the years 1970 to 9999.
    #[must_use]
    pub fn plus_secs(self, secs: i64) -> Self {
        Self(self.0.saturating_add(secs.saturating_mul(1_000_000)).clamp(0, LAST))
    }

    /// This time with its fraction of a second cut off.
    #[must_use]
    pub fn whole_seconds(self) -> Self {
        Self::from_secs(self.secs())
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS[.ffffff][Z]`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") };
        let parsed = OffsetDateTime::parse(&text, &time::format_description::well_known::Rfc3339).ok()?;
        let micros = i64::try_from(parsed.unix_timestamp_nanos() / 1_000).ok()?;
        (0..=LAST).contains(&micros).then_some(Self(micros))
    }
}

impl fmt::Display for Timestamp {
    /// `YYYY-MM-DDTHH:MM:SS.ffffffZ`, the form of every time in Identity v3.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.clamp(0, LAST);
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
            .ok()
            .and_then(|t| t.format(ISO).ok())
            .ok_or(fmt::Error)?;
        f.write_str(&text)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The time of day, UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, which never goes back: after a step backwards it goes on from where it was, at the pace of the
/// monotonic clock. A token must not live again, and a revocation must not miss tokens, because the time was set back.
#[derive(Debug)]
pub struct SystemClock {
    started: Stopwatch,
    /// The greatest difference seen between the time of day and the time since the start, in microseconds.
    offset: AtomicI64,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Stopwatch::start(), offset: AtomicI64::new(0) }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let running = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(LAST);
        let offset = i64::try_from(since.as_micros()).unwrap_or(LAST).min(LAST) - running;
        let best = offset.max(self.offset.load(Ordering::Relaxed));
        if best > self.offset.load(Ordering::Relaxed) {
            self.offset.fetch_max(best, Ordering::Relaxed);
        }
        Timestamp(running.saturating_add(best).clamp(0, LAST))
    }
}

/// A stopwatch on the machine's monotonic clock, for durations that a step of the time of day must not touch.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}

/// A clock that stands still until it is told to move: for tests.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// Starts at `secs` since the epoch.
    pub fn at_secs(secs: i64) -> Self {
        Self(AtomicI64::new(Timestamp::from_secs(secs).0))
    }

    /// Moves the clock by `secs`, backwards if negative.
    pub fn advance(&self, secs: i64) {
        self.0.fetch_add(secs.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Where randomness comes from: the operating system, or a seed in tests.
#[derive(Debug)]
pub struct Random(Source);

#[derive(Debug)]
enum Source {
    System,
    Seeded { seed: u64, counter: AtomicU64 },
}

impl Random {
    /// The operating system's generator.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A reproducible sequence for tests; never for keys.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded { seed, counter: AtomicU64::new(0) })
    }

    /// Fills `buffer` with random bytes.
    #[expect(
        clippy::disallowed_methods,
        clippy::expect_used,
        reason = "the one place that asks the operating system; without its generator nothing here is safe to go on with"
    )]
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.0 {
            Source::System => getrandom::fill(buffer).expect("the operating system's random generator failed"),
            Source::Seeded { seed, counter } => {
                for chunk in buffer.chunks_mut(32) {
                    let turn = counter.fetch_add(1, Ordering::SeqCst);
                    let block =
                        Sha256::new().chain_update(seed.to_be_bytes()).chain_update(turn.to_be_bytes()).finalize();
                    chunk.copy_from_slice(&block[..chunk.len()]);
                }
            }
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// 256 random bits as 43 characters of base64url: handles, codes, values of cookies.
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A version 4 UUID (RFC 9562 §5.4) as 32 hexadecimal digits, the form of Keystone's ids.
    pub fn hex_id(&self) -> String {
        let mut bytes = self.bytes::<16>();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        hex(&bytes)
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_microseconds_and_read_back() {
        let t = Timestamp(1_767_222_000_000_001);
        assert_eq!(t.to_string(), "2025-12-31T23:00:00.000001Z");
        assert_eq!(Timestamp::parse("2025-12-31T23:00:00.000001Z"), Some(t));
        assert_eq!(Timestamp::parse("2025-12-31T23:00:00"), Some(Timestamp::from_secs(1_767_222_000)));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn clk_3_far_and_negative_times_do_not_overflow() {
        assert_eq!(Timestamp::from_secs(2_147_483_648).to_string(), "2038-01-19T03:14:08.000000Z");
        assert_eq!(Timestamp::from_secs(i64::MAX).to_string(), "9999-12-31T23:59:59.000000Z");
        assert_eq!(Timestamp::MAX.plus_secs(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_secs(-5), Timestamp(0));
        assert_eq!(Timestamp::parse("2016-12-31T23:59:60Z").map(Timestamp::secs), Some(1_483_228_799));
    }

    #[test]
    fn ids_are_version_4_and_a_seed_repeats_them() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        let id = a.hex_id();
        assert_eq!(id, b.hex_id());
        assert_ne!(id, a.hex_id());
        assert_eq!((id.len(), &id[12..13]), (32, "4"));
    }
}
