//! Users: what is sent, what is changed, what is taken away (§8.2 to §8.4).

use proptest::prelude::*;

use super::change::overlaid;
use super::resource::Remote;
use super::*;

#[tokio::test]
async fn scim_8_a_user_is_created_from_a_list_of_attributes_that_has_no_password_and_no_role() {
    let types = json!({"Resources": [{"name": "User", "endpoint": "/Users", "schemaExtensions": [
        {"schema": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "required": false}]}]});
    let made = Said::json(201, json!({"id": "7"}))
        .with("etag", "W/\"1\"")
        .with("location", "http://elsewhere.example/Users/8");
    for (types, enterprise) in [(types, true), (Value::Null, false)] {
        let steps = all(vec![nowhere(), vec![step("POST /Users", made.clone())]]);
        let server = Server::scripted(Value::Null, types, steps).await;
        let client = connect(&server.url).await.unwrap();
        let mut user = User { phone: Some("+49 30 1".into()), ..anna() };
        user.enterprise.department = Some("R&D".into());
        let placed = client.place_user(&user, None).await.unwrap();
        assert_eq!(placed.what, What::Created);
        assert_eq!(placed.known, Known { id: "7".into(), version: Some("W/\"1\"".into()) });
        server.done();
        let mut expected = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "externalId": "x1", "userName": "anna", "active": true, "displayName": "Anna Blum",
            "name": {"givenName": "Anna", "familyName": "Blum", "formatted": "Anna Blum"},
            "emails": [{"value": "anna@example.org", "type": "work", "primary": true}],
            "phoneNumbers": [{"value": "+49 30 1", "type": "work", "primary": true}],
        });
        if enterprise {
            let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
            expected["schemas"].as_array_mut().unwrap().push(urn.into());
            expected[urn] = json!({"department": "R&D"});
        }
        assert_eq!(server.asked()[2].body, expected);
    }
}

#[tokio::test]
async fn scim_8_what_is_sent_back_has_no_password_and_keeps_what_is_not_ours() {
    let there = held_but(|held| {
        held["DISPLAYNAME"] = held["displayName"].take();
        held.as_object_mut().unwrap().remove("displayName");
        held["DISPLAYNAME"] = "Old".into();
        held["password"] = "canary".into();
        held["passWord"] = "canary".into();
        held["groups"] = json!([{"value": "g"}]);
        held["roles"] = json!([{"value": "theirs"}]);
        held["nickName"] = "Annie".into();
        held["emails"] = json!([
            {"value": "home@example.org", "type": "home", "primary": true},
            {"value": "old@example.org", "type": "Work", "display": "old"},
        ]);
    });
    let config = json!({"patch": {"supported": false}});
    let steps = vec![step("GET /Users/7", Said::json(200, there)), step("PUT /Users/7", Said::json(200, held()))];
    let (server, client) = scene(config, steps).await;
    assert_eq!(told(client.place_user(&anna(), Some(&known("7"))).await).1, What::Updated);
    server.done();
    let expected = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "7", "externalId": "x1", "userName": "anna", "active": true, "DISPLAYNAME": "Anna Blum", "nickName": "Annie",
        "roles": [{"value": "theirs"}],
        "name": {"givenName": "Anna", "familyName": "Blum", "formatted": "Dr. Anna Blum"},
        "emails": [
            {"value": "home@example.org", "type": "home", "primary": true},
            {"value": "anna@example.org", "type": "work"},
        ],
    });
    assert_eq!(server.asked()[1].body, expected);
}

#[tokio::test]
async fn only_what_differs_is_patched_and_200_and_204_are_both_fine() {
    let there = held_but(|held| {
        held["userName"] = "ANNA".into();
        held["active"] = "True".into();
        held["emails"] = json!([{"value": "Anna@Example.org"}]);
        held["name"] = json!({"givenName": "Ann"});
        held["title"] = "Dr.".into();
    });
    for answer in [Said::text(204, ""), Said::json(200, held()), Said::text(200, "")] {
        let steps = vec![step("GET /Users/7", Said::json(200, there.clone())), step("PATCH /Users/7", answer)];
        let (server, client) = scene(Value::Null, steps).await;
        assert_eq!(told(client.place_user(&anna(), Some(&known("7"))).await), ("7".into(), What::Updated));
        server.done();
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "replace", "path": "name.givenName", "value": "Anna"},
                {"op": "add", "path": "name.familyName", "value": "Blum"},
                {"op": "add", "path": "name.formatted", "value": "Anna Blum"},
            ],
        });
        assert_eq!(server.asked()[1].body, expected);
        assert_eq!(server.asked()[1].header("if-match"), None);
    }
}

#[tokio::test]
async fn what_is_not_spoken_of_stays() {
    let user = User { external_id: "x1".into(), user_name: "anna".into(), active: true, ..User::default() };
    let (server, client) = scene(Value::Null, vec![step("GET /Users/7", Said::json(200, held()))]).await;
    assert_eq!(told(client.place_user(&user, Some(&known("7"))).await).1, What::Unchanged);
    server.done();
}

#[tokio::test]
async fn a_version_is_sent_only_where_versions_are_and_a_stale_one_is_read_again() {
    let old = |version: &str| {
        held_but(|held| {
            held["displayName"] = "Old".into();
            held["meta"]["version"] = version.into();
        })
    };
    let stale = || step("PATCH /Users/7", Said::error(412, "", "stale"));
    let read = |version: &str| step("GET /Users/7", Said::json(200, old(version)));
    let config = json!({"etag": {"supported": true}});
    let steps = vec![
        read("W/\"1\""),
        stale(),
        read("W/\"2\""),
        stale(),
        step("GET /Users/7", Said::json(200, old("unused")).with("etag", "W/\"3\"")),
        step("PATCH /Users/7", Said::text(204, "").with("etag", "W/\"4\"")),
    ];
    let (server, client) = scene(config.clone(), steps).await;
    let placed = client.place_user(&anna(), Some(&known("7"))).await.unwrap();
    assert_eq!(placed.known.version.as_deref(), Some("W/\"4\""));
    let sent: Vec<_> = server.asked().iter().filter_map(|asked| asked.header("if-match").map(str::to_owned)).collect();
    assert_eq!(sent, ["W/\"1\"", "W/\"2\"", "W/\"3\""]);
    server.done();
    // Somebody else has made it so meanwhile.
    server.then(vec![read("a"), stale(), step("GET /Users/7", Said::json(200, held()))]);
    assert_eq!(told(client.place_user(&anna(), Some(&known("7"))).await).1, What::Unchanged);
    server.then(vec![read("a"), stale(), read("b"), stale(), read("c"), stale()]);
    let busy = client.place_user(&anna(), Some(&known("7"))).await.unwrap_err();
    assert_eq!((busy.kind, busy.message.as_str()), (Kind::Busy, "the user keeps changing"));
    server.done();

    let steps = vec![read("W/\"1\""), step("PATCH /Users/7", Said::text(204, ""))];
    let (server, client) = scene(Value::Null, steps).await;
    client.place_user(&anna(), Some(&known("7"))).await.unwrap();
    assert_eq!(server.asked()[1].header("if-match"), None);
}

#[tokio::test]
async fn a_server_that_refuses_to_patch_is_put_to_from_then_on() {
    for status in [405, 501] {
        let old = held_but(|held| held["displayName"] = "Old".into());
        let read = || step("GET /Users/7", Said::json(200, old.clone()));
        let put = || step("PUT /Users/7", Said::json(200, held()));
        let steps = vec![read(), step("PATCH /Users/7", Said::text(status, "<html>")), put(), read(), put()];
        let (server, client) = scene(Value::Null, steps).await;
        for _ in 0..2 {
            assert_eq!(told(client.place_user(&anna(), Some(&known("7"))).await).1, What::Updated);
        }
        server.done();
    }
}

#[tokio::test]
async fn who_leaves_is_deactivated_and_who_comes_back_reactivated() {
    let away = held_but(|held| held["active"] = false.into());
    let patched = || step("PATCH /Users/7", Said::text(204, ""));
    let read = |body: &Value| step("GET /Users/7", Said::json(200, body.clone()));
    let nameless = held_but(|held| {
        held.as_object_mut().unwrap().remove("active");
        held["displayName"] = "Other".into();
    });
    let steps = vec![
        read(&held()),
        patched(),
        read(&away),
        read(&nameless),
        patched(),
        step("GET /Users/7", Said::error(404, "", "")),
        read(&held()),
        step("PATCH /Users/7", Said::error(404, "", "")),
        read(&away),
        patched(),
    ];
    let (server, client) = scene(Value::Null, steps).await;
    for what in [What::Deactivated, What::Unchanged, What::Deactivated, What::Gone, What::Gone] {
        assert_eq!(told(client.deactivate_user(&known("7")).await), ("7".into(), what));
    }
    assert_eq!(told(client.place_user(&anna(), Some(&known("7"))).await), ("7".into(), What::Reactivated));
    server.done();
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    let on = json!([{"op": "replace", "path": "active", "value": true}]);
    let asked = server.asked();
    assert_eq!((&asked[1].body["Operations"], &asked[9].body["Operations"]), (&off, &on));
}

#[tokio::test]
async fn a_user_that_is_gone_is_deleted() {
    let delete = |said| step("DELETE /Users/7", said);
    let steps =
        vec![delete(Said::text(204, "")), delete(Said::error(404, "", "")), delete(Said::error(405, "", "never"))];
    let (server, client) = scene(Value::Null, steps).await;
    assert_eq!(client.delete_user(&known("7")).await.unwrap(), Done::Deleted);
    assert_eq!(client.delete_user(&known("7")).await.unwrap(), Done::Gone);
    let refused = client.delete_user(&known("7")).await.unwrap_err();
    assert_eq!((refused.kind, refused.message.as_str()), (Kind::Refused, "the server answered 405"));
    server.done();
}

#[tokio::test]
async fn users_that_cannot_be_are_not_asked_for() {
    let (server, client) = scene(Value::Null, vec![]).await;
    let long = "x".repeat(1_025);
    for (user, text) in [
        (User { external_id: " ".into(), ..anna() }, "the user has no externalId"),
        (User { user_name: String::new(), ..anna() }, "the user has no userName"),
        (User { email: Some(long.clone()), ..anna() }, "the user has a value of over 1024 bytes"),
        (User { external_id: long, ..anna() }, "the user has a value of over 1024 bytes"),
    ] {
        let failure = client.place_user(&user, None).await.unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Refused, text));
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_creation_without_an_id_in_its_answer_is_looked_for_and_never_repeated() {
    for created in [Said::text(201, "").with("location", "/Users/7"), Said::json(200, json!({"userName": "anna"}))] {
        let steps = all(vec![
            nowhere(),
            vec![
                step("POST /Users", created),
                step(&look("/Users", "externalId", "x1"), Said::list(&[held()])),
                step("GET /Users/7", Said::json(200, held())),
            ],
            nowhere(),
            vec![step("POST /Users", Said::text(201, ""))],
            nowhere(),
        ]);
        let (server, client) = scene(Value::Null, steps).await;
        assert_eq!(told(client.place_user(&anna(), None).await), ("7".into(), What::Created));
        let failure = client.place_user(&anna(), None).await.unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Broken, "the server has not said what it created"));
        server.done();
    }
}

/// Whatever a server may hold.
fn anything() -> impl Strategy<Value = Value> {
    let name = || {
        prop::sample::select(vec![
            "value",
            "TYPE",
            "primary",
            "givenName",
            "FamilyName",
            "formatted",
            "department",
            "x",
        ])
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["", "work", "Anna", "anna@example.org", "true", "x1"]).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

fn something() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "schemas",
        "externalId",
        "EXTERNALID",
        "userName",
        "active",
        "displayName",
        "name",
        "Name",
        "emails",
        "phoneNumbers",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "meta",
    ]);
    prop::collection::vec((name, anything()), 0..10)
        .prop_map(|members| Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

proptest! {
    /// What has been changed need not be changed again, whatever was there.
    #[test]
    fn changes_lead_to_what_is_wanted(there in something()) {
        let mut user = User { phone: Some("+49 30 1".into()), ..anna() };
        user.enterprise.department = Some("R&D".into());
        let read = |body: Value| Remote { id: "7".into(), version: None, body: body.as_object().unwrap().clone() };
        let remote = read(there);
        let changes = user.changes(&remote, false, true);
        let then = read(overlaid(&remote, &changes));
        prop_assert_eq!(user.changes(&then, false, true), vec![], "{:?}", then);
        prop_assert!(user.changes(&read(user.body(true)), false, true).is_empty());
    }
}
