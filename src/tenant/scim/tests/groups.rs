//! Groups and who is in them; several requests in one.

use super::*;

/// The ids of a group's members, in order.
async fn members(scene: &Scene, group: &str) -> Vec<String> {
    let shown = scene.ask("GET", &format!("/Groups/{group}"), None).await.body;
    let all = shown["members"].as_array().cloned().unwrap_or_default();
    all.iter().map(|m| m["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_and_each_change_is_another_version() {
    Scene::each(async |scene| {
        let mut ids = [scene.user("ann").await, scene.user("bob").await, scene.user("cid").await];
        ids.sort();
        let made = scene.ask("POST", "/Groups", Some(json!({"displayName": "G", "externalId": "g", "members": [{"value": ids[0]}]}))).await;
        assert_eq!((made.status, &made.body["members"][0]["type"]), (201, &json!("User")));
        let group = made.body["id"].as_str().unwrap().to_owned();
        let one = format!("/Groups/{group}");
        let mut version = made.headers["etag"].to_str().unwrap().to_owned();
        for (operation, expected) in [
            (json!({"op": "Add", "path": "members", "value": [{"value": ids[1]}, {"value": ids[1]}, {"value": ids[2]}]}), vec![0, 1, 2]),
            (json!({"op": "Remove", "path": format!("members[value eq \"{}\"]", ids[0])}), vec![1, 2]),
            (json!({"op": "Remove", "path": format!("members[value eq \"{}\"]", ids[0])}), vec![1, 2]),
            (json!({"op": "replace", "path": "members", "value": [{"value": ids[0]}, {"value": ids[2]}]}), vec![0, 2]),
            (json!({"op": "Remove", "path": "members", "value": [{"value": ids[2]}]}), vec![0]),
            (json!({"op": "replace", "value": {"members": [{"value": ids[1]}]}}), vec![1]),
            (json!({"op": "remove", "path": "members"}), vec![]),
        ] {
            let done = scene.patch(&one, json!([operation.clone()])).await;
            assert_eq!((done.status, done.body.is_null()), (204, true), "{operation}");
            let next = done.headers["etag"].to_str().unwrap().to_owned();
            assert_ne!(next, version);
            version = next;
            let expected: Vec<String> = expected.iter().map(|n: &usize| ids[*n].clone()).collect();
            assert_eq!(members(&scene, &group).await, expected, "{operation}");
        }
        // A body without members leaves them; an empty list does not.
        scene.patch(&one, json!([{"op": "add", "path": "members", "value": [{"value": ids[0]}]}])).await;
        let put = scene.ask("PUT", &one, Some(json!({"displayName": "H"}))).await;
        assert_eq!((put.status, &put.body["displayName"], put.body["members"].as_array().unwrap().len()), (200, &json!("H"), 1));
        // The user shows it, and a deleted user is a member no more.
        let ann = scene.ask("GET", &format!("/Users/{}", ids[0]), None).await.body;
        assert_eq!((&ann["groups"][0]["value"], &ann["groups"][0]["display"]), (&json!(group), &json!("H")));
        let before = scene.ask("GET", &one, None).await.headers["etag"].clone();
        assert_eq!(scene.ask("DELETE", &format!("/Users/{}", ids[0]), None).await.status, 204);
        let after = scene.ask("GET", &one, None).await;
        assert!(after.body.get("members").is_none() && after.headers["etag"] != before);
        let stale = scene.ask_with("PUT", &one, &[("if-match", &version)], Some(json!({"displayName": "I"}))).await;
        assert_fault(&stale, 412, "");
        assert_eq!(scene.ask("DELETE", &one, None).await.status, 204);
        assert_fault(&scene.ask("GET", &one, None).await, 404, "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_is_no_user_of_the_tenant_undoes_the_change() {
    Scene::each(async |scene| {
        let ann = scene.user("ann").await;
        let group = scene.make("/Groups", json!({"displayName": "G"})).await;
        let one = format!("/Groups/{group}");
        let mut tx = scene.house.app.store.write().await.unwrap();
        store::user::insert(&mut tx, &a_user("elsewhere", OTHER), scene.house.app.now()).await.unwrap();
        scene.house.app.commit(tx).await.unwrap();
        for stranger in ["nobody", "elsewhere", group.as_str(), "bulkId:x"] {
            let operations = json!([
                {"op": "replace", "path": "displayName", "value": "H"},
                {"op": "add", "path": "members", "value": [{"value": ann}, {"value": stranger}]},
            ]);
            assert_fault(&scene.patch(&one, operations).await, 400, "invalidValue");
        }
        let shown = scene.ask("GET", &one, None).await.body;
        assert!(shown["displayName"] == "G" && shown.get("members").is_none(), "{shown}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scim_5_whoever_leaves_a_group_has_lost_its_roles_at_once() {
    Scene::each(async |scene| {
        let ann = scene.user("ann").await;
        let group = scene.make("/Groups", json!({"displayName": "G", "members": [{"value": ann}]})).await;
        let mut tx = scene.house.app.store.write().await.unwrap();
        store::role::insert(&mut tx, &a_role("member")).await.unwrap();
        let actor = crate::model::grant::Actor::Group(group.clone());
        let grant = Grant { actor, target: Target::Domain(ACME.into()), role_id: "member".into(), inherited: false };
        store::grant::insert(&mut tx, &grant).await.unwrap();
        scene.house.app.commit(tx).await.unwrap();
        let token = scene.house.token(&ann, Scope::Domain(ACME.into()));
        let mine = async || scene.house.ask("GET", "/v3/auth/projects", &[("x-auth-token", &token)], None).await.status;
        assert_eq!(mine().await, 200);
        let remove = json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}]);
        assert_eq!(scene.patch(&format!("/Groups/{group}"), remove).await.status, 204);
        assert_eq!(mine().await, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_nobody_asks_for_are_not_read() {
    Scene::each(async |scene| {
        let ann = scene.user("ann").await;
        let group = scene.make("/Groups", json!({"displayName": "G", "members": [{"value": ann}]})).await;
        for query in ["excludedAttributes=members", "attributes=displayName"] {
            let one = scene.ask("GET", &format!("/Groups/{group}?{query}"), None).await.body;
            assert!(one["displayName"] == "G" && one.get("members").is_none(), "{one}");
            let all = scene.ask("GET", &format!("/Groups?{query}"), None).await.body;
            assert!(all["Resources"][0].get("members").is_none(), "{all}");
        }
        let asked = scene
            .ask(
                "PATCH",
                &format!("/Groups/{group}?attributes=members.value"),
                Some(json!({"Operations": [{"op": "replace", "path": "displayName", "value": "H"}]})),
            )
            .await;
        assert_eq!((asked.status, &asked.body["members"]), (200, &json!([{"value": ann}])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_requests_in_one_have_outcomes_of_their_own() {
    Scene::each(async |scene| {
        let operations = json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "G", "members": [{"value": "bulkId:u"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "ann"}},
            {"method": "POST", "path": "/Users", "bulkId": "twice", "data": {"userName": "ANN"}},
            {"method": "PATCH", "path": "/Users/bulkId:u", "data": {"Operations": [{"op": "add", "path": "title", "value": "T"}]}},
            {"method": "DELETE", "path": "/Users/bulkId:nobody"},
            {"method": "PUT", "path": "/Users/bulkId:u", "version": "W/\"1\"", "data": {"userName": "x"}},
            {"method": "GET", "path": "/Users"},
        ]);
        let body = json!({"schemas": [BULK], "Operations": operations});
        let done = scene.ask("POST", "/Bulk", Some(body.clone())).await;
        assert_eq!(done.status, 200, "{}", done.body);
        let all = done.body["Operations"].as_array().unwrap();
        let statuses: Vec<&str> = all.iter().map(|o| o["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["201", "201", "409", "200", "400", "412", "400"], "{}", done.body);
        assert_eq!((&all[1]["bulkId"], &all[2]["response"]["scimType"]), (&json!("u"), &json!("uniqueness")));
        let place = all[0]["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        assert_eq!(members(&scene, &place).await.len(), 1);
        // The first failure ends it.
        let mut body = body;
        body["failOnErrors"] = json!(1);
        let stopped = scene.ask("POST", "/Bulk", Some(body)).await.body;
        assert!(stopped["Operations"].as_array().unwrap().len() < 7, "{stopped}");
        let many = vec![json!({"method": "DELETE", "path": "/Users/x"}); 101];
        assert_fault(&scene.ask("POST", "/Bulk", Some(json!({"schemas": [BULK], "Operations": many}))).await, 413, "");
        assert_fault(&scene.ask("POST", "/Bulk", Some(json!({"Operations": []}))).await, 400, "invalidSyntax");
    })
    .await;
}
