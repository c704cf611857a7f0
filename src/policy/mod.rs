//! Who may do what: the oslo.policy language, Keystone's rule names and the policy files of the operator.
//!
//! The room has one entrance, [`Enforcer::enforce`]: a rule name, a [`Target`] and the caller's [`Credentials`] go in,
//! `Ok(())` or 403 comes out. Inside:
//!
//! * `parser` turns a rule as written (text or the old list form) into a [`Check`]; it never fails, what it cannot
//!   understand denies.
//! * `check` evaluates. It is synchronous and free of input and output; a rule that asks another machine
//!   (`http:`, `https:`) stops the evaluation, the enforcer asks and evaluates again.
//! * `template` and `python` hold the two notations that rules borrow from Python: `%(key)s` and the text of values.
//! * `target` keeps invariant I11: what a rule sees under `target.` comes from the store only.
//! * `registry` lists every rule name of this service with its default; `files` reads policy files; `rules` joins the
//!   two; `enforcer` holds the set in force and swaps it when a file changes.
//!
//! Where this differs from oslo.policy it denies where the other allows or raises; the one exception is a negated
//! comparison of nothing with nothing. Every deviation is a row of `compat-tests/policy/deviations.json`.

mod check;
mod enforcer;
mod files;
mod parser;
mod python;
mod registry;
mod remote;
mod rules;
mod target;
mod template;

pub use check::Check;
pub use enforcer::Enforcer;
pub use parser::{Parsed, RuleText, parse};
pub use registry::{RuleDefault, ScopeType, canonical_name, registry, sample};
pub use remote::{Remote, RemoteAsk, RemoteFormat};
pub use rules::{Diagnostic, Level, RuleSet, RuleView};
pub use target::{Credentials, Target};
