//! The version that a caller believes to change (RFC 9110 §13.1.1).

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// What a change is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whatever there is.
    Any,
    /// One of these.
    Versions(Vec<i64>),
}

impl Expected {
    /// 412 unless it is the stored version of `what`.
    pub fn check(&self, what: &str, version: i64) -> Result<()> {
        match self {
            Self::Versions(versions) if !versions.contains(&version) => Err(changed(what)),
            _ => Ok(()),
        }
    }
}

/// A version of what counts none: a number that is another one for another text.
pub fn fingerprint(text: &str) -> i64 {
    let digest = Sha256::digest(text);
    digest.iter().take(8).fold(0_i64, |n, byte| (n << 8) | i64::from(*byte)) & i64::MAX
}

/// 412 for what has been changed meanwhile.
pub fn changed(what: &str) -> Error {
    Error::precondition_failed(format!(
        "The {what} has been changed since it was read. Read it again and repeat the change."
    ))
}
