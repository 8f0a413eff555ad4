//! The records of a redrive on their way out: which are due, meant to be sent, sent, or wait behind another.
//!
//! The order of a key: a letter of ours that has a key is sent only while it is its key's head, which the
//! transaction that means to send it holds; until then it waits in the plan.

use uuid::Uuid;

use super::codec::{Id, id, json, list, sql, uuid};
use super::drivers::held;
use super::items::{COLUMNS, item, joined};
use super::{Db, locks};
use crate::domain::operation::redrive_id;
use crate::store::{Item, StoreError, Turn};

/// Whether a letter `d` may be sent: it is its key's head, or no key of ours holds it.
const FREE: &str = "(d.family <> 'evtop' OR NOT EXISTS (SELECT 1 FROM key_block b
    WHERE b.consumer = d.consumer AND {whole b.key} = {whole d.key} AND b.head_id <> d.id))";

impl Db {
    pub(in crate::store) async fn redrive_turn(
        &self,
        operation: Uuid,
        epoch: i64,
        limit: u32,
    ) -> Result<Turn, StoreError> {
        let mut tx = self.look().await?;
        let found: Option<(bool, bool, bool, bool)> = sqlx::query_as(
            "SELECT paused,
                 EXISTS (SELECT 1 FROM operation_item WHERE operation_id = $1 AND state IN ('planned', 'queued')),
                 EXISTS (SELECT 1 FROM operation_item WHERE operation_id = $1 AND state IN ('queued', 'in_flight')),
                 EXISTS (SELECT 1 FROM operation_item WHERE operation_id = $1 AND state = 'settled' AND NOT followed)
             FROM operation WHERE id = $1 AND epoch = $2 AND state IN ('planned', 'running', 'draining')",
        )
        .bind(id(operation))
        .bind(epoch)
        .fetch_optional(&mut *tx)
        .await?;
        let (paused, waiting, in_flight, unfollowed) = found.ok_or(StoreError::Lost)?;
        let mut turn = Turn {
            paused,
            waiting,
            in_flight,
            unfollowed,
            due: Vec::new(),
        };
        if waiting && !paused {
            let rows = sqlx::query(joined(&[
                COLUMNS,
                " LEFT JOIN dead_letter d ON d.id = i.letter_id
                 WHERE i.operation_id = $1 AND i.state IN ('planned', 'queued')
                     AND (i.state = 'queued' OR d.id IS NULL OR ",
                FREE,
                ") ORDER BY i.seq LIMIT $2",
            ]))
            .bind(id(operation))
            .bind(i64::from(limit))
            .fetch_all(&mut *tx)
            .await?;
            turn.due = rows.iter().map(item).collect::<Result<_, _>>()?;
        }
        Ok(turn)
    }

    pub(in crate::store) async fn items_queued(
        &self,
        operation: Uuid,
        epoch: i64,
        redrives: &[Uuid],
    ) -> Result<Vec<Item>, StoreError> {
        let rows = list(redrives)?;
        let mut tx = self.begin().await?;
        held(&mut tx, operation, epoch).await?;
        locks::letters_of(&mut tx, &rows).await?;
        locks::items(&mut tx, &rows).await?;
        let letters: Vec<Id> = sqlx::query_scalar(sql(
            "SELECT letter_id FROM operation_item WHERE redrive_id IN (SELECT {id 0} FROM {rows 1})",
        ))
        .bind(&rows)
        .fetch_all(&mut *tx)
        .await?;
        let letters = list(letters)?;
        locks::blocks_of(&mut tx, &letters).await?;
        let paused: bool = sqlx::query_scalar(
            "UPDATE operation SET state = 'running' WHERE id = $1 RETURNING paused",
        )
        .bind(id(operation))
        .fetch_one(&mut *tx)
        .await?;
        if !paused {
            for statement in [
                // What was resolved, put away or lost since it was planned is not sent.
                joined(&["UPDATE operation_item SET state = 'refused', error = coalesce(
                     'the letter is ' || (SELECT d.status FROM dead_letter d WHERE d.id = letter_id) || ' by now',
                     'the letter is gone')
                 WHERE redrive_id IN (SELECT {id 0} FROM {rows 1}) AND state = 'planned'
                     AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.id = letter_id
                                     AND d.status IN ('unresolved', 'blocked', 'parked'))"]),
                joined(&[
                    "UPDATE operation_item SET state = 'queued', sent_at = {now}
                     WHERE redrive_id IN (SELECT {id 0} FROM {rows 1}) AND state = 'planned'
                         AND EXISTS (SELECT 1 FROM dead_letter d WHERE d.id = letter_id AND ",
                    FREE,
                    ")",
                ]),
                // Counted once: one that was queued before a crash has its letter queued already.
                sql("UPDATE dead_letter SET status = 'queued', redrives = redrives + 1
                     WHERE status IN ('unresolved', 'blocked', 'parked') AND id IN
                         (SELECT letter_id FROM operation_item WHERE state = 'queued'
                          AND redrive_id IN (SELECT {id 0} FROM {rows 1}))"),
            ] {
                sqlx::query(statement).bind(&rows).execute(&mut *tx).await?;
            }
        }
        sqlx::query(sql("UPDATE operation SET beat_at = {now} WHERE id = $1"))
            .bind(id(operation))
            .execute(&mut *tx)
            .await?;
        let queued = sqlx::query(joined(&[
            COLUMNS,
            " WHERE i.state = 'queued' AND i.redrive_id IN (SELECT {id 0} FROM {rows 1}) ORDER BY i.seq",
        ]))
        .bind(&rows)
        .fetch_all(&mut *tx)
        .await?;
        let queued = queued.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        tx.commit().await?;
        Ok(if paused { Vec::new() } else { queued })
    }

    pub(in crate::store) async fn follow_items(
        &self,
        operation: Uuid,
        epoch: i64,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        held(&mut tx, operation, epoch).await?;
        let reported: Vec<Id> = sqlx::query_scalar(
            "SELECT redrive_id FROM operation_item
             WHERE operation_id = $1 AND state = 'settled' AND NOT followed",
        )
        .bind(id(operation))
        .fetch_all(&mut *tx)
        .await?;
        // In the order in which a report that comes once more locks them.
        let reported = list(reported)?;
        locks::items(&mut tx, &reported).await?;
        let letters: Vec<Id> = sqlx::query_scalar(sql("UPDATE operation_item SET followed = true
             WHERE redrive_id IN (SELECT {id 0} FROM {rows 1}) RETURNING letter_id"))
        .bind(reported)
        .fetch_all(&mut *tx)
        .await?;
        let next: Vec<(Id, i64)> = sqlx::query_as(sql(
            "SELECT DISTINCT d.id, d.seq FROM {rows 1} JOIN dead_letter l ON l.id = {id 0}
                 JOIN key_block b ON b.consumer = l.consumer AND {whole b.key} = {whole l.key}
                 JOIN dead_letter d ON d.id = b.head_id
             WHERE l.status = 'resolved' AND l.family = 'evtop' AND d.status = 'blocked'
                 AND NOT EXISTS (SELECT 1 FROM operation_item i WHERE i.letter_id = d.id AND i.operation_id = $2)
             ORDER BY d.seq",
        ))
        .bind(list(letters)?)
        .bind(id(operation))
        .fetch_all(&mut *tx)
        .await?;
        let next: Vec<Uuid> = next
            .into_iter()
            .map(|(id, _)| uuid(id))
            .collect::<Result<_, _>>()?;
        let rows: Vec<(Uuid, Uuid)> = next
            .iter()
            .map(|letter| (redrive_id(operation, *letter), *letter))
            .collect();
        if !rows.is_empty() {
            sqlx::query(sql(
                "INSERT INTO operation_item (redrive_id, operation_id, letter_id, seq, state)
                 SELECT {id 0}, $2, {id 1}, {nth} + 1 + (SELECT coalesce(max(seq), -1) FROM operation_item
                                                         WHERE operation_id = $2), 'planned'
                 FROM {rows 1} {in_order} ON CONFLICT (redrive_id) DO NOTHING",
            ))
            .bind(json(&rows)?)
            .bind(id(operation))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(next.len() as u64)
    }

    pub(in crate::store) async fn refuse_waiting(
        &self,
        operation: Uuid,
        epoch: i64,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        held(&mut tx, operation, epoch).await?;
        let refused = sqlx::query(sql(
            "UPDATE operation_item SET state = 'refused', error = 'it waits behind letter ' || (
                 SELECT CAST(b.head_id AS text) FROM dead_letter d JOIN key_block b
                     ON b.consumer = d.consumer AND {whole b.key} = {whole d.key}
                 WHERE d.id = letter_id) || ' of the same key'
             WHERE operation_id = $1 AND state = 'planned' AND EXISTS (
                 SELECT 1 FROM dead_letter d JOIN key_block b
                     ON b.consumer = d.consumer AND {whole b.key} = {whole d.key} AND b.head_id <> d.id
                 WHERE d.id = letter_id AND d.family = 'evtop'
                     AND NOT EXISTS (SELECT 1 FROM dead_letter h WHERE h.id = b.head_id
                                     AND h.status IN ('queued', 'in_flight'))
                     AND NOT EXISTS (SELECT 1 FROM operation_item o WHERE o.letter_id = b.head_id
                                     AND o.operation_id = $1 AND o.state IN ('planned', 'queued')))",
        ))
        .bind(id(operation))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(refused)
    }

    pub(in crate::store) async fn items_sent(
        &self,
        sent: &[(Uuid, String, i32, i64)],
    ) -> Result<(), StoreError> {
        let ids = list(sent.iter().map(|(redrive, ..)| redrive))?;
        let mut tx = self.begin().await?;
        locks::letters_of(&mut tx, &ids).await?;
        locks::items(&mut tx, &ids).await?;
        sqlx::query(sql(
            "UPDATE dead_letter SET status = 'in_flight' WHERE status = 'queued' AND id IN
                 (SELECT letter_id FROM operation_item WHERE state = 'queued'
                  AND redrive_id IN (SELECT {id 0} FROM {rows 1}))",
        ))
        .bind(&ids)
        .execute(&mut *tx)
        .await?;
        sqlx::query(sql(
            "UPDATE operation_item SET topic = s.topic, partition = s.place, \"offset\" = s.at,
                 state = CASE WHEN state IN ('planned', 'queued', 'left') THEN 'in_flight' ELSE state END
             FROM (SELECT {id 0} AS redrive, {text 1} AS topic, {int 2} AS place, {int 3} AS at FROM {rows 1}) s
             WHERE redrive_id = s.redrive",
        ))
        .bind(json(sent)?)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
