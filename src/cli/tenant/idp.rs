//! `archstone tenant idp`: a tenant's own identity providers, and what it says of global ones.

use serde_json::{Value, json};

use super::{all, id_of, pretty};
use crate::cli::members::Members;
use crate::error::Result;
use crate::model::expected::Expected;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::tenant::identity_provider as service;
use crate::tenant::admin::view;

/// Commands of `tenant idp`.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List what a tenant could offer.
    List {
        /// The tenant's slug or id.
        tenant: String,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make one of the tenant's own, an OpenID provider.
    Add {
        /// The tenant's slug or id.
        tenant: String,
        /// What people call it.
        name: String,
        #[command(flatten)]
        members: Members,
    },
    /// Change one of the tenant's own, or what the tenant says of a global one.
    Set {
        /// The tenant's slug or id.
        tenant: String,
        /// The identity provider's id.
        id: String,
        #[command(flatten)]
        members: Members,
    },
    /// Delete one of the tenant's own, or forget what the tenant says of a global one.
    Remove {
        /// The tenant's slug or id.
        tenant: String,
        /// The identity provider's id.
        id: String,
    },
}

pub async fn run(app: &App, caller: &Caller, command: &Command) -> Result<String> {
    match command {
        Command::List { tenant, json } => list(app, caller, tenant, *json).await,
        Command::Add { tenant, name, members } => {
            let tenant_id = id_of(app, caller, tenant).await?;
            let body = members.body(json!({"tenant_id": tenant_id, "name": name, "provider_type": "oidc"}))?;
            Ok(pretty(&view::identity_provider(&service::create(app, caller, &body).await?)))
        }
        Command::Set { tenant, id, members } => {
            let tenant_id = id_of(app, caller, tenant).await?;
            let done = service::update(app, caller, &tenant_id, id, &Expected::Any, &members.body(json!({}))?).await?;
            Ok(pretty(&view::identity_provider(&done)))
        }
        Command::Remove { tenant, id } => {
            let tenant_id = id_of(app, caller, tenant).await?;
            service::delete(app, caller, &tenant_id, id, &Expected::Any).await?;
            Ok(format!("{id} removed"))
        }
    }
}

async fn list(app: &App, caller: &Caller, tenant: &str, json: bool) -> Result<String> {
    let tenant_id = id_of(app, caller, tenant).await?;
    let found = all(async |window| Ok(service::list(app, caller, &tenant_id, window).await?.items)).await?;
    if json {
        return Ok(pretty(&Value::Array(found.iter().map(view::identity_provider).collect())));
    }
    let mut lines = vec![format!("{:<32}  {:<4}  {:<3}  {:<7}  NAME", "ID", "TYPE", "OWN", "OFFERED")];
    let yes = |is: bool| if is { "yes" } else { "no" };
    for shown in &found {
        let known = &shown.known;
        let kind = known.kind.as_deref().unwrap_or("-");
        let (own, offered) = (yes(known.own), yes(known.available && known.settings.enabled));
        lines.push(format!("{:<32}  {kind:<4}  {own:<3}  {offered:<7}  {}", known.idp_id, known.name.escape_debug()));
    }
    Ok(lines.join("\n"))
}
