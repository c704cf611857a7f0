//! The store: SQLite (embedded) and PostgreSQL (shared by several nodes) behind one SQL text (invariant I2).
//!
//! One file per resource, free functions, connection first. A [`Conn`] is either a plain connection for reading or a
//! transaction for writing; what a transaction changed that other nodes must hear of is noted with [`Conn::note`] and
//! written with the commit, in one total order (the `change_counter` row).
//!
//! Row structs are private to their file and convert into the model; "not found" is `None` here and becomes an error in
//! the service. A failure of the database itself is [`Error::Unavailable`] (the caller may retry), a breach of our own
//! rules is [`Error::Internal`], a unique key that is taken is [`Error::Conflict`].

mod actor;
pub mod application;
pub mod assignment;
pub mod audit_event;
pub mod authorization;
pub mod catalog;
pub mod change;
pub mod connection;
pub mod consent;
pub mod device_code;
pub mod domain;
pub mod endpoint;
pub mod expiring_membership;
pub mod federated_link;
pub mod federation;
pub mod grant;
pub mod group;
pub mod identity_provider;
pub mod implied_role;
pub mod job;
mod json;
pub mod login_diagnostic;
pub mod login_session;
pub mod logout;
pub mod mapping;
pub mod password;
pub mod platform;
mod pool;
pub mod project;
pub mod protocol;
pub mod provisioned;
pub mod provisioned_member;
pub mod provisioning_run;
pub mod region;
pub mod revocation;
pub mod role;
pub mod saml_key;
pub mod scim;
pub mod sealed_secret;
pub mod service;
pub mod service_provider;
pub mod session;
pub mod shadow_user;
pub mod sign_in;
pub mod sign_in_step;
pub mod signing_key;
pub mod spent;
pub mod sql;
pub mod sso_config;
pub mod tenant;
pub mod tenant_idp;
pub mod user;
pub mod user_link;

#[cfg(test)]
pub mod tests;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migrate, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, Sqlite, Transaction};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::change::Change;
use crate::secret::file::lock_dir;
use pool::{Leased, Pool};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The channel on which PostgreSQL tells other nodes that something changed.
const CHANNEL: &str = "archstone";

/// How to reach and use the database.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite://path` or `postgres://…`.
    pub url: String,
    /// Connections at most (readers, on SQLite; writing has one of its own).
    pub max_connections: u32,
    /// How long to wait for a free connection.
    pub acquire_timeout: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
}

#[derive(Debug, Clone)]
enum Pools {
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
    },
    /// What requests are served with; the other is for listening and migrating.
    Postgres(Pool, PgPool),
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    pools: Pools,
    sqlite_file: Option<PathBuf>,
    statement_timeout: Duration,
}

#[derive(Debug)]
enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    Postgres(Leased),
}

/// A connection: for reading, or a transaction that must be committed to take effect.
#[derive(Debug)]
pub struct Conn {
    inner: Inner,
    changes: Vec<Change>,
    queued: bool,
    statement_timeout: Duration,
}

/// One migration and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Number of the migration.
    pub version: i64,
    /// What it is about.
    pub description: String,
    /// Whether it has been applied.
    pub applied: bool,
}

impl Store {
    /// Opens the database; SQLite's file is created when it is missing. Nothing is migrated yet.
    pub async fn open(options: &Options) -> Result<Self> {
        let scheme = options.url.split(':').next().unwrap_or_default();
        let pools = match scheme {
            "sqlite" => open_sqlite(options).await?,
            "postgres" | "postgresql" => open_postgres(options)?,
            other => {
                return Err(Error::invalid_field(
                    "database.url",
                    format!("unknown database '{other}': expected sqlite:// or postgres://"),
                ));
            }
        };
        let sqlite_file = sqlite_file(&options.url).map(Path::to_owned);
        Ok(Self { pools, sqlite_file, statement_timeout: options.statement_timeout })
    }

    /// True when other nodes may share this database.
    pub fn is_shared(&self) -> bool {
        matches!(self.pools, Pools::Postgres(..))
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Conn> {
        let inner = match &self.pools {
            Pools::Sqlite { read, .. } => Inner::Sqlite(read.acquire().await.map_err(translate)?),
            Pools::Postgres(pool, _) => Inner::Postgres(pool.lease().await?),
        };
        Ok(Conn { inner, changes: Vec::new(), queued: false, statement_timeout: self.statement_timeout })
    }

    /// A transaction for writing. On SQLite it takes the write lock at once, so that it cannot fail half way for it.
    pub async fn write(&self) -> Result<Conn> {
        let inner = match &self.pools {
            Pools::Sqlite { write, .. } => {
                Inner::SqliteTx(write.begin_with("BEGIN IMMEDIATE").await.map_err(translate)?)
            }
            Pools::Postgres(pool, _) => {
                let mut leased = pool.lease().await?;
                within(self.statement_timeout, leased.begin()).await?;
                Inner::Postgres(leased)
            }
        };
        Ok(Conn { inner, changes: Vec::new(), queued: false, statement_timeout: self.statement_timeout })
    }

    /// A connection for statements that write, each a transaction of its own: they take effect without [`Conn::commit`], and must
    /// note no change.
    pub async fn write_once(&self) -> Result<Conn> {
        let inner = match &self.pools {
            Pools::Sqlite { write, .. } => Inner::Sqlite(write.acquire().await.map_err(translate)?),
            Pools::Postgres(..) => return self.read().await,
        };
        Ok(Conn { inner, changes: Vec::new(), queued: false, statement_timeout: self.statement_timeout })
    }

    /// The same in the place of a connection that something was read by; where the database lets it, it is that.
    pub async fn write_once_over(&self, read: Conn) -> Result<Conn> {
        if self.is_shared() {
            return Ok(read);
        }
        // Nobody keeps a reader while waiting for the writer, who may want one.
        drop(read);
        self.write_once().await
    }

    /// Applies the migrations that the database lacks; with none lacking it changes nothing.
    pub async fn migrate(&self) -> Result<()> {
        let done = match &self.pools {
            Pools::Sqlite { write, .. } => {
                // PostgreSQL's migrations lock each other out; SQLite's would collide.
                let folder = self.sqlite_file.as_deref().and_then(Path::parent).map(Path::to_owned);
                let _lock = match folder {
                    Some(folder) => Some(
                        tokio::task::spawn_blocking(move || lock_dir(&folder))
                            .await
                            .map_err(|e| Error::internal(e.to_string()))??,
                    ),
                    None => None,
                };
                MIGRATIONS.run(write).await
            }
            Pools::Postgres(_, pool) => MIGRATIONS.run(pool).await,
        };
        done.map_err(|e| match e {
            sqlx::migrate::MigrateError::Execute(e) => translate(e),
            other => Error::internal(format!("migration: {other}")),
        })?;
        self.fill_email_keys().await?;
        self.fill_name_keys().await?;
        self.fill_entity_ids().await
    }

    /// What SQL cannot do in words that both databases know.
    async fn fill_entity_ids(&self) -> Result<()> {
        let mut after = String::new();
        loop {
            let mut tx = self.write().await?;
            let filled = connection::fill_entity_ids(&mut tx, &mut after).await?;
            tx.commit(Timestamp(0)).await?;
            if filled == 0 {
                return Ok(());
            }
        }
    }

    async fn fill_name_keys(&self) -> Result<()> {
        loop {
            let mut tx = self.write().await?;
            let filled = user::fill_name_keys(&mut tx).await? + group::fill_name_keys(&mut tx).await?;
            tx.commit(Timestamp(0)).await?;
            if filled == 0 {
                return Ok(());
            }
        }
    }

    async fn fill_email_keys(&self) -> Result<()> {
        loop {
            let mut tx = self.write().await?;
            let filled = user::fill_email_keys(&mut tx).await?;
            tx.commit(Timestamp(0)).await?;
            if filled == 0 {
                return Ok(());
            }
        }
    }

    /// Every migration and whether it has been applied. Reads only.
    pub async fn migrations(&self) -> Result<Vec<MigrationStatus>> {
        let applied = self.applied().await?;
        Ok(MIGRATIONS
            .iter()
            .filter(|m| !m.migration_type.is_down_migration())
            .map(|m| MigrationStatus {
                version: m.version,
                description: m.description.to_string(),
                applied: applied.contains(&m.version),
            })
            .collect())
    }

    /// Makes sure that the database has this program's schema. SQLite is migrated; PostgreSQL, which other nodes share, is
    /// for the operator to migrate. A schema newer than this program is refused on both.
    pub async fn ready(&self) -> Result<()> {
        if !self.is_shared() {
            return self.migrate().await;
        }
        let applied = self.applied().await?;
        if let Some(newer) = applied.iter().find(|v| !MIGRATIONS.version_exists(**v)) {
            return Err(Error::invalid_field(
                "database.url",
                format!(
                    "the database has migration {newer}, which this program does not know: it is older than the database"
                ),
            ));
        }
        if MIGRATIONS.iter().any(|m| !applied.contains(&m.version)) {
            return Err(Error::invalid_field(
                "database.url",
                "the database lacks migrations: run `archstone db migrate`",
            ));
        }
        Ok(())
    }

    async fn applied(&self) -> Result<Vec<i64>> {
        match &self.pools {
            Pools::Sqlite { write, .. } => applied_versions(&mut *write.acquire().await.map_err(translate)?).await,
            Pools::Postgres(_, pool) => applied_versions(&mut *pool.acquire().await.map_err(translate)?).await,
        }
    }

    /// Waits until another node says that something changed. On SQLite there is nothing to hear: it waits for ever.
    pub async fn listen(&self) -> Result<Listener> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(Listener(None)),
            Pools::Postgres(_, pool) => {
                let mut listener = PgListener::connect_with(pool).await.map_err(translate)?;
                listener.listen(CHANNEL).await.map_err(translate)?;
                Ok(Listener(Some(listener)))
            }
        }
    }

    /// Closes connections that nobody has used for long.
    pub fn sweep(&self) {
        if let Pools::Postgres(pool, _) = &self.pools {
            pool.sweep();
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool, beside) => {
                pool.close();
                beside.close().await;
            }
        }
    }
}

/// Hears of other nodes' changes.
#[derive(Debug)]
pub struct Listener(Option<PgListener>);

impl Listener {
    /// Returns when something may have changed; an error means that notifications were lost and one must listen anew.
    pub async fn changed(&mut self) -> Result<()> {
        match &mut self.0 {
            Some(listener) => match listener.try_recv().await.map_err(translate)? {
                Some(_) => Ok(()),
                None => Err(Error::unavailable("the notification connection was lost")),
            },
            None => std::future::pending().await,
        }
    }
}

impl Conn {
    /// What this transaction has noted so far.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Remembers what this transaction changes, to be told to all nodes with the commit.
    pub fn note(&mut self, change: Change) {
        // Each revocation is one of its own, and there may be many.
        if matches!(change, Change::Revocation(_)) || !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// Whether this transaction queues background jobs.
    pub fn queues_jobs(&self) -> bool {
        self.queued
    }

    /// Makes the transaction's writes permanent and returns what it noted, for this node to apply at once.
    pub async fn commit(mut self, now: Timestamp) -> Result<Vec<Change>> {
        let changes = std::mem::take(&mut self.changes);
        if !changes.is_empty() {
            change::append(&mut self, &changes, now).await?;
        }
        let timeout = self.statement_timeout;
        let commit = async {
            match self.inner {
                Inner::SqliteTx(tx) => tx.commit().await.map_err(translate),
                Inner::Postgres(leased) if leased.is_open() => leased.commit().await,
                Inner::Sqlite(_) | Inner::Postgres(_) => Err(Error::internal("commit outside a transaction")),
            }
        };
        within(timeout, commit).await?;
        Ok(changes)
    }

    fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }
}

/// Runs `work` for at most `limit`, so that a database that has stopped answering does not hold a request.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(Error::unavailable("the database did not answer in time")),
    }
}

/// The file of an SQLite database, unless it is in memory only.
fn sqlite_file(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("sqlite:")?.trim_start_matches("//").split('?').next()?;
    (!path.is_empty() && path != ":memory:").then(|| Path::new(path))
}

/// Makes the file for its owner only (it holds hashes); SQLite gives its companions the same mode.
fn create_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(Error::invalid_field("database.url", format!("{}: {e}", path.display()))),
    }
}

async fn open_sqlite(options: &Options) -> Result<Pools> {
    if let Some(path) = sqlite_file(&options.url) {
        create_private(path)?;
    }
    let connect = SqliteConnectOptions::from_str(&options.url)
        .map_err(|e| Error::invalid_field("database.url", e.to_string()))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(options.acquire_timeout)
        .statement_cache_capacity(512)
        .disable_statement_logging();
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        // SQLite may have rolled back by itself (disk full), which sqlx does not hear of: such a connection is not used again.
        .after_release(|conn, _| Box::pin(async move { Ok(!conn.is_in_transaction()) }))
        .test_before_acquire(false)
        .acquire_timeout(options.acquire_timeout)
        .connect_with(connect.clone())
        .await
        .map_err(translate)?;
    let read = SqlitePoolOptions::new()
        .max_connections(options.max_connections)
        .test_before_acquire(false)
        .acquire_timeout(options.acquire_timeout)
        .connect_lazy_with(connect.pragma("query_only", "ON"));
    Ok(Pools::Sqlite { read, write })
}

fn open_postgres(options: &Options) -> Result<Pools> {
    let timeout = options.statement_timeout.as_millis().to_string();
    let connect = PgConnectOptions::from_str(&options.url)
        .map_err(|e| Error::invalid_field("database.url", e.to_string()))?
        .options([("statement_timeout", timeout.as_str()), ("lock_timeout", timeout.as_str())])
        .application_name("archstone")
        .statement_cache_capacity(512)
        .disable_statement_logging();
    let beside = PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(options.acquire_timeout)
        .connect_lazy_with(connect.clone());
    Ok(Pools::Postgres(Pool::new(connect, options)?, beside))
}

async fn applied_versions<C: Migrate>(conn: &mut C) -> Result<Vec<i64>> {
    const TABLE: &str = "_sqlx_migrations";
    match conn.list_applied_migrations(TABLE).await {
        Ok(applied) => Ok(applied.into_iter().map(|m| m.version).collect()),
        // The table of an empty database does not exist yet.
        Err(sqlx::migrate::MigrateError::Execute(sqlx::Error::Database(_))) => Ok(Vec::new()),
        Err(e) => Err(Error::internal(format!("migrations: {e}"))),
    }
}

/// What a failure of the database means for the caller.
fn translate(e: sqlx::Error) -> Error {
    match &e {
        sqlx::Error::Database(db) if db.is_unique_violation() => {
            Error::conflict(db.constraint().unwrap_or("duplicate entry").to_owned())
        }
        sqlx::Error::Database(db) if db.is_foreign_key_violation() => {
            Error::conflict("something refers to this, or it refers to something that is gone")
        }
        sqlx::Error::Database(db) => match db.code().as_deref() {
            // SQLite: busy, locked, read-only, I/O, corrupt file system, full, cannot open (extended codes in the high bits).
            Some(code)
                if code.parse::<u32>().is_ok_and(|c| c < 100_000 && matches!(c & 0xff, 5 | 6 | 8 | 10 | 13 | 14))
                    && code.len() < 5 =>
            {
                Error::unavailable(format!("database: {db}"))
            }
            // PostgreSQL: connection, transaction rollback, resources, intervention, system, cancelled, read-only.
            Some(code)
                if ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class))
                    || code == "25006" =>
            {
                Error::unavailable(format!("database: {db}"))
            }
            _ => Error::internal(format!("database: {db}")),
        },
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_)
        | sqlx::Error::BeginFailed => Error::unavailable(format!("database: {e}")),
        _ => Error::internal(format!("database: {e}")),
    }
}
