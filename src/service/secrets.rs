//! Secrets at rest: sealed with the master key, each bound to its row id.
//!
//! One sealed row is a canary: at start it tells whether the master key is the one that sealed this database, before
//! anything is written with another.

use super::App;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::session;
use crate::secret::{Sealer, Secret};
use crate::store::{self, Conn, Store};

const CANARY: &str = "archstone/canary";
const PAGE: i64 = 500;

/// Seals a secret and stores it under its row id.
pub async fn put(app: &App, tx: &mut Conn, row_id: &str, secret: &Secret) -> Result<()> {
    let sealed = app.sealer.seal(row_id, secret.expose(), &app.random)?;
    store::sealed_secret::put(tx, row_id, &sealed, app.now()).await
}

/// Opens a stored secret.
pub async fn get(app: &App, conn: &mut Conn, row_id: &str) -> Result<Option<Secret>> {
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

/// Where secrets lie that stay for long. What is sealed for minutes only (sign-ins, ways back from a log-out) is not sealed
/// anew: whoever takes an older key away waits so long.
#[derive(Debug, Clone, Copy)]
enum Place {
    Secrets,
    Sessions,
}

impl Place {
    const ALL: [Self; 2] = [Self::Secrets, Self::Sessions];

    /// Some of them after an id: id of the row and what lies there.
    async fn list(self, conn: &mut Conn, now: Timestamp, after: &str) -> Result<Vec<(String, String)>> {
        match self {
            Self::Secrets => store::sealed_secret::list(conn, after, PAGE).await,
            Self::Sessions => store::session::list_sealed(conn, now, after, PAGE).await,
        }
    }

    /// What the secret of a row is bound to.
    fn name(self, id: &str) -> String {
        match self {
            Self::Secrets => id.to_owned(),
            Self::Sessions => session::secret_id(id),
        }
    }

    async fn put(self, tx: &mut Conn, id: &str, old: &str, new: &str) -> Result<()> {
        match self {
            Self::Secrets => store::sealed_secret::reseal(tx, id, old, new).await,
            Self::Sessions => store::session::reseal(tx, id, old, new).await,
        }
    }
}

/// Seals again with the primary key whatever an older key sealed; how many rows that were. Safe to run again, and while
/// the service runs.
pub async fn reseal(store: &Store, sealer: &Sealer, random: &crate::clock::Random, now: Timestamp) -> Result<u64> {
    let mut count = 0;
    for place in Place::ALL {
        let mut after = String::new();
        loop {
            let mut tx = store.write().await?;
            let rows = place.list(&mut tx, now, &after).await?;
            let Some((last, _)) = rows.last() else { break };
            after.clone_from(last);
            for (id, sealed) in rows {
                if sealer.needs_reseal(&sealed) {
                    let name = place.name(&id);
                    let secret = sealer.open(&name, &sealed)?;
                    place.put(&mut tx, &id, &sealed, &sealer.seal(&name, secret.expose(), random)?).await?;
                    count += 1;
                }
            }
            tx.commit(now).await?;
        }
    }
    Ok(count)
}

/// How many stored secrets are sealed with another than the primary key.
pub async fn count_old(store: &Store, sealer: &Sealer, now: Timestamp) -> Result<u64> {
    let mut conn = store.read().await?;
    let mut count = 0;
    for place in Place::ALL {
        let mut after = String::new();
        loop {
            let rows = place.list(&mut conn, now, &after).await?;
            let Some((last, _)) = rows.last() else { break };
            after.clone_from(last);
            count += rows.iter().filter(|(_, sealed)| sealer.needs_reseal(sealed)).count() as u64;
        }
    }
    Ok(count)
}
