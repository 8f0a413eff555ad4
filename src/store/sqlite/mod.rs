//! The store in one SQLite file. One connection writes, each transaction taking the write lock at its
//! start, so that nothing is decided on what another writer changes; others read beside it (WAL).
//! Another process may have the same file open.

mod dialect;
mod locks;
#[path = "../sql/mod.rs"]
#[allow(clippy::duplicate_mod, reason = "the same operations on each database")]
mod sql;
mod streams;
mod tallies;

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection as Connection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteRow as Row, SqliteSynchronous,
};

use super::failure::primary_code;
use super::{ACQUIRE_TIMEOUT, Restored, Shard, ShardOwner, StoreError, StoreSettings, TailHolder};
use crate::clock;

type Driver = sqlx::Sqlite;
type Db = Sqlite;
type Tx = sqlx::Transaction<'static, Driver>;

const READERS: u32 = 4;

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
        let mut options = SqliteConnectOptions::new()
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
            .statement_cache_capacity(200);
        if !settings.statements {
            options = options.disable_statement_logging();
        }
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
            let connection: &mut Connection = &mut tx;
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

    /// Nobody's: what is committed can be read.
    pub(super) async fn tail_held_by(&self, _: Duration) -> Result<Option<TailHolder>, StoreError> {
        Ok(None)
    }

    /// Positions are the file's own.
    pub(super) async fn restored(&self) -> Result<Option<Restored>, StoreError> {
        Ok(None)
    }

    pub(super) async fn mend_restored(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    pub(super) async fn set_shards(&self, shards: u32) -> Result<(), StoreError> {
        match shards {
            1 => Ok(()),
            _ => Err(StoreError::Other(
                "SQLite has one relay; set relay.shards = 1".into(),
            )),
        }
    }

    pub(super) async fn claim_shard(
        &self,
        _owner: &str,
        shards: u32,
        _silence: Duration,
    ) -> Result<Option<Shard>, StoreError> {
        self.set_shards(shards).await?;
        Ok(Some(Shard::whole()))
    }

    /// Whoever runs has all of it.
    pub(super) async fn shard_owners(&self) -> Result<Vec<ShardOwner>, StoreError> {
        Ok(Vec::new())
    }

    /// A transaction that holds the write lock from its start. Dropped, it is rolled back.
    async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(self.write.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A transaction whose reads all see the same moment.
    async fn look(&self) -> Result<Tx, StoreError> {
        Ok(self.read.begin().await?)
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
