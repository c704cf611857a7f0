//! The mapping engine of OS-FEDERATION: from what an identity provider says to a user, groups and projects.
//!
//! [`Rules::parse`] reads and checks the rules of a mapping once, [`Rules::evaluate`] applies them to one [`Assertion`], and
//! [`Rules::explain`] does the same walk and tells what it saw. All of it is pure and bounded: no document, pattern or
//! value can make it slow. The grammar and the meaning are Keystone's; where we differ is listed in the README.

mod document;
mod evaluate;
mod explain;
mod grammar;
mod literal;
mod pattern;
mod template;
mod unicode;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

pub use explain::{Explanation, Seen, Tried};

use super::assertion::Assertion;
use crate::error::Result;

/// The version of a mapping's grammar and meaning, `schema_version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaVersion {
    /// `1.0`: a local `domain` serves `groups` only.
    V1,
    /// `2.0`: a local `domain` is the default for users and projects, too; projects may name a domain.
    V2,
    /// `3.0`: adds `projects_json`; a user's grants on projects become exactly those of the assertion.
    V3,
}

impl SchemaVersion {
    /// As written in `schema_version`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
            Self::V3 => "3.0",
        }
    }

    /// Reads `schema_version`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::V1, Self::V2, Self::V3].into_iter().find(|v| v.as_str() == text)
    }
}

/// Whose mapping it is, which decides what it may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The cloud administrator's: Keystone's grammar, any domain.
    Cloud,
    /// A domain's, by id: a group may go without `domain` and is then one of that domain, and no other domain may be named.
    Domain(String),
}

/// A domain by id, by name, or (as Keystone allows) both, where an id that is not empty wins.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainRef {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// A group by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName {
    /// Its name.
    pub name: String,
    /// Its domain.
    pub domain: DomainRef,
}

/// Whether the user exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKind {
    /// Made of the assertion (a shadow user).
    Ephemeral,
    /// One of the database, found by id, or by name and domain.
    Local,
}

/// The user of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedUser {
    /// Unique id at the identity provider; for [`UserKind::Local`] the user's id.
    pub id: Option<String>,
    /// Display name, and the unique id if there is no other.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// The domain. None means the identity provider's.
    pub domain: Option<DomainRef>,
    /// Made or found.
    pub kind: UserKind,
}

impl MappedUser {
    /// Who it is at the identity provider: the id, else the name, whichever is not empty. None is nobody, and cannot log in.
    pub fn unique_id(&self) -> Option<&str> {
        [&self.id, &self.name].into_iter().filter_map(Option::as_deref).find(|text| !text.is_empty())
    }
}

/// A project to be had, with roles on it for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedProject {
    /// Its name.
    pub name: String,
    /// Its domain. None means the identity provider's.
    pub domain: Option<DomainRef>,
    /// The names of the roles, in the order of the rules.
    pub roles: Vec<String>,
}

/// What the rules make of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The user. None when no rule that matched names one: a login is then refused unless the user is known otherwise.
    pub user: Option<MappedUser>,
    /// The domain of a user whom the rules do not name (from 2.0 on). None means the identity provider's.
    pub default_domain: Option<DomainRef>,
    /// Groups by id.
    pub group_ids: BTreeSet<String>,
    /// Groups by name.
    pub group_names: BTreeSet<GroupName>,
    /// Projects: those of the last rule that names some.
    pub projects: Vec<MappedProject>,
    /// What an administrator may want to know: patterns that were given up, users that were passed over, lists in names.
    pub warnings: Vec<String>,
}

impl Mapped {
    /// Whether there is somebody to log in.
    pub fn names_somebody(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.unique_id().is_some())
    }
}

/// What an evaluation failed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// No rule matches.
    Match,
    /// The rules that match say something that makes no sense with these values.
    Collect,
    /// The result would be larger than any login needs.
    Limit,
}

/// Why an assertion leads to nobody. The person sees a uniform 401; this is for the audit trail and for administrators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What failed.
    pub stage: Stage,
    /// Why, in a sentence.
    pub message: String,
}

/// Rules that are applied to a short assertion in next to no time, at most.
const SWIFT_RULES: usize = 50;

/// The rules of a mapping, checked and compiled. Made once and shared (`Arc<Rules>`).
#[derive(Debug)]
pub struct Rules {
    version: SchemaVersion,
    owner: Owner,
    rules: Vec<grammar::Rule>,
    warnings: Vec<String>,
}

impl Rules {
    /// Checks and compiles the value of `rules`. The error (400) names every problem with its rule and entry.
    pub fn parse(rules: &Value, version: SchemaVersion, owner: Owner) -> Result<Self> {
        grammar::parse(rules, version, owner)
    }

    /// Applies the rules.
    pub fn evaluate(&self, assertion: &Assertion) -> std::result::Result<Mapped, Refusal> {
        evaluate::run(self, assertion, None)
    }

    /// Applies the rules and tells, rule by rule and entry by entry, what matched and what did not.
    pub fn explain(&self, assertion: &Assertion) -> Explanation {
        let mut tried = Vec::new();
        let outcome = evaluate::run(self, assertion, Some(&mut tried));
        Explanation { version: self.version, rules: tried, warnings: self.warnings.clone(), outcome }
    }

    /// Whether they are applied to an assertion in next to no time, whatever it says: they have no patterns, both are short.
    pub fn are_swift(&self, assertion: &Assertion) -> bool {
        self.rules.len() <= SWIFT_RULES && assertion.is_short() && self.rules.iter().all(grammar::Rule::is_literal)
    }

    /// Their version.
    pub fn version(&self) -> SchemaVersion {
        self.version
    }

    /// Whose they are.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// What is legal and probably not meant.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Every domain that the rules name by fixed text, so that the rules of a domain can be checked for naming another by
    /// its name. (By id they have been checked; a domain made of an assertion's values is refused in them. Groups by id,
    /// and domains in `JSON:` groups and `projects_json`, are known at a login only and checked there by the caller.)
    pub fn domain_references(&self) -> BTreeSet<DomainRef> {
        self.rules.iter().flat_map(grammar::Rule::domains).collect()
    }
}
