//! What belongs to a user: roles, passwords, federated links and when it was last active.

use super::*;

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
        assert_eq!(federated_link::owner(&mut tx, "i1", "x", None).await.unwrap().as_deref(), Some("u"));
        assert_eq!(federated_link::owner(&mut tx, "i2", "x", None).await.unwrap(), None);
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
        assert_eq!(federated_link::owner(&mut tx, "i2", "y", None).await.unwrap(), None);
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
