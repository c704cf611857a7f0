//! `archstone sso federate` and `unfederate`: begun through the service, and waited for until everything has ended.
//!
//! Ctrl-C ends the waiting and nothing else: what has not ended goes on in the service.

use std::io::Write as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::pretty;
use super::progress::Screen;
use crate::cli::table::table;
use crate::cli::worker::{as_operator, with_jobs};
use crate::cli::{Failure, Outcome};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::federation::Wanted;
use crate::model::platform::Platform;
use crate::model::provisioning::{Kind, Run, Tally};
use crate::service::caller::Caller;
use crate::service::federate::{Item, Progress, UNFINISHED, begin, progress};
use crate::service::provisioning::Report;
use crate::service::{App, platform};
use crate::sso::view::{Federated, ProvisioningRun};

/// How often it is looked how far it has come.
const PAUSE: Duration = Duration::from_millis(200);

/// Arguments of both.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration's uuid.
    id: String,
    /// Names or ids of platforms, with commas between them.
    #[arg(long, required = true, value_delimiter = ',', value_name = "PLATFORMS")]
    platforms: Vec<String>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// Have the configuration be there.
    Push {
        /// However many users are deactivated by it.
        unlimited: bool,
    },
    /// Take it away.
    TakeBack {
        /// What becomes of users and groups.
        deprovision: &'a str,
    },
}

impl What<'_> {
    fn wanted(self) -> Wanted {
        match self {
            Self::Push { .. } => Wanted::Present,
            Self::TakeBack { .. } => Wanted::Absent,
        }
    }

    fn body(self, platforms: &[Platform]) -> Value {
        let ids: Vec<&str> = platforms.iter().map(|p| p.id.as_str()).collect();
        match self {
            Self::Push { unlimited } => json!({"platformUuids": ids, "allowMassDeactivation": unlimited}),
            Self::TakeBack { deprovision } => json!({"platformUuids": ids, "deprovision": deprovision}),
        }
    }
}

/// What came of all platforms.
struct Done {
    platforms: Vec<Platform>,
    ends: Vec<Progress>,
    interrupted: bool,
}

pub fn run(config: &Config, args: &Args, what: What<'_>) -> Outcome {
    let done = as_operator(config, async |app, caller| all(app, caller, args, what).await)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", if args.json { pretty(&as_json(&done)?) } else { told(&done, what) })?;
    if done.interrupted {
        let hint = "what runs is left to the service; `archstone sso status` says how it goes on";
        writeln!(std::io::stderr(), "archstone: {hint}")?;
    }
    let well = |end: &Progress| first_error(end).is_none();
    if done.ends.iter().all(well) { Ok(()) } else { Err(Failure::Said) }
}

async fn all(app: &Arc<App>, caller: &Caller, args: &Args, what: What<'_>) -> Result<Done> {
    let mut platforms: Vec<Platform> = Vec::new();
    for name in args.platforms.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let found = platform::find_named(app, caller, name).await?.platform;
        if !platforms.iter().any(|known| known.id == found.id) {
            platforms.push(found);
        }
    }
    let names = platforms.iter().map(|p| p.name.clone()).collect();
    let body = what.body(&platforms);
    let (mut ends, interrupted) = with_jobs(app, async {
        let begun = begin(app, caller, &args.id, &body, what.wanted()).await?;
        let mut screen = Screen::new(names, what.wanted());
        let mut interrupt = pin!(tokio::signal::ctrl_c());
        loop {
            let ends = progress(app, caller, &begun).await?;
            screen.show(&ends);
            if ends.iter().all(|end| end.ended) {
                return Ok((ends, false));
            }
            tokio::select! {
                _ = &mut interrupt => return Ok((ends, true)),
                () = sleep(PAUSE) => {}
            }
        }
    })
    .await?;
    for end in &mut ends {
        let gone = what.wanted() == Wanted::Present && end.federation.is_none();
        let why = match end.ended {
            false => UNFINISHED,
            true if gone => "it was taken away meanwhile",
            true => continue,
        };
        end.item.error.get_or_insert_with(|| why.to_owned());
    }
    Ok(Done { platforms, ends, interrupted })
}

/// What went wrong first.
fn first_error(end: &Progress) -> Option<String> {
    let federation = end.federation.as_ref();
    let of = |what: &str, item: &Option<String>, own: Option<&String>| {
        item.as_ref().map(|told| format!("{what}: {}", own.unwrap_or(told)))
    };
    let users = || of("users", &end.item.user_error, federation.and_then(|f| f.user_error.as_ref()));
    let groups = || of("groups", &end.item.group_error, federation.and_then(|f| f.group_error.as_ref()));
    end.item.error.clone().or_else(users).or_else(groups)
}

fn status(end: &Progress, what: What<'_>) -> &'static str {
    match (what, &end.item.error) {
        _ if !end.ended => "running",
        (_, Some(_)) => "failed",
        (What::Push { .. }, None) if first_error(end).is_some() => "partial",
        (What::Push { .. }, None) => "federated",
        (What::TakeBack { .. }, None) => "taken away",
    }
}

/// How many, by what became of them.
fn outcomes(tally: &Tally) -> String {
    let some = tally.outcomes.iter().filter(|(_, n)| **n > 0);
    let told: Vec<String> = some.map(|(outcome, n)| format!("{n} {outcome}")).collect();
    if told.is_empty() { "0".to_owned() } else { told.join(", ") }
}

/// What became of users, or of groups.
fn people(end: &Progress, platform: &Platform, what: What<'_>, kind: Kind) -> String {
    let tally = |run: &Run| match kind {
        Kind::User => outcomes(&run.counts.users),
        Kind::Group => outcomes(&run.counts.groups),
    };
    match what {
        // The report is gone with the federation, which goes only when all of them were seen to.
        What::TakeBack { deprovision } if end.federation.is_none() && platform.options.scim_endpoint.is_some() => {
            let word = match (deprovision, kind) {
                ("deactivate", Kind::User) => "deactivated",
                ("deactivate", Kind::Group) => "emptied",
                ("delete", _) => "deleted",
                _ => "left",
            };
            word.to_owned()
        }
        _ => end.run.as_ref().map_or_else(|| "-".to_owned(), tally),
    }
}

/// The table of what came of it.
fn told(done: &Done, what: What<'_>) -> String {
    let headings = ["PLATFORM", "PRODUCT", "STATUS", "CLIENT", "CALLBACK URL", "USERS", "GROUPS", "FIRST ERROR"];
    let text = |found: &Option<String>| found.clone().unwrap_or_else(|| "-".to_owned());
    let rows: Vec<Vec<String>> = done
        .platforms
        .iter()
        .zip(&done.ends)
        .map(|(platform, end)| {
            vec![
                platform.name.clone(),
                platform.product_type.clone(),
                status(end, what).to_owned(),
                text(&end.item.client_id),
                text(&end.item.callback_url),
                people(end, platform, what, Kind::User),
                people(end, platform, what, Kind::Group),
                text(&first_error(end)),
            ]
        })
        .collect();
    table(&headings, &rows)
}

/// The API's items, each with the report of its run.
fn as_json(done: &Done) -> Result<Value> {
    let wrong = |e: serde_json::Error| Error::internal(e.to_string());
    let items: Vec<Item> = done.ends.iter().map(|end| end.item.clone()).collect();
    let mut shown = serde_json::to_value(Federated::from(items.as_slice())).map_err(wrong)?;
    let members = shown["items"].as_array_mut().into_iter().flatten();
    for ((item, end), platform) in members.zip(&done.ends).zip(&done.platforms) {
        item["platformName"] = json!(platform.name);
        if let (Some(run), Some(federation)) = (&end.run, &end.federation) {
            let report = Report { run: run.clone(), federation: federation.clone() };
            item["run"] = serde_json::to_value(ProvisioningRun::from(&report)).map_err(wrong)?;
        }
    }
    Ok(shown)
}

#[cfg(test)]
mod tests;
