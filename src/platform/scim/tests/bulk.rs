//! Creating in bulk (§8.6).

use std::collections::HashMap;

use super::*;

fn config(operations: usize, payload: usize) -> Value {
    json!({"bulk": {"supported": true, "maxOperations": operations, "maxPayloadSize": payload}})
}

fn people(range: std::ops::Range<usize>) -> Vec<User> {
    range
        .map(|n| User { external_id: format!("x{n}"), user_name: format!("u{n}"), active: true, ..User::default() })
        .collect()
}

/// A server that creates in bulk: `limit` is the most it takes at once, `judge` says what comes of a user by name, and what
/// it does is told by `id` in the answer or not.
fn bulk_server(
    config: Value,
    limit: usize,
    tells: bool,
    judge: impl Fn(&str) -> u16 + Send + 'static,
) -> impl FnMut(&server::Asked) -> Said {
    let mut users: HashMap<String, Value> = HashMap::new();
    users.insert("u0".into(), json!({"id": "old", "externalId": "x0", "userName": "u0", "active": true}));
    move |asked| match asked.line.as_str() {
        "GET /ServiceProviderConfig" => Said::json(200, config.clone()),
        "POST /Bulk" => {
            let operations = asked.body["Operations"].as_array().unwrap();
            if operations.len() > limit {
                return Said::text(413, "<html>");
            }
            let mut said: Vec<Value> = operations
                .iter()
                .map(|operation| {
                    assert_eq!((&operation["method"], &operation["path"]), (&json!("POST"), &json!("/Users")));
                    let name = operation["data"]["userName"].as_str().unwrap();
                    let mut said = json!({"method": "POST", "bulkId": operation["bulkId"], "version": "W/\"1\""});
                    let status = if users.contains_key(name) { 409 } else { judge(name) };
                    said["status"] = if name.ends_with('3') { status.into() } else { status.to_string().into() };
                    if status == 201 {
                        let mut user = operation["data"].clone();
                        user["id"] = format!("i{name}").into();
                        said["location"] = "https://elsewhere.example/Users/wrong".into();
                        if tells {
                            said["response"] = user.clone();
                        }
                        users.insert(name.to_owned(), user);
                    } else {
                        said["response"] =
                            json!({"status": "400", "scimType": "invalidValue", "detail": "not this one"});
                    }
                    said
                })
                .filter(|said| said["status"] != "0")
                .collect();
            said.reverse();
            Said::json(200, json!({"Operations": said}))
        }
        "POST /Users" => {
            let name = asked.body["userName"].as_str().unwrap();
            let mut user = asked.body.clone();
            user["id"] = format!("single-{name}").into();
            users.insert(name.to_owned(), user.clone());
            Said::json(201, user)
        }
        line if line.starts_with("GET /Users?") && line.contains("filter=") => {
            let wanted = line.split("%22").nth(1).unwrap();
            let found: Vec<Value> =
                users.values().filter(|u| u["externalId"] == wanted || u["userName"] == wanted).cloned().collect();
            Said::list(&found)
        }
        line if line.starts_with("GET /Users?") => Said::list(&users.values().cloned().collect::<Vec<_>>()),
        line if line.starts_with("GET /Users/") => {
            match users.values().find(|user| user["id"] == line["GET /Users/".len()..]) {
                Some(user) => Said::json(200, user.clone()),
                None => Said::error(404, "", ""),
            }
        }
        _ => Said::error(404, "", ""),
    }
}

fn outcomes(placed: Vec<Result<Placed, Failure>>) -> Vec<(String, What)> {
    placed.into_iter().map(told).collect()
}

fn lines(server: &Server, with: &str) -> usize {
    server.lines().iter().filter(|line| line.starts_with(with)).count()
}

#[tokio::test]
async fn who_is_not_there_is_created_in_pieces_that_keep_both_limits() {
    for (operations, payload, requests) in [(10, 1_000_000, 3), (1_000, 1_500, 4), (1_000, 1_000_000, 1)] {
        for tells in [true, false] {
            let server = Server::new(bulk_server(config(operations, payload), 1_000, tells, |_| 201)).await;
            let client = connect(&server.url).await.unwrap();
            let placed = outcomes(client.bulk_users(&people(0..26)).await.unwrap());
            assert_eq!(placed[0], ("old".into(), What::Adopted));
            for (n, placed) in placed.iter().enumerate().skip(1) {
                assert_eq!(*placed, (format!("iu{n}"), What::Created));
            }
            assert_eq!(lines(&server, "POST /Users"), 0);
            let sent = lines(&server, "POST /Bulk");
            assert!(sent >= requests && sent <= requests * 2, "{operations} {payload}: {sent}");
            for asked in server.asked().iter().filter(|asked| asked.line == "POST /Bulk") {
                assert!(asked.body.to_string().len() <= payload, "{}", asked.body.to_string().len());
                assert!(asked.body["Operations"].as_array().unwrap().len() <= operations);
                assert_eq!(asked.body.get("failOnErrors"), None);
            }
            // All that are there are read once, and once more if ids were not told.
            assert_eq!(lines(&server, "GET /Users?attributes"), if tells { 1 } else { 2 });
        }
    }
}

#[tokio::test]
async fn each_is_judged_by_its_own_status() {
    let judge = |name: &str| match name {
        "u2" => 400,
        "u4" => 503,
        "u5" => 0,
        _ => 201,
    };
    let server = Server::new(bulk_server(config(10, 1_000_000), 1_000, true, judge)).await;
    let client = connect(&server.url).await.unwrap();
    let mut users = people(1..7);
    users.push(User { user_name: String::new(), ..users[0].clone() });
    let mut placed = client.bulk_users(&users).await.unwrap();
    assert_eq!(placed.pop().unwrap().unwrap_err().message, "the user has no userName");
    let refused = placed.remove(1).unwrap_err();
    assert_eq!(refused.kind, Kind::Refused);
    assert_eq!(refused.message, "the server answered 400 (invalidValue)");
    let ids: Vec<String> = outcomes(placed).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["iu1", "iu3", "single-u4", "single-u5", "iu6"]);
}

#[tokio::test]
async fn too_large_a_request_is_halved_and_one_that_is_refused_is_done_without() {
    let server = Server::new(bulk_server(config(100, 1_000_000), 8, true, |_| 201)).await;
    let client = connect(&server.url).await.unwrap();
    let placed = outcomes(client.bulk_users(&people(1..33)).await.unwrap());
    assert!(placed.iter().enumerate().all(|(n, (id, _))| *id == format!("iu{}", n + 1)), "{placed:?}");
    assert_eq!(lines(&server, "POST /Bulk"), 1 + 2 + 4);

    let server = Server::new(bulk_server(config(100, 1_000_000), 0, true, |_| 201)).await;
    let client = connect(&server.url).await.unwrap();
    let placed = outcomes(client.bulk_users(&people(1..4)).await.unwrap());
    assert_eq!(placed[2], ("single-u3".into(), What::Created));

    // Not announced.
    let server = Server::new(bulk_server(json!({}), 100, true, |_| 201)).await;
    let client = connect(&server.url).await.unwrap();
    let placed = outcomes(client.bulk_users(&people(0..2)).await.unwrap());
    assert_eq!(placed, [("old".into(), What::Adopted), ("single-u1".into(), What::Created)]);
    assert_eq!(lines(&server, "POST /Bulk"), 0);
}

#[tokio::test]
async fn scim_1_a_bulk_request_without_an_answer_makes_nothing_twice_and_a_refused_token_ends_the_run() {
    let mut inner = bulk_server(config(100, 1_000_000), 100, true, |_| 201);
    let server = Server::new(move |asked| {
        let said = inner(asked);
        if asked.line == "POST /Bulk" { Said::text(504, "<html>") } else { said }
    })
    .await;
    let client = connect(&server.url).await.unwrap();
    let placed = outcomes(client.bulk_users(&people(1..4)).await.unwrap());
    assert_eq!(placed[0].0, "iu1");
    assert_eq!(lines(&server, "POST /Users"), 0);

    let server = Server::new(bulk_server(config(100, 1_000_000), 100, true, |_| 403)).await;
    let client = connect(&server.url).await.unwrap();
    assert!(client.bulk_users(&people(1..4)).await.unwrap_err().stops());
}
