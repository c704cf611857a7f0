//! `archstone tenant`: tenants, their applications and identity providers, and what became of sign-ins.
//!
//! It works on the database itself, also while the service runs, which takes changes in within a second. What it prints is
//! JSON in the words of `/api/v1/admin`; a new secret stands there, and nowhere again.

mod app;
mod idp;
mod scim_token;

use std::io::Write as _;

use serde_json::{Value, json};

use super::Outcome;
use super::members::Members;
use super::worker::as_operator;
use crate::config::Config;
use crate::error::Result;
use crate::model::expected::Expected;
use crate::model::list::Window;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::tenant::register::{self as service, Filter};
use crate::service::tenant::traces;
use crate::tenant::admin::view;

/// Items that are read at once.
const PAGE: i64 = 100;

/// Commands of `tenant`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a tenant, with a domain unless the members name one (`--set domain_id=…`).
    Create {
        /// What stands in its addresses.
        slug: String,
        #[command(flatten)]
        members: Members,
    },
    /// List tenants.
    List {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a tenant.
    Show {
        /// Its slug or id.
        tenant: String,
    },
    /// Change a tenant.
    Update {
        /// Its slug or id.
        tenant: String,
        #[command(flatten)]
        members: Members,
    },
    /// Delete a tenant with its applications. Its domain stays, with the people in it.
    Delete {
        /// Its slug or id.
        tenant: String,
    },
    /// Applications.
    #[command(subcommand)]
    App(app::Command),
    /// Identity providers.
    #[command(subcommand)]
    Idp(idp::Command),
    /// Tokens by which directories come to a tenant's SCIM.
    #[command(subcommand)]
    ScimToken(scim_token::Command),
    /// Show all steps of the sign-in that a request took part in.
    Trace {
        /// The request's id, as error pages and answers name it.
        request_id: String,
    },
}

pub(super) fn run(config: &Config, command: &Command) -> Outcome {
    let text = as_operator(config, async |app, caller| one(app, caller, command).await)?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

async fn one(app: &App, caller: &Caller, command: &Command) -> Result<String> {
    match command {
        Command::Create { slug, members } => {
            let made = service::create(app, caller, &members.body(json!({ "slug": slug }))?).await?;
            Ok(pretty(&view::tenant(app, &made)))
        }
        Command::List { json } => list(app, caller, *json).await,
        Command::Show { tenant } => Ok(pretty(&view::tenant(app, &service::find(app, caller, tenant).await?))),
        Command::Update { tenant, members } => {
            let id = id_of(app, caller, tenant).await?;
            let done = service::update(app, caller, &id, &Expected::Any, &members.body(json!({}))?).await?;
            Ok(pretty(&view::tenant(app, &done)))
        }
        Command::Delete { tenant } => {
            let id = id_of(app, caller, tenant).await?;
            service::delete(app, caller, &id, &Expected::Any).await?;
            Ok(format!("{id} deleted"))
        }
        Command::App(command) => app::run(app, caller, command).await,
        Command::Idp(command) => idp::run(app, caller, command).await,
        Command::ScimToken(command) => scim_token::run(app, caller, command).await,
        Command::Trace { request_id } => {
            let steps = traces::find(app, caller, request_id).await?;
            Ok(pretty(&Value::Array(steps.iter().map(view::step).collect())))
        }
    }
}

/// The id of the tenant of a slug or an id.
async fn id_of(app: &App, caller: &Caller, name: &str) -> Result<String> {
    Ok(service::find(app, caller, name).await?.tenant.id)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// All items of a list, page by page.
async fn all<T>(mut page: impl AsyncFnMut(Window) -> Result<Vec<T>>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    loop {
        let offset = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let items = page(Window { limit: PAGE, offset }).await?;
        if items.is_empty() {
            return Ok(all);
        }
        all.extend(items);
    }
}

async fn list(app: &App, caller: &Caller, json: bool) -> Result<String> {
    let filter = Filter::default();
    let found = all(async |window| Ok(service::list(app, caller, &filter, window).await?.items)).await?;
    if json {
        return Ok(pretty(&found.iter().map(|shown| view::tenant(app, shown)).collect()));
    }
    let mut lines = vec![format!("{:<32}  {:<24}  {:<6}  NAME", "ID", "SLUG", "ACTIVE")];
    for shown in &found {
        let tenant = &shown.tenant;
        let active = if tenant.active && tenant.domain_enabled { "yes" } else { "no" };
        lines.push(format!("{:<32}  {:<24}  {active:<6}  {}", tenant.id, tenant.slug, tenant.name.escape_debug()));
    }
    Ok(lines.join("\n"))
}
