//! Background jobs: what is to be done about something, when, and what came of it.
//!
//! There is one job for each kind and subject. It runs at least once after it was last asked for: a node may stop before it
//! has written down that it was done, so what a job does must bear being done twice.

use std::time::Duration;

use serde_json::Value;

use super::list::Condition;
use crate::clock::Timestamp;

/// Attempts before a job has failed for good.
const MAX_ATTEMPTS: i64 = 8;
/// Most seconds between the first attempt and the second; each further pause may be twice as long.
const FIRST_PAUSE_SECS: u64 = 10;
/// Most seconds between two attempts.
const LONGEST_PAUSE_SECS: u64 = 600;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Test an SSO configuration.
    TestConfiguration,
    /// Delete an SSO configuration with all that hangs on it.
    DeleteConfiguration,
    /// Tell an application that a session has ended.
    NotifyLogout,
    /// Look whether a platform answers.
    CheckPlatform,
    /// Push a configuration to a platform, or take it away there.
    Federate,
    /// Look whether what was pushed is still there.
    CheckFederation,
    /// Provision users and groups on a platform.
    Provision,
}

impl Kind {
    /// All that this program can do.
    pub const ALL: [Self; 7] = [
        Self::TestConfiguration,
        Self::DeleteConfiguration,
        Self::NotifyLogout,
        Self::CheckPlatform,
        Self::Federate,
        Self::CheckFederation,
        Self::Provision,
    ];

    /// Its name, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TestConfiguration => "sso.test",
            Self::DeleteConfiguration => "sso.delete",
            Self::NotifyLogout => "session.notify",
            Self::CheckPlatform => "platform.check",
            Self::Federate => "sso.federate",
            Self::CheckFederation => "sso.check_federation",
            Self::Provision => "sso.provision",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == name)
    }

    /// How long one attempt may take.
    pub fn deadline(self) -> Duration {
        Duration::from_secs(match self {
            Self::TestConfiguration => 60,
            Self::DeleteConfiguration => 300,
            Self::NotifyLogout => 15,
            Self::CheckPlatform => 60,
            // Taking users and groups back is part of it.
            Self::Federate | Self::Provision => 6 * 3_600,
            Self::CheckFederation => 120,
        })
    }

    /// Jobs of this kind that a node runs at once, beside those of other kinds: what waits for other machines must not keep
    /// what does not.
    pub fn most(self) -> usize {
        match self {
            Self::Federate => 8,
            Self::CheckPlatform | Self::Provision => 4,
            Self::CheckFederation => 2,
            Self::TestConfiguration | Self::DeleteConfiguration | Self::NotifyLogout => usize::MAX,
        }
    }

    /// Whether it counts among those that a node runs at once by configuration.
    pub fn is_own(self) -> bool {
        self.most() == usize::MAX
    }

    /// Attempts before it has failed for good.
    pub fn max_attempts(self) -> i64 {
        match self {
            Self::TestConfiguration | Self::DeleteConfiguration | Self::Federate | Self::Provision => MAX_ATTEMPTS,
            // Asked for again by the calendar.
            Self::CheckPlatform | Self::CheckFederation => 2,
            // An application that stays away will hear of it by its next refresh.
            Self::NotifyLogout => 3,
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for its time.
    Queued,
    /// A node is at it.
    Running,
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
    /// Stopped by somebody.
    Cancelled,
}

impl State {
    const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Its name, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// A job to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What is to be done.
    pub kind: Kind,
    /// What it is about.
    pub subject: String,
    /// What else whoever does it must know; no secrets.
    pub payload: Value,
    /// Not before.
    pub run_at: Timestamp,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Name of its [`Kind`]; a newer node may have asked for one that this program does not know.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// What else whoever does it must know.
    pub payload: Value,
    /// Where it stands.
    pub state: State,
    /// Attempts begun.
    pub attempts: i64,
    /// Attempts before it has failed for good.
    pub max_attempts: i64,
    /// When it is to run, or was.
    pub run_at: Timestamp,
    /// Whether it is to run once more when it has ended.
    pub rerun: bool,
    /// Whether somebody wants it to stop.
    pub cancelling: bool,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those in this state.
    pub state: Option<State>,
    /// Those of this kind.
    pub kind: Option<String>,
    /// Those about this.
    pub subject: Option<String>,
}

impl Filter {
    /// What must hold of a row.
    pub fn conditions(&self) -> Vec<Condition> {
        [
            self.state.map(|s| Condition::equals("state", s.as_str())),
            self.kind.as_ref().map(|k| Condition::equals("kind", k)),
            self.subject.as_ref().map(|s| Condition::equals("subject", s)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// When to try again after `attempts`, at least one: at a random moment within a pause that doubles each time up to a cap
/// ("full jitter"), so that many jobs that failed together do not come back together.
pub fn retry_at(now: Timestamp, attempts: i64, random: [u8; 8]) -> Timestamp {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 16)).unwrap_or(16);
    let longest = (FIRST_PAUSE_SECS << doublings).min(LONGEST_PAUSE_SECS) * 1_000_000;
    // The upper 64 bits of the product are a number below `longest`, each as likely as the next.
    let pause = (u128::from(longest) * u128::from(u64::from_be_bytes(random))) >> 64;
    Timestamp(now.0.saturating_add(i64::try_from(pause).unwrap_or(0))).min(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!((Kind::parse("sso.dance"), State::parse("odd")), (None, None));
    }

    #[test]
    fn pauses_are_anything_up_to_a_limit_that_doubles_to_ten_minutes() {
        let now = Timestamp::from_secs(1_000);
        let pause = |attempts, random: u64| retry_at(now, attempts, random.to_be_bytes()).0 - now.0;
        for (attempts, secs) in [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 320), (7, 600), (i64::MAX, 600)] {
            assert_eq!(pause(attempts, 0), 0);
            assert_eq!(pause(attempts, 1 << 63), secs * 500_000, "half of it after {attempts}");
            assert_eq!(pause(attempts, u64::MAX), secs * 1_000_000 - 1, "less than all of it after {attempts}");
        }
        assert_eq!(retry_at(Timestamp::MAX, 7, [255; 8]), Timestamp::MAX);
    }

    #[test]
    fn a_filter_says_only_what_it_was_told() {
        assert_eq!(Filter::default().conditions(), []);
        let filter = Filter { state: Some(State::Failed), kind: Some("k".into()), subject: Some("s".into()) };
        let expected = [("state", "failed"), ("kind", "k"), ("subject", "s")]
            .map(|(column, text)| Condition::equals(column, text));
        assert_eq!(filter.conditions(), expected);
    }
}
