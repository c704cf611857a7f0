//! `archstone platform`: the registry of platforms that configurations can be pushed to.
//!
//! It works on the database itself, also while the service runs. Platforms go by their names or ids; secrets come from files or
//! standard input, and none is printed unless it is asked for.

mod fields;

use std::io::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use self::fields::Fields;
use super::table::{plain, table};
use super::worker::{as_operator, with_jobs};
use super::{Failure, Outcome};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::expected::Expected;
use crate::model::list::Window;
use crate::model::platform::Status;
use crate::model::sso_config::deletion::{Options, Propagation};
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::platform::{self as service, Shown};
use crate::sso::view::{Platform, RotatedKey};

/// Items that are read at once.
const PAGE: i64 = 500;

/// Commands of `platform`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Register a platform. With a user's name and password a key is made there, and the password forgotten.
    Create {
        /// What people call it.
        name: String,
        /// keystone, zstack, zsphere, scim or webhook; others can be listed, nothing more.
        #[arg(long = "type", value_name = "PRODUCT")]
        product: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// List platforms.
    List {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a platform, without its secrets.
    Show {
        /// Its name or id.
        platform: String,
    },
    /// Change a platform. Where its address changes, its secrets are given again.
    Update {
        /// Its name or id.
        platform: String,
        /// Another name.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        fields: Fields,
    },
    /// Delete a platform.
    Delete {
        /// Its name or id.
        platform: String,
        /// What becomes of configurations there: Restrict, Foreground or Orphan.
        #[arg(long, default_value = "Restrict")]
        policy: String,
        /// Delete it whatever is there, and whether it answers or not.
        #[arg(long)]
        force: bool,
        /// Take the key away there that this service uses.
        #[arg(long)]
        revoke_key: bool,
    },
    /// Look now whether a platform answers and knows its credential; exit code 1 if not.
    Check {
        /// Its name or id.
        platform: String,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make another key there, use it from now on, and take the old one away.
    RotateKeys {
        /// Its name or id.
        platform: String,
        /// Print the new secret, in JSON.
        #[arg(long)]
        show_secret: bool,
    },
}

pub(super) fn run(config: &Config, command: &Command) -> Outcome {
    let (text, failed) = as_operator(config, async |app, caller| one(app, caller, command).await)?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    if failed { Err(Failure::Said) } else { Ok(()) }
}

async fn one(app: &Arc<App>, caller: &Caller, command: &Command) -> Result<(String, bool)> {
    let text = match command {
        Command::Create { name, product, fields } => {
            let body = fields.body(json!({"name": name, "productType": product}))?;
            format!("{} registered", line(&service::create(app, caller, &body).await?))
        }
        Command::List { json } => list(app, caller, *json).await?,
        Command::Show { platform } => pretty(&shown(&service::find_named(app, caller, platform).await?)?),
        Command::Update { platform, name, fields } => {
            let id = id_of(app, caller, platform).await?;
            let base = name.as_ref().map_or(json!({}), |name| json!({ "name": name }));
            let done = service::update(app, caller, &id, &Expected::Any, &fields.body(base)?).await?;
            format!("{} changed", line(&done))
        }
        Command::Delete { platform, policy, force, revoke_key } => {
            let it = service::find_named(app, caller, platform).await?;
            let options = options(policy, *force, *revoke_key)?;
            with_jobs(app, service::delete(app, caller, &it.platform.id, options)).await?;
            format!("{} deleted", line(&it))
        }
        Command::Check { platform, json } => return check(app, caller, platform, *json).await,
        Command::RotateKeys { platform, show_secret } => {
            let it = service::find_named(app, caller, platform).await?;
            let key = service::rotate(app, caller, &it.platform.id).await?;
            match show_secret {
                true => pretty(&value(&RotatedKey::from(&key))?),
                false => format!("{} uses key {} now", line(&it), plain(&key.id)),
            }
        }
    };
    Ok((text, false))
}

/// The id of the platform of a name or an id.
async fn id_of(app: &App, caller: &Caller, name: &str) -> Result<String> {
    Ok(service::find_named(app, caller, name).await?.platform.id)
}

fn options(policy: &str, force: bool, revoke_remote_credentials: bool) -> Result<Options> {
    // Nobody would be there to do it later.
    let propagation = Propagation::parse(policy).filter(|p| *p != Propagation::Background);
    let wrong = || Error::invalid_field("policy", "must be Restrict, Foreground or Orphan");
    Ok(Options { propagation: propagation.ok_or_else(wrong)?, force, grace_secs: 0, revoke_remote_credentials })
}

/// How a platform is named in a line.
fn line(it: &Shown) -> String {
    let Shown { platform, .. } = it;
    format!("{} {} ({}, {})", platform.id, plain(&platform.name), platform.product_type, platform.base_url())
}

fn value(it: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(it).map_err(|e| Error::internal(e.to_string()))
}

fn shown(it: &Shown) -> Result<Value> {
    value(&Platform::from(it))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

async fn check(app: &App, caller: &Caller, name: &str, json: bool) -> Result<(String, bool)> {
    let id = id_of(app, caller, name).await?;
    let found = service::check(app, caller, &id).await?;
    let (status, why) = (found.platform.status, &found.platform.last_error);
    let text = match (json, why) {
        (true, _) => pretty(&shown(&found)?),
        (false, Some(why)) => format!("{}: {}: {}", line(&found), status.as_str(), plain(why)),
        (false, None) => format!("{}: {}", line(&found), status.as_str()),
    };
    Ok((text, status != Status::Connected))
}

async fn list(app: &App, caller: &Caller, json: bool) -> Result<String> {
    let mut all: Vec<Shown> = Vec::new();
    loop {
        let offset = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let page = service::list(app, caller, Window { limit: PAGE, offset }).await?;
        if page.items.is_empty() {
            break;
        }
        all.extend(page.items);
    }
    if json {
        return Ok(pretty(&Value::Array(all.iter().map(shown).collect::<Result<_>>()?)));
    }
    let row = |it: &Shown| {
        let p = &it.platform;
        let scim = p.options.scim_endpoint.as_ref().map_or("-", |_| "yes");
        vec![
            p.id.clone(),
            p.name.clone(),
            p.product_type.clone(),
            p.base_url(),
            scim.to_owned(),
            p.status.as_str().to_owned(),
            p.last_error.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    Ok(table(&["UUID", "NAME", "PRODUCT", "ADDRESS", "SCIM", "STATUS", "LAST ERROR"], &rows))
}
