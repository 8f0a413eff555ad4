//! How far a replay came: its cursor and what was counted on the way are one write.

use uuid::Uuid;

use super::codec::{self, Id, sql, text};
use super::operations::bump;
use super::{Db, locks};
use crate::domain::operation::{Counts, Operation, OperationState};
use crate::store::{ReplayTurn, StoreError};

impl Db {
    pub(in crate::store) async fn replay_turn(
        &self,
        id: Uuid,
        epoch: i64,
    ) -> Result<ReplayTurn, StoreError> {
        let row: Option<(bool, String)> = sqlx::query_as(
            "SELECT paused, progress FROM operation WHERE id = $1 AND epoch = $2
                 AND state IN ('planned', 'running', 'draining')",
        )
        .bind(codec::id(id))
        .bind(epoch)
        .fetch_optional(&self.read)
        .await?;
        let (paused, progress) = row.ok_or(StoreError::Lost)?;
        Ok(ReplayTurn { paused, progress })
    }

    pub(in crate::store) async fn advance_replay(
        &self,
        id: Uuid,
        epoch: i64,
        (from, to): (&str, &str),
        by: &Counts,
        note: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        locks::operation(&mut tx, id).await?;
        let found: Option<(String, String)> =
            sqlx::query_as("SELECT state, progress FROM operation WHERE id = $1 AND epoch = $2")
                .bind(codec::id(id))
                .bind(epoch)
                .fetch_optional(&mut *tx)
                .await?;
        let (word, progress) = found.ok_or(StoreError::Lost)?;
        let state = OperationState::parse(&word)
            .ok_or_else(|| codec::unreadable("operation's state", &word))?;
        let stands = progress == from;
        if stands {
            sqlx::query(sql(
                "UPDATE operation SET progress = $1, note = coalesce(note, $2), beat_at = {now},
                     state = CASE WHEN state IN ('planned', 'draining') THEN 'running' ELSE state END
                 WHERE id = $3",
            ))
            .bind(to)
            .bind(note.map(text))
            .bind(codec::id(id))
            .execute(&mut *tx)
            .await?;
            bump(&mut tx, id, by).await?;
            tx.commit().await?;
        }
        // Over meanwhile, it is no one's any more; but what was sent by then was sent.
        match state.is_over() {
            true => Err(StoreError::Lost),
            false => Ok(stands),
        }
    }

    pub(in crate::store) async fn settle_replay(
        &self,
        id: Uuid,
        given_up: bool,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE operation SET given_up = $1, progress = '' WHERE id = $2")
            .bind(given_up)
            .bind(codec::id(id))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    pub(in crate::store) async fn unsettled_replays(
        &self,
    ) -> Result<Vec<(Operation, String)>, StoreError> {
        let rows: Vec<(Id, String)> = sqlx::query_as(
            "SELECT id, progress FROM operation WHERE progress <> ''
                 AND state IN ('completed', 'cancelled', 'failed') ORDER BY created_at, id LIMIT 100",
        )
        .fetch_all(&self.read)
        .await?;
        self.operations_of(rows).await
    }
}
