//! Background jobs on both databases.

use serde_json::json;

use super::*;
use crate::model::job::{Filter, Job, Kind, NewJob, State};
use crate::model::list::Window;
use crate::store::sql::Sql;

pub fn a_job(subject: &str, run_at: Timestamp) -> NewJob {
    NewJob { kind: Kind::TestConfiguration, subject: subject.into(), payload: json!({"n": 1}), run_at }
}

const LATER: Timestamp = Timestamp(NOW.0 + 60_000_000);

async fn queue(store: &Store, id: &str, new: &NewJob, now: Timestamp) -> Job {
    let mut tx = store.write().await.unwrap();
    let job = job::insert(&mut tx, id, new, now).await.unwrap();
    assert!(tx.queues_jobs());
    tx.commit(now).await.unwrap();
    job
}

async fn claim(store: &Store, lease: &str, now: Timestamp) -> Option<Job> {
    let due = job::is_due(&mut store.read().await.unwrap(), &Kind::ALL, now).await.unwrap();
    let mut tx = store.write().await.unwrap();
    let claimed = job::claim(&mut tx, &Kind::ALL, lease, now.plus_secs(30), now).await.unwrap();
    tx.commit(now).await.unwrap();
    assert_eq!(due, claimed.is_some());
    claimed
}

async fn get(store: &Store, id: &str) -> Job {
    job::get(&mut store.read().await.unwrap(), id).await.unwrap().unwrap()
}

/// Runs one of the functions that write in a transaction of its own.
macro_rules! write {
    ($store:expr, $function:ident, $($argument:expr),*) => {{
        let mut tx = $store.write().await.unwrap();
        let done = job::$function(&mut tx, $($argument),*).await.unwrap();
        tx.commit(NOW).await.unwrap();
        done
    }};
}

#[tokio::test]
async fn a_job_is_taken_at_its_time_and_by_one_only_and_is_then_done() {
    on_both(async |store| {
        let queued = queue(store, "1", &a_job("s", LATER), NOW).await;
        let expected = Job {
            id: "1".into(),
            kind: "sso.test".into(),
            subject: "s".into(),
            payload: json!({"n": 1}),
            state: State::Queued,
            attempts: 0,
            max_attempts: 8,
            run_at: LATER,
            rerun: false,
            cancelling: false,
            error: None,
            created_at: NOW,
            updated_at: NOW,
            finished_at: None,
        };
        assert_eq!(queued, expected);
        assert_eq!(claim(store, "l", Timestamp(LATER.0 - 1)).await, None);
        let running = claim(store, "l", LATER).await.unwrap();
        assert_eq!(running, Job { state: State::Running, attempts: 1, updated_at: LATER, ..expected.clone() });
        assert_eq!(claim(store, "other", LATER).await, None);
        assert!(write!(store, finish, "1", "l", State::Succeeded, None, LATER));
        let done = get(store, "1").await;
        assert_eq!(done, Job { state: State::Succeeded, finished_at: Some(LATER), ..running });
        assert_eq!(claim(store, "l", LATER.plus_secs(1_000)).await, None);
    })
    .await;
}

#[tokio::test]
async fn the_job_that_has_been_due_for_longest_comes_first() {
    on_both(async |store| {
        for (id, secs) in [("a", 3), ("b", 1), ("c", 2), ("d", 9)] {
            queue(store, id, &a_job(id, NOW.plus_secs(secs)), NOW).await;
        }
        let mut order = Vec::new();
        while let Some(job) = claim(store, "l", NOW.plus_secs(5)).await {
            order.push(job.id);
        }
        assert_eq!(order, ["b", "c", "a"]);
    })
    .await;
}

#[tokio::test]
async fn what_runs_is_given_back_where_nobody_else_can_be_at_it() {
    on_both(async |store| {
        queue(store, "1", &a_job("s", NOW), NOW).await;
        queue(store, "2", &a_job("later", LATER), NOW).await;
        claim(store, "gone", NOW).await.unwrap();
        assert_eq!(claim(store, "l", NOW).await, None);
        assert_eq!(write!(store, release_all, NOW), 1);
        assert_eq!(claim(store, "l", NOW).await.unwrap().attempts, 2);
        assert_eq!(claim(store, "l", NOW).await, None, "what waits still waits");
    })
    .await;
}

#[tokio::test]
async fn an_ended_lease_lets_another_take_the_job_and_the_first_writes_nothing_any_more() {
    on_both(async |store| {
        queue(store, "1", &a_job("s", NOW), NOW).await;
        claim(store, "first", NOW).await.unwrap();
        assert_eq!(write!(store, renew, "1", "first", NOW.plus_secs(40)), Some(false));
        assert_eq!(claim(store, "second", NOW.plus_secs(39)).await, None);
        let taken = claim(store, "second", NOW.plus_secs(40)).await.unwrap();
        assert_eq!((taken.attempts, taken.state), (2, State::Running));
        assert_eq!(write!(store, renew, "1", "first", LATER), None);
        assert!(!write!(store, finish, "1", "first", State::Failed, Some("no"), LATER));
        assert!(!write!(store, fail, "1", "first", "no", LATER, LATER));
        assert!(!write!(store, release, "1", "first", LATER));
        assert_eq!(get(store, "1").await, taken);
        assert!(write!(store, finish, "1", "second", State::Succeeded, None, LATER));
    })
    .await;
}

#[tokio::test]
async fn a_failed_attempt_is_queued_again_and_one_given_up_does_not_count() {
    on_both(async |store| {
        queue(store, "1", &a_job("s", NOW), NOW).await;
        claim(store, "l", NOW).await.unwrap();
        assert!(write!(store, fail, "1", "l", "why", LATER, NOW));
        let failed = get(store, "1").await;
        assert_eq!((failed.state, failed.attempts, failed.run_at), (State::Queued, 1, LATER));
        assert_eq!((failed.error.as_deref(), failed.finished_at), (Some("why"), None));
        claim(store, "m", LATER).await.unwrap();
        assert!(write!(store, release, "1", "m", LATER.plus_secs(1)));
        let released = get(store, "1").await;
        assert_eq!((released.state, released.attempts, released.run_at), (State::Queued, 1, LATER.plus_secs(1)));
        assert_eq!(released.error.as_deref(), Some("why"));
        claim(store, "n", LATER.plus_secs(1)).await.unwrap();
        assert!(write!(store, finish, "1", "n", State::Succeeded, None, LATER));
        assert_eq!(get(store, "1").await.error, None);
    })
    .await;
}

#[tokio::test]
async fn asked_for_again_the_same_row_is_queued_again() {
    on_both(async |store| {
        queue(store, "1", &a_job("s", NOW.plus_secs(5)), NOW).await;
        // While it waits, the earlier time counts, and what was said last.
        let new = NewJob { payload: json!({"n": 2}), ..a_job("s", LATER) };
        let again = queue(store, "2", &new, NOW.plus_secs(1)).await;
        assert_eq!((again.id.as_str(), again.run_at, again.payload), ("1", NOW.plus_secs(5), json!({"n": 2})));
        assert_eq!(queue(store, "2", &a_job("s", NOW), NOW).await.run_at, NOW);
        // After it ended it is as new, attempts and all.
        claim(store, "l", NOW).await.unwrap();
        assert!(write!(store, finish, "1", "l", State::Failed, Some("why"), NOW));
        let fresh = queue(store, "2", &a_job("s", LATER), LATER).await;
        let expected = (State::Queued, 0, LATER, LATER, None, None);
        assert_eq!(
            (fresh.state, fresh.attempts, fresh.run_at, fresh.created_at, fresh.error, fresh.finished_at),
            expected
        );
        // Another kind about the same is another job.
        let other = NewJob { kind: Kind::DeleteConfiguration, ..a_job("s", NOW) };
        assert_eq!(queue(store, "3", &other, NOW).await.id, "3");
        assert_eq!(job::count(&mut store.read().await.unwrap(), &Filter::default()).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn asked_for_while_it_runs_it_runs_once_more() {
    on_both(async |store| {
        queue(store, "1", &a_job("s", NOW), NOW).await;
        for (lease, outcome) in [("a", "finish"), ("b", "fail"), ("c", "release"), ("d", "cancelled")] {
            let running = claim(store, lease, NOW.plus_secs(7)).await.unwrap();
            assert_eq!((running.attempts, running.rerun), (1, false), "{outcome}");
            if outcome == "cancelled" {
                assert!(write!(store, cancel, "1", NOW).unwrap().cancelling);
            }
            for secs in [8, 7] {
                let asked = queue(store, "2", &a_job("s", NOW.plus_secs(secs)), NOW).await;
                assert_eq!((asked.state, asked.rerun, asked.attempts), (State::Running, true, 1));
            }
            assert!(match outcome {
                "finish" => write!(store, finish, "1", lease, State::Succeeded, None, NOW),
                "fail" => write!(store, fail, "1", lease, "why", LATER, NOW),
                "release" => write!(store, release, "1", lease, NOW),
                _ => write!(store, finish, "1", lease, State::Cancelled, None, NOW),
            });
            let next = get(store, "1").await;
            assert_eq!((next.state, next.attempts, next.run_at), (State::Queued, 0, NOW.plus_secs(7)), "{outcome}");
            assert_eq!((next.rerun, next.cancelling, next.finished_at), (false, false, None), "{outcome}");
            assert_eq!(claim(store, "early", NOW.plus_secs(6)).await, None);
        }
    })
    .await;
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_a_running_one_is_told_at_its_renewal() {
    on_both(async |store| {
        queue(store, "1", &a_job("s", NOW), NOW).await;
        let cancelled = write!(store, cancel, "1", LATER).unwrap();
        assert_eq!((cancelled.state, cancelled.finished_at), (State::Cancelled, Some(LATER)));
        assert_eq!(claim(store, "l", LATER).await, None);
        assert_eq!(write!(store, cancel, "1", LATER), None, "it has ended");
        assert_eq!(write!(store, cancel, "gone", LATER), None);

        for outcome in ["finish", "fail"] {
            queue(store, "1", &a_job("s", NOW), NOW).await;
            claim(store, "l", NOW).await.unwrap();
            queue(store, "1", &a_job("s", NOW), NOW).await;
            let running = write!(store, cancel, "1", NOW).unwrap();
            assert_eq!((running.state, running.cancelling, running.rerun), (State::Running, true, false));
            assert_eq!(write!(store, renew, "1", "l", LATER), Some(true));
            assert!(match outcome {
                "finish" => write!(store, finish, "1", "l", State::Cancelled, None, LATER),
                _ => write!(store, fail, "1", "l", "why", LATER, LATER),
            });
            let ended = get(store, "1").await;
            assert_eq!((ended.state, ended.finished_at, ended.cancelling), (State::Cancelled, Some(LATER), false));
            assert_eq!(claim(store, "l", LATER.plus_secs(99)).await, None);
        }
    })
    .await;
}

#[tokio::test]
async fn jobs_are_listed_newest_first_filtered_counted_and_pruned() {
    on_both(async |store| {
        for n in 0..5 {
            queue(store, &format!("j{n}"), &a_job(&format!("s{n}"), LATER), NOW.plus_secs(n)).await;
        }
        let other = NewJob { kind: Kind::DeleteConfiguration, ..a_job("s0", LATER) };
        queue(store, "k", &other, NOW).await;
        write!(store, cancel, "j1", NOW.plus_secs(10)).unwrap();
        write!(store, cancel, "j2", NOW.plus_secs(20)).unwrap();
        let ids = async |filter: &Filter, limit, offset| {
            let mut conn = store.read().await.unwrap();
            let jobs = job::list(&mut conn, filter, Window { limit, offset }).await.unwrap();
            let ids: Vec<String> = jobs.into_iter().map(|j| j.id).collect();
            (ids.join(" "), job::count(&mut conn, filter).await.unwrap())
        };
        let all = Filter::default();
        assert_eq!(ids(&all, 20, 0).await, ("j4 j3 j2 j1 k j0".into(), 6));
        assert_eq!(ids(&all, 2, 3).await, ("j1 k".into(), 6));
        assert_eq!(ids(&all, 2, 9).await, (String::new(), 6));
        let cancelled = Filter { state: Some(State::Cancelled), ..Filter::default() };
        assert_eq!(ids(&cancelled, 1, 0).await, ("j2".into(), 2));
        let about = Filter { subject: Some("s0".into()), ..Filter::default() };
        assert_eq!(ids(&about, 20, 0).await, ("k j0".into(), 2));
        let both = Filter { kind: Some("sso.delete".into()), ..about };
        assert_eq!(ids(&both, 20, 0).await, ("k".into(), 1));
        assert_eq!(write!(store, prune, NOW.plus_secs(20)), 1);
        assert_eq!(ids(&all, 20, 0).await, ("j4 j3 j2 k j0".into(), 5));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_this_program_does_not_know_is_left_to_newer_nodes() {
    on_both(async |store| {
        queue(store, "1", &a_job("s", NOW), NOW).await;
        let mut tx = store.write().await.unwrap();
        Sql::new("UPDATE jobs SET kind = 'sso.dance'").run(&mut tx).await.unwrap();
        tx.commit(NOW).await.unwrap();
        assert_eq!(claim(store, "l", LATER).await, None);
        assert_eq!(get(store, "1").await.kind, "sso.dance");
    })
    .await;
}
