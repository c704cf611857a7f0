//! Keeping this node's memory true: other nodes' changes, keys and policy files that changed, and housekeeping.
//!
//! The change feed is read on every notification and at least every [`POLL`]. While it cannot be read, memory does not
//! count as current, and every request first asks the database what changed (or fails with 503).

use std::sync::Arc;
use std::time::Duration;

use ::metrics::Gauge;
use tokio::sync::{Mutex, Notify, watch};

use super::App;
use crate::cache::Memory;
use crate::clock::{Stopwatch, Timestamp};
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::model::change::Change;
use crate::model::revocation::RevocationEvent;
use crate::store;

/// How often the feed is read without having been told to.
const POLL: Duration = Duration::from_millis(250);
/// How long one reading of the feed may take before memory no longer counts as current.
const PATIENCE: Duration = Duration::from_millis(600);
/// How often files (keys, policy) are looked at.
const FILES: Duration = Duration::from_millis(500);
/// How often what has run out is deleted.
const HOUSEKEEPING: Duration = Duration::from_secs(600);
/// How long changes are kept for nodes that slept.
const KEEP_CHANGES_SECS: i64 = 3_600;
/// How long jobs that have ended are kept for people to look at.
const KEEP_JOBS_SECS: i64 = 7 * 86_400;
/// How long the steps of sign-ins are kept, in seconds.
const KEEP_STEPS_SECS: i64 = 7 * 86_400;
/// How long sessions are kept that have ended, in seconds.
const KEEP_SESSIONS_SECS: i64 = 30 * 86_400;
/// Rows of revocation events read at once.
const PAGE: i64 = 5_000;

/// Where the change feed has been read to.
#[derive(Debug)]
pub struct Feed {
    /// Number of the last change taken in; `None` before the first reading.
    seen: Mutex<Option<i64>>,
    /// Told whenever a reading has come to its end.
    read: Notify,
    /// Told when another node says that something changed.
    heard: Notify,
    /// When the keys were last read because of a token that none of them made.
    keys_read: std::sync::Mutex<Option<Stopwatch>>,
    /// True once the service stops.
    stop: watch::Sender<bool>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            seen: Mutex::new(None),
            read: Notify::new(),
            heard: Notify::new(),
            keys_read: std::sync::Mutex::new(None),
            stop: watch::Sender::new(false),
        }
    }
}

impl Feed {
    /// Waits a moment for memory to become current; 503 if it does not. The reading itself is the follower's: it is never
    /// given up half way, however many requests give up waiting for it.
    pub async fn current(&self, memory: &Memory) -> Result<()> {
        let waiting = async {
            loop {
                let read = self.read.notified();
                if memory.is_current() {
                    return;
                }
                read.await;
            }
        };
        tokio::time::timeout(2 * PATIENCE, waiting)
            .await
            .map_err(|_| Error::unavailable("the change feed cannot be read"))
    }

    /// Ends all that [`run`] does.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns when the service stops.
    pub async fn stopped(&self) {
        let _ = self.stop.subscribe().wait_for(|s| *s).await;
    }

    /// Waits for `time`, or returns true at once when the service stops.
    async fn stopped_within(&self, time: Duration) -> bool {
        let mut stop = self.stop.subscribe();
        tokio::time::timeout(time, stop.wait_for(|s| *s)).await.is_ok()
    }
}

/// Takes in what changed since the last reading; afterwards memory is as true as the database.
pub async fn catch_up(app: &App) -> Result<()> {
    let mut seen = app.feed.seen.lock().await;
    let mut conn = app.store.read().await?;
    let latest = store::change::latest(&mut conn).await?;
    let mut at = match *seen {
        // A smaller number than before: the database was replaced by an older copy.
        Some(at) if at <= latest => at,
        _ => {
            restart(app, &mut conn).await?;
            *seen = Some(latest);
            return Ok(());
        }
    };
    while at < latest {
        let batch = store::change::after(&mut conn, at).await?;
        match batch.first() {
            Some((first, _)) if *first == at + 1 => {}
            // Rows that we have not seen are gone already: begin again.
            _ => {
                restart(app, &mut conn).await?;
                at = latest;
                break;
            }
        }
        at += i64::try_from(batch.len()).unwrap_or(0);
        if batch.last().is_none_or(|(last, _)| *last != at) {
            // A gap inside: the same.
            restart(app, &mut conn).await?;
            at = latest;
        }
        let changes: Vec<Change> = batch.into_iter().map(|(_, change)| change).collect();
        app.memory.apply(&changes);
        *seen = Some(at);
    }
    *seen = Some(at);
    Ok(())
}

/// Forgets what was remembered and takes in all revocations that still matter.
async fn restart(app: &App, conn: &mut store::Conn) -> Result<()> {
    let since = app.oldest_revocation();
    let mut all: Vec<RevocationEvent> = Vec::new();
    loop {
        let after = all.last().map(|e| (e.revoked_at, e.id.clone()));
        let page =
            store::revocation::list(conn, since, after.as_ref().map(|(at, id)| (*at, id.as_str())), PAGE).await?;
        let done = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        all.extend(page);
        if done {
            break;
        }
    }
    app.memory.restart(all);
    Ok(())
}

/// Reads the token keys again because of a token that none of them made: a node that has just rotated may be ahead of us.
/// At most every quarter of a second, however many such tokens come. True if the keys changed.
pub async fn reload_keys(app: &App) -> Result<bool> {
    {
        let mut last = app.feed.keys_read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.as_ref().is_some_and(|w| w.elapsed() < POLL) {
            return Ok(false);
        }
        *last = Some(Stopwatch::start());
    }
    // A handful of small files, at most four times a second.
    let changed = tokio::task::block_in_place(|| app.keys.reload_if_changed())?;
    if changed {
        app.tokens.forget_all();
    }
    Ok(changed)
}

/// Runs until the service stops.
pub async fn run(app: Arc<App>) {
    tokio::join!(follow(&app), hear(&app), watch_files(&app), keep_house(&app));
}

/// Follows the change feed.
async fn follow(app: &App) {
    let mut failing = false;
    loop {
        match read_feed(app).await {
            Ok(()) => {
                app.memory.set_current(true);
                app.feed.read.notify_waiters();
                if std::mem::take(&mut failing) {
                    tracing::info!("the change feed is being read again");
                }
            }
            Err(error) => {
                app.memory.set_current(false);
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(%error, "the change feed cannot be read: requests are answered 503 until it can");
                }
            }
        }
        tokio::select! {
            stopped = app.feed.stopped_within(POLL) => if stopped { return },
            () = app.feed.heard.notified() => {}
        }
    }
}

/// Reads the feed to its end. If that takes long, memory does not count as current meanwhile.
async fn read_feed(app: &App) -> Result<()> {
    let mut reading = std::pin::pin!(catch_up(app));
    match tokio::time::timeout(PATIENCE, &mut reading).await {
        Ok(done) => done,
        Err(_) => {
            app.memory.set_current(false);
            reading.await
        }
    }
}

/// Hears other nodes' notifications, where the database has such.
async fn hear(app: &App) {
    let listening = async {
        loop {
            if let Ok(mut listener) = app.store.listen().await {
                while listener.changed().await.is_ok() {
                    app.feed.heard.notify_one();
                }
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let mut stop = app.feed.stop.subscribe();
    tokio::select! {
        () = listening => {}
        _ = stop.wait_for(|s| *s) => {}
    }
}

/// Takes in keys and policy files that changed.
async fn watch_files(app: &Arc<App>) {
    loop {
        if app.feed.stopped_within(FILES).await {
            return;
        }
        let reading = app.clone();
        let read = tokio::task::spawn_blocking(move || {
            let keys = reading.keys.reload_if_changed();
            let policy = reading.policy.reload_if_changed();
            (keys, policy)
        });
        let Ok((keys, policy)) = read.await else { continue };
        match keys {
            Ok(true) => {
                app.tokens.forget_all();
                tracing::info!("token keys were read again");
            }
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "token keys cannot be read: the last good ones stay"),
        }
        match policy {
            Ok(Some(_)) => tracing::info!("policy files were read again"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "policy files cannot be read: the last good rules stay"),
        }
    }
}

/// Deletes what has run out, and keeps the gauges.
async fn keep_house(app: &App) {
    let gauges = Gauges::new(&app.metrics);
    let mut since_cleaning: Option<Stopwatch> = None;
    loop {
        gauges.set(app, app.tokens.sweep(app.now()));
        app.oauth.sweep(app.now());
        app.store.sweep();
        if since_cleaning.as_ref().is_none_or(|w| w.elapsed() >= HOUSEKEEPING) {
            since_cleaning = Some(Stopwatch::start());
            if let Err(error) = clean(app).await {
                tracing::warn!(%error, "housekeeping failed; it will be tried again");
            }
        }
        if app.feed.stopped_within(Duration::from_secs(5)).await {
            return;
        }
    }
}

/// What can be read off this node at any time.
struct Gauges {
    tokens: Gauge,
    revocations: Gauge,
    fernet_keys: Gauge,
    jws_keys: Gauge,
    /// An operator's alarm for a rotation that has stopped.
    fernet_primary_age: Gauge,
}

impl Gauges {
    fn new(metrics: &Metrics) -> Self {
        let keys = |kind: &str| metrics.gauge("archstone_token_keys", &[("kind", kind.to_owned())]);
        Self {
            tokens: metrics.gauge("archstone_cached_tokens", &[]),
            revocations: metrics.gauge("archstone_revocation_events", &[]),
            fernet_keys: keys("fernet"),
            jws_keys: keys("jws"),
            fernet_primary_age: metrics.gauge("archstone_fernet_primary_key_age_seconds", &[]),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts and seconds stay far below 2^52")]
    fn set(&self, app: &App, remembered: u64) {
        let keys = app.keys.inventory();
        self.tokens.set(remembered as f64);
        self.revocations.set(app.memory.revocations() as f64);
        self.fernet_keys.set(keys.fernet.len() as f64);
        self.jws_keys.set(keys.jws.len() as f64);
        if let Some(primary) = keys.fernet.first() {
            self.fernet_primary_age.set((app.now().secs() - primary.modified.secs()).max(0) as f64);
        }
    }
}

/// Deletes in small transactions, so that nobody waits long for the write lock.
async fn clean(app: &App) -> Result<()> {
    let oldest: Timestamp = app.oldest_revocation();
    let days = i64::from(app.config.audit.retention_days);
    loop {
        let now = app.now();
        let mut tx = app.store.write().await?;
        let mut deleted = store::change::prune(&mut tx, now.plus_secs(-KEEP_CHANGES_SECS)).await?;
        deleted += store::revocation::prune(&mut tx, oldest).await?;
        deleted += store::login_session::prune(&mut tx, now).await?;
        deleted += store::sign_in::prune(&mut tx, now).await?;
        deleted += store::logout::prune(&mut tx, now).await?;
        deleted += store::sign_in_step::prune(&mut tx, now.plus_secs(-KEEP_STEPS_SECS)).await?;
        deleted += store::session::prune(&mut tx, now.plus_secs(-KEEP_SESSIONS_SECS)).await?;
        deleted += store::authorization::prune_refresh(&mut tx, oldest).await?;
        deleted += store::authorization::prune(&mut tx, oldest).await?;
        deleted += store::device_code::prune(&mut tx, oldest).await?;
        deleted += store::spent::prune(&mut tx, now).await?;
        deleted += store::expiring_membership::prune(&mut tx, oldest, now).await?;
        store::user::fill_email_keys(&mut tx).await?;
        deleted += store::job::prune(&mut tx, now.plus_secs(-KEEP_JOBS_SECS)).await?;
        deleted += store::provisioning_run::prune(&mut tx, now.plus_secs(-KEEP_JOBS_SECS)).await?;
        if days > 0 {
            deleted += store::audit_event::prune(&mut tx, now.plus_secs(-days * 86_400)).await?;
        }
        app.commit(tx).await?;
        if deleted == 0 {
            break;
        }
        tracing::debug!(deleted, "deleted what had run out");
    }
    thin_out_sign_ins(app).await?;
    app.memory.prune(oldest);
    Ok(())
}

/// Drops the oldest sign-ins of tenants where more wait for their person than may (security case OP-DOS-1): anybody can begin
/// one, so their number must not be anybody's to choose.
pub(super) async fn thin_out_sign_ins(app: &App) -> Result<()> {
    let most = i64::from(app.config.tenant.max_open_sign_ins);
    for tenant_id in store::sign_in::crowded(&mut app.store.read().await?, most).await? {
        loop {
            let mut tx = app.store.write().await?;
            let dropped = store::sign_in::thin_out(&mut tx, &tenant_id, most).await?;
            app.commit(tx).await?;
            tracing::info!(tenant_id, dropped, "dropped sign-ins that waited for their person");
            if dropped == 0 {
                break;
            }
        }
    }
    Ok(())
}
