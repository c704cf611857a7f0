//! Runs that bring a configuration's users and groups to a platform by SCIM, and the report that each leaves (sso-api §8).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::words::words;
use crate::clock::Timestamp;

/// Most problems that a report names; the rest is counted.
pub const MAX_PROBLEMS: usize = 100;

words! {
    /// How much a run does.
    Mode {
        /// Looks at everything there.
        Full = "full",
        /// Sends what has changed here.
        Changes = "changes",
        /// Deactivates users and empties groups.
        Deactivate = "deactivate",
        /// Deletes users and groups.
        Delete = "delete",
    }
}

words! {
    /// Where a run stands.
    State {
        /// Waits for a worker.
        Queued = "queued",
        /// A node is at it.
        Running = "running",
        /// Everything is there.
        Succeeded = "succeeded",
        /// Some of it is not.
        Partial = "partial",
        /// It could not go on.
        Failed = "failed",
        /// Something else was wanted meanwhile.
        Cancelled = "cancelled",
    }
}

words! {
    /// What a run is at, in this order.
    Phase {
        /// Users who are to be there.
        Users = "users",
        /// Users who are not any more.
        Leavers = "leavers",
        /// Groups that are to be there, with their members.
        Groups = "groups",
        /// Groups that are not any more.
        Remainders = "remainders",
        /// Nothing any more.
        End = "end",
    }
}

words! {
    /// What is provisioned.
    Kind {
        /// Users.
        User = "user",
        /// Groups.
        Group = "group",
    }
}

/// How many, by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// To be looked at, as of the beginning.
    pub total: i64,
    /// Looked at.
    pub done: i64,
    /// By outcome: `created`, `adopted`, `updated`, `unchanged`, `reactivated`, `deactivated`, `deleted`, `failed`.
    pub outcomes: BTreeMap<String, i64>,
}

impl Tally {
    /// Counts one.
    pub fn note(&mut self, outcome: &str) {
        self.done += 1;
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    /// How many failed.
    pub fn failed(&self) -> i64 {
        self.outcomes.get("failed").copied().unwrap_or_default()
    }
}

/// What a run has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Users.
    pub users: Tally,
    /// Groups.
    pub groups: Tally,
    /// Memberships that were added.
    pub members_added: i64,
    /// Memberships that were taken away.
    pub members_removed: i64,
}

/// One that did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it is.
    pub kind: Kind,
    /// Its id here.
    pub id: String,
    /// Its name here.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub federation_id: String,
    /// See [`Mode`].
    pub mode: Mode,
    /// See [`State`].
    pub state: State,
    /// See [`Phase`].
    pub phase: Phase,
    /// The last of the phase that is done.
    pub after_id: String,
    /// See [`Counts`].
    pub counts: Counts,
    /// The first that did not work.
    pub problems: Vec<Problem>,
    /// However many users it would deactivate.
    pub unlimited: bool,
    /// Why it could not go on.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last got on.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl Run {
    /// One that waits.
    pub fn new(id: String, federation_id: &str, mode: Mode, now: Timestamp) -> Self {
        Self {
            id,
            federation_id: federation_id.to_owned(),
            mode,
            state: State::Queued,
            phase: Phase::Users,
            after_id: String::new(),
            counts: Counts::default(),
            problems: Vec::new(),
            unlimited: false,
            error: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
        }
    }

    /// Notes one that did not work.
    pub fn note(&mut self, kind: Kind, id: &str, name: &str, reason: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { kind, id: id.to_owned(), name: name.to_owned(), reason });
        }
    }

    /// The tally of a kind.
    pub fn tally(&mut self, kind: Kind) -> &mut Tally {
        match kind {
            Kind::User => &mut self.counts.users,
            Kind::Group => &mut self.counts.groups,
        }
    }

    /// Why not all of a kind are there: the counts and the first reason.
    pub fn reason(&self, kind: Kind) -> Option<String> {
        let tally = match kind {
            Kind::User => &self.counts.users,
            Kind::Group => &self.counts.groups,
        };
        let users_done = !matches!(self.phase, Phase::Users | Phase::Leavers);
        if let Some(error) = &self.error
            && !(kind == Kind::User && users_done)
        {
            return Some(error.clone());
        }
        if tally.failed() == 0 {
            return None;
        }
        let first = self.problems.iter().find(|p| p.kind == kind);
        let first = first.map(|p| format!("{}: {}", p.name, p.reason)).unwrap_or_default();
        Some(format!("{} of {} failed, the first {first}", tally.failed(), tally.done))
    }
}

/// A user or group of ours as a platform has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its id here.
    pub local_id: String,
    /// Its id there.
    pub remote_id: String,
    /// Its version there, if the platform counts.
    pub remote_version: Option<String>,
    /// Digest of what was last sent.
    pub digest: String,
    /// It is active there.
    pub active: bool,
}
