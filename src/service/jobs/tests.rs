//! Background jobs on both databases, with exact times and with two nodes on one database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod claims;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::attempt;
use super::worker::{Pace, claim, work};
use super::*;
use crate::app;
use crate::clock::{Clock as _, Random, Timestamp};
use crate::model::job::{Kind, retry_at};
use crate::testing::{House, houses};

const PACE: Pace = Pace {
    kinds: &Kind::ALL,
    workers: 4,
    poll: Duration::from_millis(20),
    lease_secs: 30,
    renew: Duration::from_millis(50),
    grace: Duration::from_millis(100),
};

async fn on_both(test: impl AsyncFn(&House)) {
    for house in houses(&[]).await {
        eprintln!("on {}", house.database);
        test(&house).await;
    }
}

/// Another node on the same database.
async fn another_node(house: &House) -> Arc<App> {
    app::build(house.app.config.clone(), house.clock.clone(), Arc::new(Random::system())).await.unwrap()
}

/// A node whose worker has these hands.
fn start<H, F>(app: &Arc<App>, handle: H) -> JoinHandle<()>
where
    H: Fn(Arc<App>, Kind, Job) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    tokio::spawn(work(app.clone(), PACE, handle))
}

async fn queue(app: &App, subject: &str, run_at: Timestamp) -> String {
    let new = NewJob { kind: Kind::TestConfiguration, subject: subject.into(), payload: json!({}), run_at };
    let mut tx = app.store.write().await.unwrap();
    let job = enqueue(app, &mut tx, &new).await.unwrap();
    app.commit(tx).await.unwrap();
    job.id
}

async fn stored(app: &App, id: &str) -> Job {
    store::job::get(&mut app.store.read().await.unwrap(), id).await.unwrap().unwrap()
}

/// Waits until a job is in a state.
async fn until(app: &App, id: &str, state: State) -> Job {
    for _ in 0..1_000 {
        let job = stored(app, id).await;
        if job.state == state {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?} does not become {state:?}", stored(app, id).await);
}

/// Stops a job as an administrator does, policy aside.
async fn cancelled(app: &App, id: &str) -> Job {
    let mut tx = app.store.write().await.unwrap();
    let job = store::job::cancel(&mut tx, id, app.now()).await.unwrap().unwrap();
    app.commit(tx).await.unwrap();
    app.jobs.nudge(id);
    job
}

/// Tells when it is dropped.
struct Dropped(Arc<AtomicI64>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_jobs_on_two_nodes_run_once_each_and_no_more_at_once_than_there_are_hands() {
    on_both(async |house| {
        let nodes = [house.app.clone(), another_node(house).await];
        let runs: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
        let most: [Arc<(AtomicI64, AtomicI64)>; 2] = Default::default();
        let workers: Vec<_> = nodes
            .iter()
            .zip(&most)
            .map(|(node, most)| {
                let (runs, most) = (runs.clone(), most.clone());
                start(node, move |_, _, job: Job| {
                    let (runs, most) = (runs.clone(), most.clone());
                    async move {
                        let now = most.0.fetch_add(1, Ordering::SeqCst) + 1;
                        most.1.fetch_max(now, Ordering::SeqCst);
                        *runs.lock().unwrap().entry(job.subject).or_default() += 1;
                        tokio::time::sleep(Duration::from_millis(2)).await;
                        most.0.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    }
                })
            })
            .collect();
        let mut tx = house.app.store.write().await.unwrap();
        for n in 0..100 {
            let subject = format!("s{n}");
            let now = house.app.now();
            let new = NewJob { kind: Kind::TestConfiguration, subject, payload: json!({}), run_at: now };
            enqueue(&house.app, &mut tx, &new).await.unwrap();
        }
        house.app.commit(tx).await.unwrap();
        let done = Filter { state: Some(State::Succeeded), ..Filter::default() };
        for _ in 0..1_000 {
            let mut conn = house.app.store.read().await.unwrap();
            if store::job::count(&mut conn, &done).await.unwrap() == 100 {
                break;
            }
            drop(conn);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for node in &nodes {
            node.feed.stop();
        }
        for worker in workers {
            worker.await.unwrap();
        }
        let runs = runs.lock().unwrap();
        assert_eq!((runs.len(), runs.values().sum::<u32>()), (100, 100));
        // A node may find nothing left; that depends on who is quicker.
        for most in most {
            assert!(most.1.load(Ordering::SeqCst) <= 4, "{most:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_of_some_kinds_leaves_the_others_alone() {
    on_both(async |house| {
        let some = Pace { kinds: &[Kind::Federate, Kind::Provision], ..PACE };
        tokio::spawn(work(house.app.clone(), some, |_, _, _| async { Ok(()) }));
        let other = queue(&house.app, "s", house.app.now()).await;
        let new = NewJob { kind: Kind::Federate, subject: "f".into(), payload: json!({}), run_at: house.app.now() };
        let mut tx = house.app.store.write().await.unwrap();
        let own = enqueue(&house.app, &mut tx, &new).await.unwrap().id;
        house.app.commit(tx).await.unwrap();
        until(&house.app, &own, State::Succeeded).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let left = stored(&house.app, &other).await;
        assert_eq!((left.state, left.attempts), (State::Queued, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_job_starts_with_the_commit_and_one_for_later_at_its_time() {
    on_both(async |house| {
        let slow = Pace { poll: Duration::from_secs(600), ..PACE };
        tokio::spawn(work(house.app.clone(), slow, |_, _, _| async { Ok(()) }));
        // The first poll is at once; what starts afterwards was told to.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let id = queue(&house.app, "s", house.app.now()).await;
        until(&house.app, &id, State::Succeeded).await;
        let later = queue(&house.app, "t", house.app.now().plus_secs(60)).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(stored(&house.app, &later).await.state, State::Queued);
        house.clock.advance(60);
        house.app.jobs.wake();
        until(&house.app, &later, State::Succeeded).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_job_is_tried_at_exact_times_until_its_attempts_are_used_up() {
    on_both(async |house| {
        let random = Arc::new(Random::seeded(7));
        let app = app::build(house.app.config.clone(), house.clock.clone(), random).await.unwrap();
        // The same seed and the same number of bytes drawn tell the pauses beforehand.
        let twin = Random::seeded(7);
        let mut drawn: Vec<[u8; 8]> = Vec::new();
        let id = queue(&app, "s", app.now()).await;
        for attempt in 1..=8 {
            let claim = claim(&app, PACE, &Kind::ALL).await.unwrap().unwrap();
            assert_eq!(claim.job.attempts, attempt);
            let failing = |_, _, _| async { Err(Error::unavailable("10.0.0.1 does not answer")) };
            attempt::run(app.clone(), PACE, failing, claim).await;
            let job = stored(&app, &id).await;
            assert_eq!(job.error.as_deref(), Some("Something that it needs is away; the log says more."));
            if attempt == 8 {
                assert_eq!((job.state, job.finished_at), (State::Failed, Some(app.now())));
                break;
            }
            assert_eq!((job.state, job.attempts), (State::Queued, attempt));
            // Which of the seed's numbers it was does not matter, only that it was the next of them.
            let expected = loop {
                drawn.push(twin.bytes());
                let at = retry_at(app.now(), attempt, *drawn.last().unwrap());
                if at == job.run_at {
                    break at;
                }
                assert!(drawn.len() < 200, "{:?} is no pause of this seed", job.run_at);
            };
            let before = (expected.0 - app.now().0) / 1_000_000;
            house.clock.advance(before);
            assert!(claim_none(&app).await, "not before its time");
            house.clock.advance(1);
        }
        assert!(claim_none(&app).await);
    })
    .await;
}

async fn claim_none(app: &App) -> bool {
    claim(app, PACE, &Kind::ALL).await.unwrap().is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_the_subjects_own_fault_is_not_tried_again() {
    on_both(async |house| {
        start(&house.app, |_, _, _| async { Err(Error::not_found("Could not find it.")) });
        let id = queue(&house.app, "s", house.app.now()).await;
        let job = until(&house.app, &id, State::Failed).await;
        assert_eq!((job.attempts, job.error.as_deref()), (1, Some("Could not find it.")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_panics_has_failed_once_and_the_worker_goes_on() {
    on_both(async |house| {
        start(&house.app, |_, _, job: Job| async move {
            assert!(job.subject != "bad", "a fault");
            Ok(())
        });
        let bad = queue(&house.app, "bad", house.app.now()).await;
        let good = queue(&house.app, "good", house.app.now()).await;
        until(&house.app, &good, State::Succeeded).await;
        for _ in 0..500 {
            if stored(&house.app, &bad).await.error.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let job = stored(&house.app, &bad).await;
        assert_eq!(job.error.as_deref(), Some("It broke off with a fault of the program."));
        assert!(job.attempts >= 1 && job.state != State::Succeeded);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_is_dropped_when_it_is_cancelled_on_whichever_node() {
    on_both(async |house| {
        let other = another_node(house).await;
        let dropped = Arc::new(AtomicI64::new(0));
        let told = dropped.clone();
        start(&other, move |_, _, _| {
            let guard = Dropped(told.clone());
            async move {
                let _guard = guard;
                std::future::pending().await
            }
        });
        // Here, the node that runs it is told by the row alone; there, at once.
        for (round, node) in [(1, &house.app), (2, &other)] {
            let id = queue(&house.app, "s", house.app.now()).await;
            until(&house.app, &id, State::Running).await;
            assert_eq!(cancelled(node, &id).await.state, State::Running);
            let job = until(&house.app, &id, State::Cancelled).await;
            assert_eq!((dropped.load(Ordering::SeqCst), job.attempts, job.error), (round, 1, None));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_for_while_it_runs_it_runs_once_more_with_what_was_said_last() {
    on_both(async |house| {
        let gate = Arc::new(Semaphore::new(0));
        let seen: Arc<Mutex<Vec<i64>>> = Arc::default();
        let (held, noted) = (gate.clone(), seen.clone());
        start(&house.app, move |_, _, job: Job| {
            let (held, noted) = (held.clone(), noted.clone());
            async move {
                noted.lock().unwrap().push(job.payload["n"].as_i64().unwrap_or(0));
                held.acquire().await.map_err(|e| Error::internal(e.to_string()))?.forget();
                Ok(())
            }
        });
        let id = queue(&house.app, "s", house.app.now()).await;
        until(&house.app, &id, State::Running).await;
        for n in [1, 2] {
            let new = NewJob {
                kind: Kind::TestConfiguration,
                subject: "s".into(),
                payload: json!({"n": n}),
                run_at: house.app.now(),
            };
            let mut tx = house.app.store.write().await.unwrap();
            assert_eq!(enqueue(&house.app, &mut tx, &new).await.unwrap().id, id);
            house.app.commit(tx).await.unwrap();
        }
        gate.add_permits(2);
        until(&house.app, &id, State::Succeeded).await;
        assert_eq!(*seen.lock().unwrap(), [0, 2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_service_stops_running_jobs_end_or_are_given_back_uncounted() {
    on_both(async |house| {
        let worker = start(&house.app, |_, _, job: Job| async move {
            if job.subject == "endless" {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(())
        });
        let endless = queue(&house.app, "endless", house.app.now()).await;
        let short = queue(&house.app, "short", house.app.now()).await;
        until(&house.app, &endless, State::Running).await;
        until(&house.app, &short, State::Running).await;
        house.app.feed.stop();
        worker.await.unwrap();
        assert_eq!(stored(&house.app, &short).await.state, State::Succeeded);
        let given_back = stored(&house.app, &endless).await;
        assert_eq!((given_back.state, given_back.attempts, given_back.error), (State::Queued, 0, None));
        assert_eq!(given_back.run_at, house.app.now());
        let next = claim(&house.app, PACE, &Kind::ALL).await.unwrap().unwrap();
        assert_eq!((next.job.id, next.job.attempts), (endless, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_not_committed_does_not_exist() {
    on_both(async |house| {
        let new =
            NewJob { kind: Kind::TestConfiguration, subject: "s".into(), payload: json!({}), run_at: house.app.now() };
        let mut tx = house.app.store.write().await.unwrap();
        enqueue(&house.app, &mut tx, &new).await.unwrap();
        drop(tx);
        assert!(claim_none(&house.app).await);
    })
    .await;
}
