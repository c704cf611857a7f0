//! What is said of how far it has come.

use super::*;
use crate::clock::Timestamp;
use crate::model::provisioning::Mode;
use crate::service::federate::Item;

fn run(state: State, users: (i64, i64), groups: (i64, i64)) -> Run {
    let now = Timestamp::from_secs(1);
    let mut run = Run { state, ..Run::new("r".into(), "f", Mode::Full, now) };
    (run.counts.users.done, run.counts.users.total) = users;
    (run.counts.groups.done, run.counts.groups.total) = groups;
    run.finished_at = (!matches!(state, State::Queued | State::Running)).then_some(now);
    run
}

fn at(run: Option<Run>, ended: bool, error: Option<&str>) -> Progress {
    Progress { item: Item { error: error.map(str::to_owned), ..Item::default() }, run, ended, federation: None }
}

fn screen(terminal: bool) -> Screen {
    Screen { terminal, ..Screen::new(vec!["one".into(), "another\u{1b}".into()], Wanted::Present) }
}

#[test]
fn a_line_is_written_where_something_has_changed_and_not_for_each_count() {
    let mut screen = screen(false);
    let begun = [at(None, false, None), at(None, false, None)];
    assert_eq!(screen.news(&begun), "one: being pushed\nanother : being pushed\n");
    assert_eq!(screen.news(&begun), "");
    let waits = at(Some(run(State::Queued, (0, 0), (0, 0))), false, None);
    let failed = at(None, true, Some("it does\nnot answer"));
    assert_eq!(
        screen.news(&[waits, failed.clone()]),
        "one: users and groups wait for their turn\nanother : failed: it does not answer\n"
    );
    let goes = |done| at(Some(run(State::Running, (done, 40), (0, 3))), false, None);
    assert_eq!(screen.news(&[goes(0), failed.clone()]), "one: users 0/40, groups 0/3\n");
    assert_eq!(screen.news(&[goes(10), failed.clone()]), "");
    let mut last = run(State::Partial, (41, 40), (3, 3));
    last.counts.users.outcomes.insert("failed".into(), 2);
    assert_eq!(screen.news(&[at(Some(last), true, None), failed]), "one: done: users 41/41, groups 3/3, 2 failed\n");
}

#[test]
fn bars_are_drawn_over_those_before_and_no_line_is_broken() {
    let mut screen = screen(true);
    let half = at(Some(run(State::Running, (20, 37), (0, 3))), false, None);
    let failed = at(None, true, Some(&"it does not answer ".repeat(20)));
    let first = screen.drawing(&[half.clone(), failed.clone()]);
    let lines: Vec<&str> = first.lines().collect();
    assert_eq!(lines[0], "\r\u{1b}[2Kone       [##########..........]  users 20/37, groups 0/3");
    assert!(lines[1].starts_with("\r\u{1b}[2Kanother   [....................]  failed: it does not"));
    assert!(lines.iter().all(|line| line.chars().count() <= LINE + "\r\u{1b}[2K".len()));
    let next = screen.drawing(&[half, failed]);
    assert_eq!(next, format!("\u{1b}[2A{first}"));
}

#[test]
fn a_bar_is_full_when_all_is_done_and_never_fuller() {
    let full = "#".repeat(BAR);
    for (progress, filled) in [
        (at(None, true, None), BAR),
        (at(Some(run(State::Running, (0, 0), (0, 0))), false, None), 0),
        (at(Some(run(State::Running, (50, 40), (0, 0))), false, None), BAR),
        (at(Some(run(State::Running, (1_000_000_000, 1), (0, 0))), false, None), BAR),
        (at(Some(run(State::Failed, (10, 40), (0, 0))), true, Some("no")), BAR / 4),
    ] {
        let rest = ".".repeat(BAR - filled);
        assert_eq!(bar(&progress), format!("[{}{rest}]", &full[..filled]), "{progress:?}");
    }
}
