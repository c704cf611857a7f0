//! `archstone tenant app`: applications and their secrets.

use serde_json::{Value, json};

use super::{all, id_of, pretty};
use crate::cli::members::Members;
use crate::error::Result;
use crate::model::expected::Expected;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::tenant::application as service;
use crate::tenant::admin::view;

/// Commands of `tenant app`.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Make an application; its secret is printed, once.
    Create {
        /// The tenant's slug or id.
        tenant: String,
        /// What people call it.
        name: String,
        /// WEB, SERVICE, SPA or NATIVE.
        #[arg(long = "type", value_name = "TYPE")]
        kind: String,
        #[command(flatten)]
        members: Members,
    },
    /// List a tenant's applications.
    List {
        /// The tenant's slug or id.
        tenant: String,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show an application.
    Show {
        /// Its client id.
        id: String,
    },
    /// Change an application.
    Update {
        /// Its client id.
        id: String,
        #[command(flatten)]
        members: Members,
    },
    /// Delete an application; what it was given is void.
    Delete {
        /// Its client id.
        id: String,
    },
    /// Make another secret; it is printed, once.
    Secret {
        /// The application's client id.
        id: String,
        /// Seconds that the secrets before it go on; they go on as they were if this is left out.
        #[arg(long, value_name = "SECONDS")]
        expires_previous: Option<i64>,
    },
}

pub async fn run(app: &App, caller: &Caller, command: &Command) -> Result<String> {
    match command {
        Command::Create { tenant, name, kind, members } => {
            let tenant_id = id_of(app, caller, tenant).await?;
            let body = members.body(json!({"tenant_id": tenant_id, "name": name, "type": kind}))?;
            Ok(pretty(&view::made_application(&service::create(app, caller, &body).await?)))
        }
        Command::List { tenant, json } => list(app, caller, tenant, *json).await,
        Command::Show { id } => Ok(pretty(&view::application(&service::get(app, caller, id).await?))),
        Command::Update { id, members } => {
            let done = service::update(app, caller, id, &Expected::Any, &members.body(json!({}))?).await?;
            Ok(pretty(&view::application(&done)))
        }
        Command::Delete { id } => {
            service::delete(app, caller, id, &Expected::Any).await?;
            Ok(format!("{id} deleted"))
        }
        Command::Secret { id, expires_previous } => {
            let body = json!({ "expires_previous_in_secs": expires_previous });
            Ok(pretty(&view::made_secret(&service::create_secret(app, caller, id, &body).await?)))
        }
    }
}

async fn list(app: &App, caller: &Caller, tenant: &str, json: bool) -> Result<String> {
    let tenant_id = id_of(app, caller, tenant).await?;
    let found = all(async |window| Ok(service::list(app, caller, &tenant_id, window).await?.items)).await?;
    if json {
        return Ok(pretty(&Value::Array(found.iter().map(view::application).collect())));
    }
    let mut lines = vec![format!("{:<36}  {:<7}  {:<7}  NAME", "CLIENT ID", "TYPE", "ENABLED")];
    for client in &found {
        let it = &client.application;
        let enabled = if it.enabled { "yes" } else { "no" };
        lines.push(format!("{:<36}  {:<7}  {enabled:<7}  {}", it.id, it.kind.as_str(), it.name.escape_debug()));
    }
    Ok(lines.join("\n"))
}
