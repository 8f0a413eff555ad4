//! How the records of a redrive end: reported, refused, unknown or left unsent. An item and its letter move in the
//! same transaction; a report may come before the broker's acknowledgement is written, and after the item was
//! given up.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::codec::{Id, id, json, list, sql, text};
use super::key_queue::heads;
use super::{Connection, Db, Tx, locks};
use crate::domain::fingerprint::fingerprint;
use crate::domain::letter::RedriveOutcome;
use crate::domain::retry::MAX_REDRIVES;
use crate::store::{RedriveRef, StoreError};

/// The code of a letter that waited and was not sent when its turn came.
const NOT_SENT: &str = "not_sent";

/// Why a letter that only waited for its turn waits for a person now.
const CANCELLED: &str = "its redrive was cancelled before its turn";

impl Db {
    pub(in crate::store) async fn item_refused(
        &self,
        redrive: Uuid,
        reason: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        locks::item(&mut tx, redrive).await?;
        let row: Option<(Id, String, String)> = sqlx::query_as(
            "SELECT d.id, d.consumer, d.stage FROM operation_item i JOIN dead_letter d ON d.id = i.letter_id
             WHERE i.redrive_id = $1 AND i.state = 'queued' AND d.status = 'queued'",
        )
        .bind(id(redrive))
        .fetch_optional(&mut *tx)
        .await?;
        if let Some((letter, group, stage)) = row {
            not_sent(&mut tx, &group, &stage, reason, &list([&letter])?, "queued").await?;
            heads(&mut tx, &list([&letter])?).await?;
        }
        sqlx::query(
            "UPDATE operation_item SET state = 'refused', error = $1
             WHERE redrive_id = $2 AND state IN ('planned', 'queued')",
        )
        .bind(text(reason))
        .bind(id(redrive))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    pub(in crate::store) async fn item_unknown(&self, redrive: Uuid) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        locks::item(&mut tx, redrive).await?;
        let letter: Option<Id> = sqlx::query_scalar(
            "UPDATE dead_letter SET outcome = 'unknown',
                 status = CASE WHEN redrives >= $2 THEN 'parked' ELSE 'unresolved' END, blocked_by = NULL
             WHERE status IN ('queued', 'in_flight') AND id =
                 (SELECT letter_id FROM operation_item WHERE redrive_id = $1 AND state IN ('queued', 'in_flight'))
             RETURNING id",
        )
        .bind(id(redrive))
        .bind(i64::from(MAX_REDRIVES))
        .fetch_optional(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE operation_item SET state = 'settled', outcome = 'unknown'
             WHERE redrive_id = $1 AND state IN ('queued', 'in_flight')",
        )
        .bind(id(redrive))
        .execute(&mut *tx)
        .await?;
        if let Some(letter) = letter {
            heads(&mut tx, &list([letter])?).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Makes letters that were not sent wait for a person, whatever they waited for before: one that only waited for
/// its turn says why it had none, since sent on by itself it would be refused again and again. Those whose status is
/// not `from` any more are left as they are; a redrive that one was queued for does not count.
async fn not_sent(
    tx: &mut Tx,
    group: &str,
    stage: &str,
    reason: &str,
    letters: &str,
    from: &str,
) -> Result<(), StoreError> {
    // SET sees the row as it was: what only waited has no failure of its own to be overwritten.
    sqlx::query(sql("UPDATE dead_letter SET
             code = CASE WHEN blocked_by IS NULL THEN code ELSE $2 END,
             message = CASE WHEN blocked_by IS NULL THEN message ELSE $3 END,
             fingerprint = CASE WHEN blocked_by IS NULL THEN fingerprint ELSE $4 END,
             redrives = redrives - CASE status WHEN 'queued' THEN 1 ELSE 0 END,
             status = CASE WHEN redrives - CASE status WHEN 'queued' THEN 1 ELSE 0 END >= $5
                 THEN 'parked' ELSE 'unresolved' END,
             blocked_by = NULL
         WHERE status = $6 AND id IN (SELECT {id 0} FROM {rows 1})"))
    .bind(letters)
    .bind(NOT_SENT)
    .bind(text(reason))
    .bind(fingerprint(group, stage, NOT_SENT, reason))
    .bind(i64::from(MAX_REDRIVES))
    .bind(from)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether nothing of an operation is left to do or to be heard of, and every queue behind its letters has had
/// its turn.
pub(super) async fn all_done(tx: &mut Tx, operation: Uuid) -> Result<bool, StoreError> {
    let open: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM operation_item WHERE operation_id = $1 AND state IN ('planned', 'queued'))
             OR EXISTS (SELECT 1 FROM operation_item WHERE operation_id = $1 AND state IN ('queued', 'in_flight'))
             OR EXISTS (SELECT 1 FROM operation_item WHERE operation_id = $1 AND state = 'settled' AND NOT followed)",
    )
    .bind(id(operation))
    .fetch_one(&mut **tx)
    .await?;
    Ok(!open)
}

/// Leaves what an operation did not send; what it meant to send may be on its way, and is settled like what is.
/// Of each queue that it let go on, the event whose turn it would be waits for a person now: nothing sends it on.
pub(super) async fn leave(tx: &mut Tx, operation: Uuid) -> Result<(), StoreError> {
    let waiting: Vec<(Id, String, String)> = sqlx::query_as(sql(
        "SELECT w.id, w.consumer, w.stage FROM dead_letter w WHERE w.status = 'blocked' AND w.seq IN (
             SELECT (SELECT min(q.seq) FROM dead_letter q WHERE q.consumer = l.consumer
                         AND {whole q.key} = {whole l.key} AND q.family = 'evtop'
                         AND q.status NOT IN ('resolved', 'archived') AND q.status = 'blocked')
             FROM operation_item i JOIN dead_letter l ON l.id = i.letter_id
                 JOIN key_block b ON b.consumer = l.consumer AND {whole b.key} = {whole l.key}
             WHERE i.operation_id = $1 AND l.family = 'evtop' AND (b.ready OR EXISTS (
                 SELECT 1 FROM operation_item h WHERE h.operation_id = $1 AND h.letter_id = b.head_id
                     AND h.state IN ('queued', 'in_flight'))))
         ORDER BY w.id",
    ))
    .bind(id(operation))
    .fetch_all(&mut **tx)
    .await?;
    let ids = list(waiting.iter().map(|(id, ..)| id))?;
    locks::letters(tx, &ids).await?;
    let kinds: BTreeSet<(&String, &String)> = waiting.iter().map(|(_, g, s)| (g, s)).collect();
    for (group, stage) in kinds {
        let of_kind = waiting.iter().filter(|(_, g, s)| (g, s) == (group, stage));
        let ids = list(of_kind.map(|(id, ..)| id))?;
        not_sent(tx, group, stage, CANCELLED, &ids, "blocked").await?;
    }
    sqlx::query(
        "UPDATE operation_item SET state = 'left' WHERE operation_id = $1 AND state = 'planned'",
    )
    .bind(id(operation))
    .execute(&mut **tx)
    .await?;
    if !waiting.is_empty() {
        heads(tx, &ids).await?;
    }
    Ok(())
}

/// Reports that redriven letters are done: they are resolved, their items settled, and keys without
/// another open letter are free.
pub(super) async fn resolve(
    connection: &mut Connection,
    done: &[(RedriveRef, RedriveOutcome)],
) -> Result<(), StoreError> {
    if done.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = done
        .iter()
        .map(|(r, outcome)| (r.letter, outcome.name()))
        .collect();
    let letters = list(done.iter().map(|(r, _)| r.letter))?;
    locks::letters(connection, &letters).await?;
    // The second report of one redrive finds the work done: that makes it no duplicate.
    sqlx::query(sql(
        "UPDATE dead_letter SET status = 'resolved', outcome = o.outcome
         FROM (SELECT {id 0} AS id, max({text 1}) AS outcome FROM {rows 1} GROUP BY 1) o
         WHERE dead_letter.id = o.id
             AND NOT (dead_letter.status = 'resolved' AND dead_letter.outcome IS NOT DISTINCT FROM 'ok')",
    ))
    .bind(json(&rows)?)
    .execute(&mut *connection)
    .await?;
    let items: Vec<_> = done
        .iter()
        .map(|(r, outcome)| (r.redrive, *outcome))
        .collect();
    settle(connection, &items).await?;
    heads(connection, &letters).await
}

/// Settles items; one that went well stays so.
pub(super) async fn settle(
    connection: &mut Connection,
    items: &[(Uuid, RedriveOutcome)],
) -> Result<(), StoreError> {
    let rows: Vec<_> = items
        .iter()
        .map(|(id, outcome)| (id, outcome.name()))
        .collect();
    let rows = json(&rows)?;
    locks::items(connection, &rows).await?;
    sqlx::query(sql(
        "UPDATE operation_item SET state = 'settled', outcome = o.outcome
         FROM (SELECT {id 0} AS id, max({text 1}) AS outcome FROM {rows 1} GROUP BY 1) o
         WHERE operation_item.redrive_id = o.id AND operation_item.outcome IS DISTINCT FROM 'ok'",
    ))
    .bind(rows)
    .execute(connection)
    .await?;
    Ok(())
}
