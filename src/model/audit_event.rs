//! An audit event: who did what, to what, with which outcome, in which request.

use crate::clock::{Timestamp, hex};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused or failed.
    Failure,
}

impl Outcome {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// One audit event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its id; ids sort in order of time.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// In which request.
    pub request_id: String,
    /// What, as `resource.verb`.
    pub action: String,
    /// How it ended.
    pub outcome: String,
    /// Why it failed; for administrators only.
    pub reason: Option<String>,
    /// Who.
    pub user_id: Option<String>,
    /// Their name, or the name that a failed login gave.
    pub user_name: Option<String>,
    /// `project`, `domain` or `system`.
    pub scope_kind: Option<String>,
    /// Of the project or domain.
    pub scope_id: Option<String>,
    /// The domain it happened in, when it happened in one.
    pub domain_id: Option<String>,
    /// Kind of what it was done to.
    pub target_kind: Option<String>,
    /// Id of what it was done to.
    pub target_id: Option<String>,
    /// Address of the caller.
    pub remote: Option<String>,
    /// Names of the members that changed, or the like; never values that may be secret.
    pub detail: String,
}

/// An id that sorts by time: 16 hexadecimal digits of microseconds, then randomness.
pub fn new_id(at: Timestamp, random: [u8; 8]) -> String {
    format!("{:016x}{}", at.0.max(0), hex(&random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_up_to_the_year_9999() {
        let ids = [Timestamp(0), Timestamp(1), Timestamp::from_secs(1_800_000_000), Timestamp::MAX]
            .map(|t| new_id(t, [0; 8]));
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|i| i.len() == 32));
    }
}
