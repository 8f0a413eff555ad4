//! The store in PostgreSQL, which several instances share. Each operation locks what it decides on
//! (`locks`), so that READ COMMITTED is enough; what goes wrong in between is rolled back and told as
//! unavailable, and the caller hands the work in again.

mod connect;
mod dialect;
mod locks;
mod nodelay;
mod relays;
#[path = "../sql/mod.rs"]
#[allow(clippy::duplicate_mod, reason = "the same operations on each database")]
mod sql;
mod streams;
mod tail;
mod tallies;

use std::fmt;

use sqlx::postgres::{PgConnection as Connection, PgPool, PgRow as Row};

pub use self::relays::Session;
use super::StoreError;

type Driver = sqlx::Postgres;
type Db = Postgres;
type Tx = sqlx::Transaction<'static, Driver>;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations/postgres");

/// Connections to one database.
#[derive(Clone)]
pub struct Postgres {
    write: PgPool,
    /// For what may wait behind no writer.
    read: PgPool,
}

// The driver's own would tell how it connects.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres")
    }
}

impl Postgres {
    pub(super) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// A transaction that sees what others commit meanwhile. Dropped, it is rolled back.
    async fn begin(&self) -> Result<Tx, StoreError> {
        begun(&self.write, "BEGIN").await
    }

    /// A transaction whose reads all see the same moment.
    async fn look(&self) -> Result<Tx, StoreError> {
        begun(
            &self.read,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        )
        .await
    }
}

/// Begins a transaction. Whoever waits for it may be dropped: the driver would then put the connection back among
/// the others with its transaction open, which would show all who get it that moment for ever, and never commit
/// what they write. So it is begun in a task of its own, which nobody drops: it ends what nobody took.
async fn begun(pool: &PgPool, statement: &'static str) -> Result<Tx, StoreError> {
    let pool = pool.clone();
    let begin = tokio::spawn(async move { pool.begin_with(statement).await });
    match begin.await {
        Ok(tx) => Ok(tx?),
        Err(error) => Err(StoreError::Unavailable(error.to_string())),
    }
}
