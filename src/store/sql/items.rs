//! The records of a redrive, one by one. An item and its letter move in the same transaction; a report
//! may come before the broker's acknowledgement is written, and after the item was given up.
//!
//! The order of a key: a letter of ours that has a key is sent only while it is its key's head, which the
//! transaction that means to send it holds; until then it waits in the plan.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::codec::{Columns, Id, id, json, list, sql, text, unreadable, uuid};
use super::operations::held;
use super::{Connection, Db, Row, Tx, letter_write, locks};
use crate::domain::fingerprint::fingerprint;
use crate::domain::letter::RedriveOutcome;
use crate::domain::operation::redrive_id;
use crate::domain::retry::MAX_REDRIVES;
use crate::store::{Item, ItemState, RedriveRef, StoreError, Turn};

const COLUMNS: &str =
    "SELECT i.redrive_id, i.operation_id, i.letter_id, i.seq, i.state, i.outcome, i.topic, i.partition,
    i.\"offset\", i.error, CASE WHEN i.sent_at IS NOT NULL THEN {since i.sent_at} END,
    (SELECT l.consumer FROM dead_letter l WHERE l.id = i.letter_id) FROM operation_item i";

/// Whether a letter `d` may be sent: it is its key's head, or no key of ours holds it.
const FREE: &str = "(d.family <> 'evtop' OR NOT EXISTS (SELECT 1 FROM key_block b
    WHERE b.consumer = d.consumer AND {whole b.key} = {whole d.key} AND b.head_id <> d.id))";

/// The code of a letter that waited and was not sent when its turn came.
const NOT_SENT: &str = "not_sent";

/// Why a letter that only waited for its turn waits for a person now.
const CANCELLED: &str = "its redrive was cancelled before its turn";

/// A statement whose parts are joined by hand.
fn joined(parts: &[&str]) -> sqlx::AssertSqlSafe<String> {
    // Only the house's own text goes in: values are bound.
    sqlx::AssertSqlSafe(super::codec::part(&parts.concat()))
}

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

    pub(in crate::store) async fn in_flight_items(
        &self,
        operation: Uuid,
    ) -> Result<Vec<Item>, StoreError> {
        let rows = sqlx::query(joined(&[
            COLUMNS,
            " WHERE i.operation_id = $1 AND i.state IN ('queued', 'in_flight') ORDER BY i.seq",
        ]))
        .bind(id(operation))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(item).collect()
    }

    pub(in crate::store) async fn items_left_behind(
        &self,
        limit: u32,
    ) -> Result<Vec<Item>, StoreError> {
        let rows = sqlx::query(joined(&[
            COLUMNS,
            " JOIN operation o ON o.id = i.operation_id
             WHERE i.state IN ('queued', 'in_flight') AND o.state IN ('completed', 'cancelled', 'failed')
             ORDER BY i.sent_at LIMIT $1",
        ]))
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(item).collect()
    }

    pub(in crate::store) async fn item(&self, redrive: Uuid) -> Result<Option<Item>, StoreError> {
        let row = sqlx::query(joined(&[COLUMNS, " WHERE i.redrive_id = $1"]))
            .bind(id(redrive))
            .fetch_optional(&self.read)
            .await?;
        row.as_ref().map(item).transpose()
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
            // SET sees the row as it was: what only waited has no failure of its own to be overwritten.
            not_sent(&mut tx, &group, &stage, reason, &list([&letter])?, true).await?;
            letter_write::heads(&mut tx, &list([&letter])?).await?;
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
            letter_write::heads(&mut tx, &list([letter])?).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Makes letters that were not sent wait for a person, whatever they waited for before: one that only waited for
/// its turn says why it had none, since sent on by itself it would be refused again and again. `queued`: they were
/// queued for a redrive, which does not count.
async fn not_sent(
    tx: &mut Tx,
    group: &str,
    stage: &str,
    reason: &str,
    letters: &str,
    queued: bool,
) -> Result<(), StoreError> {
    // SET sees the row as it was: what only waited has no failure of its own to be overwritten.
    sqlx::query(sql(
        "UPDATE dead_letter SET
             code = CASE WHEN blocked_by IS NULL THEN code ELSE $2 END,
             message = CASE WHEN blocked_by IS NULL THEN message ELSE $3 END,
             fingerprint = CASE WHEN blocked_by IS NULL THEN fingerprint ELSE $4 END,
             redrives = redrives - $6,
             status = CASE WHEN redrives - $6 >= $5 THEN 'parked' ELSE 'unresolved' END, blocked_by = NULL
         WHERE id IN (SELECT {id 0} FROM {rows 1})",
    ))
    .bind(letters)
    .bind(NOT_SENT)
    .bind(text(reason))
    .bind(fingerprint(group, stage, NOT_SENT, reason))
    .bind(i64::from(MAX_REDRIVES))
    .bind(i64::from(queued))
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
        not_sent(tx, group, stage, CANCELLED, &ids, false).await?;
    }
    sqlx::query(
        "UPDATE operation_item SET state = 'left' WHERE operation_id = $1 AND state = 'planned'",
    )
    .bind(id(operation))
    .execute(&mut **tx)
    .await?;
    if !waiting.is_empty() {
        letter_write::heads(tx, &ids).await?;
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
    letter_write::heads(connection, &letters).await
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

fn item(row: &Row) -> Result<Item, StoreError> {
    let mut c = Columns::of(row);
    Ok(Item {
        redrive_id: c.uuid()?,
        operation_id: c.uuid()?,
        letter_id: c.uuid()?,
        seq: c.get()?,
        state: c.word("item's state", ItemState::parse)?,
        outcome: match c.get::<Option<&str>>()? {
            None => None,
            Some(word) => Some(
                RedriveOutcome::parse(word).ok_or_else(|| unreadable("redrive's outcome", word))?,
            ),
        },
        place: match (c.get()?, c.get()?, c.get()?) {
            (Some(topic), Some(partition), Some(offset)) => Some((topic, partition, offset)),
            _ => None,
        },
        error: c.get()?,
        age: c
            .get::<Option<i64>>()?
            .map(|micros| Duration::from_micros(micros.unsigned_abs())),
        group: c.get::<Option<String>>()?.filter(|group| !group.is_empty()),
    })
}
