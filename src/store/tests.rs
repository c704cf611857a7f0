//! Every store function on both databases, each time a fresh one.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::*;
use crate::clock::Random;
use crate::model::audit_event::AuditEvent;
use crate::model::domain::Domain;
use crate::model::federated_link::FederatedLink;
use crate::model::fields::Extra;
use crate::model::grant::{Grant, Target};
use crate::model::group::Group;
use crate::model::holder::Holder;
use crate::model::identity_provider::{IdentityProvider, SsoType};
use crate::model::list::{Condition, Operand, Operator, Query};
use crate::model::project::Project;
use crate::model::revocation::RevocationEvent;
use crate::model::role::Role;
use crate::model::user::User;

pub mod catalog;
pub mod connections;
pub mod federation;
pub mod jobs;

/// A fresh, migrated database of each kind, with its URL.
pub async fn fresh() -> Vec<(&'static str, Store, String, Option<tempfile::TempDir>)> {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}/test.db", dir.path().display());
    let postgres = fresh_postgres().await;
    let mut all = Vec::new();
    for (name, url, dir) in [("SQLite", sqlite, Some(dir)), ("PostgreSQL", postgres, None)] {
        let store = Store::open(&options(&url)).await.unwrap();
        store.migrate().await.unwrap();
        all.push((name, store, url, dir));
    }
    all
}

/// How tests reach a database.
pub fn options(url: &str) -> Options {
    Options {
        url: url.to_owned(),
        max_connections: 4,
        acquire_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(5),
    }
}

async fn fresh_postgres() -> String {
    let base = std::env::var("ARCHSTONE_TEST_POSTGRES").expect(
        "ARCHSTONE_TEST_POSTGRES must name a PostgreSQL database: run the tests with `python3 compat-tests/postgres.py cargo nextest run`",
    );
    let name = format!("t{}", Random::system().hex_id());
    let mut admin = PgConnection::connect(&base).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    let (server, _) = base.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

const NOW: Timestamp = Timestamp(1_000_000_000);

/// Runs a test on a fresh database of each kind.
pub async fn on_both(test: impl AsyncFn(&Store)) {
    for (name, store, _, _dir) in fresh().await {
        eprintln!("on {name}");
        test(&store).await;
        store.close().await;
    }
}

pub fn a_domain(id: &str) -> Domain {
    Domain {
        id: id.into(),
        name: format!("name of {id}"),
        enabled: true,
        description: "d".into(),
        tags: BTreeSet::new(),
        extra: Extra::new(),
        options: Extra::new(),
    }
}

pub fn a_user(id: &str, domain: &str) -> User {
    User {
        id: id.into(),
        domain_id: domain.into(),
        name: format!("name of {id}"),
        enabled: true,
        default_project_id: None,
        extra: Extra::new(),
        options: Extra::new(),
        password_expires_at: None,
    }
}

pub fn a_role(id: &str) -> Role {
    Role {
        id: id.into(),
        name: id.into(),
        domain_id: None,
        description: None,
        extra: Extra::new(),
        options: Extra::new(),
    }
}

pub fn a_project(id: &str, domain: &str) -> Project {
    Project {
        id: id.into(),
        name: format!("name of {id}"),
        domain_id: Some(domain.into()),
        parent_id: Some(domain.into()),
        enabled: true,
        description: String::new(),
        tags: BTreeSet::new(),
        extra: Extra::new(),
        options: Extra::new(),
    }
}

pub fn a_group(id: &str, domain: &str) -> Group {
    Group {
        id: id.into(),
        domain_id: domain.into(),
        name: format!("name of {id}"),
        description: None,
        extra: Extra::new(),
    }
}

pub fn an_idp(id: &str, domain: &str, remote_ids: &[&str]) -> IdentityProvider {
    IdentityProvider {
        id: id.into(),
        domain_id: domain.into(),
        auto_domain: false,
        owned: false,
        enabled: true,
        description: None,
        authorization_ttl: Some(5),
        sso_type: SsoType::VirtualUser,
        remote_ids: remote_ids.iter().map(|r| (*r).to_owned()).collect(),
    }
}

#[tokio::test]
async fn rel_mig_1_migrations_run_from_empty_and_a_second_time_change_nothing() {
    on_both(async |store| {
        assert!(store.migrations().await.unwrap().iter().all(|m| m.applied));
        store.migrate().await.unwrap();
        assert!(store.migrations().await.unwrap().iter().all(|m| m.applied));
    })
    .await;
}

#[tokio::test]
async fn what_is_written_comes_back_as_it_was() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        let mut domain = a_domain("d1");
        domain.extra.insert("colour".into(), "rød".into());
        domain.options.insert("immutable".into(), true.into());
        domain::insert(&mut tx, &domain).await.unwrap();
        let mut user = a_user("u1", "d1");
        user.extra.insert("email".into(), "a@b".into());
        user.default_project_id = Some("p1".into());
        super::user::insert(&mut tx, &user, NOW).await.unwrap();
        project::insert(&mut tx, &a_project("p1", "d1")).await.unwrap();
        role::insert(&mut tx, &a_role("r1")).await.unwrap();
        let idp = an_idp("i1", "d1", &["b", "a"]);
        identity_provider::insert(&mut tx, &idp).await.unwrap();
        tx.commit(NOW).await.unwrap();

        let conn = &mut store.read().await.unwrap();
        assert_eq!(domain::get(conn, "d1").await.unwrap(), Some(domain.clone()));
        assert_eq!(domain::get_by_name(conn, "name of d1").await.unwrap(), Some(domain));
        assert_eq!(domain::get(conn, "p1").await.unwrap(), None, "a project is no domain");
        let found = super::user::get(conn, "u1").await.unwrap().unwrap();
        assert_eq!((found.user, found.domain_name.as_str(), found.domain_enabled), (user, "name of d1", true));
        assert_eq!(project::get(conn, "p1").await.unwrap().unwrap().project, a_project("p1", "d1"));
        assert!(project::get(conn, "d1").await.unwrap().unwrap().project.is_domain(), "a domain seen as a project");
        assert_eq!(role::get_global(conn, "r1").await.unwrap(), Some(a_role("r1")));
        assert_eq!(identity_provider::get(conn, "i1").await.unwrap(), Some(idp));
    })
    .await;
}

#[tokio::test]
async fn a_taken_name_or_id_is_a_conflict_and_leaves_nothing() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d1")).await.unwrap();
        super::user::insert(&mut tx, &a_user("u1", "d1"), NOW).await.unwrap();
        role::insert(&mut tx, &a_role("r1")).await.unwrap();
        identity_provider::insert(&mut tx, &an_idp("i1", "d1", &["x"])).await.unwrap();
        tx.commit(NOW).await.unwrap();

        let conflict = |e: Error| assert!(matches!(e, Error::Conflict { .. }), "{e:?}");
        let mut same_name = a_domain("d2");
        same_name.name = "name of d1".into();
        conflict(domain::insert(&mut store.write().await.unwrap(), &same_name).await.unwrap_err());
        let mut same_name = a_user("u2", "d1");
        same_name.name = "name of u1".into();
        conflict(super::user::insert(&mut store.write().await.unwrap(), &same_name, NOW).await.unwrap_err());
        let mut same_name = a_role("r2");
        same_name.name = "r1".into();
        conflict(role::insert(&mut store.write().await.unwrap(), &same_name).await.unwrap_err());
        let mut tx = store.write().await.unwrap();
        conflict(identity_provider::insert(&mut tx, &an_idp("i2", "d1", &["y", "x"])).await.unwrap_err());
        drop(tx);
        let conn = &mut store.read().await.unwrap();
        assert_eq!(identity_provider::get(conn, "i2").await.unwrap(), None);
        assert_eq!(identity_provider::owner_of_remote_id(conn, "y").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d1")).await.unwrap();
        drop(tx);
        assert_eq!(domain::get(&mut store.read().await.unwrap(), "d1").await.unwrap(), None);
        // And the next writer is not held up by it.
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d1")).await.unwrap();
        tx.commit(NOW).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn comparators_mean_the_same_on_both_databases() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        for name in ["Alpha", "alphabet", "BETA", "100%", "a_b", "axb"] {
            let mut d = a_domain(&format!("id-{name}"));
            d.name = name.into();
            domain::insert(&mut tx, &d).await.unwrap();
        }
        tx.commit(NOW).await.unwrap();
        let find = async |operator, text: &str| {
            let condition = Condition { column: "name", operator, operand: Operand::Text(text.into()) };
            let query = Query { conditions: vec![condition], limit: 100, marker: None };
            let rows = domain::list(&mut store.read().await.unwrap(), &query).await.unwrap();
            let mut names: Vec<String> = rows.into_iter().map(|d| d.name).collect();
            names.sort();
            names.join(" ")
        };
        assert_eq!(find(Operator::Equals, "Alpha").await, "Alpha");
        assert_eq!(find(Operator::IEquals, "alpha").await, "Alpha");
        assert_eq!(find(Operator::Contains, "lph").await, "Alpha alphabet");
        assert_eq!(find(Operator::Contains, "A").await, "Alpha BETA");
        assert_eq!(find(Operator::IContains, "ET").await, "BETA alphabet");
        assert_eq!(find(Operator::StartsWith, "alpha").await, "alphabet");
        assert_eq!(find(Operator::IStartsWith, "alpha").await, "Alpha alphabet");
        assert_eq!(find(Operator::EndsWith, "a").await, "Alpha");
        assert_eq!(find(Operator::IEndsWith, "TA").await, "BETA");
        assert_eq!(find(Operator::EndsWith, "a very long text that is longer than any name").await, "");
        assert_eq!(find(Operator::Contains, "%").await, "100%", "no wildcard");
        assert_eq!(find(Operator::Contains, "a_b").await, "a_b", "no wildcard");
    })
    .await;
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_overlap() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        for i in 0..7 {
            identity_provider::insert(&mut tx, &an_idp(&format!("i{i}"), "d", &[&format!("r{i}")])).await.unwrap();
        }
        tx.commit(NOW).await.unwrap();
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let query = Query { conditions: vec![], limit: 3, marker };
            let rows = identity_provider::list(&mut store.read().await.unwrap(), &query).await.unwrap();
            let page = crate::model::list::Page::cut(rows, 3);
            for idp in &page.items {
                assert_eq!(idp.remote_ids.iter().collect::<Vec<_>>(), [&format!("r{}", &idp.id[1..])]);
            }
            seen.extend(page.items.iter().map(|i| i.id.clone()));
            marker = page.items.last().map(|i| i.id.clone());
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, ["i0", "i1", "i2", "i3", "i4", "i5", "i6"]);
    })
    .await;
}

#[tokio::test]
async fn effective_roles_follow_implications_even_in_a_circle() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        super::user::insert(&mut tx, &a_user("u", "d"), NOW).await.unwrap();
        for r in ["a", "b", "c", "other"] {
            role::insert(&mut tx, &a_role(r)).await.unwrap();
        }
        for (prior, implied) in [("a", "b"), ("b", "c"), ("c", "a")] {
            implied_role::insert(&mut tx, prior, implied).await.unwrap();
        }
        let grant = Grant::of_user("u", Target::Domain("d".into()), "b");
        grant::insert(&mut tx, &grant).await.unwrap();
        grant::insert(&mut tx, &grant).await.unwrap();
        tx.commit(NOW).await.unwrap();
        let conn = &mut store.read().await.unwrap();
        let names: Vec<String> = grant::effective_roles(conn, &Holder::new("u", NOW), &grant.target)
            .await
            .unwrap()
            .into_iter()
            .map(|r| r.name)
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(grant::list_roles(conn, &grant.actor, &grant.target, false).await.unwrap().len(), 1);
        assert!(grant::effective_roles(conn, &Holder::new("u", NOW), &Target::System).await.unwrap().is_empty());
        let mut tx = store.write().await.unwrap();
        assert!(grant::delete(&mut tx, &grant).await.unwrap());
        assert!(!grant::delete(&mut tx, &grant).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn deleting_a_domain_takes_everything_in_it_and_nothing_else() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        role::insert(&mut tx, &a_role("r")).await.unwrap();
        for d in ["gone", "stays"] {
            domain::insert(&mut tx, &a_domain(d)).await.unwrap();
            let user = a_user(&format!("u-{d}"), d);
            super::user::insert(&mut tx, &user, NOW).await.unwrap();
            password::insert(&mut tx, &format!("w-{d}"), &user.id, "hash", NOW, None).await.unwrap();
            project::insert(&mut tx, &a_project(&format!("p-{d}"), d)).await.unwrap();
            let mut child = a_project(&format!("pc-{d}"), d);
            child.parent_id = Some(format!("p-{d}"));
            project::insert(&mut tx, &child).await.unwrap();
            identity_provider::insert(&mut tx, &an_idp(&format!("i-{d}"), d, &[d])).await.unwrap();
            let mut own = a_role(&format!("r-{d}"));
            own.domain_id = Some(d.into());
            role::insert(&mut tx, &own).await.unwrap();
            for target in [Target::Domain(d.into()), Target::Project(format!("p-{d}"))] {
                grant::insert(&mut tx, &Grant::of_user(&user.id, target, "r")).await.unwrap();
            }
        }
        tx.commit(NOW).await.unwrap();
        assert!(!domain::is_empty(&mut store.read().await.unwrap(), "gone").await.unwrap());
        let mut tx = store.write().await.unwrap();
        domain::delete(&mut tx, "gone").await.unwrap();
        tx.commit(NOW).await.unwrap();
        let conn = &mut store.read().await.unwrap();
        for (d, there) in [("gone", false), ("stays", true)] {
            assert_eq!(domain::get(conn, d).await.unwrap().is_some(), there);
            assert_eq!(super::user::get(conn, &format!("u-{d}")).await.unwrap().is_some(), there);
            assert_eq!(project::get(conn, &format!("pc-{d}")).await.unwrap().is_some(), there);
            assert_eq!(identity_provider::get(conn, &format!("i-{d}")).await.unwrap().is_some(), there);
            assert_eq!(role::get(conn, &format!("r-{d}")).await.unwrap().is_some(), there);
            let on = Target::Domain(d.into());
            assert_eq!(
                grant::effective_roles(conn, &Holder::new(&format!("u-{d}"), NOW), &on).await.unwrap().is_empty(),
                !there
            );
        }
    })
    .await;
}

#[tokio::test]
async fn changes_are_read_in_order_and_once() {
    on_both(async |store| {
        let start = change::latest(&mut store.read().await.unwrap()).await.unwrap();
        let mut tx = store.write().await.unwrap();
        tx.note(Change::User("u".into()));
        tx.note(Change::User("u".into()));
        let mut event = RevocationEvent::new("e".into(), NOW);
        event.audit_id = Some("a".into());
        revocation::insert(&mut tx, &event).await.unwrap();
        let noted = tx.commit(NOW).await.unwrap();
        assert_eq!(noted.len(), 2);
        let mut tx = store.write().await.unwrap();
        tx.note(Change::All);
        drop(tx);
        let conn = &mut store.read().await.unwrap();
        assert_eq!(change::latest(conn).await.unwrap(), start + 2);
        let read: Vec<_> = change::after(conn, start).await.unwrap();
        assert_eq!(
            read,
            vec![(start + 1, Change::User("u".into())), (start + 2, Change::Revocation(Box::new(event.clone())))]
        );
        assert_eq!(revocation::list(conn, Timestamp(0), None, 10).await.unwrap(), vec![event.clone()]);
        assert_eq!(revocation::list(conn, Timestamp(0), Some((event.revoked_at, "e")), 10).await.unwrap(), vec![]);
        let mut tx = store.write().await.unwrap();
        assert_eq!(change::prune(&mut tx, NOW.plus_secs(1)).await.unwrap(), 2);
        assert_eq!(revocation::prune(&mut tx, NOW.plus_secs(1)).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn another_node_hears_of_a_change_on_postgresql() {
    let mut all = fresh().await;
    let (_, store, url, _) = all.remove(1);
    let other = Store::open(&options(&url)).await.unwrap();
    let mut listener = other.listen().await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.note(Change::All);
    tx.commit(NOW).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), listener.changed()).await.expect("no notification").unwrap();
}

#[tokio::test]
async fn the_newest_password_counts_and_failures_are_counted() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        super::user::insert(&mut tx, &a_user("u", "d"), NOW).await.unwrap();
        password::insert(&mut tx, "w1", "u", "old", NOW, None).await.unwrap();
        password::insert(&mut tx, "w0", "u", "new", NOW.plus_secs(-60), Some(NOW.plus_secs(9))).await.unwrap();
        super::user::record_failure(&mut tx, "u", false, NOW).await.unwrap();
        super::user::record_failure(&mut tx, "u", false, NOW).await.unwrap();
        tx.commit(NOW).await.unwrap();
        let state = super::user::login_state(&mut store.read().await.unwrap(), "u").await.unwrap().unwrap();
        assert_eq!(
            (state.hash.as_deref(), state.failed_count, state.expires_at),
            (Some("new"), 2, Some(NOW.plus_secs(9)))
        );
        let mut tx = store.write().await.unwrap();
        super::user::record_failure(&mut tx, "u", true, NOW).await.unwrap();
        assert_eq!(super::user::login_state(&mut tx, "u").await.unwrap().unwrap().failed_count, 1);
        super::user::clear_failures(&mut tx, "u").await.unwrap();
        password::rehash(&mut tx, "u", "new", "newer").await.unwrap();
        let state = super::user::login_state(&mut tx, "u").await.unwrap().unwrap();
        assert_eq!((state.hash.as_deref(), state.failed_count), (Some("newer"), 0));
        assert!(super::user::login_state(&mut tx, "nobody").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn of_old_passwords_the_last_ones_are_kept() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        for user in ["u", "other"] {
            super::user::insert(&mut tx, &a_user(user, "d"), NOW).await.unwrap();
            for hash in ["1", "2", "3", "4"] {
                password::insert(&mut tx, &format!("{user}{hash}"), user, hash, NOW, None).await.unwrap();
            }
        }
        password::insert_own(&mut tx, "u5", "u", "5", NOW, Some(NOW.plus_secs(7))).await.unwrap();
        assert_eq!(password::recent(&mut tx, "u", 2).await.unwrap(), ["5", "4"]);
        assert_eq!(password::prune(&mut tx, "u", 3).await.unwrap(), 2);
        assert_eq!(password::recent(&mut tx, "u", 9).await.unwrap(), ["5", "4", "3"]);
        assert_eq!(password::recent(&mut tx, "other", 9).await.unwrap().len(), 4);
        let state = super::user::login_state(&mut tx, "u").await.unwrap().unwrap();
        assert_eq!((state.self_service, state.set_at), (true, Some(Timestamp(NOW.0 + 4))));
        assert!(!super::user::login_state(&mut tx, "other").await.unwrap().unwrap().self_service);
        let found = super::user::get(&mut tx, "u").await.unwrap().unwrap();
        assert_eq!(found.user.password_expires_at, Some(NOW.plus_secs(7)), "the current one's");
        password::delete_all(&mut tx, "u").await.unwrap();
        assert_eq!(super::user::get(&mut tx, "u").await.unwrap().unwrap().user.password_expires_at, None);
    })
    .await;
}

#[tokio::test]
async fn federated_links_are_replaced_as_a_whole_and_go_with_the_user_or_the_identity_provider() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        for id in ["i1", "i2"] {
            identity_provider::insert(&mut tx, &an_idp(id, "d", &[])).await.unwrap();
        }
        for user in ["u", "other"] {
            super::user::insert(&mut tx, &a_user(user, "d"), NOW).await.unwrap();
        }
        let link = |idp: &str, protocol: &str, unique: &str| FederatedLink {
            idp_id: idp.into(),
            protocol_id: protocol.into(),
            unique_id: unique.into(),
        };
        federated_link::replace(&mut tx, "other", &[link("i1", "p", "o")]).await.unwrap();
        federated_link::replace(&mut tx, "u", &[link("i1", "p", "gone")]).await.unwrap();
        let links = [link("i1", "p", "x"), link("i1", "q", "x"), link("i2", "p", "y")];
        federated_link::replace(&mut tx, "u", &links).await.unwrap();
        assert_eq!(federated_link::list_of_user(&mut tx, "u").await.unwrap(), links);
        assert_eq!(federated_link::owner(&mut tx, "i1", "x").await.unwrap().as_deref(), Some("u"));
        assert_eq!(federated_link::owner(&mut tx, "i2", "x").await.unwrap(), None);
        let found = async |tx: &mut Conn, conditions: Vec<Condition>| {
            let query = Query { conditions, ..Query::all(9) };
            let users = super::user::list(tx, &query).await.unwrap();
            users.into_iter().map(|i| i.user.id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found(&mut tx, vec![Condition::equals("f.idp_id", "i1")]).await, "other u");
        let of_one = vec![Condition::equals("f.idp_id", "i2"), Condition::equals("f.unique_id", "x")];
        assert_eq!(found(&mut tx, of_one).await, "", "both of one link");
        assert!(identity_provider::delete(&mut tx, "i1").await.unwrap());
        assert_eq!(federated_link::list_of_user(&mut tx, "u").await.unwrap(), links[2..]);
        assert!(super::user::delete(&mut tx, "u").await.unwrap());
        assert_eq!(federated_link::owner(&mut tx, "i2", "y").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn numbers_are_compared_the_same_on_both_databases() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        for (user, ends) in [("a", Some(1)), ("b", Some(2)), ("c", Some(3)), ("d", None)] {
            super::user::insert(&mut tx, &a_user(user, "d"), NOW).await.unwrap();
            password::insert(&mut tx, user, user, "h", NOW, ends.map(Timestamp)).await.unwrap();
        }
        for (operator, expected) in [
            (Operator::Equals, "b"),
            (Operator::NotEquals, "a c"),
            (Operator::Less, "a"),
            (Operator::AtMost, "a b"),
            (Operator::More, "c"),
            (Operator::AtLeast, "b c"),
        ] {
            let condition = Condition { column: "w.expires_at", operator, operand: Operand::Int(2) };
            let query = Query { conditions: vec![condition], ..Query::all(9) };
            let found = super::user::list(&mut tx, &query).await.unwrap();
            assert_eq!(found.into_iter().map(|i| i.user.id).collect::<Vec<_>>().join(" "), expected, "{operator:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_was_active_when_made_or_when_last_seen() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        super::user::insert(&mut tx, &a_user("u", "d"), NOW).await.unwrap();
        assert_eq!(super::user::get(&mut tx, "u").await.unwrap().unwrap().active_at, NOW);
        super::user::mark_active(&mut tx, "u", NOW.plus_secs(5)).await.unwrap();
        assert_eq!(super::user::get(&mut tx, "u").await.unwrap().unwrap().active_at, NOW.plus_secs(5));
    })
    .await;
}

#[tokio::test]
async fn audit_events_are_filtered_paged_and_pruned() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        for i in 0..5i64 {
            let event = AuditEvent {
                id: format!("e{i}"),
                at: NOW.plus_secs(i),
                request_id: format!("req-{i}"),
                action: if i % 2 == 0 { "auth.login".into() } else { "user.create".into() },
                outcome: "success".into(),
                reason: None,
                user_id: Some("u".into()),
                user_name: None,
                scope_kind: None,
                scope_id: None,
                domain_id: None,
                target_kind: None,
                target_id: None,
                remote: None,
                detail: String::new(),
            };
            audit_event::insert(&mut tx, &event).await.unwrap();
        }
        tx.commit(NOW).await.unwrap();
        let ids = async |query: Query, since, until| {
            let rows = audit_event::list(&mut store.read().await.unwrap(), &query, since, until).await.unwrap();
            rows.into_iter().map(|e| e.id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ids(Query::all(10), None, None).await, "e4 e3 e2 e1 e0");
        assert_eq!(ids(Query { marker: Some("e3".into()), ..Query::all(1) }, None, None).await, "e2 e1");
        let logins = Query { conditions: vec![Condition::equals("action", "auth.login")], ..Query::all(10) };
        assert_eq!(ids(logins, None, None).await, "e4 e2 e0");
        assert_eq!(ids(Query::all(10), Some(NOW.plus_secs(1)), Some(NOW.plus_secs(3))).await, "e2 e1");
        let mut tx = store.write().await.unwrap();
        assert_eq!(audit_event::prune(&mut tx, NOW.plus_secs(2)).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn sealed_secrets_are_put_over_one_another_and_paged() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        sealed_secret::put(&mut tx, "a", "1", NOW).await.unwrap();
        sealed_secret::put(&mut tx, "a", "2", NOW).await.unwrap();
        sealed_secret::put(&mut tx, "b", "3", NOW).await.unwrap();
        assert_eq!(sealed_secret::get(&mut tx, "a").await.unwrap().as_deref(), Some("2"));
        assert_eq!(sealed_secret::list(&mut tx, "a", 10).await.unwrap(), vec![("b".to_owned(), "3".to_owned())]);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable_and_does_not_hang() {
    let mut options = options("postgres://postgres@127.0.0.1:1/none");
    options.acquire_timeout = Duration::from_secs(1);
    let store = Store::open(&options).await.unwrap();
    assert!(matches!(store.read().await.unwrap_err(), Error::Unavailable { .. }));
}
