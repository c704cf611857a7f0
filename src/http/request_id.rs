//! Request ids: `req-<uuid>`, in every answer and every log line of a request.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Random;

/// The id of one request: its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; 40]);

/// Gives ids that no other request of any node has: a random start and a count, mixed so that ids do not look alike.
#[derive(Debug)]
pub struct RequestIds {
    start: [u8; 8],
    next: AtomicU64,
}

impl RequestIds {
    /// A new series.
    pub fn new(random: &Random) -> Self {
        Self { start: random.bytes(), next: AtomicU64::new(u64::from_le_bytes(random.bytes())) }
    }

    /// A series of its own, 2^32 ids long, so that two connections do not wait for each other to count.
    pub fn another(&self) -> Self {
        Self { start: self.start, next: AtomicU64::new(self.next.fetch_add(1 << 32, Ordering::Relaxed)) }
    }

    /// The next id. Ids tell requests apart; they are not secret.
    pub fn next(&self) -> RequestId {
        // Multiplying by an odd number visits every value once.
        let count = self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&count);
        bytes[8..].copy_from_slice(&self.start);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        RequestId::from(bytes)
    }
}

impl From<[u8; 16]> for RequestId {
    fn from(bytes: [u8; 16]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut out = *b"req-00000000-0000-0000-0000-000000000000";
        let mut at = 4;
        for (i, byte) in bytes.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                at += 1;
            }
            out[at] = DIGITS[usize::from(byte >> 4)];
            out[at + 1] = DIGITS[usize::from(byte & 15)];
            at += 2;
        }
        Self(out)
    }
}

impl RequestId {
    /// The text.
    pub fn text(&self) -> &[u8; 40] {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or("req-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_and_all_different() {
        let ids = RequestIds::new(&Random::seeded(1));
        let series = [ids.another(), ids.another(), ids];
        let texts: std::collections::HashSet<String> = (0..999).map(|n| series[n % 3].next().to_string()).collect();
        assert_eq!(texts.len(), 999);
        for t in &texts {
            assert_eq!(t.len(), 40);
            let parts: Vec<usize> = t[4..].split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12]);
        }
    }
}
