//! `archstone sso`: global SSO configurations at the command line, so that they can live in version control, and where they are
//! pushed.
//!
//! It works on the database itself, also while the service runs, which takes changes in within a second.

mod apply;
mod federate;
mod file;
mod progress;
mod status;

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::worker::as_operator;
use super::{Failure, Outcome};
use crate::config::Config;
use crate::error::Error;
use crate::model::list::Window;
use crate::model::sso_config::Source;
use crate::model::sso_config::deletion::{Options, Propagation};
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::sso_config::{self as service, Expected};
use crate::sso::view::{SsoConfiguration, Tested};

/// Configurations that are read at once.
const PAGE: i64 = 500;

/// Commands of `sso`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List configurations.
    List {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a configuration, without its secrets.
    Show {
        /// Its uuid.
        id: String,
    },
    /// Make configurations be what a file says; exit code 1 if one could not.
    Apply {
        /// YAML or JSON; `-` for standard input.
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
        /// Say what would change, and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Take over configurations that the SSO face manages.
        #[arg(long)]
        adopt: bool,
        /// Delete configurations that came from a file and are not in this one.
        #[arg(long)]
        prune: bool,
    },
    /// Test what is behind a configuration; exit code 1 if it fails.
    Test {
        /// Its uuid.
        id: String,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete a configuration.
    Delete {
        /// Its uuid.
        id: String,
        /// What becomes of users who came by it: Restrict, Foreground, Background or Orphan.
        #[arg(long, default_value = "Restrict")]
        policy: String,
    },
    /// Have platforms sign people in by a configuration, with its users and groups; exit code 1 if one of them failed.
    Federate {
        #[command(flatten)]
        args: federate::Args,
        /// Deactivate as many users there as it takes, also more than a fifth of all.
        #[arg(long)]
        allow_mass_deactivation: bool,
    },
    /// Take a configuration away from platforms; exit code 1 if one of them failed.
    Unfederate {
        #[command(flatten)]
        args: federate::Args,
        /// What becomes of users and groups there: none, deactivate or delete.
        #[arg(long, default_value = "none", value_name = "HOW")]
        deprovision: String,
    },
    /// Show platforms with what is federated to them.
    Status(status::Args),
    /// Let the SSO face manage a configuration that came from a file.
    Release {
        /// Its uuid.
        id: String,
    },
}

pub(super) fn run(config: &Config, command: &Command) -> Outcome {
    if let Command::Apply { file, dry_run, adopt, prune } = command {
        let entries = file::read(file)?;
        let how = apply::How { dry_run: *dry_run, adopt: *adopt, prune: *prune };
        let done = as_operator(config, async |app, caller| apply::run(app, caller, &entries, how).await)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", done.text)?;
        return if done.failed { Err(Failure::Said) } else { Ok(()) };
    }
    match command {
        Command::Federate { args, allow_mass_deactivation } => {
            return federate::run(config, args, federate::What::Push { unlimited: *allow_mass_deactivation });
        }
        Command::Unfederate { args, deprovision } => {
            return federate::run(config, args, federate::What::TakeBack { deprovision });
        }
        _ => {}
    }
    let (text, failed) = as_operator(config, async |app, caller| one(app, caller, command).await)?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    if failed { Err(Failure::Said) } else { Ok(()) }
}

async fn one(app: &App, caller: &Caller, command: &Command) -> Result<(String, bool), Error> {
    match command {
        // Seen to by `run`.
        Command::Apply { .. } | Command::Federate { .. } | Command::Unfederate { .. } => Ok((String::new(), false)),
        Command::Status(args) => Ok((status::run(app, caller, args).await?, false)),
        Command::List { json } => Ok((list(app, caller, *json).await?, false)),
        Command::Show { id } => {
            let found = service::get(app, caller, id).await?;
            Ok((pretty(&shown(app, &found)?), false))
        }
        Command::Test { id, json } => {
            let outcome = service::test::configuration(app, caller, id).await?;
            let failed = outcome.is_err();
            let tested = serde_json::to_value(Tested::from(outcome)).map_err(|e| Error::internal(e.to_string()))?;
            Ok((if *json { pretty(&tested) } else { told(&tested) }, failed))
        }
        Command::Delete { id, policy } => {
            let wrong = || Error::invalid_field("policy", "must be Restrict, Foreground, Background or Orphan");
            let propagation = Propagation::parse(policy).ok_or_else(wrong)?;
            let options = Options { propagation, ..Options::default() };
            service::delete::delete(app, caller, Source::Import, id, &Expected::Any, options).await?;
            let word = if propagation == Propagation::Background { "to be deleted" } else { "deleted" };
            Ok((format!("{id} {word}"), false))
        }
        Command::Release { id } => {
            service::apply::hand_over(app, caller, id, Source::Import, Source::Manual).await?;
            Ok((format!("{id} is managed by the SSO face now"), false))
        }
    }
}

fn shown(app: &App, whole: &crate::model::sso_config::Whole) -> Result<Value, Error> {
    serde_json::to_value(SsoConfiguration::of(app, whole)).map_err(|e| Error::internal(e.to_string()))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A test's result for people.
fn told(tested: &Value) -> String {
    let text = |name: &str| tested[name].as_str().unwrap_or_default().to_owned();
    let mut lines = vec![if tested["success"] == json!(true) { "success".to_owned() } else { text("errorMessage") }];
    for name in ["issuer", "authorizationEndpoint", "tokenEndpoint"] {
        if !text(name).is_empty() {
            lines.push(format!("{name}: {}", text(name)));
        }
    }
    for warning in tested["warnings"].as_array().into_iter().flatten() {
        lines.push(format!("warning: {}", warning.as_str().unwrap_or_default()));
    }
    lines.join("\n")
}

/// All configurations, page by page.
async fn all(app: &App, caller: &Caller) -> Result<Vec<crate::model::sso_config::Whole>, Error> {
    let mut all = Vec::new();
    loop {
        let offset = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let page = service::list(app, caller, Window { limit: PAGE, offset }).await?;
        if page.items.is_empty() {
            return Ok(all);
        }
        all.extend(page.items);
    }
}

async fn list(app: &App, caller: &Caller, json: bool) -> Result<String, Error> {
    let all = all(app, caller).await?;
    if json {
        let items = all.iter().map(|whole| shown(app, whole)).collect::<Result<Vec<_>, _>>()?;
        return Ok(pretty(&Value::Array(items)));
    }
    let mut lines = vec![format!("{:<32}  {:<4}  {:<8}  {:<10}  NAME", "UUID", "TYPE", "STATUS", "SOURCE")];
    for whole in &all {
        let kind = whole.provider_type().map_or("-", |kind| kind.as_str());
        let (id, status) = (&whole.config.id, whole.status().as_str());
        let source = whole.config.source.as_str();
        lines.push(format!("{id:<32}  {kind:<4}  {status:<8}  {source:<10}  {}", whole.display_name()));
    }
    Ok(lines.join("\n"))
}
