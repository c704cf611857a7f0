//! The version that a caller believes to change (RFC 9110 §13.1.1).

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

/// 412 for what has been changed meanwhile.
pub fn changed(what: &str) -> Error {
    Error::precondition_failed(format!(
        "The {what} has been changed since it was read. Read it again and repeat the change."
    ))
}
