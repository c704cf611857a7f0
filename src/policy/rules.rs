//! A whole set of rules: the registered defaults, overridden by the layers of policy files, linked and examined.
//!
//! A set does not change; a reload builds a new one. Building never fails: what is wrong with a rule becomes a
//! [`Diagnostic`] and the rule denies.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::check::{Check, Evaluation, MAX_DEPTH, Stop};
use super::files::Layer;
use super::parser::{RuleText, parse};
use super::registry::{RuleDefault, canonical_name};
use super::target::{Credentials, Target};
use crate::error::{Error, Result};

/// Name of the rule that stands in for names that are not defined.
pub(super) const FALLBACK: &str = "default";

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The rule denies although its author meant something else.
    Error,
    /// Probably a mistake.
    Warning,
}

/// A finding about one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// The rule's name.
    pub rule: String,
    /// The file it is from; `None` for a default.
    pub source: Option<PathBuf>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{}: ", source.display())?;
        }
        write!(f, "rule \"{}\": {}", self.rule.escape_debug(), self.message)
    }
}

/// A rule in force, for listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleView {
    /// Name.
    pub name: String,
    /// The rule as written.
    pub text: RuleText,
    /// The file it is from; `None` for the default.
    pub source: Option<PathBuf>,
    /// What the code registers under this name.
    pub registered: Option<&'static RuleDefault>,
}

/// Rules that belong together.
#[derive(Debug, Default)]
pub struct RuleSet {
    checks: Vec<Check>,
    views: Vec<RuleView>,
    places: HashMap<String, usize>,
    fallback: Option<usize>,
    diagnostics: Vec<Diagnostic>,
}

impl RuleSet {
    /// Joins `defaults` and `layers`; later layers win. An error only if one layer names a rule twice, which happens when
    /// it uses two names for the same rule.
    pub(super) fn build(defaults: &'static [RuleDefault], layers: &[Layer]) -> Result<Self> {
        let mut set = Self::default();
        for default in defaults {
            set.put(default.name, &RuleText::from(default.check), None);
        }
        for layer in layers {
            let mut names = HashSet::new();
            for (name, rule) in &layer.rules {
                let canonical = canonical_name(name);
                if !names.insert(canonical) {
                    return Err(Error::invalid(format!(
                        "{}: \"{name}\" is defined twice (as \"{canonical}\")",
                        layer.source.display()
                    )));
                }
                set.put(canonical, rule, Some(&layer.source));
            }
        }
        for view in &mut set.views {
            view.registered = defaults.iter().find(|default| default.name == view.name);
        }
        set.link(FALLBACK);
        set.examine();
        Ok(set)
    }

    /// Rules as given, without defaults, for `policy check --json-lines`. An empty fallback name means none.
    pub(crate) fn given(rules: impl IntoIterator<Item = (String, RuleText)>, fallback: &str) -> Self {
        let mut set = Self::default();
        for (name, rule) in rules {
            set.put(&name, &rule, None);
        }
        set.link(fallback);
        set
    }

    fn put(&mut self, name: &str, text: &RuleText, source: Option<&Path>) {
        let parsed = parse(text);
        let source = source.map(Path::to_owned);
        let view = RuleView { name: name.to_owned(), text: text.clone(), source: source.clone(), registered: None };
        if self.places.contains_key(name) {
            self.diagnostics.retain(|diagnostic| diagnostic.rule != name);
        }
        self.diagnostics.extend(parsed.problems.into_iter().map(|message| Diagnostic {
            level: Level::Error,
            rule: name.to_owned(),
            source: source.clone(),
            message,
        }));
        match self.places.get(name) {
            Some(&place) => {
                self.checks[place] = parsed.check;
                self.views[place] = view;
            }
            None => {
                self.places.insert(name.to_owned(), self.checks.len());
                self.checks.push(parsed.check);
                self.views.push(view);
            }
        }
    }

    fn link(&mut self, fallback: &str) {
        self.fallback = if fallback.is_empty() { None } else { self.places.get(fallback).copied() };
        let (places, fallback) = (&self.places, self.fallback);
        let place_of = |name: &str| places.get(name).or_else(|| places.get(canonical_name(name))).copied().or(fallback);
        self.checks.iter_mut().for_each(|check| check.link(&place_of));
    }

    /// Finds references to nowhere, circles, nesting beyond what evaluation follows, and misspelt names.
    fn examine(&mut self) {
        let mut found = Vec::new();
        let references: Vec<Vec<(usize, u32)>> = self
            .checks
            .iter()
            .enumerate()
            .map(|(place, check)| {
                let mut targets = Vec::new();
                check.references(1, &mut |name, level| match self.defined(name) {
                    Some(target) => targets.push((target, level)),
                    None => {
                        found.push((
                            place,
                            Level::Warning,
                            format!("refers to \"{}\", which is not defined", name.escape_debug()),
                        ));
                        targets.extend(self.fallback.map(|target| (target, level)));
                    }
                });
                targets
            })
            .collect();
        for (place, depth) in depths(&self.checks, &references).into_iter().enumerate() {
            match depth {
                None => found.push((place, Level::Error, "is part of a circle of rules, or leads into one".to_owned())),
                Some(depth) if depth > MAX_DEPTH => {
                    found.push((
                        place,
                        Level::Error,
                        format!("refers to other rules more than {MAX_DEPTH} levels deep"),
                    ));
                }
                Some(_) => {}
            }
        }
        for (place, view) in self.views.iter().enumerate() {
            if view.registered.is_none() && (view.name.starts_with("identity:") || view.name.starts_with("iam:")) {
                found.push((place, Level::Warning, "no operation asks for a rule of this name".to_owned()));
            }
        }
        let findings = found.into_iter().filter_map(|(place, level, message)| {
            let view = self.views.get(place)?;
            Some(Diagnostic { level, rule: view.name.clone(), source: view.source.clone(), message })
        });
        self.diagnostics.extend(findings);
    }

    /// Whether the rule `name` (or the fallback) allows; `answers` are those of other machines so far.
    pub(super) fn decide(
        &self,
        name: &str,
        target: &Target,
        credentials: &Credentials,
        answers: &[(String, bool)],
    ) -> std::result::Result<bool, Stop> {
        self.decide_at(self.defined(name), target, credentials, answers)
    }

    /// Whether the caller's token is of a scope that `name` is registered for, and the rule allows.
    pub(super) fn admit(
        &self,
        name: &str,
        target: &Target,
        credentials: &Credentials,
    ) -> std::result::Result<bool, Stop> {
        let place = self.defined(name);
        if self.fits_at(place, credentials) { self.decide_at(place, target, credentials, &[]) } else { Ok(false) }
    }

    fn decide_at(
        &self,
        place: Option<usize>,
        target: &Target,
        credentials: &Credentials,
        answers: &[(String, bool)],
    ) -> std::result::Result<bool, Stop> {
        match place.or(self.fallback).and_then(|place| self.checks.get(place)) {
            None => Ok(false),
            Some(check) => match Evaluation::new(&self.checks, target, credentials, answers).allows(check) {
                Err(Stop::Fault) => Ok(false),
                decided => decided,
            },
        }
    }

    /// As the enforcer decides, without asking other machines: the error is the URL that would have to be asked.
    pub(crate) fn decide_locally(
        &self,
        name: &str,
        target: &Target,
        credentials: &Credentials,
    ) -> std::result::Result<bool, String> {
        match self.decide(name, target, credentials, &[]) {
            Ok(allowed) => Ok(allowed),
            Err(Stop::Ask(url)) => Err(url),
            Err(Stop::Fault) => Ok(false),
        }
    }

    /// Whether the caller's token is of a scope that `name` is registered for.
    pub fn fits_scope(&self, name: &str, credentials: &Credentials) -> bool {
        self.fits_at(self.defined(name), credentials)
    }

    fn fits_at(&self, place: Option<usize>, credentials: &Credentials) -> bool {
        let scopes = place.and_then(|place| self.views[place].registered).map_or(&[][..], |rule| rule.scopes);
        scopes.is_empty() || scopes.contains(&credentials.scope())
    }

    /// True if there is a rule of this name, the fallback aside.
    pub fn defines(&self, name: &str) -> bool {
        self.defined(name).is_some()
    }

    fn defined(&self, name: &str) -> Option<usize> {
        self.places.get(name).or_else(|| self.places.get(canonical_name(name))).copied()
    }

    /// Every rule in force: registered ones first, then others as they came.
    pub fn views(&self) -> &[RuleView] {
        &self.views
    }

    /// What was found wrong.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

/// How many levels each rule goes down, references included; `None` if without end. Works without recursion, because
/// chains of references may be long.
fn depths(checks: &[Check], references: &[Vec<(usize, u32)>]) -> Vec<Option<u32>> {
    let mut depths: Vec<Option<u32>> = vec![None; checks.len()];
    let mut waiting: Vec<usize> = references.iter().map(Vec::len).collect();
    let mut referrers = vec![Vec::new(); checks.len()];
    for (place, targets) in references.iter().enumerate() {
        targets.iter().for_each(|(target, _)| referrers[*target].push(place));
    }
    let mut ready: Vec<usize> = (0..checks.len()).filter(|place| waiting[*place] == 0).collect();
    while let Some(place) = ready.pop() {
        let below = references[place].iter().filter_map(|(target, level)| Some(level + depths[*target]?)).max();
        depths[place] = Some(checks[place].height().max(below.unwrap_or(0)));
        for referrer in std::mem::take(&mut referrers[place]) {
            waiting[referrer] -= 1;
            if waiting[referrer] == 0 {
                ready.push(referrer);
            }
        }
    }
    depths
}
