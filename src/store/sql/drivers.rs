//! Who drives an operation: one process at a time. Whoever claims it raises its epoch, and what is written under an
//! earlier one is refused ([`StoreError::Lost`]). Beats and silence go by the database's clock.

use std::time::Duration;

use uuid::Uuid;

use super::codec::{self, Id, sql};
use super::{Db, Tx, locks};
use crate::domain::operation::Operation;
use crate::store::StoreError;

/// A duration as statements take it.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Db {
    pub(in crate::store) async fn undriven_operations(
        &self,
        silence: Duration,
    ) -> Result<Vec<(Operation, Option<String>)>, StoreError> {
        let rows: Vec<(Id, Option<String>)> = sqlx::query_as(sql(
            "SELECT id, owner FROM operation WHERE state IN ('planned', 'running', 'draining')
                 AND (owner IS NULL OR beat_at IS NULL OR beat_at < {ago 1}) ORDER BY created_at, id",
        ))
        .bind(micros(silence))
        .fetch_all(&self.read)
        .await?;
        self.operations_of(rows).await
    }

    pub(in crate::store) async fn claim_operation(
        &self,
        id: Uuid,
        owner: &str,
        silence: Duration,
    ) -> Result<Option<i64>, StoreError> {
        let epoch: Option<i64> = sqlx::query_scalar(sql(
            "UPDATE operation SET owner = $1, epoch = epoch + 1, beat_at = {now}, state = 'running'
             WHERE id = $2 AND state IN ('planned', 'running', 'draining')
                 AND (owner IS NULL OR beat_at IS NULL OR beat_at < {ago 3}) RETURNING epoch",
        ))
        .bind(owner)
        .bind(codec::id(id))
        .bind(micros(silence))
        .fetch_optional(&self.write)
        .await?;
        Ok(epoch)
    }

    pub(in crate::store) async fn beat(&self, id: Uuid, epoch: i64) -> Result<bool, StoreError> {
        let beaten = sqlx::query(sql(
            "UPDATE operation SET beat_at = {now} WHERE id = $1 AND epoch = $2
                 AND state IN ('planned', 'running', 'draining')",
        ))
        .bind(codec::id(id))
        .bind(epoch)
        .execute(&self.write)
        .await?;
        Ok(beaten.rows_affected() > 0)
    }

    pub(in crate::store) async fn release_operation(
        &self,
        id: Uuid,
        epoch: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE operation SET owner = NULL WHERE id = $1 AND epoch = $2")
            .bind(codec::id(id))
            .bind(epoch)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    pub(in crate::store) async fn driver_beat(&self, instance: &str) -> Result<(), StoreError> {
        sqlx::query(sql(
            "INSERT INTO driver (instance, beat_at) VALUES ($1, {now})
             ON CONFLICT (instance) DO UPDATE SET beat_at = excluded.beat_at",
        ))
        .bind(instance)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn driver_gone(&self, instance: &str) -> Result<(), StoreError> {
        sqlx::query(sql(
            "DELETE FROM driver WHERE instance = $1 OR beat_at < {ago 2}",
        ))
        .bind(instance)
        .bind(micros(Duration::from_secs(3_600)))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn drivers(&self, silence: Duration) -> Result<u64, StoreError> {
        let there: i64 =
            sqlx::query_scalar(sql("SELECT count(*) FROM driver WHERE beat_at >= {ago 1}"))
                .bind(micros(silence))
                .fetch_one(&self.read)
                .await?;
        Ok(codec::count(there))
    }
}

/// Locks an operation for who drives it under this epoch.
///
/// # Errors
/// [`StoreError::Lost`] where another does, or it is over.
pub(super) async fn held(tx: &mut Tx, id: Uuid, epoch: i64) -> Result<(), StoreError> {
    locks::operation(tx, id).await?;
    let mine: Option<i64> = sqlx::query_scalar(
        "SELECT epoch FROM operation WHERE id = $1 AND epoch = $2
             AND state IN ('planned', 'running', 'draining')",
    )
    .bind(codec::id(id))
    .bind(epoch)
    .fetch_optional(&mut **tx)
    .await?;
    mine.map(|_| ()).ok_or(StoreError::Lost)
}
