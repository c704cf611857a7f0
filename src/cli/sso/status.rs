//! `archstone sso status`: platforms with what is federated to them.

use super::pretty;
use crate::cli::table::table;
use crate::error::{Error, Result};
use crate::model::federation::{Listed, NOT_FEDERATED};
use crate::model::list::Window;
use crate::service::caller::Caller;
use crate::service::{App, federate as service, platform};
use crate::sso::view::Federations;

/// Items that are read at once.
const PAGE: i64 = 500;

/// Arguments of `sso status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One platform alone, by its name or id.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// One configuration alone, by its uuid.
    #[arg(long, value_name = "ID")]
    configuration: Option<String>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(app: &App, caller: &Caller, args: &Args) -> Result<String> {
    let platform = match &args.platform {
        Some(name) => Some(platform::find_named(app, caller, name).await?.platform.id),
        None => None,
    };
    let (mut rows, mut items) = (Vec::new(), Vec::new());
    let mut window = Window { limit: PAGE, offset: 0 };
    loop {
        let page = service::list(app, caller, platform.as_deref(), args.configuration.as_deref(), window).await?;
        if page.items.is_empty() {
            break;
        }
        window.offset = window.offset.saturating_add(PAGE);
        if args.json {
            let shown = Federations::of(&page, window);
            let mut shown = serde_json::to_value(shown).map_err(|e| Error::internal(e.to_string()))?;
            items.extend(shown["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
        } else {
            rows.extend(page.items.iter().map(row));
        }
    }
    if args.json {
        return Ok(pretty(&items.into()));
    }
    let headings = ["PLATFORM", "PRODUCT", "CONFIGURATION", "STATUS", "HEALTH", "CLIENT", "LAST PUSHED", "REMARK"];
    Ok(table(&headings, &rows))
}

fn row(it: &Listed) -> Vec<String> {
    let none = || "-".to_owned();
    let f = it.federation.as_ref();
    let text = |found: Option<String>| found.unwrap_or_else(none);
    vec![
        it.platform_name.clone(),
        it.product_type.clone(),
        text(f.map(|f| f.config_id.clone())),
        f.map_or(NOT_FEDERATED, |f| f.status.as_str()).to_owned(),
        f.map_or("unknown", |f| f.health.as_str()).to_owned(),
        text(f.and_then(|f| f.client_id.clone())),
        text(f.and_then(|f| f.pushed_at).map(|at| at.to_string())),
        text(f.and_then(|f| {
            let own = f.error.clone();
            own.or_else(|| f.user_error.clone())
                .or_else(|| f.group_error.clone())
                .or_else(|| f.warnings.first().cloned())
        })),
    ]
}
