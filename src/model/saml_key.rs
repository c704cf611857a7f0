//! A key by which the service or a tenant is known to partners that speak SAML (saml-metadata-2.0-os §2.4.1.1). Its private
//! half is a secret of its own and none of this.

use crate::clock::Timestamp;

/// Time that a new key is published before it signs, in seconds: partners that refresh metadata have it by then.
pub const PUBLISHED_BEFORE_SECS: i64 = 7 * 24 * 3_600;
/// How long a key is kept after another has begun to sign, in seconds: what was encrypted for it is still read.
pub const KEPT_AFTER_SECS: i64 = 24 * 3_600;

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlKey {
    /// Its id.
    pub id: String,
    /// The tenant; none: the service itself.
    pub tenant_id: Option<String>,
    /// Its certificate, in DER, as base64.
    pub certificate: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub active_at: Timestamp,
    /// Until when it is published, once a later one has been made.
    pub retired_at: Option<Timestamp>,
}

impl SamlKey {
    /// Whether metadata has it.
    pub fn is_published(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|end| now < end)
    }
}

/// The key that signs: the one that began last.
pub fn signing(keys: &[SamlKey], now: Timestamp) -> Option<&SamlKey> {
    let may = |key: &&SamlKey| key.active_at <= now && key.is_published(now);
    keys.iter().filter(may).max_by_key(|key| (key.active_at, key.created_at))
}

/// When another key begins to sign or one is no longer published.
pub fn next_change(keys: &[SamlKey], now: Timestamp) -> Timestamp {
    let times = keys.iter().flat_map(|key| [Some(key.active_at), key.retired_at]).flatten();
    times.filter(|at| *at > now).min().unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_key_signs_when_its_time_has_come_and_the_old_one_is_published_for_a_while() {
        let key = |id: &str, active: i64, retired: Option<i64>| SamlKey {
            id: id.into(),
            tenant_id: None,
            certificate: String::new(),
            created_at: Timestamp::from_secs(0),
            active_at: Timestamp::from_secs(active),
            retired_at: retired.map(Timestamp::from_secs),
        };
        let keys = [key("next", 100, None), key("old", 0, Some(200))];
        let at = |secs: i64| {
            let now = Timestamp::from_secs(secs);
            (signing(&keys, now).map(|k| k.id.as_str()).unwrap_or_default(), next_change(&keys, now))
        };
        assert_eq!(at(99), ("old", Timestamp::from_secs(100)));
        assert_eq!(at(100), ("next", Timestamp::from_secs(200)));
        assert_eq!(at(200), ("next", Timestamp::MAX));
        assert!(keys[1].is_published(Timestamp::from_secs(199)) && !keys[1].is_published(Timestamp::from_secs(200)));
    }
}
