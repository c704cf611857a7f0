//! The grammar of mapping documents (keystone's schemas 1.0, 2.0 and 3.0), checked and compiled in one pass.
//!
//! Beyond the schemas it checks what can only fail at a login: places for values that no entry gives, patterns that are
//! none, format strings that reach further. All problems are collected, each with where it is.

mod local;
mod object;
mod remote;

use std::collections::BTreeSet;
use std::io;

use serde_json::Value;

pub use local::{DomainTemplate, GroupTemplate, Local, ProjectTemplate, UserTemplate};
pub use remote::{Condition, Entry, Test};

use super::{DomainRef, Owner, Rules, SchemaVersion};
use crate::error::{Error, Result};
use object::Object;

/// Most bytes of the rules as JSON.
const MAX_BYTES: usize = 256 * 1024;
/// Most rules.
const MAX_RULES: usize = 1_000;
/// Most entries of one `local` or `remote`.
const MAX_ENTRIES: usize = 1_000;
/// Most patterns of all rules.
const MAX_PATTERNS: usize = 2_000;
/// Problems and warnings that are told; the rest is counted.
const MAX_TOLD: usize = 20;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// What the assertion must say.
    pub remote: Vec<Entry>,
    /// What then comes of it.
    pub local: Vec<Local>,
}

impl Rule {
    /// Whether it holds values against texts only.
    pub fn is_literal(&self) -> bool {
        self.remote.iter().all(|entry| !entry.condition.has_patterns())
    }

    /// The domains that it names by fixed text.
    pub fn domains(&self) -> BTreeSet<DomainRef> {
        self.local.iter().flat_map(Local::domains).filter_map(DomainTemplate::fixed).collect()
    }
}

/// What is known while rules are read.
struct Reading<'a> {
    version: SchemaVersion,
    owner: &'a Owner,
    patterns: usize,
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl Reading<'_> {
    fn wrong(&mut self, path: &str, what: impl AsRef<str>) {
        self.problems.push(format!("{path}: {}", what.as_ref()));
    }

    fn warn(&mut self, path: &str, what: impl AsRef<str>) {
        self.warnings.push(format!("{path}: {}", what.as_ref()));
    }
}

/// Reads the value of `rules`.
pub fn parse(rules: &Value, version: SchemaVersion, owner: Owner) -> Result<Rules> {
    if size(rules) > MAX_BYTES {
        return Err(Error::invalid(format!("rules: the rules are over {MAX_BYTES} bytes")));
    }
    let mut reading = Reading { version, owner: &owner, patterns: 0, problems: Vec::new(), warnings: Vec::new() };
    let read = read_rules(rules, &mut reading);
    let Reading { mut problems, mut warnings, .. } = reading;
    if !problems.is_empty() {
        shorten(&mut problems);
        return Err(Error::invalid(problems.join("\n")));
    }
    shorten(&mut warnings);
    Ok(Rules { version, owner, rules: read, warnings })
}

fn shorten(told: &mut Vec<String>) {
    let more = told.len().saturating_sub(MAX_TOLD);
    if more > 0 {
        told.truncate(MAX_TOLD);
        told.push(format!("and {more} more"));
    }
}

fn read_rules(rules: &Value, reading: &mut Reading<'_>) -> Vec<Rule> {
    let Some(items) = object::list(rules, "rules", 1..=MAX_RULES, reading) else { return Vec::new() };
    let read: Vec<Rule> = items
        .iter()
        .enumerate()
        .filter_map(|(i, item)| {
            let path = format!("rules[{i}]");
            let mut rule = Object::read(item, &path, reading)?;
            let remote = rule.required("remote", reading);
            let local = rule.required("local", reading);
            rule.finish(reading);
            let remote = remote.and_then(|value| remote::read(value, &format!("{path}.remote"), reading));
            // Where the remote part is no good, nothing can be said of the places for its values.
            let slots = remote
                .as_ref()
                .map_or(usize::MAX, |entries| entries.iter().filter(|entry| entry.condition.gives_slot()).count());
            let local = local.and_then(|value| local::read(value, &format!("{path}.local"), slots, reading));
            Some(Rule { remote: remote?, local: local? })
        })
        .collect();
    if reading.problems.is_empty() && !read.iter().any(|rule| rule.local.iter().any(|local| local.user.is_some())) {
        reading.warn("rules", "no rule names a user, so nobody can log in by them alone");
    }
    read
}

/// The bytes of a value as JSON, without writing it anywhere.
fn size(value: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            // What is too large need not be counted to its end.
            if self.0 > MAX_BYTES { Err(io::ErrorKind::WriteZero.into()) } else { Ok(bytes.len()) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}
