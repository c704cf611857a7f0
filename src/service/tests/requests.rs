//! What a request may change, what it is answered and what it leaves in the audit trail.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_recorded_too() {
    on_both(&[], async |house| {
        let token = subject(&login(house, "ann", "right").await);
        let body = json!({"identity_provider": {}});
        let path = "/v3/OS-FEDERATION/identity_providers/ACME";
        assert_eq!(house.ask("PUT", path, &[("x-auth-token", &token)], Some(&body)).await.status, 403);
        let admin = house.token("admin", Scope::System);
        let answer = house.ask("GET", "/v3/archstone/audit?outcome=failure", &[("x-auth-token", &admin)], None).await;
        let event = &answer.body["audit_events"][0];
        assert_eq!(event["action"], "identity_provider.create");
        assert_eq!((&event["user"]["name"], &event["target"]["id"]), (&json!("ann"), &json!("ACME")));
        assert!(event["request_id"].as_str().unwrap().starts_with("req-"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_seeds_request_answers_the_seeds_fields() {
    on_both(&[], async |house| {
        let mut tx = house.app.store.write().await.unwrap();
        store::role::insert(&mut tx, &a_role("secu_admin")).await.unwrap();
        let grant = Grant::of_user("ann", Target::Domain(DOMAIN.into()), "secu_admin");
        store::grant::insert(&mut tx, &grant).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let token = subject(&login(house, "ann", "right").await);
        let body = json!({"identity_provider": {"description": "Stores ACME identities.", "enabled": true}});
        let path = "/v3/OS-FEDERATION/identity_providers/ACME";
        let answer = house.ask("PUT", path, &[("x-auth-token", &token)], Some(&body)).await;
        assert_eq!(answer.status, 201);
        let idp: &Value = &answer.body["identity_provider"];
        let this = "https://id.example/v3/OS-FEDERATION/identity_providers/ACME";
        for (member, value) in [
            ("description", json!("Stores ACME identities.")),
            ("enabled", json!(true)),
            ("id", json!("ACME")),
            ("sso_type", json!("virtual_user_sso")),
            ("remote_ids", json!([])),
            ("links", json!({"self": this, "protocols": format!("{this}/protocols")})),
            ("domain_id", json!(DOMAIN)),
        ] {
            assert_eq!(idp[member], value, "{member}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_of_the_operators_own_stays_in_its_domain_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.yaml");
    std::fs::write(
        &file,
        "identity:list_identity_providers: role:reader\nidentity:update_identity_provider: role:reader\n",
    )
    .unwrap();
    let settings = [("ARCHSTONE_POLICY__FILE", file.to_str().unwrap())];
    on_both(&settings, async |house| {
        let other = "00000000000040008000000000000002";
        let mut tx = house.app.store.write().await.unwrap();
        store::domain::insert(&mut tx, &a_domain(other)).await.unwrap();
        store::identity_provider::insert(&mut tx, &an_idp("mine", DOMAIN, &[])).await.unwrap();
        store::identity_provider::insert(&mut tx, &an_idp("theirs", other, &[])).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let token = subject(&login(house, "ann", "right").await);
        let headers = [("x-auth-token", token.as_str())];
        let list = house.ask("GET", "/v3/OS-FEDERATION/identity_providers", &headers, None).await;
        let ids: Vec<&str> =
            list.body["identity_providers"].as_array().unwrap().iter().filter_map(|i| i["id"].as_str()).collect();
        assert_eq!(ids, ["mine"]);
        let body = json!({"identity_provider": {"enabled": false}});
        for (id, expected) in [("mine", 200), ("theirs", 404)] {
            let path = format!("/v3/OS-FEDERATION/identity_providers/{id}");
            assert_eq!(house.ask("PATCH", &path, &headers, Some(&body)).await.status, expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_of_one_user_are_all_kept() {
    on_both(&[], async |house| {
        let admin = house.token("admin", Scope::System);
        for _ in 0..10 {
            let patch = async |member: &str, value: Value| {
                let body = json!({"user": {member: value}});
                house.ask("PATCH", "/v3/users/ann", &[("x-auth-token", &admin)], Some(&body)).await.status
            };
            assert_eq!(patch("enabled", json!(true)).await, 200);
            let all = tokio::join!(
                patch("a", json!(1)),
                patch("enabled", json!(false)),
                patch("b", json!(2)),
                patch("c", json!(3))
            );
            assert_eq!(all, (200, 200, 200, 200));
            let user = house.ask("GET", "/v3/users/ann", &[("x-auth-token", &admin)], None).await.body;
            assert_eq!(user["user"]["enabled"], false, "{user}");
            assert_eq!((&user["user"]["a"], &user["user"]["c"]), (&json!(1), &json!(3)));
        }
    })
    .await;
}
