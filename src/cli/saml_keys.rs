//! `archstone saml-keys`: what partners that speak SAML know a tenant by, or the service itself.
//!
//! It works on the database itself, also while the service runs, which takes changes in within a second.

use std::io::Write as _;

use serde_json::{Value, json};

use super::Outcome;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::error::Result;
use crate::model::saml_key::{PUBLISHED_BEFORE_SECS, SamlKey, signing};
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::saml_key::{self as keys, Holder};
use crate::service::tenant::register as tenant;

/// Commands of `saml-keys`. Without a slug they are about the service's own keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List keys; no private half is shown.
    List {
        /// The tenant's slug; the service's own keys if absent.
        slug: Option<String>,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make the next key. Metadata has it at once and it signs later; the one before it stays there for a day after that.
    Rotate {
        /// The tenant's slug; the service's own keys if absent.
        slug: Option<String>,
        /// Seconds until it signs: time for all partners to fetch metadata.
        #[arg(long, default_value_t = PUBLISHED_BEFORE_SECS, value_name = "SECONDS")]
        after: i64,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a key away now: what is encrypted for it cannot be read any more.
    Revoke {
        /// The tenant's slug, and the key's id; the id alone for a key of the service's own.
        #[arg(num_args = 1..=2, required = true, value_names = ["SLUG", "ID"])]
        key: Vec<String>,
    },
}

pub(super) fn run(config: &Config, command: &Command) -> Outcome {
    let text = super::worker::as_operator(config, async |app, caller| one(app, caller, command).await)?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

async fn one(app: &App, caller: &Caller, command: &Command) -> Result<String> {
    let slug = match command {
        Command::List { slug, .. } | Command::Rotate { slug, .. } => slug.as_deref(),
        Command::Revoke { key } => key.first().filter(|_| key.len() > 1).map(String::as_str),
    };
    // Of one that is switched off, too.
    let found = match slug {
        Some(slug) => Some(tenant::find(app, caller, slug).await?.tenant),
        None => None,
    };
    let holder = found.as_ref().map_or(Holder::Service, Holder::Tenant);
    match command {
        Command::List { json, .. } => Ok(told(&keys::list(app, holder).await?, app.now(), *json)),
        Command::Rotate { after, json, .. } => {
            keys::rotate(app, caller, holder, *after).await?;
            Ok(told(&keys::list(app, holder).await?, app.now(), *json))
        }
        Command::Revoke { key } => {
            let id = key.last().map(String::as_str).unwrap_or_default();
            keys::revoke(app, caller, holder, id).await?;
            Ok(format!("key {id} is gone"))
        }
    }
}

fn told(keys: &[SamlKey], now: Timestamp, as_json: bool) -> String {
    let state = |key: &SamlKey| {
        if !key.is_published(now) {
            "ended"
        } else if key.active_at > now {
            "next"
        } else if signing(keys, now).is_some_and(|k| k.id == key.id) {
            "signs"
        } else {
            "old"
        }
    };
    if as_json {
        let shown = keys.iter().map(|key| {
            json!({"id": key.id, "state": state(key), "certificate": key.certificate,
                   "created_at": key.created_at.to_string(), "active_at": key.active_at.to_string(),
                   "retired_at": key.retired_at.map(|at| at.to_string())})
        });
        return Value::Array(shown.collect()).to_string();
    }
    let line = |key: &SamlKey| {
        let until = key.retired_at.map(|at| format!(", published until {at}")).unwrap_or_default();
        format!("{} {}: from {}{until}", key.id, state(key), key.active_at)
    };
    let lines: Vec<String> = keys.iter().map(line).collect();
    if lines.is_empty() { "no keys yet: one is made when it is first needed".to_owned() } else { lines.join("\n") }
}
