//! What a directory may change: what it has made, and what it takes over.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_have_made_is_to_be_seen_only_until_it_is_taken_over() {
    Scene::each(async |scene| {
        scene.local("local", None).await;
        let one = "/Users/local";
        assert_eq!(scene.ask("GET", one, None).await.body["userName"], "local");
        for (method, body) in [
            ("PUT", Some(json!({"userName": "x"}))),
            ("PATCH", Some(json!({"Operations": [{"op": "replace", "path": "active", "value": false}]}))),
            ("DELETE", None),
        ] {
            assert_fault(&scene.ask(method, one, body).await, 403, "");
        }
        assert_eq!(scene.ask("GET", one, None).await.body["active"], true);
        let taken = scene.patch(
            one,
            json!([{"op": "add", "path": "externalId", "value": "e"}, {"op": "add", "path": "title", "value": "T"}]),
        );
        let taken = taken.await;
        assert_eq!((taken.status, &taken.body["externalId"], &taken.body["title"]), (200, &json!("e"), &json!("T")));
        let off = scene.patch(one, json!([{"op": "replace", "path": "active", "value": false}])).await;
        assert_eq!((off.status, &off.body["active"]), (200, &json!(false)));
        assert_eq!(scene.ask("DELETE", one, None).await.status, 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scim_3_an_account_that_is_taken_over_keeps_its_address_and_no_other_is_taken_for_sure() {
    Scene::each(async |scene| {
        let mut tx = scene.house.app.store.write().await.unwrap();
        let mut user = User { name: "local".into(), ..a_user("local", ACME) };
        user.extra = json!({"email": "own@a.example", "email_verified": true}).as_object().unwrap().clone();
        store::user::insert(&mut tx, &user, scene.house.app.now()).await.unwrap();
        scene.house.app.commit(tx).await.unwrap();
        let stored = async |id: &str| {
            store::user::get(&mut scene.house.app.store.read().await.unwrap(), id).await.unwrap().unwrap().user
        };
        // Nobody is found, and nothing is linked, by an address alone.
        let same = json!({"userName": "stranger", "emails": [{"value": "own@a.example"}]});
        let stranger = scene.make("/Users", same).await;
        assert_ne!(stranger, "local");
        assert!(!stored(&stranger).await.is_email_verified());
        let body =
            json!({"userName": "local", "externalId": "e", "emails": [{"value": "evil@b.example", "primary": true}]});
        let taken = scene.ask("PUT", "/Users/local", Some(body.clone())).await;
        assert_eq!((taken.status, &taken.body["emails"][0]["value"]), (200, &json!("own@a.example")));
        assert!(stored("local").await.is_email_verified());
        let changed = scene.ask("PUT", "/Users/local", Some(body)).await;
        assert_eq!((changed.status, &changed.body["emails"][0]["value"]), (200, &json!("evil@b.example")));
        assert!(!stored("local").await.is_email_verified(), "it could be anybody's");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrators_account_is_not_taken_over_by_a_token_of_the_directory() {
    Scene::each(async |scene| {
        scene.local("boss", Some("admin")).await;
        let take = json!([{"op": "add", "path": "externalId", "value": "e"}, {"op": "replace", "path": "active", "value": false}]);
        assert_fault(&scene.patch("/Users/boss", take.clone()).await, 403, "");
        assert_fault(&scene.ask("DELETE", "/Users/boss", None).await, 403, "");
        assert_eq!(scene.ask("GET", "/Users/boss", None).await.body["active"], true);
        // One that was taken over and is made an administrator since is out of its reach again.
        scene.local("later", None).await;
        let takes = json!([{"op": "add", "path": "externalId", "value": "e"}]);
        assert_eq!(scene.patch("/Users/later", takes).await.status, 200);
        let mut tx = scene.house.app.store.write().await.unwrap();
        store::grant::insert(&mut tx, &Grant::of_user("later", Target::Domain(ACME.into()), "admin")).await.unwrap();
        scene.house.app.commit(tx).await.unwrap();
        let off = json!([{"op": "replace", "path": "active", "value": false}]);
        assert_fault(&scene.patch("/Users/later", off).await, 403, "");
        // An administrator may, by a token of their own.
        let body = json!({"Operations": take});
        let done = scene.as_holder(&scene.admin, "PATCH", &at("/Users/boss"), &[], Some(&body)).await;
        assert_eq!((done.status, &done.body["active"]), (200, &json!(false)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scim_8_a_group_that_holds_roles_is_not_taken_over() {
    Scene::each(async |scene| {
        let mut tx = scene.house.app.store.write().await.unwrap();
        store::role::insert(&mut tx, &a_role("member")).await.unwrap();
        for id in ["plain", "powerful"] {
            store::group::insert(&mut tx, &a_group(id, ACME)).await.unwrap();
        }
        let actor = crate::model::grant::Actor::Group("powerful".into());
        let grant = Grant { actor, target: Target::Domain(ACME.into()), role_id: "member".into(), inherited: false };
        store::grant::insert(&mut tx, &grant).await.unwrap();
        scene.house.app.commit(tx).await.unwrap();
        let ann = scene.user("ann").await;
        let add = json!({"op": "add", "path": "members", "value": [{"value": ann}]});
        let takes = json!({"op": "add", "path": "externalId", "value": "e"});
        for id in ["plain", "powerful"] {
            let one = format!("/Groups/{id}");
            assert_fault(&scene.patch(&one, json!([add])).await, 403, "");
            assert_fault(&scene.ask("DELETE", &one, None).await, 403, "");
        }
        assert_eq!(scene.patch("/Groups/plain", json!([takes, add])).await.status, 204);
        assert_eq!(scene.patch("/Groups/plain", json!([add])).await.status, 204);
        assert_fault(&scene.patch("/Groups/powerful", json!([takes, add])).await, 403, "");
        assert!(scene.ask("GET", "/Groups/powerful", None).await.body.get("members").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_has_no_more_users_than_it_may_have() {
    Scene::each(async |scene| {
        let mut tx = scene.house.app.store.write().await.unwrap();
        let mut tenant = store::tenant::get(&mut tx, ACME).await.unwrap().unwrap();
        (tenant.settings.user_limit, tenant.version) = (Some(1), tenant.version + 1);
        store::tenant::update(&mut tx, &tenant).await.unwrap();
        scene.house.app.commit(tx).await.unwrap();
        scene.user("one").await;
        assert_fault(&scene.ask("POST", "/Users", Some(json!({"userName": "two"}))).await, 403, "");
    })
    .await;
}
