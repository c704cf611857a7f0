//! A key that a tenant signs tokens with (RFC 7517). Its private half is a secret of its own and none of this.

use serde_json::Value;

use super::tenant::SigningAlgorithm;
use crate::clock::Timestamp;

/// Time that a new key is published before it signs, in seconds: whoever keeps keys has it by then (tenant-login §9.2).
pub const PUBLISHED_BEFORE_SECS: i64 = 24 * 3_600;

/// How long a token lasts at most, in seconds, whatever is configured: an old key is published for as long, and so are
/// revocations kept.
pub const LONGEST_TOKEN_SECS: i64 = 86_400;

/// A key.
#[derive(Debug, Clone, PartialEq)]
pub struct SigningKey {
    /// Its id: the thumbprint of the public half (RFC 7638).
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The public half as it is published.
    pub public_jwk: Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub active_at: Timestamp,
    /// Until when it is published, once a later one has been made: no token that it signed lasts longer.
    pub retired_at: Option<Timestamp>,
}

impl SigningKey {
    /// Whether tokens that it signed are believed, and it is published.
    pub fn is_published(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|end| now < end)
    }
}

/// The key that signs with an algorithm: the one that began last, as long as it will be published for as long as its token
/// lasts.
pub fn signing<'k>(
    keys: impl IntoIterator<Item = &'k SigningKey>,
    algorithm: SigningAlgorithm,
    now: Timestamp,
) -> Option<&'k SigningKey> {
    let outlives = |key: &SigningKey| key.retired_at.is_none_or(|end| now.plus_secs(LONGEST_TOKEN_SECS) <= end);
    let may = |key: &&SigningKey| key.algorithm == algorithm && key.active_at <= now && outlives(key);
    keys.into_iter().filter(may).max_by_key(|key| (key.active_at, key.created_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, active: i64, retired: Option<i64>) -> SigningKey {
        SigningKey {
            id: id.into(),
            tenant_id: "t".into(),
            algorithm: SigningAlgorithm::Es256,
            public_jwk: Value::Null,
            created_at: Timestamp::from_secs(0),
            active_at: Timestamp::from_secs(active),
            retired_at: retired.map(Timestamp::from_secs),
        }
    }

    fn signs(keys: &[SigningKey], now: i64) -> Option<&str> {
        signing(keys, SigningAlgorithm::Es256, Timestamp::from_secs(now)).map(|k| k.id.as_str())
    }

    #[test]
    fn tok_key_1_the_next_key_signs_when_its_time_has_come_and_the_old_one_is_published_until_its_last_token_ends() {
        let end = 100 + LONGEST_TOKEN_SECS;
        let keys = [key("old", 0, Some(end)), key("next", 100, None)];
        assert_eq!(
            [0, 99, 100, 1_000].map(|now| signs(&keys, now).unwrap_or_default()),
            ["old", "old", "next", "next"]
        );
        let old = |now| keys[0].is_published(Timestamp::from_secs(now));
        assert!(old(end - 1) && !old(end));
        assert!(keys[1].is_published(Timestamp::from_secs(0)));
        assert_eq!(signing(&keys, SigningAlgorithm::Rs256, Timestamp::from_secs(100)), None);
    }

    #[test]
    fn an_old_key_does_not_sign_again_when_its_successor_is_taken_away() {
        let keys = [key("old", 0, Some(100 + LONGEST_TOKEN_SECS))];
        assert_eq!(signs(&keys, 100), Some("old"));
        assert_eq!(signs(&keys, 101), None);
    }
}
