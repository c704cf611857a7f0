//! `archstone bootstrap`: keystone-manage's flags and variables.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;

use super::{Outcome, block_on};
use crate::app;
use crate::clock::{Random, SystemClock};
use crate::config::Config;
use crate::secret::Secret;
use crate::service::bootstrap::{self, Means, Plan};
use crate::store::Store;

/// Flags of `bootstrap`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Password of the administrator; prefer the variable, as arguments are visible to other users.
    #[arg(long = "bootstrap-password", env = "OS_BOOTSTRAP_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    password: Option<String>,
    /// Name of the administrator.
    #[arg(long = "bootstrap-username", env = "OS_BOOTSTRAP_USERNAME", default_value = "admin")]
    username: String,
    /// Name of their project.
    #[arg(long = "bootstrap-project-name", env = "OS_BOOTSTRAP_PROJECT_NAME", default_value = "admin")]
    project_name: String,
    /// Name of their role.
    #[arg(long = "bootstrap-role-name", env = "OS_BOOTSTRAP_ROLE_NAME", default_value = "admin")]
    role_name: String,
    /// Name of the identity service in the catalog.
    #[arg(long = "bootstrap-service-name", env = "OS_BOOTSTRAP_SERVICE_NAME", default_value = "keystone")]
    service_name: String,
    /// URL of the admin endpoint (default: the public URL of the configuration).
    #[arg(long = "bootstrap-admin-url", env = "OS_BOOTSTRAP_ADMIN_URL")]
    admin_url: Option<String>,
    /// URL of the public endpoint (default: the public URL of the configuration).
    #[arg(long = "bootstrap-public-url", env = "OS_BOOTSTRAP_PUBLIC_URL")]
    public_url: Option<String>,
    /// URL of the internal endpoint (default: the public URL of the configuration).
    #[arg(long = "bootstrap-internal-url", env = "OS_BOOTSTRAP_INTERNAL_URL")]
    internal_url: Option<String>,
    /// Region of the endpoints.
    #[arg(long = "bootstrap-region-id", env = "OS_BOOTSTRAP_REGION_ID")]
    region_id: Option<String>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

impl std::fmt::Debug for Args {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Args").field("username", &self.username).finish_non_exhaustive()
    }
}

pub(super) fn run(config: &Config, args: &Args) -> Outcome {
    // keystonemiddleware looks for `internal`, clients for `public`: all three are always there.
    let endpoint =
        |given: &Option<String>| Some(given.clone().unwrap_or_else(|| format!("{}/v3", config.public_url())));
    let plan = Plan {
        password: args.password.as_deref().filter(|p| !p.is_empty()).map(Secret::new),
        username: args.username.clone(),
        project_name: args.project_name.clone(),
        role_name: args.role_name.clone(),
        service_name: args.service_name.clone(),
        admin_url: endpoint(&args.admin_url),
        internal_url: endpoint(&args.internal_url),
        public_url: endpoint(&args.public_url),
        region_id: args.region_id.clone(),
        default_domain_id: config.identity.default_domain_id.clone(),
    };
    let done = block_on(async {
        let random = Arc::new(Random::system());
        let store = Store::open(&app::store_options(config)).await?;
        store.ready().await?;
        let hasher = app::hasher(config, random.clone())?;
        let means = Means { store: &store, hasher: &hasher, clock: Arc::new(SystemClock::default()), random: &random };
        let done = bootstrap::run(&means, plan).await?;
        store.close().await;
        Ok(done)
    })?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(
            out,
            "{}",
            json!({"user_id": done.user_id, "project_id": done.project_id, "role_id": done.role_id, "service_id": done.service_id})
        )?;
    } else {
        writeln!(out, "administrator {} ({})", args.username, done.user_id)?;
        writeln!(out, "project       {} ({})", args.project_name, done.project_id)?;
        writeln!(out, "role          {} ({})", args.role_name, done.role_id)?;
        writeln!(out, "service       {} ({})", args.service_name, done.service_id)?;
    }
    Ok(())
}
