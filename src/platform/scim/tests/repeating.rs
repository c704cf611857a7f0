//! Waiting and repeating (§8.6, SCIM-1), and redirects (SCIM-7).

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::clock::{Stopwatch, Timestamp};
use http::{HeaderMap, HeaderValue};

const READ: &str = "GET /Users/7";

fn again(times: usize, line: &str, said: &Said) -> Vec<(String, Said)> {
    (0..times).map(|_| step(line, said.clone())).collect()
}

#[tokio::test]
async fn scim_1_what_may_pass_is_repeated_and_what_does_not_pass_is_not() {
    let fine = step(READ, Said::json(200, held()));
    for said in [
        Said::text(408, ""),
        Said::text(429, ""),
        Said::text(500, "<html>"),
        Said::text(502, ""),
        Said::text(503, ""),
        Said::text(504, ""),
        Said::hang_up(),
    ] {
        let steps = all(vec![again(3, READ, &said), vec![fine.clone()]]);
        let (server, client) = scene(Value::Null, steps).await;
        assert_eq!(told(client.place_user(&anna(), Some(&known("7"))).await).1, What::Unchanged, "{said:?}");
        server.done();
    }
    for (said, kind, text) in [
        (Said::error(503, "", "later"), Kind::Busy, "the server answered 503"),
        (Said::text(502, "<html>canary</html>"), Kind::Busy, "the server answered 502"),
        (Said::hang_up(), Kind::Unreachable, "there is no connection, or it broke"),
    ] {
        let (server, client) = scene(Value::Null, again(4, READ, &said)).await;
        let failure = client.place_user(&anna(), Some(&known("7"))).await.unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str(), failure.passes()), (kind, text, true));
        server.done();
    }
    for (said, kind, text) in [
        (Said::error(401, "", "expired"), Kind::Stop, "the server answered 401"),
        (Said::text(403, "<html>canary</html>"), Kind::Stop, "the server answered 403"),
        (Said::error(400, "sensitive", "no"), Kind::Refused, "the server answered 400 (sensitive)"),
        (Said::text(200, "<html>canary</html>"), Kind::Broken, "what answers at the URL speaks no SCIM"),
        (Said::text(200, ""), Kind::Broken, "the answer is no resource with an id"),
        (Said::json(200, json!([1])), Kind::Broken, "the answer is no resource with an id"),
        (Said::json(200, json!({"id": ".."})), Kind::Broken, "the answer is no resource with an id"),
        (Said::text(200, &"x".repeat(100_000)), Kind::TooLarge, "the answer is too large"),
    ] {
        let (server, client) = scene(Value::Null, vec![step(READ, said)]).await;
        let failure = client.place_user(&anna(), Some(&known("7"))).await.unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (kind, text));
        assert_eq!(failure.stops(), kind == Kind::Stop);
        server.done();
    }
}

#[tokio::test]
async fn scim_1_a_server_that_is_silent_is_given_up_in_time() {
    let twice = Pace { attempts: 2, ..pace() };
    let server = Server::scripted(Value::Null, Value::Null, again(2, READ, &Said::silence())).await;
    let client = connect_at(twice, &server.url).await.unwrap();
    let failure = client.place_user(&anna(), Some(&known("7"))).await.unwrap_err();
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Timeout, "request timeout"));
    server.done();

    // The object's deadline is before the request's.
    let hasty = Pace { deadline: Duration::from_millis(200), ..pace() };
    let server = Server::scripted(Value::Null, Value::Null, vec![step(READ, Said::silence())]).await;
    let client = connect_at(hasty, &server.url).await.unwrap();
    let watch = Stopwatch::start();
    let failure = client.place_user(&anna(), Some(&known("7"))).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Timeout);
    assert!(watch.elapsed() < Duration::from_millis(900), "{:?}", watch.elapsed());
    server.done();
}

#[tokio::test]
async fn scim_1_what_may_have_been_created_is_looked_for_before_it_is_created_again() {
    for lost in [Said::silence(), Said::hang_up(), Said::text(500, ""), Said::text(504, "<html>")] {
        // It was created.
        let steps = all(vec![
            nowhere(),
            vec![
                step("POST /Users", lost.clone()),
                step(&look("/Users", "externalId", "x1"), Said::list(&[held()])),
                step(READ, Said::json(200, held())),
            ],
        ]);
        let (server, client) = scene(Value::Null, steps).await;
        assert_eq!(told(client.place_user(&anna(), None).await), ("7".into(), What::Created));
        server.done();
        // It was not.
        let created = vec![step("POST /Users", Said::json(201, held()))];
        let steps = all(vec![nowhere(), vec![step("POST /Users", lost)], nowhere(), created]);
        let (server, client) = scene(Value::Null, steps).await;
        assert_eq!(told(client.place_user(&anna(), None).await), ("7".into(), What::Created));
        server.done();
    }
    // Also where that means reading all of them again.
    let all_of = "GET /Users?attributes=externalId,userName&count=100";
    let steps = vec![
        step(all_of, Said::none()),
        step("POST /Users", Said::text(502, "")),
        step(all_of, Said::list(&[held()])),
        step(READ, Said::json(200, held())),
    ];
    let (server, client) = scene(json!({"filter": {"supported": false}}), steps).await;
    assert_eq!(told(client.place_user(&anna(), None).await), ("7".into(), What::Created));
    server.done();
}

#[tokio::test]
async fn scim_1_a_server_that_asks_for_a_pause_gets_it_from_all() {
    let first = Arc::new(AtomicUsize::new(0));
    let count = first.clone();
    let server = Server::new(move |asked| {
        if !asked.line.starts_with("GET /Users/") {
            return Said::text(404, "");
        }
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => Said::text(429, "").with("retry-after", "1"),
            _ => Said::json(200, held()),
        }
    })
    .await;
    let client = connect(&server.url).await.unwrap();
    let watch = Stopwatch::start();
    let turns = (0..8).map(|n| {
        let (client, anna) = (&client, anna());
        async move {
            // The first is alone until it has been told.
            tokio::time::sleep(Duration::from_millis(if n == 0 { 0 } else { 300 })).await;
            client.place_user(&anna, Some(&known("7"))).await.unwrap();
        }
    });
    let observed = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(first.load(Ordering::SeqCst), 1);
    };
    tokio::join!(futures_util::future::join_all(turns), observed);
    assert!(watch.elapsed() >= Duration::from_millis(900), "{:?}", watch.elapsed());
    assert_eq!(server.lines().len(), 9);
}

#[tokio::test]
async fn scim_1_a_pause_beyond_the_deadline_is_left_to_whoever_calls() {
    let steps = vec![step(READ, Said::error(503, "", "tonight").with("retry-after", "3600"))];
    let (server, client) = scene(Value::Null, steps).await;
    let failure = client.place_user(&anna(), Some(&known("7"))).await.unwrap_err();
    let asked_for = Some(Duration::from_secs(300));
    assert_eq!((failure.kind, failure.status, failure.retry_after), (Kind::Busy, Some(503), asked_for));
    // Nobody else asks meanwhile.
    let failure = client.delete_user(&known("8")).await.unwrap_err();
    assert_eq!((failure.kind, failure.retry_after), (Kind::Busy, asked_for));
    assert_eq!(failure.message, "the server has asked for a pause");
    server.done();
}

#[test]
fn retry_after_is_seconds_or_a_date_and_waits_grow_to_a_bound() {
    let pace = Pace::default();
    let now = Timestamp::from_secs(1_445_412_420);
    let asked = |text: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static(text));
        pace.retry_after(&headers, now).map(|length| length.as_secs())
    };
    assert_eq!(asked("7"), Some(7));
    assert_eq!(asked("0"), Some(0));
    assert_eq!(asked("Wed, 21 Oct 2015 07:28:00 GMT"), Some(60));
    assert_eq!(asked("Wed, 21 Oct 2015 07:26:00 GMT"), Some(0));
    assert_eq!(asked("Wed, 21 Oct 2099 07:28:00 GMT"), Some(300));
    assert_eq!(asked("99999999999999999999999999"), Some(300));
    for none in ["", "soon", "-1", "1.5", "Wed, 21"] {
        assert_eq!(asked(none), None, "{none}");
    }
    assert_eq!(pace.retry_after(&HeaderMap::new(), now), None);

    let random = Random::seeded(3);
    for (nth, bound) in [(0, 500), (1, 1_000), (3, 4_000), (4, 8_000), (9, 8_000), (200, 8_000)] {
        let waits: Vec<u128> = (0..200).map(|_| pace.wait(nth, &random).as_millis()).collect();
        let (least, most) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
        assert!(most <= bound && most > bound * 4 / 5 && least < bound / 5, "{nth}: {least} to {most}");
    }
}

#[tokio::test]
async fn scim_7_a_redirect_is_not_followed_and_the_token_goes_nowhere() {
    let elsewhere = Server::new(|_| Said::json(200, held())).await;
    for status in [301, 302, 303, 307, 308] {
        for line in [READ, "POST /Users"] {
            let moved = Said::text(status, "").with("location", &format!("{}/Users/7", elsewhere.url));
            let (steps, known_to_be) = match line {
                READ => (vec![step(READ, moved)], Some(known("7"))),
                _ => (all(vec![nowhere(), vec![step(line, moved)]]), None),
            };
            let (server, client) = scene(Value::Null, steps).await;
            let failure = client.place_user(&anna(), known_to_be.as_ref()).await.unwrap_err();
            assert!(failure.stops());
            let told = format!("the server answered {status} and redirects, which is not followed");
            assert_eq!(failure.message, told);
            server.done();
        }
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn four_requests_at_most_are_on_the_way() {
    let server = Server::new(|asked| match asked.line.as_str() {
        READ => Said::silence(),
        _ => Said::text(404, ""),
    })
    .await;
    let client = connect(&server.url).await.unwrap();
    let (user, known) = (anna(), known("7"));
    let turns = (0..20).map(|_| client.place_user(&user, Some(&known)));
    let all = futures_util::future::join_all(turns);
    assert!(tokio::time::timeout(Duration::from_millis(500), all).await.is_err());
    assert_eq!(server.lines().len(), 4);
}
