//! Background jobs over HTTP. How failures are worded is the dialect's business and tested there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::model::job::{Kind, NewJob};
use crate::service::jobs;
use crate::testing::{Answered, House, houses};

async fn queue(house: &House, subject: &str, secs: i64) -> String {
    let (app, payload) = (&house.app, json!({"hidden": true}));
    let run_at = app.now().plus_secs(secs);
    let new = NewJob { kind: Kind::TestConfiguration, subject: subject.into(), payload, run_at };
    let mut tx = app.store.write().await.unwrap();
    let id = jobs::enqueue(app, &mut tx, &new).await.unwrap().id;
    app.commit(tx).await.unwrap();
    id
}

async fn ask(house: &House, token: &str, method: &str, rest: &str) -> Answered {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    house.ask(method, &format!("/api/v1/sso/jobs{rest}"), &headers, None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_listed_shown_and_cancelled() {
    for house in houses(&[]).await {
        let admin = house.administrator().await;
        let id = queue(&house, "c1", 60).await;
        let mut expected = json!({
            "uuid": id, "kind": "sso.test", "subject": "c1", "state": "queued", "attempts": 0, "maxAttempts": 8,
            "runAt": "2027-01-15T08:01:00Z", "error": null, "createdAt": "2027-01-15T08:00:00Z",
            "updatedAt": "2027-01-15T08:00:00Z",
        });
        assert_eq!(ask(&house, &admin, "GET", &format!("/{id}")).await.body, expected);
        house.clock.advance(1);
        queue(&house, "c2", 60).await;
        let list = ask(&house, &admin, "GET", "?offset=1").await;
        assert_eq!(list.body, json!({"items": [expected], "total": 2, "limit": 20, "offset": 1}));

        let cancelled = ask(&house, &admin, "POST", &format!("/{id}/cancel")).await;
        (expected["state"], expected["updatedAt"]) = (json!("cancelled"), json!("2027-01-15T08:00:01Z"));
        assert_eq!((cancelled.status, cancelled.body), (200, expected));
        assert_eq!(ask(&house, &admin, "POST", &format!("/{id}/cancel")).await.status, 200, "again");
        let events = house
            .ask("GET", "/v3/archstone/audit?action=job.cancel", &[("x-auth-token", &admin)], None)
            .await
            .body["audit_events"]
            .clone();
        assert_eq!(events.as_array().unwrap().len(), 1, "{events}");
        assert_eq!((&events[0]["detail"], &events[0]["target"]["id"]), (&json!("sso.test c1"), &json!(id)));

        for (query, subjects) in
            [("?state=queued", json!(["c2"])), ("?subject=c1", json!(["c1"])), ("?kind=sso.delete", json!([]))]
        {
            let body = ask(&house, &admin, "GET", query).await.body;
            let found: Vec<&Value> = body["items"].as_array().unwrap().iter().map(|j| &j["subject"]).collect();
            assert_eq!((json!(found), &body["total"]), (subjects.clone(), &json!(found.len())), "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_has_ended_or_makes_no_sense_is_refused() {
    for house in houses(&[]).await {
        let admin = house.administrator().await;
        for (method, rest, status) in [
            ("GET", "/gone", 404),
            ("POST", "/gone/cancel", 404),
            ("GET", "?limit=-1", 400),
            ("GET", "?offset=x", 400),
            ("GET", "?state=asleep", 400),
        ] {
            assert_eq!(ask(&house, &admin, method, rest).await.status, status, "{method} {rest}");
        }
        let id = queue(&house, "c", 0).await;
        // What is to be tested is not there: there is nothing to do, and that succeeds.
        let worker = tokio::spawn(jobs::run(house.app.clone()));
        let mut state = json!("queued");
        for _ in 0..1_000 {
            state = ask(&house, &admin, "GET", &format!("/{id}")).await.body["state"].clone();
            if state == "succeeded" {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(state, "succeeded");
        house.app.feed.stop();
        worker.await.unwrap();
        assert_eq!(ask(&house, &admin, "POST", &format!("/{id}/cancel")).await.status, 409);
    }
}
