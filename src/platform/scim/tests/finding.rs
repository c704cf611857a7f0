//! Finding what is there (§8.2): filters, and servers that have none.

use super::*;

#[tokio::test]
async fn scim_3_what_is_there_is_adopted_by_our_key_or_by_its_name_if_it_is_nobodys() {
    // By our key: one of several only if the name says which.
    let ours = json!({"id": "7", "externalId": "x1", "userName": "anna"});
    let other = json!({"id": "8", "externalId": "x1", "userName": "old-anna"});
    let by_key = look("/Users", "externalId", "x1");
    let by_name = look("/Users", "userName", "anna");
    for hits in [vec![ours.clone()], vec![other.clone(), ours.clone()]] {
        let steps = vec![step(&by_key, Said::list(&hits)), step("GET /Users/7", Said::json(200, held()))];
        let (server, client) = scene(Value::Null, steps).await;
        assert_eq!(told(client.place_user(&anna(), None).await), ("7".into(), What::Adopted));
        server.done();
    }
    let same = json!({"id": "9", "externalId": "x1", "userName": "ANNA"});
    for hits in
        [vec![ours.clone(), same], vec![other.clone(), json!({"id": "10", "externalId": "x1", "userName": "b"})]]
    {
        let (server, client) = scene(Value::Null, vec![step(&by_key, Said::list(&hits))]).await;
        assert_eq!(client.place_user(&anna(), None).await.unwrap_err().kind, Kind::Ambiguous);
        server.done();
    }
    // By its name: only what is nobody's.
    let theirs = json!({"id": "7", "externalId": "somebody's", "userName": "Anna"});
    let steps = vec![step(&by_key, Said::none()), step(&by_name, Said::list(&[theirs]))];
    let (server, client) = scene(Value::Null, steps).await;
    let failure = client.place_user(&anna(), None).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Conflict);
    assert_eq!(failure.message, "the user's name is taken by one with another externalId");
    server.done();
}

#[tokio::test]
async fn scim_3_the_first_contact_with_a_user_known_by_name_leaves_its_addresses() {
    let found = json!({"id": "7", "userName": "Anna", "externalId": ""});
    let there = held_but(|held| {
        held["externalId"] = Value::Null;
        held["emails"] = json!([{"value": "victim@example.org", "type": "work", "primary": true}]);
    });
    let steps = vec![
        step(&look("/Users", "externalId", "x1"), Said::none()),
        step(&look("/Users", "userName", "anna"), Said::list(&[found])),
        step("GET /Users/7", Said::json(200, there.clone())),
        step("PATCH /Users/7", Said::text(204, "")),
    ];
    let (server, client) = scene(Value::Null, steps).await;
    assert_eq!(told(client.place_user(&anna(), None).await), ("7".into(), What::Adopted));
    server.done();
    let operations = json!([{"op": "add", "path": "externalId", "value": "x1"}]);
    assert_eq!(server.asked()[3].body["Operations"], operations);
    // Once it is known to be ours, they are ours to keep.
    server.then(vec![step("GET /Users/7", Said::json(200, there)), step("PATCH /Users/7", Said::text(204, ""))]);
    assert_eq!(told(client.place_user(&anna(), Some(&known("7"))).await).1, What::Updated);
    assert_eq!(server.asked()[5].body["Operations"][1]["path"], "emails");
}

#[tokio::test]
async fn scim_3_a_name_that_is_taken_is_looked_for_once_more_and_no_address_is_asked_for() {
    for refusal in [Said::error(409, "uniqueness", "email in use"), Said::error(400, "uniqueness", "taken")] {
        let steps = all(vec![nowhere(), vec![step("POST /Users", refusal)], nowhere()]);
        let (server, client) = scene(Value::Null, steps).await;
        let failure = client.place_user(&anna(), None).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Conflict);
        assert!(failure.message.contains("(uniqueness)"), "{failure}");
        server.done();
        assert!(!server.lines().iter().any(|line| line.contains("mail")));
    }
    // Somebody was quicker.
    let steps = all(vec![
        nowhere(),
        vec![
            step("POST /Users", Said::error(409, "", "")),
            step(&look("/Users", "externalId", "x1"), Said::list(&[held()])),
            step("GET /Users/7", Said::json(200, held())),
        ],
    ]);
    let (server, client) = scene(Value::Null, steps).await;
    assert_eq!(told(client.place_user(&anna(), None).await), ("7".into(), What::Adopted));
    server.done();
}

#[tokio::test]
async fn scim_6_values_stay_values_in_filters_and_paths() {
    let user =
        User { external_id: "a\" or externalId pr or \"\\".into(), user_name: "ü&count=0#?/%22 \n".into(), ..anna() };
    let server = Server::new(|asked| match asked.line.split(['?', ' ']).collect::<Vec<_>>().as_slice() {
        ["GET", "/Users", _] => Said::none(),
        ["POST", "/Users"] => Said::json(201, json!({"id": "../../Groups/1?x=#y"})),
        _ => Said::text(404, ""),
    })
    .await;
    let client = connect(&server.url).await.unwrap();
    let placed = client.place_user(&user, None).await.unwrap();
    assert_eq!(client.delete_user(&placed.known).await.unwrap(), Done::Gone);
    assert_eq!(
        server.lines(),
        [
            "GET /Users?filter=externalId%20eq%20%22a%5C%22%20or%20externalId%20pr%20or%20%5C%22%5C%5C%22\
             &attributes=externalId,userName&count=100",
            "GET /Users?filter=userName%20eq%20%22%C3%BC%26count%3D0%23%3F%2F%2522%20%5Cn%22\
             &attributes=externalId,userName&count=100",
            "POST /Users",
            "DELETE /Users/..%2F..%2FGroups%2F1%3Fx%3D%23y",
        ]
    );
    for id in ["", ".", "..", &"x".repeat(600)] {
        assert_eq!(client.delete_user(&known(id)).await.unwrap_err().kind, Kind::Refused, "{id:.9}");
    }
    assert_eq!(server.lines().len(), 4);
}

/// A server with users that pages as its handler says; `externalId` and `userName` of each are `x<n>` and `u<n>`.
fn user(n: usize) -> Value {
    json!({"id": format!("i{n}"), "externalId": format!("x{n}"), "userName": format!("u{n}")})
}

fn named(n: usize) -> User {
    User { external_id: format!("x{n}"), user_name: format!("u{n}"), active: true, ..User::default() }
}

/// Where a page starts, as asked.
fn start(line: &str) -> usize {
    line.split("startIndex=").nth(1).map_or(1, |n| n.parse().unwrap())
}

#[tokio::test]
async fn a_server_that_refuses_filters_is_paged_through_once() {
    for refusal in [Said::error(400, "invalidFilter", "no"), Said::text(501, "")] {
        // It gives fewer than it was asked for, and what moved between two pages comes twice.
        let server = Server::new(move |asked| match asked.line.as_str() {
            line if line.contains("filter=") => refusal.clone(),
            line if line.starts_with("GET /Users?") => {
                let from = start(line);
                let page: Vec<Value> = (from.saturating_sub(1).max(1)..(from + 40).min(251)).map(user).collect();
                let page = if from == 1 { page } else { page[1..].iter().chain(&page[..1]).cloned().collect() };
                Said::page(&page, 250)
            }
            line if line.starts_with("GET /Users/i") => {
                let n = line["GET /Users/i".len()..].parse().unwrap();
                let mut user = user(n);
                user["active"] = true.into();
                Said::json(200, user)
            }
            "POST /Users" => Said::json(201, json!({"id": "new"})),
            _ => Said::text(404, ""),
        })
        .await;
        let client = connect(&server.url).await.unwrap();
        assert_eq!(told(client.place_user(&named(240), None).await), ("i240".into(), What::Adopted));
        assert_eq!(told(client.place_user(&named(7), None).await), ("i7".into(), What::Adopted));
        assert_eq!(told(client.place_user(&named(999), None).await), ("new".into(), What::Created));
        let lists = |with: &str| server.lines().iter().filter(|line| line.contains(with)).count();
        assert_eq!(lists("filter="), 1);
        let pages = lists("attributes=") - 1;
        assert!((6..=8).contains(&pages), "{pages}");
        // What was created is known without asking again.
        let clash = User { external_id: "x0".into(), ..named(999) };
        assert_eq!(client.place_user(&clash, None).await.unwrap_err().kind, Kind::Conflict);
        assert_eq!(lists("attributes=") - 1, pages);
    }
}

#[tokio::test]
async fn a_server_that_ignores_filters_or_announces_none_is_paged_through() {
    for announced in [true, false] {
        let config = json!({"filter": {"supported": announced, "maxResults": 10}});
        let pages = (0..3).map(|page| (page * 10 + 1..page * 10 + 11).map(user).collect::<Vec<_>>());
        let mut steps = Vec::new();
        if announced {
            let first: Vec<Value> = (1..11).map(user).collect();
            let line = look("/Users", "externalId", "x25").replace("count=100", "count=10");
            steps.push(step(&line, Said::page(&first, 30)));
        }
        for (n, page) in pages.enumerate() {
            let at = if n == 0 { String::new() } else { format!("&startIndex={}", n * 10 + 1) };
            steps.push(step(&format!("GET /Users?attributes=externalId,userName&count=10{at}"), Said::page(&page, 30)));
        }
        steps.push(step("GET /Users/i25", Said::json(200, user(25))));
        let (server, client) = scene(config, steps).await;
        assert_eq!(told(client.place_user(&named(25), None).await), ("i25".into(), What::Adopted));
        server.done();
    }
}

#[tokio::test]
async fn pages_that_repeat_or_follow_by_cursor() {
    let config = json!({"filter": {"supported": false}});
    let server = Server::scripted(config, Value::Null, vec![]).await;
    let page: Vec<Value> = (1..11).map(user).collect();
    server.then(vec![
        step("GET /Users?attributes=externalId,userName&count=100", Said::page(&page, 30)),
        step("GET /Users?attributes=externalId,userName&count=100&startIndex=11", Said::page(&page, 30)),
    ]);
    let client = connect(&server.url).await.unwrap();
    for _ in 0..2 {
        // Nothing is created by half of a list, and it is not read again for the next.
        let failure = client.place_user(&named(25), None).await.unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Broken, "the server's pages repeat each other"));
    }
    server.done();

    let cursors = json!({"filter": {"supported": false}, "pagination": {"cursor": true, "index": false}});
    let next = |users: std::ops::Range<usize>, next: Option<&str>| {
        let users: Vec<Value> = users.map(user).collect();
        Said::json(200, json!({"Resources": users, "nextCursor": next}))
    };
    let steps = vec![
        step("GET /Users?attributes=externalId,userName&count=100&cursor=", next(1..11, Some("a b"))),
        step("GET /Users?attributes=externalId,userName&count=100&cursor=a%20b", next(11..21, None)),
        step("GET /Users/i15", Said::json(200, user(15))),
    ];
    let (server, client) = scene(cursors, steps).await;
    assert_eq!(told(client.place_user(&named(15), None).await), ("i15".into(), What::Adopted));
    server.done();
}

#[tokio::test]
async fn pages_that_are_too_large_are_asked_for_in_smaller_ones() {
    let server = Server::new(|asked| match asked.line.as_str() {
        "GET /ServiceProviderConfig" => Said::json(200, json!({"filter": {"supported": false}})),
        line if line.starts_with("GET /Users?") => {
            let count: usize = line.split("count=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
            let (from, photo) = (start(line), "x".repeat(2_000));
            let page = (from..(from + count).min(81)).map(|n| {
                let mut user = user(n);
                user["photo"] = photo.clone().into();
                user
            });
            Said::page(&page.collect::<Vec<_>>(), 80)
        }
        "GET /Users/i77" => Said::json(200, user(77)),
        _ => Said::text(404, ""),
    })
    .await;
    let client = connect(&server.url).await.unwrap();
    assert_eq!(told(client.place_user(&named(77), None).await), ("i77".into(), What::Adopted));
    let counts: Vec<_> =
        server.lines().iter().map(|line| line.split("count=").nth(1).unwrap_or("").to_owned()).collect();
    assert_eq!(counts, ["100", "50", "25", "25&startIndex=26", "25&startIndex=51", "25&startIndex=76", ""]);
}

#[tokio::test]
async fn a_known_id_is_asked_first_and_forgotten_when_it_is_gone() {
    let steps = vec![step("GET /Users/7", Said::json(200, held()))];
    let (server, client) = scene(Value::Null, steps).await;
    assert_eq!(told(client.place_user(&anna(), Some(&known("7"))).await), ("7".into(), What::Unchanged));
    server.done();
    server.then(all(vec![
        vec![step("GET /Users/7", Said::error(404, "", "gone"))],
        nowhere(),
        vec![step("POST /Users", Said::json(201, json!({"ID": 12, "meta": {"location": "/v9/Users/13"}})))],
    ]));
    assert_eq!(told(client.place_user(&anna(), Some(&known("7"))).await), ("12".into(), What::Created));
    server.done();
}
