//! Claims: what a node loses that is gone or deaf, and what nobody could do.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_gone_loses_its_job_and_may_not_say_what_came_of_it() {
    on_both(async |house| {
        let other = another_node(house).await;
        let id = queue(&house.app, "s", house.app.now()).await;
        let gate = Arc::new(Semaphore::new(0));
        let held = gate.clone();
        let deaf = Pace { renew: Duration::from_secs(600), ..PACE };
        let lost = claim(&house.app, deaf, &Kind::ALL).await.unwrap().unwrap();
        let first = tokio::spawn(attempt::run(
            house.app.clone(),
            deaf,
            move |_, _, _| {
                let held = held.clone();
                async move {
                    let _ = held.acquire().await;
                    Err(Error::not_found("The first node says so."))
                }
            },
            lost,
        ));
        house.clock.advance(29);
        assert!(claim_none(&other).await);
        house.clock.advance(1);
        let taken = claim(&other, PACE, &Kind::ALL).await.unwrap().unwrap();
        assert_eq!((taken.job.id.as_str(), taken.job.attempts), (id.as_str(), 2));
        gate.add_permits(1);
        first.await.unwrap();
        assert_eq!(stored(&other, &id).await.state, State::Running, "the first node's word does not count");
        attempt::run(other.clone(), PACE, |_, _, _| async { Ok(()) }, taken).await;
        let job = stored(&other, &id).await;
        assert_eq!((job.state, job.error), (State::Succeeded, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_is_renewed_while_the_job_runs_and_a_node_that_lost_it_drops_the_job() {
    on_both(async |house| {
        let dropped = Arc::new(AtomicI64::new(0));
        let guard = Dropped(dropped.clone());
        let guard = Arc::new(Mutex::new(Some(guard)));
        let id = queue(&house.app, "s", house.app.now()).await;
        let claimed = claim(&house.app, PACE, &Kind::ALL).await.unwrap().unwrap();
        let running = tokio::spawn(attempt::run(
            house.app.clone(),
            PACE,
            move |_, _, _| {
                let guard = guard.lock().unwrap().take();
                async move {
                    let _guard = guard;
                    std::future::pending().await
                }
            },
            claimed,
        ));
        for _ in 0..5 {
            house.clock.advance(20);
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(claim_none(&house.app).await, "it is renewed");
        }
        let mut tx = house.app.store.write().await.unwrap();
        let far = house.clock.now().plus_secs(60);
        let taken = store::job::claim(&mut tx, &Kind::ALL, "another", far.plus_secs(30), far).await.unwrap();
        house.app.commit(tx).await.unwrap();
        running.await.unwrap();
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        assert_eq!(Some(stored(&house.app, &id).await), taken);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_every_node_died_of_is_given_up_and_what_was_to_stop_meanwhile_stops() {
    on_both(async |house| {
        let app = &house.app;
        let id = queue(app, "s", app.now()).await;
        for _ in 0..8 {
            claim(app, PACE, &Kind::ALL).await.unwrap().unwrap();
            house.clock.advance(30);
        }
        let ninth = claim(app, PACE, &Kind::ALL).await.unwrap().unwrap();
        attempt::run(app.clone(), PACE, |_, _, _| async { panic!("it must not be tried") }, ninth).await;
        let job = stored(app, &id).await;
        assert_eq!(job.state, State::Failed);
        assert_eq!(job.error.as_deref(), Some("Every node that tried it stopped before it was done."));

        let id = queue(app, "s", app.now()).await;
        claim(app, PACE, &Kind::ALL).await.unwrap().unwrap();
        cancelled(app, &id).await;
        house.clock.advance(30);
        let next = claim(app, PACE, &Kind::ALL).await.unwrap().unwrap();
        attempt::run(app.clone(), PACE, |_, _, _| async { panic!("it must not be tried") }, next).await;
        assert_eq!(stored(app, &id).await.state, State::Cancelled);
    })
    .await;
}
