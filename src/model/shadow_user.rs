//! The ids of users for whom an identity provider vouches.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// What Python's `urllib.parse.quote` leaves as it is.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b'/');

/// How an identity provider's name for somebody is stored and hashed: quoted as Keystone does.
pub fn unique_id(name: &str) -> String {
    utf8_percent_encode(name, QUOTED).to_string()
}

/// Keystone's id of a federated user: whoever moves from Keystone keeps their users' ids.
pub fn id(domain_id: &str, unique_id: &str) -> String {
    digest(&[domain_id, "user", unique_id])
}

/// The id of somebody whom a second identity provider of the same domain calls by a name that a first one has used: the two
/// are not the same person unless somebody says so.
pub fn id_beside(domain_id: &str, idp_id: &str, unique_id: &str) -> String {
    // Lengths keep the parts apart: no choice of names makes two of these, or one of these and one of the others, equal.
    let idp = format!("{}:{idp_id}", idp_id.len());
    digest(&["identity_provider", domain_id, &idp, "user", unique_id])
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_python_does() {
        assert_eq!(unique_id("a b@c"), "a%20b%40c");
        assert_eq!(unique_id("x/y_z.~-é%"), "x/y_z.~-%C3%A9%25");
    }

    #[test]
    fn ids_are_keystones() {
        // hashlib.sha256(b"d" + b"user" + b"bob").hexdigest()
        assert_eq!(id("d", "bob"), "cc6d585300a075fc36f9227d2a8f148c36988cdcae1c60a4ab4379d6e24dc8d5");
    }

    #[test]
    fn ks_fed_5_the_same_name_at_two_identity_providers_is_two_users() {
        let ids = [id("d", "bob"), id_beside("d", "i", "bob"), id_beside("d", "j", "bob"), id_beside("d", "iu", "ser")];
        assert!((0..4).all(|a| (0..a).all(|b| ids[a] != ids[b])), "{ids:?}");
        assert!(ids.iter().all(|i| i.len() == 64));
    }
}
