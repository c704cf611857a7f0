//! Groups and their members (§8.5).

use std::sync::Mutex;

use super::*;

fn staff() -> Group {
    Group { external_id: "g1".into(), display_name: "Staff".into() }
}

const HEAD: &str = "GET /Groups/3?excludedAttributes=members";

fn head() -> Value {
    json!({"id": "3", "externalId": "g1", "displayName": "Staff", "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]})
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("u{n}")).collect()
}

#[tokio::test]
async fn a_group_is_found_by_our_key_or_by_a_name_that_is_nobodys_and_means_one() {
    let by_key = || step(&look("/Groups", "externalId", "g1"), Said::none());
    let by_name = |hits: &[Value]| step(&look("/Groups", "displayName", "Staff"), Said::list(hits));
    let group = |id: &str, owner: &str| json!({"id": id, "displayName": "Staff", "externalId": owner});
    let bare = |id: &str| json!({"id": id, "displayName": "Staff"});

    let steps = vec![
        step(
            &look("/Groups", "externalId", "g1"),
            Said::list(&[json!({"id": "3", "externalId": "g1", "displayName": "Old"})]),
        ),
        step(HEAD, Said::json(200, json!({"id": "3", "externalId": "g1", "displayName": "Old"}))),
        step("PATCH /Groups/3", Said::text(204, "")),
    ];
    let (server, client) = scene(Value::Null, steps).await;
    assert_eq!(told(client.place_group(&staff(), None).await), ("3".into(), What::Adopted));
    server.done();
    assert_eq!(
        server.asked()[2].body["Operations"],
        json!([{"op": "replace", "path": "displayName", "value": "Staff"}])
    );

    // What is somebody else's, or has another name but for its case, is no obstacle.
    let upper = json!({"id": "6", "displayName": "STAFF"});
    let steps = vec![
        by_key(),
        by_name(&[group("4", "theirs"), bare("3"), upper.clone()]),
        step(HEAD, Said::json(200, bare("3"))),
        step("PATCH /Groups/3", Said::text(204, "")),
        by_key(),
        by_name(&[bare("3"), bare("5")]),
        by_key(),
        by_name(&[group("4", "theirs"), upper]),
        step("POST /Groups", Said::json(201, json!({"id": "9"}))),
    ];
    let (server, client) = scene(Value::Null, steps).await;
    assert_eq!(told(client.place_group(&staff(), None).await), ("3".into(), What::Adopted));
    assert_eq!(server.asked()[3].body["Operations"], json!([{"op": "add", "path": "externalId", "value": "g1"}]));
    assert_eq!(client.place_group(&staff(), None).await.unwrap_err().kind, Kind::Ambiguous);
    assert_eq!(told(client.place_group(&staff(), None).await), ("9".into(), What::Created));
    server.done();
    let body =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "externalId": "g1", "displayName": "Staff"});
    assert_eq!(server.asked()[8].body, body);
}

#[tokio::test]
async fn only_the_head_of_a_known_group_is_read_and_it_can_go() {
    let steps = vec![
        step(HEAD, Said::json(200, head())),
        step("DELETE /Groups/3", Said::text(204, "")),
        step("DELETE /Groups/3", Said::error(404, "", "")),
    ];
    let (server, client) = scene(Value::Null, steps).await;
    assert_eq!(told(client.place_group(&staff(), Some(&known("3"))).await), ("3".into(), What::Unchanged));
    assert_eq!(client.delete_group(&known("3")).await.unwrap(), Done::Deleted);
    assert_eq!(client.delete_group(&known("3")).await.unwrap(), Done::Gone);
    server.done();
    let empty = Group { display_name: String::new(), ..staff() };
    assert_eq!(client.place_group(&empty, None).await.unwrap_err().message, "the group has no displayName");
}

#[tokio::test]
async fn members_come_and_go_by_patches_with_the_version_that_was_last_seen() {
    let patch = |said| step("PATCH /Groups/3", said);
    let steps = vec![
        patch(Said::text(204, "").with("etag", "\"2\"")),
        patch(Said::error(412, "", "")),
        step(HEAD, Said::json(200, head()).with("etag", "\"8\"")),
        patch(Said::json(200, json!({"id": "3", "meta": {"version": "\"9\""}}))),
    ];
    let (server, client) = scene(json!({"etag": {"supported": true}}), steps).await;
    let group = Known { id: "3".into(), version: Some("\"1\"".into()) };
    let remove = ["a\"b".to_owned(), "c".to_owned()];
    let done = client.change_members(&group, &ids(1..3), &remove, None).await.unwrap();
    let known = Known { id: "3".into(), version: Some("\"9\"".into()) };
    assert_eq!(done, Members { known, gone: vec![], refused: vec![] });
    server.done();
    let asked = server.asked();
    let removal = json!([
        {"op": "remove", "path": "members[value eq \"a\\\"b\"]"},
        {"op": "remove", "path": "members[value eq \"c\"]"},
    ]);
    let addition = json!([{"op": "add", "path": "members", "value": [{"value": "u1"}, {"value": "u2"}]}]);
    assert_eq!(asked[0].body["Operations"], removal);
    assert_eq!((&asked[1].body["Operations"], &asked[3].body["Operations"]), (&addition, &addition));
    let versions: Vec<_> = asked.iter().map(|asked| asked.header("if-match")).collect();
    assert_eq!(versions, [Some("\"1\""), Some("\"2\""), None, Some("\"8\"")]);
}

/// A server with a group of those members, which takes members only if they are among its users.
fn group_server(
    members: Vec<String>,
    absent: &'static [&'static str],
    missing: u16,
) -> impl FnMut(&server::Asked) -> Said {
    let mut members: std::collections::BTreeSet<String> = members.into_iter().collect();
    move |asked| match asked.line.as_str() {
        "PATCH /Groups/3" => {
            let mut next = members.clone();
            for operation in asked.body["Operations"].as_array().unwrap() {
                if operation["op"] == "add" {
                    for member in operation["value"].as_array().unwrap() {
                        let id = member["value"].as_str().unwrap();
                        if absent.contains(&id) || id == "group" {
                            return Said::error(400, "invalidValue", "no such member");
                        }
                        next.insert(id.to_owned());
                    }
                } else {
                    let path = operation["path"].as_str().unwrap();
                    let id = path.strip_prefix("members[value eq \"").unwrap().strip_suffix("\"]").unwrap();
                    if !next.remove(id) {
                        return Said::error(missing, if missing == 400 { "noTarget" } else { "" }, "no such member");
                    }
                }
            }
            members = next;
            Said::text(204, "")
        }
        HEAD => Said::json(200, head()),
        "GET /Groups/3?attributes=members" => {
            let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
            Said::json(200, json!({"id": "3", "members": members}))
        }
        line if line.starts_with("GET /Users/") && !absent.contains(&&line[11..]) => {
            Said::json(200, json!({"id": line[11..]}))
        }
        _ => Said::error(404, "", "no such thing"),
    }
}

#[tokio::test]
async fn who_is_no_member_is_removed_and_whose_user_is_gone_is_dropped_and_reported() {
    for missing in [400, 404] {
        let server = Server::new(group_server(ids(0..150), &["u201", "u333"], missing)).await;
        let client = connect(&server.url).await.unwrap();
        let group = known("3");
        let remove = [ids(120..150), ids(900..902)].concat();
        let mut add = ids(200..340);
        add.push("group".into());
        let done = client.change_members(&group, &add, &remove, None).await.unwrap();
        assert_eq!(done.gone, ["u201", "u333"]);
        let why = "the server answered 400 (invalidValue)";
        assert_eq!(done.refused, [("group".to_owned(), why.to_owned())]);
        let mut expected = [ids(0..120), ids(200..340)].concat();
        expected.retain(|id| id != "u201" && id != "u333");
        expected.sort();
        assert_eq!(client.members(&group).await.unwrap(), Some(expected));
        assert!(server.lines().len() < 70, "{}", server.lines().len());
    }
}

#[tokio::test]
async fn a_change_that_the_server_takes_nothing_of_is_given_up() {
    for (said, kind) in [
        (Said::error(400, "invalidPath", "no such path"), Kind::Refused),
        (Said::error(400, "mutability", "not by you"), Kind::Refused),
        (Said::error(400, "", ""), Kind::Refused),
        (Said::error(418, "", ""), Kind::Refused),
        (Said::error(404, "", ""), Kind::Gone),
    ] {
        let server = Server::new(move |asked| match asked.line.as_str() {
            "PATCH /Groups/3" => said.clone(),
            HEAD => Said::error(404, "", ""),
            _ => Said::json(200, json!({"id": "u"})),
        })
        .await;
        let client = connect(&server.url).await.unwrap();
        let failure = client.change_members(&known("3"), &ids(0..1000), &[], None).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(server.lines().len() < 300, "{}", server.lines().len());
    }
}

#[tokio::test]
async fn many_whose_users_are_gone_are_dropped_like_one() {
    let server = Server::new(|asked| match asked.line.as_str() {
        "PATCH /Groups/3" if asked.body.to_string().contains("\"u7") => {
            Said::error(400, "invalidValue", "no such user")
        }
        "PATCH /Groups/3" => Said::text(204, ""),
        _ => Said::error(404, "", ""),
    })
    .await;
    let client = connect(&server.url).await.unwrap();
    let add = [ids(0..7), ids(70..80), ids(700..800)].concat();
    let done = client.change_members(&known("3"), &add, &[], None).await.unwrap();
    assert_eq!(done.gone, [ids(70..80), ids(700..800)].concat());
    assert!(done.refused.is_empty());
    let failure = client.change_members(&known("3"), &ids(70_000..71_100), &[], None).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Refused, "over 1000 members have no user at the server")
    );
}

#[tokio::test]
async fn scim_4_a_group_of_50_000_is_changed_in_pieces_of_a_hundred() {
    let seen = Arc::new(Mutex::new((0, 0)));
    let held = seen.clone();
    let server = Server::new(move |asked| match asked.line.as_str() {
        "PATCH /Groups/3" => {
            let added = asked.body["Operations"][0]["value"].as_array().unwrap().len();
            let mut seen = held.lock().unwrap();
            *seen = (seen.0 + added, seen.1.max(added));
            Said::text(204, "")
        }
        _ => Said::error(404, "", ""),
    })
    .await;
    let client = connect(&server.url).await.unwrap();
    client.change_members(&known("3"), &ids(0..50_000), &[], None).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), (50_000, 100));
    assert_eq!(server.lines().len(), 500);
}

#[tokio::test]
async fn members_are_read_if_the_server_tells_them() {
    let at = "GET /Groups/3?attributes=members";
    let nested = json!({"id": "3", "Members": [{"value": "a", "type": "User"}, {"value": "b", "type": "Group"}, {"VALUE": "c"}, {"value": "a"}, {}]});
    let many: Vec<Value> = ids(0..5_000).into_iter().map(|id| json!({"value": id})).collect();
    let steps = vec![
        step(at, Said::json(200, nested)),
        step(at, Said::json(200, json!({"id": "3"}))),
        step(at, Said::json(200, json!({"id": "3", "members": many}))),
        step(at, Said::error(404, "", "")),
    ];
    let (server, client) = scene(Value::Null, steps).await;
    assert_eq!(client.members(&known("3")).await.unwrap(), Some(vec!["a".to_owned(), "c".to_owned()]));
    assert_eq!(client.members(&known("3")).await.unwrap(), None);
    assert_eq!(client.members(&known("3")).await.unwrap(), None);
    assert_eq!(client.members(&known("3")).await.unwrap_err().kind, Kind::Gone);
    server.done();
}

#[tokio::test]
async fn where_there_is_no_patch_the_whole_is_read_changed_and_sent_back() {
    let config = json!({"patch": {"supported": false}, "etag": {"supported": true}});
    let whole = |members: Value| {
        let mut whole = head();
        whole["members"] = members;
        whole["theirs"] = "stays".into();
        whole["meta"] = json!({"version": "\"5\""});
        whole
    };
    let read = |members: Value| step("GET /Groups/3", Said::json(200, whole(members)));
    let put = |said: Said| step("PUT /Groups/3", said);
    let nobodys = head();
    let steps = vec![
        read(json!([{"value": "u1", "display": "One"}, {"value": "u9"}])),
        put(Said::error(412, "", "")),
        read(json!([{"value": "u1", "display": "One"}, {"value": "u9"}])),
        put(Said::text(200, "").with("etag", "\"6\"")),
        // Nothing to do.
        read(json!([{"value": "u1"}, {"value": "u2"}])),
        // A server that does not tell.
        step("GET /Groups/3", Said::json(200, nobodys)),
        put(Said::text(204, "")),
        // A user that is gone.
        read(json!([])),
        put(Said::error(400, "invalidValue", "no such user")),
        step("GET /Users/u2", Said::error(404, "", "")),
        read(json!([{"value": "u9"}])),
        put(Said::text(204, "")),
    ];
    let (server, client) = scene(config, steps).await;
    let group = known("3");
    let change =
        async |last: Option<&[String]>| client.change_members(&group, &ids(2..3), &ids(9..10), last).await.unwrap();
    assert_eq!(change(None).await.known.version.as_deref(), Some("\"6\""));
    assert_eq!(change(None).await.known.version.as_deref(), Some("\"5\""));
    let last = ids(8..10);
    change(Some(&last)).await;
    assert_eq!(change(None).await.gone, ["u2"]);
    server.done();
    let asked = server.asked();
    let mut expected = whole(json!([{"value": "u1", "display": "One"}, {"value": "u2"}]));
    expected.as_object_mut().unwrap().remove("meta");
    assert_eq!((&asked[3].body, asked[3].header("if-match")), (&expected, Some("\"5\"")));
    assert_eq!(asked[6].body["members"], json!([{"value": "u8"}, {"value": "u2"}]));
    assert_eq!(asked[11].body["members"], json!([]));

    // The head, too, is sent back with the members.
    let old = json!({"id": "3", "externalId": "g1", "displayName": "Old"});
    let mut full = old.clone();
    full["members"] = json!([{"value": "u1"}]);
    let steps = vec![
        step(HEAD, Said::json(200, old)),
        step("GET /Groups/3", Said::json(200, full)),
        step("PUT /Groups/3", Said::text(204, "")),
    ];
    let (server, client) = scene(json!({"patch": {"supported": false}}), steps).await;
    assert_eq!(told(client.place_group(&staff(), Some(&group)).await).1, What::Updated);
    server.done();
    let expected = json!({"id": "3", "externalId": "g1", "displayName": "Staff", "members": [{"value": "u1"}]});
    assert_eq!(server.asked()[2].body, expected);
}
