//! What workers say of themselves, so that another process can show it, and what persons want of them.

use chrono::{DateTime, Utc};

use super::Db;
use super::codec::{at, each, json, sql};
use crate::store::{ConsumerWish, StoreError, WorkerReport};

impl Db {
    pub(in crate::store) async fn report_workers(
        &self,
        instance: &str,
        reports: &[(String, String)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if reports.is_empty() {
            sqlx::query("DELETE FROM worker_report WHERE instance = $1")
                .bind(instance)
                .execute(&self.write)
                .await?;
            return Ok(());
        }
        sqlx::query(sql(
            "INSERT INTO worker_report (instance, service, at, report)
             SELECT $1, {text 0}, $2, {text 1} FROM {rows 3} {in_order}
             ON CONFLICT (instance, service) DO UPDATE SET at = excluded.at, report = excluded.report",
        ))
        .bind(instance)
        .bind(at(now))
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
            "SELECT instance, at, report FROM worker_report WHERE at >= $1 ORDER BY service, instance",
        )
        .bind(at(since))
        .fetch_all(&self.read)
        .await?;
        each(&rows, |c| {
            Ok(WorkerReport {
                instance: c.get()?,
                at: c.time()?,
                report: c.get()?,
            })
        })
    }

    pub(in crate::store) async fn prune_reports(
        &self,
        before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM worker_report WHERE at < $1")
            .bind(at(before))
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected())
    }
}

impl Db {
    pub(in crate::store) async fn wish_consumer(
        &self,
        service: &str,
        paused: bool,
        who: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO consumer_wish (service, paused, at, who) VALUES ($1, $2, $3, $4)
             ON CONFLICT (service) DO UPDATE SET paused = excluded.paused, at = excluded.at, who = excluded.who",
        )
        .bind(service)
        .bind(paused)
        .bind(at(now))
        .bind(who)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn consumer_wishes(&self) -> Result<Vec<ConsumerWish>, StoreError> {
        let rows =
            sqlx::query("SELECT service, paused, at, who FROM consumer_wish ORDER BY service")
                .fetch_all(&self.read)
                .await?;
        each(&rows, |c| {
            Ok(ConsumerWish {
                service: c.get()?,
                paused: c.get()?,
                at: c.time()?,
                who: c.get()?,
            })
        })
    }
}
