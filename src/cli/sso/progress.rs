//! How far it has come, on standard error: a bar for each platform on a terminal, else a line whenever there is something to say.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use crate::cli::table::plain;
use crate::clock::Stopwatch;
use crate::model::federation::Wanted;
use crate::model::provisioning::{Run, State, Tally};
use crate::service::federate::Progress;

/// Places of a bar.
const BAR: usize = 20;
/// Most characters of a platform's name.
const NAME: usize = 20;
/// Most characters of a line: one that a terminal breaks could not be drawn over.
const LINE: usize = 78;
/// How often counts alone are worth a line.
const QUIET: Duration = Duration::from_secs(5);

/// What is shown of all platforms.
pub(super) struct Screen {
    names: Vec<String>,
    wanted: Wanted,
    terminal: bool,
    drawn: bool,
    last: Vec<Option<Said>>,
}

/// What was last said of a platform.
struct Said {
    stage: Stage,
    text: String,
    at: Stopwatch,
}

/// Where a platform is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The platform itself is spoken to.
    Asked,
    /// Users and groups wait.
    Waits,
    /// Users and groups are under way.
    People,
    /// It has ended.
    Ended,
}

impl Screen {
    /// For platforms of these names.
    pub(super) fn new(names: Vec<String>, wanted: Wanted) -> Self {
        let last = names.iter().map(|_| None).collect();
        Self { names, wanted, terminal: std::io::stderr().is_terminal(), drawn: false, last }
    }

    /// Shows how far it has come. That nobody can read it is no reason to stop.
    pub(super) fn show(&mut self, all: &[Progress]) {
        let text = if self.terminal { self.drawing(all) } else { self.news(all) };
        let mut out = std::io::stderr().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// All lines, drawn over those before.
    fn drawing(&mut self, all: &[Progress]) -> String {
        let width = self.names.iter().map(|name| name.chars().count()).max().unwrap_or_default().min(NAME);
        let up = if std::mem::replace(&mut self.drawn, true) { format!("\x1b[{}A", all.len()) } else { String::new() };
        let lines = self.names.iter().zip(all).map(|(name, of)| {
            let name: String = plain(name).chars().take(NAME).collect();
            let line: String = format!("{name:<width$}  {}  {}", bar(of), self.text(of)).chars().take(LINE).collect();
            format!("\r\x1b[2K{line}\n")
        });
        lines.fold(up, |text, line| text + &line)
    }

    /// Lines of what is new.
    fn news(&mut self, all: &[Progress]) -> String {
        let mut lines = String::new();
        for (i, of) in all.iter().enumerate() {
            let (stage, text) = (stage(of), self.text(of));
            let known = self.last[i].as_ref();
            let news = known.is_none_or(|k| k.stage != stage || (k.text != text && k.at.elapsed() >= QUIET));
            if news {
                lines.push_str(&format!("{}: {text}\n", plain(&self.names[i])));
                self.last[i] = Some(Said { stage, text, at: Stopwatch::start() });
            }
        }
        lines
    }

    fn text(&self, of: &Progress) -> String {
        match (stage(of), &of.run) {
            (Stage::Ended, _) => match &of.item.error {
                Some(error) => format!("failed: {}", plain(error)),
                None => ended(of, self.wanted),
            },
            (Stage::People, Some(run)) => counts(run),
            (Stage::Waits, _) => "users and groups wait for their turn".to_owned(),
            _ if self.wanted == Wanted::Present => "being pushed".to_owned(),
            _ => "being taken away".to_owned(),
        }
    }
}

fn stage(of: &Progress) -> Stage {
    match &of.run {
        _ if of.ended => Stage::Ended,
        Some(run) if run.finished_at.is_some() => Stage::Asked,
        Some(run) if run.state == State::Queued => Stage::Waits,
        Some(_) => Stage::People,
        None => Stage::Asked,
    }
}

fn ended(of: &Progress, wanted: Wanted) -> String {
    match (wanted, &of.run) {
        (Wanted::Present, Some(run)) => format!("done: {}", counts(run)),
        _ => "done".to_owned(),
    }
}

/// How many are to be looked at: people come while a run goes, and those who leave are no part of the first count.
fn total(tally: &Tally) -> i64 {
    tally.total.max(tally.done)
}

fn counts(run: &Run) -> String {
    let (users, groups) = (&run.counts.users, &run.counts.groups);
    let failed = users.failed() + groups.failed();
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    format!("users {}/{}, groups {}/{}{failed}", users.done, total(users), groups.done, total(groups))
}

/// A bar of how much of all users and groups is done.
fn bar(of: &Progress) -> String {
    let tallies = of.run.as_ref().map(|run| [&run.counts.users, &run.counts.groups]);
    let sum = |each: fn(&Tally) -> i64| {
        let all = tallies.iter().flatten().map(|tally| each(tally)).sum::<i64>();
        usize::try_from(all).unwrap_or_default()
    };
    let (done, all) = (sum(|tally| tally.done), sum(total));
    let full = match stage(of) {
        Stage::Ended if of.item.error.is_none() => BAR,
        Stage::Asked | Stage::Waits => 0,
        _ if all == 0 => 0,
        _ => done.saturating_mul(BAR) / all,
    };
    format!("[{}{}]", "#".repeat(full), ".".repeat(BAR - full.min(BAR)))
}

#[cfg(test)]
mod tests;
