//! Administrators and sessions, over a real socket on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use crate::model::grant::{Grant, Target};
use crate::model::job::{Filter, State};
use crate::model::list::Window;
use crate::model::token::Scope;
use crate::store;
use crate::testing::houses;
use crate::testing::tenancy::{ACME, a_person, a_session, a_tenant, an_application, an_authorization, stored_session};

const OTHER: &str = "00000000000040008000000000000ac4";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_shown_and_ended() {
    for house in houses(&[]).await {
        let admin = house.administrator().await;
        let headers = [("x-auth-token", admin.as_str())];
        let acme = a_tenant(&house, ACME, "acme").await;
        an_application(&house, &acme, "told", |s| s.backchannel_logout_uri = Some("https://a.example/bc".into())).await;
        for user in ["ann", "bob"] {
            a_person(&house, &acme, user).await;
        }
        let first = a_session(&house, &acme, "s1", "ann", None).await;
        an_authorization(&house, &first, "told", false).await;
        house.clock.advance(1);
        a_session(&house, &acme, "s2", "ann", None).await;
        house.clock.advance(1);
        a_session(&house, &acme, "s3", "bob", None).await;

        let list = async |query: &str| {
            let path = format!("/api/v1/admin/sessions?tenant_id={ACME}{query}");
            let answer = house.ask("GET", &path, &headers, None).await;
            assert_eq!(answer.status, 200, "{:?}", answer.body);
            let ids = answer.body["items"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap().to_owned());
            (ids.collect::<Vec<_>>(), answer.body["total"].as_i64().unwrap())
        };
        assert_eq!(list("").await, (vec!["s3".into(), "s2".into(), "s1".into()], 3));
        assert_eq!(list("&user_id=ann&per_page=1&page=2").await, (vec!["s1".into()], 2));
        assert_eq!(list("&user_id=nobody").await, (vec![], 0));

        let one = format!("/api/v1/admin/sessions/s1?tenant_id={ACME}");
        let shown = house.ask("GET", &one, &headers, None).await.body;
        assert_eq!(shown["applications"], json!([{"client_id": "told", "notice": null}]));
        assert_eq!((&shown["user_id"], &shown["terminated_at"]), (&json!("ann"), &json!(null)));
        assert!(!shown.to_string().contains(&first.handle), "what its cookie is stays here");

        for _ in 0..2 {
            assert_eq!(house.ask("DELETE", &one, &headers, None).await.status, 204);
        }
        let shown = house.ask("GET", &one, &headers, None).await.body;
        assert_eq!(shown["terminated_reason"], "admin_revoked");
        assert_eq!(shown["applications"][0]["notice"]["state"], State::Queued.as_str());
        assert_eq!(list("").await.1, 2);

        let all = json!({"tenant_id": ACME});
        let path = "/api/v1/admin/sessions/revoke-all";
        let of_ann = json!({"tenant_id": ACME, "user_id": "ann"});
        assert_eq!(house.ask("POST", path, &headers, Some(&of_ann)).await.body, json!({"revoked": 1}));
        assert_eq!(house.ask("POST", path, &headers, Some(&all)).await.body, json!({"revoked": 1}));
        assert_eq!(list("").await, (vec![], 0));
        let filter = Filter::default();
        let mut conn = house.app.store.read().await.unwrap();
        let jobs = store::job::list(&mut conn, &filter, Window { limit: 10, offset: 0 }).await.unwrap();
        assert_eq!(jobs.iter().map(|j| j.subject.as_str()).collect::<Vec<_>>(), ["s1/told"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adm_ten_1_who_manages_one_domain_finds_nothing_of_anothers() {
    for house in houses(&[]).await {
        house.administrator().await;
        let acme = a_tenant(&house, ACME, "acme").await;
        let other = a_tenant(&house, OTHER, "other").await;
        for (tenant, user) in [(&acme, "ann"), (&other, "olga"), (&acme, "boss"), (&acme, "plain")] {
            a_person(&house, tenant, user).await;
        }
        let mut tx = house.app.store.write().await.unwrap();
        store::role::insert(&mut tx, &crate::store::tests::a_role("manager")).await.unwrap();
        store::role::insert(&mut tx, &crate::store::tests::a_role("reader")).await.unwrap();
        for (user, role) in [("boss", "manager"), ("plain", "reader")] {
            store::grant::insert(&mut tx, &Grant::of_user(user, Target::Domain(ACME.into()), role)).await.unwrap();
        }
        house.app.commit(tx).await.unwrap();
        let mine = a_session(&house, &acme, "s1", "ann", None).await;
        let theirs = a_session(&house, &other, "s2", "olga", None).await;
        let (boss, plain) =
            (house.token("boss", Scope::Domain(ACME.into())), house.token("plain", Scope::Domain(ACME.into())));
        let status = async |method: &str, path: &str, token: &str, body: Option<serde_json::Value>| {
            house.ask(method, path, &[("x-auth-token", token)], body.as_ref()).await.status
        };
        let of = |tenant: &str, id: &str| format!("/api/v1/admin/sessions{id}?tenant_id={tenant}");
        for (method, id) in [("GET", ""), ("GET", "/s2"), ("DELETE", "/s2")] {
            assert_eq!(status(method, &of(OTHER, id), &boss, None).await, 404, "{method} {id}");
            assert_eq!(status(method, &of(ACME, "/s1"), &plain, None).await, 403, "{method} {id}");
        }
        assert_eq!(status("GET", &of(ACME, "/s2"), &boss, None).await, 404, "nor by naming the own tenant");
        assert_eq!(status("DELETE", &of(ACME, "/s2"), &boss, None).await, 404);
        let path = "/api/v1/admin/sessions/revoke-all";
        assert_eq!(status("POST", path, &boss, Some(json!({"tenant_id": OTHER}))).await, 404);
        assert_eq!(stored_session(&house, &theirs).await.terminated_at, None);
        assert_eq!(status("DELETE", &of(ACME, "/s1"), &boss, None).await, 204);
        assert!(stored_session(&house, &mine).await.terminated_at.is_some());
        for (body, expected) in [
            (json!({}), 422),
            (json!({"tenant_id": 1}), 422),
            (json!({"tenant_id": ACME, "user_id": null}), 422),
            (json!({"tenant_id": ACME, "all": true}), 422),
            (json!({"tenant_id": "nowhere"}), 404),
        ] {
            assert_eq!(status("POST", path, &boss, Some(body.clone())).await, expected, "{body}");
        }
        assert_eq!(status("GET", "/api/v1/admin/sessions", &boss, None).await, 400);
        assert_eq!(status("GET", &format!("{}&page=0", of(ACME, "")), &boss, None).await, 400);
    }
}
