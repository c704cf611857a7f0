//! What nodes hear of one another: changes in their order, and revocations among them.

use super::*;
use crate::model::revocation::RevocationEvent;

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
