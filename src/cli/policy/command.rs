//! Arguments of `archstone policy`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{check, list};
use crate::cli::{Failure, Outcome};
use crate::config::Config;
use crate::error::Error;

/// Commands of `policy`.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Ask one rule; exit code 1 if it denies.
    Check(Check),
    /// List every rule in force, with its default.
    List {
        /// Another policy file than the configured one.
        #[arg(long, value_name = "FILE")]
        policy_file: Option<PathBuf>,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Options of `policy check`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Check {
    /// Another policy file than the configured one.
    #[arg(long, value_name = "FILE")]
    policy_file: Option<PathBuf>,
    /// Name of the rule.
    #[arg(long, value_name = "NAME", required_unless_present = "json_lines")]
    rule: Option<String>,
    /// JSON file with the target.
    #[arg(long, value_name = "FILE", required_unless_present = "json_lines")]
    target: Option<PathBuf>,
    /// JSON file with the caller's attributes.
    #[arg(long, value_name = "FILE", required_unless_present = "json_lines")]
    credentials: Option<PathBuf>,
    /// Read cases from standard input, one JSON document a line; the installed policy takes no part.
    #[arg(long, conflicts_with_all = ["policy_file", "rule", "target", "credentials"])]
    pub(in crate::cli) json_lines: bool,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

fn read(path: Option<&Path>) -> Result<Value, Error> {
    let Some(path) = path else { return Ok(json!({})) };
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| Error::invalid(format!("{name}: {e}")))?;
    serde_json::from_str(&text).map_err(|e| Error::invalid(format!("{name}: {e}")))
}

pub(in crate::cli) fn run(config: &Config, command: &Command) -> Outcome {
    let mut out = std::io::stdout().lock();
    match command {
        Command::List { policy_file, json } => {
            let (main, dirs) = files(config, policy_file.as_deref());
            list(main.as_deref(), &dirs, *json, out)?;
            Ok(())
        }
        Command::Check(args) => {
            let (main, dirs) = files(config, args.policy_file.as_deref());
            let rule = args.rule.as_deref().unwrap_or_default();
            let target = read(args.target.as_deref())?;
            let outcome = check(main.as_deref(), &dirs, rule, &target, read(args.credentials.as_deref())?)?;
            for diagnostic in &outcome.diagnostics {
                writeln!(std::io::stderr(), "archstone: policy: {diagnostic}")?;
            }
            let why = if outcome.scope_fits { "" } else { " (the token's scope is none of the rule's)" };
            if args.json {
                writeln!(
                    out,
                    "{}",
                    json!({"rule": rule, "result": outcome.allowed, "scope_fits": outcome.scope_fits})
                )?;
            } else {
                writeln!(out, "{}: {rule}{why}", if outcome.allowed { "passed" } else { "failed" })?;
            }
            if outcome.allowed { Ok(()) } else { Err(Failure::Said) }
        }
    }
}

/// The named file alone, or everything that is configured.
fn files(config: &Config, named: Option<&Path>) -> (Option<PathBuf>, Vec<PathBuf>) {
    match named {
        Some(path) => (Some(path.to_owned()), Vec::new()),
        None => (config.policy_file(), config.policy_dirs()),
    }
}
