//! What workers say of themselves, so that another process can show it.

use chrono::{DateTime, Utc};

use super::Sqlite;
use super::codec::{Columns, json, micros};
use crate::store::{StoreError, WorkerReport};

impl Sqlite {
    pub(in crate::store) async fn report_workers(
        &self,
        instance: &str,
        reports: &[(String, String)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO worker_report (instance, service, at, report)
             SELECT ?, value ->> 0, ?, value ->> 1 FROM json_each(?) WHERE true
             ON CONFLICT (instance, service) DO UPDATE SET at = excluded.at, report = excluded.report",
        )
        .bind(instance)
        .bind(micros(now))
        .bind(json(&reports)?)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn worker_reports(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<WorkerReport>, StoreError> {
        let rows = sqlx::query(
            "SELECT instance, at, report FROM worker_report WHERE at >= ? ORDER BY service, instance",
        )
        .bind(micros(since))
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(WorkerReport {
                    instance: c.get()?,
                    at: c.time()?,
                    report: c.get()?,
                })
            })
            .collect()
    }

    pub(in crate::store) async fn prune_reports(
        &self,
        before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM worker_report WHERE at < ?")
            .bind(micros(before))
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected())
    }
}
