//! The records of a redrive, as they are read.

use std::time::Duration;

use uuid::Uuid;

use super::codec::{Columns, id, unreadable};
use super::{Db, Row};
use crate::domain::letter::RedriveOutcome;
use crate::store::{Item, ItemState, StoreError};

pub(super) const COLUMNS: &str =
    "SELECT i.redrive_id, i.operation_id, i.letter_id, i.seq, i.state, i.outcome, i.topic, i.partition,
    i.\"offset\", i.error, CASE WHEN i.sent_at IS NOT NULL THEN {since i.sent_at} END,
    (SELECT l.consumer FROM dead_letter l WHERE l.id = i.letter_id) FROM operation_item i";

/// A statement whose parts are joined by hand.
pub(super) fn joined(parts: &[&str]) -> sqlx::AssertSqlSafe<String> {
    // Only the house's own text goes in: values are bound.
    sqlx::AssertSqlSafe(super::codec::part(&parts.concat()))
}

impl Db {
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
}

pub(super) fn item(row: &Row) -> Result<Item, StoreError> {
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
