//! `archstone tenant-keys`: what tenants sign their tokens with.
//!
//! It works on the database itself, also while the service runs, which takes changes in within a second.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Failure, Outcome, block_on};
use crate::app;
use crate::clock::{Random, SystemClock, Timestamp};
use crate::config::Config;
use crate::error::Error;
use crate::model::signing_key::{PUBLISHED_BEFORE_SECS, SigningKey, signing};
use crate::model::tenant::{SigningAlgorithm, Tenant};
use crate::service::App;
use crate::service::oauth::keys;
use crate::service::tenant;

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
    let text = with_app(config, async |app| one(app, command).await)?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Builds what the service itself is made of, without serving.
fn with_app<T>(config: &Config, work: impl AsyncFnOnce(&App) -> Result<T, Error>) -> Result<T, Failure> {
    let config = config.clone();
    block_on(async {
        let app = app::build(config, Arc::new(SystemClock::default()), Arc::new(Random::system())).await?;
        let done = work(&app).await;
        app.store.close().await;
        done
    })
}

async fn one(app: &App, command: &Command) -> Result<String, Error> {
    match command {
        Command::List { slug, json } => {
            let tenant = tenant::by_slug(app, slug).await?;
            let keys = keys::list(app, &tenant).await?;
            Ok(told(&keys, app.now(), *json))
        }
        Command::Rotate { slug, alg, after, json } => {
            let tenant = tenant::by_slug(app, slug).await?;
            for algorithm in algorithms(alg.as_deref())? {
                keys::rotate(app, &tenant, algorithm, *after).await?;
            }
            let keys = keys::list(app, &tenant).await?;
            Ok(told(&keys, app.now(), *json))
        }
        Command::Revoke { slug, kid } => revoke(app, &*tenant::by_slug(app, slug).await?, kid).await,
    }
}

async fn revoke(app: &App, tenant: &Tenant, kid: &str) -> Result<String, Error> {
    keys::revoke(app, tenant, kid).await?;
    Ok(format!("key {kid} is gone, and all tokens that it signed are void"))
}

fn algorithms(named: Option<&str>) -> Result<Vec<SigningAlgorithm>, Error> {
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
