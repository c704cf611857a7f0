//! Secrets: how they are held in memory, kept in files, and sealed at rest (invariant I7).
//!
//! [`Secret`] holds bytes that must not be seen: it has no `Display` and no `Serialize`, its `Debug` shows nothing, it
//! compares in constant time and is wiped when dropped. [`Sealer`] turns a secret into text that may lie in the
//! database. [`mod@file`] writes secret files so that a crash at any point leaves either the old or the new one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub mod file;
mod sealer;

pub use sealer::{MasterKeyInfo, Sealer};

/// The digest under which a random handle, code or cookie is stored: 43 characters of base64url.
pub fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// Whether two texts are equal, in a time that tells nothing of where they differ.
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Bytes that must not be seen. Reading them takes an explicit [`Secret::expose`].
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; they are wiped when the secret is dropped.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, if they are UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True for no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl PartialEq for Secret {
    /// In constant time for secrets of one length.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asking for any type keeps the format from making a type error that quotes the value it found.
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::from(text))
            }

            fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Secret, E> {
                Ok(Secret::from(text))
            }

            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::custom("invalid type: number, expected a string"))
            }

            fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Secret, E> {
                Err(E::custom("invalid type: number, expected a string"))
            }

            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Secret, E> {
                Err(E::custom("invalid type: number, expected a string"))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Compiles only as long as `Secret` implements neither trait: with an implementation the choice is ambiguous.
    #[test]
    fn sec_mem_1_a_secret_has_no_display_and_no_serialize() {
        struct Implemented;
        trait Unshown<A> {
            fn holds() -> bool {
                true
            }
        }
        impl<T> Unshown<()> for T {}
        impl<T: fmt::Display> Unshown<Implemented> for T {}
        trait Unwritten<A> {
            fn holds() -> bool {
                true
            }
        }
        impl<T> Unwritten<()> for T {}
        impl<T: serde::Serialize> Unwritten<Implemented> for T {}
        assert!(<Secret as Unshown<_>>::holds() && <Secret as Unwritten<_>>::holds());
    }

    #[test]
    fn sec_mem_1_debug_shows_nothing() {
        let secret = Secret::from("canary-7f3a");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(***) Some(Secret(***))");
    }

    #[test]
    fn secrets_compare_by_their_bytes() {
        assert_eq!(Secret::from("a"), Secret::from("a".to_owned()));
        assert_ne!(Secret::from("a"), Secret::from("b"));
        assert_ne!(Secret::from("a"), Secret::from("ab"));
        assert!(Secret::default().is_empty());
        assert_eq!((Secret::from("äb").len(), Secret::from("äb").expose_str()), (3, Some("äb")));
        assert_eq!(Secret::new([0xff]).expose_str(), None);
    }

    #[test]
    fn sec_log_1_a_type_error_does_not_quote_the_value() {
        assert_eq!(serde_json::from_str::<Secret>("\"x\"").unwrap(), Secret::from("x"));
        let error = serde_json::from_str::<Secret>("31337").unwrap_err().to_string();
        assert!(error.contains("expected a string") && !error.contains("31337"), "{error}");
    }
}
