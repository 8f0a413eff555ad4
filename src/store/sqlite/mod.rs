//! The store in one SQLite file. One connection writes, each transaction taking the write lock at its
//! start, so that nothing is decided on what another writer changes; others read beside it (WAL).
//! Another process may have the same file open.

mod apply;
mod audit;
mod codec;
mod event_read;
mod event_write;
mod inbox;
mod items;
mod letter_read;
mod letter_write;
mod operations;
mod orders;
mod outbox;
mod services;
mod workers;

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};

use super::{StoreError, StoreSettings};
use crate::clock;

type Tx = sqlx::Transaction<'static, sqlx::Sqlite>;

/// How long a caller waits for a connection of ours.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// Rows that one DELETE of a pruning takes, so that writers get their turn.
const PRUNE_ROWS: i64 = 5_000;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// Connections to one file.
#[derive(Clone, Debug)]
pub struct Sqlite {
    write: SqlitePool,
    read: SqlitePool,
}

impl Sqlite {
    pub(super) async fn open(path: &str, settings: &StoreSettings) -> Result<Self, StoreError> {
        if path.is_empty() || path == ":memory:" {
            return Err(StoreError::Other(
                "SQLite needs a file; use sqlite:path/to/file.db".into(),
            ));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(settings.busy_timeout)
            // Offsets stand on another machine: an effect that a power cut could take back after its
            // offset was committed would be lost.
            .synchronous(if settings.durable {
                SqliteSynchronous::Full
            } else {
                SqliteSynchronous::Normal
            })
            .pragma("cache_size", "-16000")
            .pragma("temp_store", "MEMORY")
            .statement_cache_capacity(200)
            .disable_statement_logging();
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .max_lifetime(None)
                .idle_timeout(None)
        };
        let writer = if settings.read_only {
            options.clone().read_only(true)
        } else {
            options
                .clone()
                .journal_mode(SqliteJournalMode::Wal)
                .create_if_missing(true)
        };
        let write = connected(pool(1), writer, settings.busy_timeout).await?;
        if !settings.read_only {
            let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
            // One transaction around all, or two processes that start at once migrate twice.
            let connection: &mut SqliteConnection = &mut tx;
            MIGRATOR.run_direct(None, connection, false).await?;
            tx.commit().await?;
        }
        let read = pool(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { write, read })
    }

    pub(super) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        let asked: Option<i64> = sqlx::query_scalar("SELECT pos FROM event_store LIMIT 1")
            .fetch_optional(&self.read)
            .await?;
        let _ = asked;
        Ok(())
    }

    /// A transaction that holds the write lock from its start. Dropped, it is rolled back.
    async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(self.write.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Connects the writer. Of two processes that switch a new file to WAL at once, SQLite tells one
/// "locked" without waiting as it does elsewhere (its busy handler might wait for itself): it is asked
/// again, for as long as any lock is waited for.
async fn connected(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
    patience: Duration,
) -> Result<SqlitePool, StoreError> {
    const AGAIN: Duration = Duration::from_millis(10);
    const BUSY: i32 = 5;
    let began = clock::instant();
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Ok(pool) => return Ok(pool),
            Err(error) if primary_code(&error) == Some(BUSY) && began.elapsed() < patience => {
                tokio::time::sleep(AGAIN).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// SQLite's primary result code.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<i32>().ok()? & 0xff)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        /// Primary result codes that say something of the machine and nothing of the request: busy,
        /// locked, no memory, read-only, I/O, corrupt, full, cannot open, locking protocol, no database.
        const PASSING: [i32; 10] = [5, 6, 7, 8, 10, 11, 13, 14, 15, 26];
        let passing = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            error => primary_code(error).is_some_and(|code| PASSING.contains(&code)),
        };
        if let sqlx::Error::PoolTimedOut = error {
            // Whoever has the connection waits for a lock, or works: the pool knows neither.
            let secs = ACQUIRE_TIMEOUT.as_secs();
            Self::Unavailable(format!(
                "the database is locked or overloaded, no connection came free in {secs} s"
            ))
        } else if passing {
            Self::Unavailable(error.to_string())
        } else {
            Self::Other(error.to_string())
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(inner) | MigrateError::ExecuteMigration(inner, _) => inner.into(),
            other => Self::Other(format!("cannot bring the schema up to date: {other}")),
        }
    }
}
