//! `archstone secrets`: the master key's life. Rotate, restart every node, re-seal, prune.

use std::io::Write as _;

use serde_json::json;

use super::{Outcome, block_on};
use crate::app;
use crate::clock::{Clock as _, Random, SystemClock};
use crate::config::Config;
use crate::error::Error;
use crate::secret::Sealer;
use crate::service::secrets;
use crate::store::Store;

/// Commands of `secrets`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a new master key that seals from the next start on; older keys still open.
    Rotate {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Seal with the newest master key whatever an older one sealed.
    Reseal {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove older master keys; refused while a secret still needs one.
    Prune {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(config: &Config, command: &Command) -> Outcome {
    let random = Random::system();
    let file = config.resolve(&config.secrets.key_file);
    if !config.secrets.key.is_empty() && !matches!(command, Command::Reseal { .. }) {
        return Err(
            Error::invalid_field("secrets.key", "the master key comes from the environment: change it there").into()
        );
    }
    let (as_json, value, text) = match command {
        Command::Rotate { json } => {
            let id = Sealer::rotate(&file, &random)?;
            (
                *json,
                json!({ "id": id }),
                format!("master key {id} seals from the next start on; restart every node, then re-seal"),
            )
        }
        Command::Reseal { json } => {
            let count = block_on(async {
                let store = Store::open(&app::store_options(config)).await?;
                let sealer = app::sealer(config)?;
                let count = secrets::reseal(&store, &sealer, &random, SystemClock::default().now()).await?;
                store.close().await;
                Ok(count)
            })?;
            (*json, json!({ "resealed": count }), format!("{count} secrets were sealed anew"))
        }
        Command::Prune { json } => {
            block_on(async {
                let store = Store::open(&app::store_options(config)).await?;
                let old = secrets::count_old(&store, &app::sealer(config)?, SystemClock::default().now()).await?;
                store.close().await;
                if old > 0 {
                    return Err(Error::conflict(format!(
                        "{old} secrets still need an older master key: run `archstone secrets reseal` first"
                    )));
                }
                Ok(())
            })?;
            let removed = Sealer::prune(&file)?;
            (*json, json!({ "removed": removed }), format!("removed {} older master keys", removed.len()))
        }
    };
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{value}")?;
    } else {
        writeln!(out, "{text}")?;
    }
    Ok(())
}
