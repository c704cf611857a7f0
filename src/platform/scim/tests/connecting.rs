//! What a server says of itself, and servers that cannot be used.

use super::*;

#[tokio::test]
async fn a_server_that_does_not_say_is_taken_for_one_that_patches_without_bulk_and_versions() {
    for status in [404, 403] {
        let server = Server::new(move |_| Said::error(status, "", "not for you")).await;
        let client = connect(&format!("{}/", server.url)).await.unwrap();
        assert_eq!(*client.capabilities(), Capabilities::default(), "{status}");
    }
    let Capabilities { patch, bulk, filter, etag, page, .. } = Capabilities::default();
    assert_eq!((patch, bulk, filter, etag, page), (true, None, true, false, 100));
}

#[tokio::test]
async fn what_a_server_says_is_read_with_names_in_any_case_and_limits_of_ours() {
    let config = json!({
        "PATCH": {"Supported": "False"},
        "bulk": {"supported": true, "maxOperations": 1000, "maxPayloadSize": 4096},
        "filter": {"supported": true, "maxResults": 20},
        "eTag": {"supported": true}, "sort": {"supported": true},
        "pagination": {"cursor": true, "index": false},
    });
    let types = json!({"Resources": [
        {"name": "Person", "endpoint": "/People", "schema": "URN:ietf:params:scim:schemas:core:2.0:user",
         "schemaExtensions": [{"schema": "urn:ietf:params:scim:schemas:extension:Enterprise:2.0:User"}]},
        {"id": "group", "endpoint": "Teams/"},
    ]});
    let server = Server::scripted(config, types, vec![]).await;
    let client = connect(&server.url).await.unwrap();
    let expected = Capabilities {
        patch: false,
        bulk: Some(Bulk { operations: 100, payload: 4096 }),
        filter: true,
        page: 20,
        etag: true,
        sort: true,
        cursor: true,
        enterprise: true,
        users: "/People".into(),
        groups: Some("/Teams".into()),
    };
    assert_eq!(*client.capabilities(), expected);
}

#[tokio::test]
async fn scim_7_an_endpoint_elsewhere_is_not_used() {
    for (said, used) in [
        ("http://127.0.0.1:1/Users", "/Users"),
        ("//127.0.0.1/Users", "/Users"),
        ("/../admin", "/Users"),
        ("/Users?x=1", "/Users"),
        ("/People", "/People"),
    ] {
        let server =
            Server::scripted(Value::Null, json!({"Resources": [{"name": "User", "endpoint": said}]}), vec![]).await;
        let client = connect(&server.url).await.unwrap();
        assert_eq!(client.capabilities().users, used, "{said}");
        assert_eq!(client.capabilities().groups, None);
        let group = Group { external_id: "g".into(), display_name: "G".into() };
        let none = client.place_group(&group, None).await.unwrap_err();
        assert_eq!((none.kind, none.message.as_str()), (Kind::Refused, "the server has no groups"));
    }
    let own = Server::new(|_| Said::none()).await;
    let listed = json!({"Resources": [{"name": "User", "endpoint": format!("{}/People", own.url)}]});
    let server = Server::new(move |_| Said::json(200, listed.clone())).await;
    assert_eq!(connect(&server.url).await.unwrap().capabilities().users, "/Users");
}

#[tokio::test]
async fn scim_1_credentials_that_are_refused_and_answers_that_are_no_scim_end_the_run_at_once() {
    for (said, kind, text) in [
        (Said::error(401, "", "who are you"), Kind::Stop, "the server answered 401"),
        (Said::text(200, "<html>Please log in</html>"), Kind::Broken, "what answers at the URL speaks no SCIM"),
        (Said::text(200, &"[".repeat(10_000)), Kind::Broken, "what answers at the URL speaks no SCIM"),
        (Said::text(200, &" ".repeat(70_000)), Kind::TooLarge, "the answer is too large"),
        (Said::error(400, "", "no"), Kind::Refused, "the server answered 400"),
    ] {
        let server = Server::new(move |_| said.clone()).await;
        let failure = connect(&server.url).await.unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (kind, text));
    }
    let nobody = connect("http://127.0.0.1:1/scim").await.unwrap_err();
    assert_eq!((nobody.kind, nobody.message.as_str()), (Kind::Unreachable, "connection refused"));
    for url in ["http://10.0.0.1/scim", "ftp://127.0.0.1/", "http://127.0.0.1/scim?a=b", "http://u:p@127.0.0.1/"] {
        let failure = connect(url).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Stop, "{url}");
        assert!(failure.message.starts_with("the server"), "{failure}");
    }
}

#[tokio::test]
async fn the_token_goes_into_the_header_and_nowhere_else() {
    let echo = Said::error(400, "invalidValue", &format!("Bearer {TOKEN} is no good\r\n\u{202e}{}", "x".repeat(500)));
    let (server, client) = scene(Value::Null, all(vec![nowhere(), vec![step("POST /Users", echo)]])).await;
    let failure = client.place_user(&anna(), None).await.unwrap_err();
    server.done();
    for asked in server.asked() {
        assert_eq!(asked.header("authorization"), Some("Bearer canary-t0ken"));
        assert!(asked.header("accept").unwrap().starts_with("application/scim+json"));
    }
    assert_eq!(server.asked()[2].header("content-type"), Some("application/scim+json"));
    assert_eq!(failure.message, "the server answered 400 (invalidValue)");
    let shown = format!("{client:?} {failure:?}");
    assert!(!shown.contains(TOKEN), "{shown}");
    let (clock, random) = (Arc::new(FixedClock::at_secs(NOW)), Arc::new(Random::seeded(1)));
    let bad = Client::connect(egress(), &server.url, Some(&Secret::from("a\nb")), clock, random).await.unwrap_err();
    assert_eq!((bad.kind, bad.message.contains("a\n")), (Kind::Stop, false));
}
