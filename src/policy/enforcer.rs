//! The set of rules in force, and the question that every service function asks first.
//!
//! Readers take the set without a lock; a reload builds a new set beside it and swaps. Policy files that cannot be read
//! as a whole never replace a set that works.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::check::Stop;
use super::files::{self, Stamp};
use super::registry::registry;
use super::remote::{Remote, RemoteAsk};
use super::rules::{Diagnostic, Level, RuleSet};
use super::target::{Credentials, Target};
use crate::error::{Error, Result};

/// Most questions to other machines for one decision.
const MAX_ASKS: usize = 16;

/// Decides who may do what.
#[derive(Debug)]
pub struct Enforcer {
    main: Option<PathBuf>,
    dirs: Vec<PathBuf>,
    remote: Remote,
    current: ArcSwap<RuleSet>,
    /// The files as they were when last looked at, read with success or not.
    seen: Mutex<Vec<Stamp>>,
}

impl Enforcer {
    /// Reads the policy files, blocking. A main file or directory that does not exist counts as empty. What is wrong with
    /// single rules is returned and logged.
    ///
    /// # Errors
    /// A file that cannot be read, is too large, is not a YAML mapping or names a rule twice; the text names file and
    /// line.
    pub fn load(main: Option<&Path>, dirs: &[PathBuf], remote: Remote) -> Result<(Self, Vec<Diagnostic>)> {
        let seen = files::survey(main, dirs)?;
        let set = RuleSet::build(registry(), &files::read_all(&seen)?)?;
        log(set.diagnostics());
        let diagnostics = set.diagnostics().to_vec();
        let enforcer = Self {
            main: main.map(Path::to_owned),
            dirs: dirs.to_vec(),
            remote,
            current: ArcSwap::from_pointee(set),
            seen: Mutex::new(seen),
        };
        Ok((enforcer, diagnostics))
    }

    /// Reads the policy files again if one has changed, come or gone, blocking. `None` if nothing has.
    ///
    /// # Errors
    /// As [`Enforcer::load`], and when the main file has vanished: it may hold restrictions, so its rules stay until a
    /// restart. The last good set stays in force; the same state of the files is reported once.
    pub fn reload_if_changed(&self) -> Result<Option<Vec<Diagnostic>>> {
        let now = files::survey(self.main.as_deref(), &self.dirs)?;
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now {
                return Ok(None);
            }
            if let Some(main) = &self.main
                && files::includes(&seen, main)
                && !files::includes(&now, main)
            {
                // What was seen stays, so that the file's return is noticed and its absence is never accepted.
                return Err(Error::internal(format!("the policy file {} has vanished", main.display())));
            }
            seen.clone_from(&now);
        }
        let set = RuleSet::build(registry(), &files::read_all(&now)?)?;
        log(set.diagnostics());
        let diagnostics = set.diagnostics().to_vec();
        self.current.store(set.into());
        Ok(Some(diagnostics))
    }

    /// Asks whether the caller may do what `rule` protects: first whether the token's scope is one that the rule is
    /// registered for, then the rule itself.
    ///
    /// # Errors
    /// 403 if not; 503 if another machine had to be asked and gave no answer.
    pub async fn enforce(&self, rule: &str, target: &Target, credentials: &Credentials) -> Result<()> {
        let first = self.current.load().admit(rule, target, credentials);
        if self.settle(first, rule, target, credentials).await? {
            return Ok(());
        }
        Err(Error::forbidden(format!("You are not authorized to perform the requested action: {rule}.")))
    }

    /// Whether the rule itself allows, without regard to scope types. An unknown rule is the rule `default` if a file
    /// defines one, else it denies.
    ///
    /// # Errors
    /// 503 if another machine had to be asked and gave no answer.
    pub async fn check(&self, rule: &str, target: &Target, credentials: &Credentials) -> Result<bool> {
        let first = self.current.load().decide(rule, target, credentials, &[]);
        self.settle(first, rule, target, credentials).await
    }

    /// Asks other machines if the first evaluation stopped for that; the usual one did not.
    async fn settle(
        &self,
        first: std::result::Result<bool, Stop>,
        rule: &str,
        target: &Target,
        credentials: &Credentials,
    ) -> Result<bool> {
        match first {
            Ok(allowed) => Ok(allowed),
            // Boxed: every caller's future would have room for the request to another machine.
            Err(_) => Box::pin(self.check_remotely(rule, target, credentials)).await,
        }
    }

    async fn check_remotely(&self, rule: &str, target: &Target, credentials: &Credentials) -> Result<bool> {
        let set = self.current.load_full();
        let mut answers: Vec<(String, bool)> = Vec::new();
        while answers.len() < MAX_ASKS {
            let url = match set.decide(rule, target, credentials, &answers) {
                Ok(allowed) => return Ok(allowed),
                Err(Stop::Ask(url)) => url,
                Err(Stop::Fault) => return Ok(false),
            };
            let ask = RemoteAsk {
                url: url.clone(),
                rule: rule.to_owned(),
                target: target.to_value(),
                credentials: credentials.as_value().clone(),
                format: self.remote.format(),
            };
            let answer = self.remote.ask(ask).await.map_err(|error| match error {
                Error::Unavailable { .. } => error,
                other => Error::unavailable(format!("policy check at {url}: {other}")),
            })?;
            answers.push((url, answer));
        }
        Err(Error::unavailable(format!("rule {rule} asks more than {MAX_ASKS} remote questions")))
    }

    /// The set in force now, for listing.
    pub fn rules(&self) -> std::sync::Arc<RuleSet> {
        self.current.load_full()
    }
}

fn log(diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        match diagnostic.level {
            Level::Error => tracing::error!(rule = diagnostic.rule, "policy: {diagnostic}"),
            Level::Warning => tracing::warn!(rule = diagnostic.rule, "policy: {diagnostic}"),
        }
    }
}

#[cfg(test)]
mod tests;
