//! `archstone config`

use std::io::Write as _;

use serde_json::json;

use super::Outcome;
use crate::config::Config;
use crate::error::Error;

/// Commands of `config`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check the configuration; exit code 1 and the key's path if it is wrong.
    Check {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the configuration in force, secrets masked.
    Show {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(config: &Config, command: &Command) -> Outcome {
    let mut out = std::io::stdout().lock();
    match command {
        // Whoever comes here has loaded it.
        Command::Check { json: true } => writeln!(out, "{}", json!({"ok": true}))?,
        Command::Check { json: false } => writeln!(out, "the configuration is right")?,
        Command::Show { json: true } => {
            let shown = serde_json::to_value(config).map_err(|e| Error::internal(e.to_string()))?;
            writeln!(out, "{shown}")?;
        }
        Command::Show { json: false } => write!(out, "{}", config.to_toml()?)?,
    }
    Ok(())
}
