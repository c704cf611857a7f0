//! The list of role assignments through the whole house on both databases: pages, and who sees what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use crate::model::assignment::Marker;
use crate::model::grant::{Actor, Grant, Target};
use crate::model::token::Scope;
use crate::service::tests::{DOMAIN, on_both};
use crate::store;
use crate::store::tests::{a_domain, a_group, a_project, a_role};
use crate::testing::House;

const OTHER: &str = "00000000000040008000000000000002";

/// Group `g` with `ann` in it, roles `a` → `b` → `c`, and grants on two domains and a project of each.
async fn plant(house: &House) {
    let mut tx = house.app.store.write().await.unwrap();
    store::domain::insert(&mut tx, &a_domain(OTHER)).await.unwrap();
    store::project::insert(&mut tx, &a_project("p", DOMAIN)).await.unwrap();
    store::project::insert(&mut tx, &a_project("q", OTHER)).await.unwrap();
    store::group::insert(&mut tx, &a_group("g", DOMAIN)).await.unwrap();
    store::group::add_member(&mut tx, "g", "ann").await.unwrap();
    for role in ["a", "b", "c"] {
        store::role::insert(&mut tx, &a_role(role)).await.unwrap();
    }
    for (prior, implied) in [("a", "b"), ("b", "c")] {
        store::implied_role::insert(&mut tx, prior, implied).await.unwrap();
    }
    let target = |kind: &str, id: &str| match kind {
        "project" => Target::Project(id.to_owned()),
        _ => Target::Domain(id.to_owned()),
    };
    for (kind, id, role, inherited) in [
        ("project", "p", "a", false),
        ("project", "q", "b", false),
        ("domain", DOMAIN, "a", true),
        ("domain", OTHER, "c", false),
    ] {
        for actor in [Actor::Group("g".into()), Actor::User("ann".into())] {
            let grant = Grant { actor, target: target(kind, id), role_id: role.into(), inherited };
            store::grant::insert(&mut tx, &grant).await.unwrap();
        }
    }
    house.app.commit(tx).await.unwrap();
}

async fn ask(house: &House, token: &str, query: &str) -> Value {
    let answer = house.ask("GET", &format!("/v3/role_assignments?{query}"), &[("x-auth-token", token)], None).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.body
}

fn items(body: &Value) -> Vec<Value> {
    body["role_assignments"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_every_size_make_up_the_whole_list() {
    on_both(&[], async |house| {
        plant(house).await;
        let admin = house.token("admin", Scope::System);
        for query in
            ["", "effective", "effective&role.id=c", "effective&user.id=ann", "effective&include_names", "user.id=ann"]
        {
            let whole = items(&ask(house, &admin, query).await);
            assert!(!whole.is_empty(), "{query}");
            for limit in 1..=whole.len() + 1 {
                let mut seen = Vec::new();
                let mut next = format!("{query}&limit={limit}");
                loop {
                    let page = ask(house, &admin, &next).await;
                    let of_page = items(&page);
                    assert!(of_page.len() <= limit, "{query} by {limit}");
                    assert_eq!(page["truncated"].as_bool().unwrap_or(false), page["links"]["next"].is_string());
                    seen.extend(of_page);
                    let Some(link) = page["links"]["next"].as_str() else { break };
                    next = link.split_once('?').unwrap().1.to_owned();
                }
                assert_eq!(seen, whole, "{query} by {limit}");
            }
        }
        let first = ask(house, &admin, "limit=1").await;
        let link = first["links"]["next"].as_str().unwrap().rsplit("marker=").next().unwrap().to_owned();
        let mut forged = Marker::decode(&link).unwrap();
        forged.shown = usize::MAX;
        let after = items(&ask(house, &admin, &format!("limit=1&marker={}", forged.encode())).await);
        assert_eq!(after.len(), 1, "a marker makes no page longer");
        let bad = house.ask("GET", "/v3/role_assignments?marker=nonsense", &[("x-auth-token", &admin)], None).await;
        assert_eq!(bad.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ks_pol_6_a_domains_reader_sees_what_is_held_in_that_domain_only() {
    on_both(&[], async |house| {
        plant(house).await;
        let reader = house.token("ann", Scope::Domain(DOMAIN.into()));
        for query in ["", "effective", "user.id=ann&effective", "role.id=b&effective"] {
            for item in items(&ask(house, &reader, query).await) {
                let scope = &item["scope"];
                assert!(scope["project"]["id"] == "p" || scope["domain"]["id"] == DOMAIN, "{query}: {item}");
            }
        }
        let other = format!("scope.domain.id={OTHER}");
        assert_eq!(ask(house, &reader, &other).await["role_assignments"], json!([]));
        let (tree, headers) =
            ("/v3/role_assignments?include_subtree&scope.project.id=q", [("x-auth-token", reader.as_str())]);
        assert_eq!(house.ask("GET", tree, &headers, None).await.status, 403);
    })
    .await;
}
