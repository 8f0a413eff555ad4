//! The end of the event store, as readers see it. They stay behind the oldest transaction that is open
//! anywhere on the server, so one that idles holds them all up; and a store that came out of a dump
//! carries transaction numbers that this server has not reached.

use std::time::Duration;

use sqlx::Row as _;

use super::Postgres;
use crate::store::{Restored, StoreError, TailHolder};

impl Postgres {
    pub(in crate::store) async fn tail_held_by(
        &self,
        at_least: Duration,
    ) -> Result<Option<TailHolder>, StoreError> {
        // A backend's xid has 32 bits, the snapshot's 64.
        let row = sqlx::query(
            "WITH oldest AS (
                 SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS tx
             ), holder AS (
                 SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename) AS name, a.datname,
                     a.state, CAST(extract(epoch FROM clock_timestamp() - a.xact_start) AS float8) AS age
                 FROM pg_stat_activity a, oldest
                 WHERE CAST(CAST(a.backend_xid AS text) AS bigint) = oldest.tx % 4294967296
                 UNION ALL
                 SELECT NULL, p.gid, p.database, 'prepared',
                     CAST(extract(epoch FROM clock_timestamp() - p.prepared) AS float8)
                 FROM pg_prepared_xacts p, oldest
                 WHERE CAST(CAST(p.transaction AS text) AS bigint) = oldest.tx % 4294967296
             )
             SELECT h.pid, CAST(h.name AS text), CAST(h.datname AS text), h.state, h.age
             FROM (SELECT 1) AS one LEFT JOIN holder h ON true
             WHERE EXISTS (
                     SELECT 1 FROM (SELECT tx FROM event_store ORDER BY tx DESC, pos DESC LIMIT 1) AS newest, oldest
                     WHERE newest.tx >= oldest.tx
                         -- Of another server: nobody's here.
                         AND newest.tx < CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)
                 )
                 AND coalesce(h.age >= $1, true)
             LIMIT 1",
        )
        .bind(at_least.as_secs_f64())
        .fetch_optional(&self.read)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let age: Option<f64> = row.try_get(4)?;
        Ok(Some(TailHolder {
            pid: row.try_get(0)?,
            name: row.try_get(1)?,
            database: row.try_get(2)?,
            state: row.try_get(3)?,
            age: age.and_then(|age| Duration::try_from_secs_f64(age).ok()),
        }))
    }

    pub(in crate::store) async fn restored(&self) -> Result<Option<Restored>, StoreError> {
        let row: Option<(i64, i64)> = sqlx::query_as(
            "SELECT tx, next FROM
                 (SELECT tx FROM event_store ORDER BY tx DESC, pos DESC LIMIT 1) AS newest,
                 (SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS next) AS own
             WHERE tx >= next",
        )
        .fetch_optional(&self.read)
        .await?;
        Ok(row.map(|(newest_tx, next_tx)| Restored { newest_tx, next_tx }))
    }

    pub(in crate::store) async fn mend_restored(&self) -> Result<u64, StoreError> {
        if self.restored().await?.is_none() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        // All rows, those written since the restore too: they would stand before the older ones.
        let mut mended = 0;
        for statement in [
            "SET LOCAL statement_timeout = 0",
            "LOCK TABLE event_store IN ACCESS EXCLUSIVE MODE",
            "ALTER TABLE event_store DISABLE TRIGGER event_store_append_only",
            "UPDATE event_store SET tx = 0 WHERE tx <> 0",
            "ALTER TABLE event_store ENABLE TRIGGER event_store_append_only",
        ] {
            let done = sqlx::query(statement).execute(&mut *tx).await?;
            mended += done.rows_affected();
        }
        tx.commit().await?;
        Ok(mended)
    }
}
