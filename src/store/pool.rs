//! Connections to PostgreSQL, kept between uses.
//!
//! One goes back as it is: what a request costs is what it asks of the database. It is tested before its next use if it has
//! lain for a while, and one that was given up in the middle (an open transaction, a statement whose answer nobody waited
//! for) is brought back to rest first, or closed.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult, Timeouts};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Options, translate};
use crate::error::{Error, Result};

/// How long a connection may have lain unused before it is tested again.
const UNTESTED: Duration = Duration::from_secs(1);
/// How long one may lie unused before it is closed.
const IDLE: Duration = Duration::from_secs(600);
/// How old one may become, so that a server that others have left is not forgotten.
const OLD: Duration = Duration::from_secs(1_800);

/// How long to wait before a server that is starting is asked again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether a server does not take connections yet, or has too many just now.
fn is_passing(e: &sqlx::Error) -> bool {
    match e {
        sqlx::Error::Io(e) => e.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(e) => matches!(e.code().as_deref(), Some("57P03" | "53300")),
        _ => false,
    }
}

#[derive(Debug)]
struct Manager {
    connect: PgConnectOptions,
}

impl managed::Manager for Manager {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> std::result::Result<PgConnection, sqlx::Error> {
        let mut pause = SHORTEST_PAUSE;
        loop {
            match self.connect.connect().await {
                Err(e) if is_passing(&e) => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn recycle(&self, conn: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() >= OLD {
            return Err(RecycleError::message("old"));
        }
        if metrics.last_used() >= UNTESTED {
            conn.ping().await?;
        }
        Ok(())
    }
}

/// The connections.
#[derive(Debug, Clone)]
pub struct Pool {
    connections: managed::Pool<Manager>,
    patience: Duration,
}

impl Pool {
    /// None yet; they are made when they are needed.
    pub fn new(connect: PgConnectOptions, options: &Options) -> Result<Self> {
        let patience = options.acquire_timeout;
        let timeouts = Timeouts { wait: Some(patience), create: Some(patience), recycle: Some(patience) };
        let connections = managed::Pool::builder(Manager { connect })
            .max_size(usize::try_from(options.max_connections).unwrap_or(usize::MAX))
            .timeouts(timeouts)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| Error::internal(format!("connections to the database: {e}")))?;
        Ok(Self { connections, patience })
    }

    /// One that nobody else uses.
    pub async fn lease(&self) -> Result<Leased> {
        let object = self.connections.get().await.map_err(|e| match e {
            PoolError::Backend(e) => translate(e),
            other => Error::unavailable(format!("database: {other}")),
        })?;
        Ok(Leased { object: Some(object), open: false, asked: false, patience: self.patience })
    }

    /// Closes those that have lain unused for long.
    pub fn sweep(&self) {
        self.connections.retain(|_, metrics| metrics.last_used() < IDLE);
    }

    /// Closes all that come back, and gives no more out.
    pub fn close(&self) {
        self.connections.close();
    }
}

/// A connection while somebody has it.
#[derive(Debug)]
pub struct Leased {
    object: Option<Object<Manager>>,
    /// Whether a transaction is open.
    open: bool,
    /// Whether something was asked whose answer has not come.
    asked: bool,
    patience: Duration,
}

impl Leased {
    /// The connection, for one question; [`Self::answered`] is to hear what came of it.
    pub fn ask(&mut self) -> Result<&mut PgConnection> {
        self.asked = true;
        self.object.as_deref_mut().ok_or_else(|| Error::internal("a connection that was given back"))
    }

    /// Takes note of an answer. After a failure nobody knows where the connection stands.
    pub fn answered<T>(&mut self, answer: &Result<T>) {
        self.asked = matches!(answer, Err(Error::Unavailable { .. }));
    }

    /// Opens a transaction.
    pub async fn begin(&mut self) -> Result<()> {
        self.open = true;
        self.say("BEGIN").await
    }

    /// Makes permanent what was written in it.
    pub async fn commit(mut self) -> Result<()> {
        self.say("COMMIT").await?;
        self.open = false;
        Ok(())
    }

    /// Whether a transaction is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    async fn say(&mut self, words: &'static str) -> Result<()> {
        let said = sqlx::raw_sql(words).execute(self.ask()?).await.map(drop).map_err(translate);
        self.answered(&said);
        said
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if !self.open && !self.asked {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(rest(object, self.open, self.patience))),
            Err(_) => drop(Object::take(object)),
        }
    }
}

/// Brings a connection back to rest that was given up in the middle, or closes it.
async fn rest(mut object: Object<Manager>, open: bool, patience: Duration) {
    let work = async {
        match open {
            true => sqlx::raw_sql("ROLLBACK").execute(&mut *object).await.map(drop),
            false => object.ping().await,
        }
    };
    if !matches!(tokio::time::timeout(patience, work).await, Ok(Ok(()))) {
        drop(Object::take(object).close_hard().await);
    }
}
