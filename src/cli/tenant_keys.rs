//! `archstone tenant-keys`: what tenants sign their tokens with.
//!
//! It works on the database itself, also while the service runs, which takes changes in within a second.

use std::io::Write as _;

use serde_json::{Value, json};

use super::Outcome;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::signing_key::{PUBLISHED_BEFORE_SECS, SigningKey, signing};
use crate::model::tenant::SigningAlgorithm;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::oauth::keys;
use crate::service::tenant::register as tenant;

/// Commands of `tenant-keys`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List a tenant's keys; no private half is shown.
    List {
        /// The tenant's slug.
        slug: String,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make the next key. It is published at once and signs later; the one before it stays published for a day after that.
    Rotate {
        /// The tenant's slug.
        slug: String,
        /// RS256 or ES256; both if absent.
        #[arg(long)]
        alg: Option<String>,
        /// Seconds until it signs: time for everybody who keeps keys to fetch it.
        #[arg(long, default_value_t = PUBLISHED_BEFORE_SECS, value_name = "SECONDS")]
        after: i64,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a key away now: all tokens that it signed are void.
    Revoke {
        /// The tenant's slug.
        slug: String,
        /// The key's id.
        kid: String,
    },
}

pub(super) fn run(config: &Config, command: &Command) -> Outcome {
    let text = super::worker::as_operator(config, async |app, caller| one(app, caller, command).await)?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

async fn one(app: &App, caller: &Caller, command: &Command) -> Result<String> {
    // Of one that is switched off, too.
    let (Command::List { slug, .. } | Command::Rotate { slug, .. } | Command::Revoke { slug, .. }) = command;
    let tenant = tenant::find(app, caller, slug).await?.tenant;
    match command {
        Command::List { json, .. } => Ok(told(&keys::list(app, &tenant).await?, app.now(), *json)),
        Command::Rotate { alg, after, json, .. } => {
            keys::rotate(app, caller, &tenant, &algorithms(alg.as_deref())?, *after).await?;
            Ok(told(&keys::list(app, &tenant).await?, app.now(), *json))
        }
        Command::Revoke { kid, .. } => {
            keys::revoke(app, caller, &tenant, kid).await?;
            Ok(format!("key {kid} is gone, and all tokens that it signed are void"))
        }
    }
}

fn algorithms(named: Option<&str>) -> Result<Vec<SigningAlgorithm>> {
    let Some(name) = named else { return Ok(SigningAlgorithm::ALL.to_vec()) };
    let found = SigningAlgorithm::parse(&name.to_ascii_uppercase());
    found.map(|a| vec![a]).ok_or_else(|| Error::invalid_field("alg", "RS256 or ES256"))
}

fn told(keys: &[SigningKey], now: Timestamp, as_json: bool) -> String {
    let state = |key: &SigningKey| {
        if !key.is_published(now) {
            "ended"
        } else if key.active_at > now {
            "next"
        } else if signing(keys, key.algorithm, now).is_some_and(|k| k.id == key.id) {
            "signs"
        } else {
            "old"
        }
    };
    if as_json {
        let shown = keys.iter().map(|key| {
            json!({"kid": key.id, "alg": key.algorithm.as_str(), "state": state(key), "created_at": key.created_at.to_string(),
                   "active_at": key.active_at.to_string(), "retired_at": key.retired_at.map(|at| at.to_string())})
        });
        return Value::Array(shown.collect()).to_string();
    }
    let line = |key: &SigningKey| {
        let until = key.retired_at.map(|at| format!(", published until {at}")).unwrap_or_default();
        format!("{} {} {}: from {}{until}", key.id, key.algorithm.as_str(), state(key), key.active_at)
    };
    let lines: Vec<String> = keys.iter().map(line).collect();
    if lines.is_empty() { "no keys yet: they are made when they are first needed".to_owned() } else { lines.join("\n") }
}
