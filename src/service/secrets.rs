//! Secrets at rest: sealed with the master key, each bound to its row id.
//!
//! One sealed row is a canary: at start it tells whether the master key is the one that sealed this database, before
//! anything is written with another.

use super::App;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::secret::{Sealer, Secret};
use crate::store::{self, Store};

const CANARY: &str = "archstone/canary";
const PAGE: i64 = 500;

/// Seals a secret and stores it under its row id.
pub async fn put(app: &App, tx: &mut store::Conn, row_id: &str, secret: &Secret) -> Result<()> {
    let sealed = app.sealer.seal(row_id, secret.expose(), &app.random)?;
    store::sealed_secret::put(tx, row_id, &sealed, app.now()).await
}

/// Opens a stored secret.
pub async fn get(app: &App, conn: &mut store::Conn, row_id: &str) -> Result<Option<Secret>> {
    match store::sealed_secret::get(conn, row_id).await? {
        Some(sealed) => app.sealer.open(row_id, &sealed).map(Some),
        None => Ok(None),
    }
}

/// Refuses a master key that did not seal this database; seals the canary in a new one.
pub async fn check_master_key(
    store: &Store,
    sealer: &Sealer,
    random: &crate::clock::Random,
    now: Timestamp,
) -> Result<()> {
    let stored = store::sealed_secret::get(&mut store.read().await?, CANARY).await?;
    if let Some(sealed) = stored {
        return sealer.open(CANARY, &sealed).map(drop).map_err(|e| {
            Error::invalid_field(
                "secrets.key_file",
                format!("this master key did not seal the database's secrets: {e}"),
            )
        });
    }
    let sealed = sealer.seal(CANARY, b"archstone", random)?;
    let mut tx = store.write().await?;
    store::sealed_secret::put(&mut tx, CANARY, &sealed, now).await?;
    tx.commit(now).await.map(drop)
}

/// Seals again with the primary key whatever an older key sealed; how many rows that were. Safe to run again, and while
/// the service runs.
pub async fn reseal(store: &Store, sealer: &Sealer, random: &crate::clock::Random, now: Timestamp) -> Result<u64> {
    let mut after = String::new();
    let mut count = 0;
    loop {
        let mut tx = store.write().await?;
        let rows = store::sealed_secret::list(&mut tx, &after, PAGE).await?;
        let Some((last, _)) = rows.last() else { return Ok(count) };
        after.clone_from(last);
        for (id, sealed) in rows {
            if sealer.needs_reseal(&sealed) {
                let secret = sealer.open(&id, &sealed)?;
                store::sealed_secret::reseal(&mut tx, &id, &sealed, &sealer.seal(&id, secret.expose(), random)?)
                    .await?;
                count += 1;
            }
        }
        tx.commit(now).await?;
    }
}

/// How many stored secrets are sealed with another than the primary key.
pub async fn count_old(store: &Store, sealer: &Sealer) -> Result<u64> {
    let mut conn = store.read().await?;
    let mut after = String::new();
    let mut count = 0;
    loop {
        let rows = store::sealed_secret::list(&mut conn, &after, PAGE).await?;
        let Some((last, _)) = rows.last() else { return Ok(count) };
        after.clone_from(last);
        count += rows.iter().filter(|(_, sealed)| sealer.needs_reseal(sealed)).count() as u64;
    }
}
