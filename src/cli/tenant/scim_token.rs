//! `archstone tenant scim-token`: tokens by which directories come to a tenant's SCIM.

use serde_json::{Value, json};

use super::{all, id_of, pretty};
use crate::error::Result;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::tenant::scim_token as service;
use crate::tenant::admin::view;

/// Commands of `tenant scim-token`.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Make a token; it is printed, once, with the URL that it is for.
    Create {
        /// The tenant's slug or id.
        tenant: String,
        /// What people call it.
        name: String,
        /// Seconds that it lives; for ever, if this is left out.
        #[arg(long, value_name = "SECONDS")]
        expires_in: Option<i64>,
    },
    /// List a tenant's tokens, which are not shown themselves.
    List {
        /// The tenant's slug or id.
        tenant: String,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete a token: nobody is let in by it any more.
    Delete {
        /// The tenant's slug or id.
        tenant: String,
        /// The token's id.
        id: String,
    },
}

pub async fn run(app: &App, caller: &Caller, command: &Command) -> Result<String> {
    match command {
        Command::Create { tenant, name, expires_in } => {
            let tenant_id = id_of(app, caller, tenant).await?;
            let body = json!({"name": name, "expires_in_secs": expires_in});
            Ok(pretty(&view::made_scim_token(app, &service::create(app, caller, &tenant_id, &body).await?)))
        }
        Command::List { tenant, json } => list(app, caller, tenant, *json).await,
        Command::Delete { tenant, id } => {
            let tenant_id = id_of(app, caller, tenant).await?;
            service::delete(app, caller, &tenant_id, id).await?;
            Ok(format!("{id} deleted"))
        }
    }
}

async fn list(app: &App, caller: &Caller, tenant: &str, json: bool) -> Result<String> {
    let tenant_id = id_of(app, caller, tenant).await?;
    let found = all(async |window| Ok(service::list(app, caller, &tenant_id, window).await?.items)).await?;
    if json {
        return Ok(pretty(&Value::Array(found.iter().map(view::scim_token).collect())));
    }
    let mut lines = vec![format!("{:<37}  {:<20}  {:<20}  NAME", "ID", "EXPIRES", "LAST USED")];
    for token in &found {
        let at = |at: Option<_>| at.map_or_else(|| "never".to_owned(), view::time);
        let (ends, used) = (at(token.expires_at), at(token.last_used_at));
        lines.push(format!("{:<37}  {ends:<20}  {used:<20}  {}", token.id, token.name.escape_debug()));
    }
    Ok(lines.join("\n"))
}
