//! `archstone db`

use std::io::Write as _;

use serde_json::json;

use super::{Outcome, block_on};
use crate::app;
use crate::config::Config;
use crate::store::Store;

/// Commands of `db`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Apply the migrations that the database lacks.
    Migrate {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the migrations and which are applied; exit code 1 if any is lacking.
    Status {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(config: &Config, command: &Command) -> Outcome {
    let (migrate, as_json) = match command {
        Command::Migrate { json } => (true, *json),
        Command::Status { json } => (false, *json),
    };
    let (before, after) = block_on(async {
        let store = Store::open(&app::store_options(config)).await?;
        let before = store.migrations().await?;
        if migrate {
            store.migrate().await?;
        }
        let after = store.migrations().await?;
        store.close().await;
        Ok((before, after))
    })?;
    let mut out = std::io::stdout().lock();
    let lacking = after.iter().filter(|m| !m.applied).count();
    if as_json {
        let list: Vec<_> = after
            .iter()
            .map(|m| json!({"version": m.version, "description": m.description, "applied": m.applied}))
            .collect();
        writeln!(out, "{}", json!({"migrations": list, "pending": lacking}))?;
    } else {
        for (m, was) in after.iter().zip(&before) {
            let state = if !m.applied {
                "pending"
            } else if was.applied {
                "applied"
            } else {
                "applied now"
            };
            writeln!(out, "{:04} {:<40} {state}", m.version, m.description)?;
        }
    }
    if lacking > 0 && !migrate { Err(super::Failure::Said) } else { Ok(()) }
}
