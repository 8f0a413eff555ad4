//! A schema on a PostgreSQL server for one test, dropped at its end.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

/// Names the server: an address of a database in which schemas may be made.
const SERVER: &str = "EVTOP_STACK_POSTGRES";

pub struct Schema {
    name: String,
    server: String,
}

impl Schema {
    pub async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var(SERVER)
            .unwrap_or_else(|_| panic!("{SERVER} names no PostgreSQL; scripts/stack test sets it"));
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("evtop_test_{}_{number}", std::process::id());
        let schema = Self { name, server };
        let mut raw = PgConnection::connect(&schema.server).await.unwrap();
        let name = &schema.name;
        raw.execute(AssertSqlSafe(format!(
            "DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}"
        )))
        .await
        .unwrap();
        raw.close().await.unwrap();
        schema
    }

    /// The server's address, with this schema as the one to be in.
    pub fn url(&self) -> String {
        let sign = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{sign}options=-csearch_path%3D{}", self.server, self.name)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // The test's own runtime may be ending.
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let mut raw = PgConnection::connect(&server).await.unwrap();
                // What a test let go of is rolled back by its runtime, which is waiting for this.
                raw.execute(AssertSqlSafe(format!(
                    "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                         JOIN pg_stat_activity a ON a.pid = l.pid AND a.usename = current_user
                     WHERE c.relnamespace = '{name}'::regnamespace; DROP SCHEMA {name} CASCADE"
                )))
                .await
                .unwrap();
            });
        });
        let _ = ended.join();
    }
}
