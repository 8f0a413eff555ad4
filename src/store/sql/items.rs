//! The records of a redrive, one by one. An item and its letter move in the same transaction; a report
//! may come before the broker's acknowledgement is written, and after the item was given up.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::codec::{Columns, Id, id, json, list, sql, text, unreadable};
use super::{Connection, Db, Driver, Row, letter_write, locks};
use crate::domain::fingerprint::fingerprint;
use crate::domain::letter::{LetterStatus, RedriveOutcome};
use crate::domain::retry::MAX_REDRIVES;
use crate::store::{Item, ItemState, RedriveRef, StoreError};

const COLUMNS: &str =
    "SELECT redrive_id, operation_id, letter_id, seq, state, outcome, topic, partition, \"offset\",
    error FROM operation_item";

/// The code of a letter that waited and could not be sent when its turn came.
const NOT_SENT: &str = "not_sent";

/// Where a letter returns to when it was not sent after all.
pub(super) const BACK: &str =
    "CASE WHEN blocked_by IS NOT NULL THEN 'blocked' ELSE 'unresolved' END";

impl Db {
    pub(in crate::store) async fn next_items(
        &self,
        operation: Uuid,
        limit: u32,
    ) -> Result<Vec<Item>, StoreError> {
        self.items(operation, " AND state IN ('planned', 'queued')", limit)
            .await
    }

    pub(in crate::store) async fn in_flight_items(
        &self,
        operation: Uuid,
    ) -> Result<Vec<Item>, StoreError> {
        self.items(operation, " AND state = 'in_flight'", u32::MAX)
            .await
    }

    pub(in crate::store) async fn sent_items(
        &self,
        operation: Uuid,
    ) -> Result<Vec<Item>, StoreError> {
        self.items(
            operation,
            " AND state IN ('in_flight', 'settled')",
            u32::MAX,
        )
        .await
    }

    pub(in crate::store) async fn item(&self, redrive: Uuid) -> Result<Option<Item>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE redrive_id = ").push_bind(id(redrive));
        let row = query.build().fetch_optional(&self.read).await?;
        row.as_ref().map(item).transpose()
    }

    async fn items(
        &self,
        operation: Uuid,
        states: &'static str,
        limit: u32,
    ) -> Result<Vec<Item>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query
            .push(" WHERE operation_id = ")
            .push_bind(id(operation));
        query
            .push(states)
            .push(" ORDER BY seq LIMIT ")
            .push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.read).await?;
        rows.iter().map(item).collect()
    }

    pub(in crate::store) async fn add_item(
        &self,
        operation: Uuid,
        redrive: Uuid,
        letter: Uuid,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        locks::operation(&mut tx, operation).await?;
        let added = sqlx::query(
            "INSERT INTO operation_item (redrive_id, operation_id, letter_id, seq, state)
             SELECT $1, $2, $3, (SELECT coalesce(max(seq) + 1, 0) FROM operation_item WHERE operation_id = $2),
                 'planned'
             WHERE NOT EXISTS (SELECT 1 FROM operation_item WHERE operation_id = $2 AND letter_id = $3
                               AND state IN ('planned', 'queued', 'in_flight'))
             ON CONFLICT (redrive_id) DO NOTHING",
        )
        .bind(id(redrive))
        .bind(id(operation))
        .bind(id(letter))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(added.rows_affected() > 0)
    }

    pub(in crate::store) async fn item_queued(&self, redrive: Uuid) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        locks::item(&mut tx, redrive).await?;
        let row: Option<(String, Id, Option<String>)> = sqlx::query_as(
            "SELECT i.state, i.letter_id, (SELECT status FROM dead_letter WHERE id = i.letter_id)
             FROM operation_item i WHERE i.redrive_id = $1",
        )
        .bind(id(redrive))
        .fetch_optional(&mut *tx)
        .await?;
        let Some((state, letter, status)) = row else {
            return Ok(false);
        };
        match ItemState::parse(&state) {
            Some(ItemState::Planned) => {}
            state => return Ok(state == Some(ItemState::Queued)),
        }
        let status = status.as_deref().and_then(LetterStatus::parse);
        let wanted = matches!(
            status,
            Some(LetterStatus::Unresolved | LetterStatus::Blocked | LetterStatus::Parked)
        );
        if !wanted {
            let reason = status.map_or("the letter is gone".to_owned(), |status| {
                format!("the letter is {} by now", status.name())
            });
            sqlx::query(
                "UPDATE operation_item SET state = 'refused', error = $1 WHERE redrive_id = $2",
            )
            .bind(reason)
            .bind(id(redrive))
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            return Ok(false);
        }
        sqlx::query("UPDATE operation_item SET state = 'queued' WHERE redrive_id = $1")
            .bind(id(redrive))
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "UPDATE dead_letter SET status = 'queued', redrives = redrives + 1 WHERE id = $1",
        )
        .bind(letter)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(in crate::store) async fn item_sent(
        &self,
        redrive: Uuid,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        locks::item(&mut tx, redrive).await?;
        sqlx::query(
            "UPDATE dead_letter SET status = 'in_flight' WHERE status = 'queued' AND id =
                 (SELECT letter_id FROM operation_item WHERE redrive_id = $1 AND state = 'queued')",
        )
        .bind(id(redrive))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE operation_item SET topic = $2, partition = $3, \"offset\" = $4,
                 state = CASE WHEN state IN ('planned', 'queued') THEN 'in_flight' ELSE state END
             WHERE redrive_id = $1",
        )
        .bind(id(redrive))
        .bind(topic)
        .bind(partition)
        .bind(offset)
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
            sqlx::query(
                "UPDATE dead_letter SET
                     code = CASE WHEN blocked_by IS NULL THEN code ELSE $2 END,
                     message = CASE WHEN blocked_by IS NULL THEN message ELSE $3 END,
                     fingerprint = CASE WHEN blocked_by IS NULL THEN fingerprint ELSE $4 END,
                     status = CASE WHEN redrives >= $5 THEN 'parked' ELSE 'unresolved' END, blocked_by = NULL
                 WHERE id = $1",
            )
            .bind(letter)
            .bind(NOT_SENT)
            .bind(text(reason))
            .bind(fingerprint(&group, &stage, NOT_SENT, reason))
            .bind(i64::from(MAX_REDRIVES))
            .execute(&mut *tx)
            .await?;
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
        sqlx::query(
            "UPDATE dead_letter SET outcome = 'unknown',
                 status = CASE WHEN redrives >= $2 THEN 'parked' ELSE 'unresolved' END, blocked_by = NULL
             WHERE status IN ('queued', 'in_flight') AND id =
                 (SELECT letter_id FROM operation_item WHERE redrive_id = $1 AND state IN ('queued', 'in_flight'))",
        )
        .bind(id(redrive))
        .bind(i64::from(MAX_REDRIVES))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE operation_item SET state = 'settled', outcome = 'unknown'
             WHERE redrive_id = $1 AND state IN ('queued', 'in_flight')",
        )
        .bind(id(redrive))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
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
    letter_write::unblock(connection, &letters).await
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
    })
}
