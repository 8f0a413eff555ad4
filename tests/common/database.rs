//! A test's database: opened as the program does, and looked at by a connection of its own.

use std::time::Duration;

use evtop::store::{Store, StoreSettings};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

const ASK: Duration = Duration::from_secs(10);

pub enum Database {
    Sqlite(TempDir),
}

/// Somebody else's transaction that holds the store.
pub struct Lock(SqliteConnection);

impl Database {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// As the program's settings name it.
    pub fn url(&self) -> String {
        let Self::Sqlite(folder) = self;
        format!("sqlite:{}", folder.path().join("evtop.db").display())
    }

    pub async fn open(&self) -> Store {
        Store::open(&StoreSettings::new(self.url())).await.unwrap()
    }

    pub async fn lock(&self) -> Lock {
        let mut connection = self.connect().await;
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .unwrap();
        Lock(connection)
    }

    /// Which messages each consumer has handled, without the rows that say what a replay has counted.
    pub async fn inbox(&self) -> Vec<(String, String)> {
        sqlx::query_as(
            "SELECT consumer, message_id FROM inbox WHERE instr(message_id, '#') = 0 ORDER BY 1, 2",
        )
        .fetch_all(&mut self.connect().await)
        .await
        .unwrap()
    }

    /// Forgets the letters that their topics still have.
    pub async fn forget_letters(&self) {
        let mut connection = self.connect().await;
        for statement in [
            "DELETE FROM dead_letter_body WHERE id IN (SELECT id FROM dead_letter WHERE dlq_topic IS NOT NULL)",
            "DELETE FROM dead_letter WHERE dlq_topic IS NOT NULL",
            "DELETE FROM key_block",
        ] {
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
    }

    async fn connect(&self) -> SqliteConnection {
        let Self::Sqlite(folder) = self;
        SqliteConnectOptions::new()
            .filename(folder.path().join("evtop.db"))
            .busy_timeout(ASK)
            .connect()
            .await
            .unwrap()
    }
}

impl Lock {
    pub async fn release(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
    }
}
