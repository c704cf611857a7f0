//! The master key is exchanged while there are sealed secrets.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_rest_2_another_master_key_is_refused_and_resealing_moves_to_the_new_one() {
    use crate::secret::{Sealer, Secret};
    use crate::service::secrets;
    on_both(&[], async |house| {
        let (app, now) = (&house.app, house.app.now());
        let mut tx = app.store.write().await.unwrap();
        secrets::put(app, &mut tx, "row/1", &Secret::new("hush")).await.unwrap();
        app.commit(tx).await.unwrap();
        let file = app.config.resolve("master.key");
        Sealer::rotate(&file, &app.random).unwrap();
        let both = Sealer::from_file(&file).unwrap();
        secrets::check_master_key(&app.store, &both, &app.random, now).await.unwrap();
        assert_eq!(secrets::count_old(&app.store, &both, now).await.unwrap(), 2);
        assert_eq!(secrets::reseal(&app.store, &both, &app.random, now).await.unwrap(), 2);
        assert_eq!(secrets::reseal(&app.store, &both, &app.random, now).await.unwrap(), 0);
        assert_eq!(Sealer::prune(&file).unwrap().len(), 1);
        let new = Sealer::from_file(&file).unwrap();
        secrets::check_master_key(&app.store, &new, &app.random, now).await.unwrap();
        let sealed = store::sealed_secret::get(&mut app.store.read().await.unwrap(), "row/1").await.unwrap().unwrap();
        assert_eq!(new.open("row/1", &sealed).unwrap(), Secret::new("hush"));
        let error = secrets::check_master_key(&app.store, &app.sealer, &app.random, now).await.unwrap_err().to_string();
        assert!(error.contains("secrets.key_file"), "{error}");
        assert!(secrets::get(app, &mut app.store.read().await.unwrap(), "row/1").await.is_err(), "the old key alone");
    })
    .await;
}
