//! The databases themselves: migrations, and one that is not there.

use super::*;

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
async fn a_database_that_is_not_there_is_unavailable_and_does_not_hang() {
    let mut options = options("postgres://postgres@127.0.0.1:1/none");
    options.acquire_timeout = Duration::from_secs(1);
    let store = Store::open(&options).await.unwrap();
    assert!(matches!(store.read().await.unwrap_err(), Error::Unavailable { .. }));
}
