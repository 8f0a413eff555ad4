//! A test's database: opened as the program does, and looked at by a connection of its own.

use std::time::Duration;

use evtop::store::{Store, StoreSettings};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use crate::schema::Schema;

const ASK: Duration = Duration::from_secs(10);

pub enum Database {
    Sqlite(TempDir),
    Postgres(Schema),
}

/// Somebody else's transaction that holds the store.
pub enum Lock {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Runs a statement on whichever connection.
macro_rules! on {
    ($database:expr, $connection:ident => $run:expr) => {
        match $database {
            Database::Sqlite(folder) => {
                let $connection = &mut sqlite(folder).await;
                $run
            }
            Database::Postgres(schema) => {
                let $connection = &mut PgConnection::connect(&schema.url()).await.unwrap();
                $run
            }
        }
    };
}

impl Database {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// A schema of its own on the server that `EVTOP_STACK_POSTGRES` names.
    pub async fn postgres() -> Self {
        Self::Postgres(Schema::new().await)
    }

    /// As the program's settings name it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => {
                format!("sqlite:{}", folder.path().join("evtop.db").display())
            }
            Self::Postgres(schema) => schema.url(),
        }
    }

    /// Parts of the outbox.
    pub fn shards(&self) -> u32 {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(_) => 4,
        }
    }

    pub async fn open(&self) -> Store {
        Store::open(&StoreSettings::new(self.url())).await.unwrap()
    }

    /// Another connection holds what every write needs.
    pub async fn lock(&self) -> Lock {
        match self {
            Self::Sqlite(folder) => {
                let mut connection = sqlite(folder).await;
                let begin = sqlx::query("BEGIN IMMEDIATE");
                begin.execute(&mut connection).await.unwrap();
                Lock::Sqlite(connection)
            }
            Self::Postgres(schema) => {
                let mut connection = PgConnection::connect(&schema.url()).await.unwrap();
                for statement in [
                    "BEGIN",
                    "LOCK TABLE event_store, outbox, inbox, dead_letter IN EXCLUSIVE MODE",
                ] {
                    let hold = sqlx::query(statement);
                    hold.execute(&mut connection).await.unwrap();
                }
                Lock::Postgres(connection)
            }
        }
    }

    /// Which messages each consumer has handled, without the rows that say what a replay has counted.
    pub async fn inbox(&self) -> Vec<(String, String)> {
        const ASK: &str = "SELECT consumer, message_id FROM inbox
             WHERE replace(message_id, '#', '') = message_id ORDER BY 1, 2";
        on!(self, db => sqlx::query_as(ASK).fetch_all(db).await.unwrap())
    }

    /// An operation's driver was last heard of so many seconds from now, by the database's clock.
    pub async fn beat(&self, operation: uuid::Uuid, seconds: i64) {
        let now = match self {
            Self::Sqlite(_) => format!("(unixepoch() + {seconds}) * 1000000"),
            Self::Postgres(_) => format!("now() + interval '{seconds} seconds'"),
        };
        let statement = format!("UPDATE operation SET beat_at = {now} WHERE id = '{operation}'");
        on!(self, db => {
            let beat = sqlx::query(sqlx::AssertSqlSafe(statement));
            beat.execute(db).await.unwrap();
        });
    }

    /// Forgets the letters that their topics still have.
    pub async fn forget_letters(&self) {
        for statement in [
            "DELETE FROM dead_letter_body WHERE id IN (SELECT id FROM dead_letter WHERE dlq_topic IS NOT NULL)",
            "DELETE FROM dead_letter WHERE dlq_topic IS NOT NULL",
            "DELETE FROM key_block",
        ] {
            on!(self, db => {
                sqlx::query(statement).execute(db).await.unwrap();
            });
        }
    }
}

impl Lock {
    pub async fn release(self) {
        match self {
            Self::Sqlite(mut connection) => {
                sqlx::query("ROLLBACK")
                    .execute(&mut connection)
                    .await
                    .unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres(mut connection) => {
                sqlx::query("ROLLBACK")
                    .execute(&mut connection)
                    .await
                    .unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

async fn sqlite(folder: &TempDir) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(folder.path().join("evtop.db"))
        .busy_timeout(ASK)
        .connect()
        .await
        .unwrap()
}
