//! What is written, refused, dropped and deleted.

use super::*;

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
async fn whoever_waits_to_write_once_keeps_no_reader_from_others() {
    let mut all = fresh().await;
    let (_, store, url, _dir) = all.remove(0);
    store.close().await;
    let store = Store::open(&Options { max_connections: 1, ..options(&url) }).await.unwrap();
    let mut tx = store.write().await.unwrap();
    let read = store.read().await.unwrap();
    let (once, ()) = tokio::join!(store.write_once_over(read), async {
        // The one who writes wants to read: there is one reader only.
        let mut reader = tokio::time::timeout(Duration::from_secs(1), store.read()).await.unwrap().unwrap();
        assert_eq!(domain::get(&mut reader, "d1").await.unwrap(), None);
        domain::insert(&mut tx, &a_domain("d1")).await.unwrap();
        tx.commit(NOW).await.unwrap();
    });
    let mut once = once.unwrap();
    assert!(domain::lock(&mut once, "d1").await.unwrap());
}
