//! `archstone sso apply`: what each entry would change is said, then done.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::all;
use super::file::{Entry, within};
use crate::error::Result;
use crate::model::sso_config::Source;
use crate::model::sso_config::deletion::Options;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::sso_config::apply::{Plan, apply, plan};
use crate::service::sso_config::{Body, Expected, delete};

/// How it is to be done.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub(super) dry_run: bool,
    pub(super) adopt: bool,
    pub(super) prune: bool,
}

/// What was done.
pub(super) struct Done {
    pub(super) text: String,
    pub(super) failed: bool,
}

/// Applies all entries. Nothing is changed if one of them is wrong; one that fails all the same does not keep the others.
pub(super) async fn run(app: &App, caller: &Caller, entries: &[Entry], how: How) -> Result<Done> {
    let mut plans = Vec::with_capacity(entries.len());
    for (i, entry) in entries.iter().enumerate() {
        let body = Body { value: &entry.body, order: &entry.order };
        let planned = plan(app, caller, body, entry.uuid.as_deref(), how.adopt).await;
        plans.push((planned.map_err(|e| within(i, e))?, body));
    }
    let mut done = Done { text: String::new(), failed: false };
    let mut kept = BTreeSet::new();
    for (i, (plan, body)) in plans.iter().enumerate() {
        kept.extend(plan.id.clone());
        describe(&mut done.text, plan);
        if how.dry_run || plan.is_empty() {
            continue;
        }
        match apply(app, caller, *body, plan).await {
            Ok(made) => drop(kept.insert(made.config.id)),
            Err(error) => {
                done.failed = true;
                let _ = writeln!(done.text, "  failed: {}", within(i, error));
            }
        }
    }
    if how.prune && !done.failed {
        prune(app, caller, &kept, how.dry_run, &mut done).await?;
    }
    let counts = |test: fn(&Plan) -> bool| plans.iter().filter(|(plan, _)| test(plan)).count();
    let (new, same) = (counts(|p| p.id.is_none()), counts(Plan::is_empty));
    let word = if how.dry_run { "would be " } else { "" };
    let _ = write!(done.text, "{new} {word}made, {} {word}changed, {same} as they were", plans.len() - new - same);
    Ok(done)
}

fn describe(text: &mut String, plan: &Plan) {
    let name = plan.name.escape_debug();
    let _ = match &plan.id {
        None => writeln!(text, "+ {name}"),
        Some(id) if plan.is_empty() => writeln!(text, "= {name} ({id})"),
        Some(id) => writeln!(text, "~ {name} ({id})"),
    };
    if plan.adopts {
        let _ = writeln!(text, "  source: manual -> import");
    }
    for change in &plan.changes {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
        let _ = writeln!(text, "  {}: {} -> {}", change.path, shown(&change.before), shown(&change.after));
    }
}

/// Deletes what came from a file and is in none any more. What people came by stays, and is said.
async fn prune(app: &App, caller: &Caller, kept: &BTreeSet<String>, dry_run: bool, done: &mut Done) -> Result<()> {
    for whole in all(app, caller).await? {
        let id = &whole.config.id;
        if whole.config.source != Source::Import || kept.contains(id) {
            continue;
        }
        let _ = writeln!(done.text, "- {} ({id})", whole.display_name().escape_debug());
        if dry_run {
            continue;
        }
        let deleted = delete::delete(app, caller, Source::Import, id, &Expected::Any, Options::default()).await;
        if let Err(error) = deleted {
            done.failed = true;
            let _ = writeln!(done.text, "  failed: {error}");
        }
    }
    Ok(())
}
