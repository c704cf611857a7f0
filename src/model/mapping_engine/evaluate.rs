//! Applying rules to an assertion: which rules match, and what comes of those that do.
//!
//! Everything that matches counts: groups add up, the first user wins, the last projects win. What a pattern could not
//! decide within its steps never speaks for the person: it is no match for `any_one_of` and `whitelist`, and no clearance
//! for `not_any_of` and `blacklist`.

mod collect;

use std::collections::HashSet;

use super::explain::{Seen, Tried};
use super::grammar::{Condition, Entry, Rule, Test};
use super::pattern::{Steps, Verdict};
use super::{Mapped, Refusal, Rules, Stage};
use crate::model::assertion::Assertion;
use collect::Collector;

/// What Keystone says when nothing comes of an assertion.
const NOTHING_MAPPED: &str = "Could not map any federated user properties to identity values. Check debug logs or the \
                              mapping used for additional details.";

/// The values that a rule gives, one list for each place.
type Slots<'a> = Vec<Vec<&'a str>>;

/// Applies `rules`. With `trace`, every entry is looked at and told of, also behind one that has failed.
pub(super) fn run(rules: &Rules, assertion: &Assertion, mut trace: Option<&mut Vec<Tried>>) -> Result<Mapped, Refusal> {
    let mut steps = Steps::default();
    let mut collector = Collector::new(rules, assertion.origin());
    for (number, rule) in rules.rules.iter().enumerate() {
        let slots = match trace.as_deref_mut() {
            None => requirements(rule, assertion, &mut steps, &mut collector.warnings, number),
            Some(trace) => {
                let (slots, tried) = traced(rule, assertion, &mut steps, &mut collector.warnings, number);
                trace.push(tried);
                slots
            }
        };
        if let Some(slots) = slots {
            collector.add(number, rule, &slots)?;
        }
    }
    collector.finish()
}

/// What one entry says of the assertion.
struct Judged<'a> {
    passed: bool,
    slot: Option<Vec<&'a str>>,
    gave_up: bool,
}

/// The values that a rule gives, or None if it does not apply.
fn requirements<'a>(
    rule: &Rule,
    assertion: &'a Assertion,
    steps: &mut Steps,
    warnings: &mut Vec<String>,
    number: usize,
) -> Option<Slots<'a>> {
    let mut slots = Vec::new();
    for (i, entry) in rule.remote.iter().enumerate() {
        let judged = judge(entry, assertion.get(&entry.attribute)?, steps);
        if judged.gave_up {
            warnings.push(gave_up(number, i));
        }
        if !judged.passed {
            return None;
        }
        slots.extend(judged.slot);
    }
    Some(slots)
}

/// The same, telling of every entry. What stands behind a failed entry has steps of its own, so that looking at it does
/// not change what comes of the other rules.
fn traced<'a>(
    rule: &Rule,
    assertion: &'a Assertion,
    steps: &mut Steps,
    warnings: &mut Vec<String>,
    number: usize,
) -> (Option<Slots<'a>>, Tried) {
    let mut matched = true;
    let mut slots: Slots<'a> = Vec::new();
    let mut entries = Vec::new();
    let mut spare = Steps::default();
    for (i, entry) in rule.remote.iter().enumerate() {
        let values = assertion.get(&entry.attribute);
        let judged = values.map(|values| judge(entry, values, if matched { &mut *steps } else { &mut spare }));
        if matched && judged.as_ref().is_some_and(|judged| judged.gave_up) {
            warnings.push(gave_up(number, i));
        }
        let passed = judged.as_ref().is_some_and(|judged| judged.passed);
        let given = judged.as_ref().and_then(|judged| judged.slot.as_ref());
        entries.push(Seen {
            attribute: entry.attribute.clone(),
            condition: entry.condition.name(),
            listed: listed(entry),
            regex: matches!(entry.condition.test(), Some(Test::Patterns(_))),
            values: values.map(<[String]>::to_vec),
            passed,
            reason: reason(entry, values, judged.as_ref()),
            slot: given.map(|_| entries_before(&rule.remote, i)),
            given: given.map(|values| values.iter().map(|v| (*v).to_owned()).collect()),
        });
        matched &= passed;
        slots.extend(judged.and_then(|judged| judged.slot));
    }
    (matched.then_some(slots), Tried { rule: number, matched, entries })
}

fn entries_before(remote: &[Entry], i: usize) -> usize {
    remote.iter().take(i).filter(|entry| entry.condition.gives_slot()).count()
}

fn gave_up(rule: usize, entry: usize) -> String {
    format!(
        "rules[{rule}].remote[{entry}]: a pattern gave up at the step limit; what it could not decide does not count for the person"
    )
}

fn judge<'a>(entry: &Entry, values: &'a [String], steps: &mut Steps) -> Judged<'a> {
    let mut gave_up = false;
    let mut verdict = |test: &Test, value: &str, steps: &mut Steps| {
        let verdict = test.hold(value, steps);
        gave_up |= verdict == Verdict::GaveUp;
        verdict
    };
    let (passed, slot) = match &entry.condition {
        Condition::Present => (true, Some(values.iter().map(String::as_str).collect())),
        Condition::AnyOneOf(test) => (values.iter().any(|v| verdict(test, v, steps) == Verdict::Match), None),
        Condition::NotAnyOf(test) => (values.iter().all(|v| verdict(test, v, steps) == Verdict::NoMatch), None),
        Condition::Whitelist(test) => (true, Some(filtered(values, |v| verdict(test, v, steps) == Verdict::Match))),
        Condition::Blacklist(test) => (true, Some(filtered(values, |v| verdict(test, v, steps) == Verdict::NoMatch))),
    };
    Judged { passed, slot, gave_up }
}

/// The values that `keep` keeps, each once, in the order of the assertion.
fn filtered(values: &[String], mut keep: impl FnMut(&str) -> bool) -> Vec<&str> {
    let mut known = HashSet::new();
    values.iter().map(String::as_str).filter(|v| known.insert(*v) && keep(v)).collect()
}

impl Test {
    /// Whether a value is among what is listed.
    fn hold(&self, value: &str, steps: &mut Steps) -> Verdict {
        match self {
            Self::Exact { known, .. } if known.contains(value) => Verdict::Match,
            Self::Exact { .. } => Verdict::NoMatch,
            Self::Patterns(patterns) => {
                let mut verdict = Verdict::NoMatch;
                for pattern in patterns {
                    match pattern.search(value, steps) {
                        Verdict::Match => return Verdict::Match,
                        Verdict::GaveUp => verdict = Verdict::GaveUp,
                        Verdict::NoMatch => {}
                    }
                }
                verdict
            }
        }
    }
}

fn listed(entry: &Entry) -> Vec<String> {
    match entry.condition.test() {
        None => Vec::new(),
        Some(Test::Exact { listed, .. }) => listed.clone(),
        Some(Test::Patterns(patterns)) => patterns.iter().map(|p| p.as_str().to_owned()).collect(),
    }
}

/// A sentence for people.
fn reason(entry: &Entry, values: Option<&[String]>, judged: Option<&Judged<'_>>) -> String {
    let (Some(values), Some(judged)) = (values, judged) else {
        return "the assertion has no such attribute".to_owned();
    };
    let matches = match entry.condition.test() {
        Some(Test::Patterns(_)) => "matches",
        _ => "is listed",
    };
    let matches_not = match entry.condition.test() {
        Some(Test::Patterns(_)) => "matches",
        _ => "is equal to what is listed",
    };
    let kept = judged.slot.as_ref().map_or(0, Vec::len);
    let text = match (&entry.condition, judged.passed) {
        (Condition::Present, _) => format!("{} there", number_of(values.len())),
        (Condition::AnyOneOf(_), true) => format!("a value {matches}"),
        (Condition::AnyOneOf(_), false) => format!("no value {matches_not}"),
        (Condition::NotAnyOf(_), true) => format!("no value {matches_not}"),
        (Condition::NotAnyOf(_), false) if judged.gave_up => "a value could not be cleared".to_owned(),
        (Condition::NotAnyOf(_), false) => format!("a value {matches}"),
        (Condition::Whitelist(_) | Condition::Blacklist(_), _) => format!("{} kept", number_of(kept)),
    };
    if judged.gave_up { format!("{text}; a pattern gave up at the step limit") } else { text }
}

fn number_of(values: usize) -> String {
    match values {
        0 => "no value is".to_owned(),
        1 => "one value is".to_owned(),
        n => format!("{n} values are"),
    }
}

/// A refusal.
fn refused(stage: Stage, message: impl Into<String>) -> Refusal {
    Refusal { stage, message: message.into() }
}
