//! Operations. A redrive's counts are its items' states at this moment; an injection's and a replay's
//! are counters that its runner and the consumers add to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::codec::{self, Columns, Id, at, json, list, signed, sql, text, uuid};
use super::{Connection, Db, Driver, Row, items, locks};
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};
use crate::store::StoreError;

const COLUMNS: &str =
    "SELECT id, kind, state, what, target, total, sent, ok, failed_again, duplicate, unknown,
    refused, rate_limit, asked_by, created_at, ended_at, note, plan, paused FROM operation";

const UNFINISHED: &str = "state IN ('planned', 'running', 'draining')";

impl Db {
    pub(in crate::store) async fn create_operation(
        &self,
        operation: &Operation,
        items: &[(Uuid, Uuid)],
    ) -> Result<(), StoreError> {
        let rows = json(items)?;
        let mut tx = self.begin().await?;
        if operation.kind == OperationKind::Redrive {
            locks::redrives(&mut tx).await?;
            refuse_second(&mut tx, &rows).await?;
        }
        let c = &operation.counts;
        sqlx::query(
            "INSERT INTO operation (id, kind, state, what, target, total, sent, ok, failed_again, duplicate,
                 unknown, refused, rate_limit, asked_by, created_at, ended_at, note, plan)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        )
        .bind(codec::id(operation.id))
        .bind(operation.kind.name())
        .bind(operation.state.name())
        .bind(text(&operation.what))
        .bind(&operation.target)
        .bind(signed(c.total))
        .bind(signed(c.sent))
        .bind(signed(c.ok))
        .bind(signed(c.failed_again))
        .bind(signed(c.duplicate))
        .bind(signed(c.unknown))
        .bind(signed(c.refused))
        .bind(i64::from(operation.rate_limit))
        .bind(&operation.by)
        .bind(at(operation.created_at))
        .bind(operation.ended_at.map(at))
        .bind(operation.note.as_deref().map(text))
        .bind(&operation.plan)
        .execute(&mut *tx)
        .await?;
        sqlx::query(sql(
            "INSERT INTO operation_item (redrive_id, operation_id, letter_id, seq, state)
             SELECT {id 0}, $1, {id 1}, {nth}, 'planned' FROM {rows 2} {in_order}",
        ))
        .bind(codec::id(operation.id))
        .bind(&rows)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    pub(in crate::store) async fn operation(
        &self,
        id: Uuid,
    ) -> Result<Option<Operation>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE id = ").push_bind(codec::id(id));
        Ok(self.read_operations(query).await?.pop())
    }

    pub(in crate::store) async fn operations(
        &self,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" ORDER BY ").push(UNFINISHED);
        query
            .push(" DESC, created_at DESC, id DESC LIMIT ")
            .push_bind(i64::from(limit));
        self.read_operations(query).await
    }

    pub(in crate::store) async fn unfinished_operations(
        &self,
    ) -> Result<Vec<Operation>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query
            .push(" WHERE ")
            .push(UNFINISHED)
            .push(" ORDER BY created_at, id");
        self.read_operations(query).await
    }

    pub(in crate::store) async fn silent_operations(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<Operation>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE ").push(UNFINISHED);
        query.push(" AND coalesce(beat_at, created_at) < ");
        query.push_bind(at(since)).push(" ORDER BY created_at, id");
        self.read_operations(query).await
    }

    pub(in crate::store) async fn beat(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE operation SET beat_at = $1 WHERE id = $2")
            .bind(at(now))
            .bind(codec::id(id))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    async fn read_operations(
        &self,
        mut query: QueryBuilder<Driver>,
    ) -> Result<Vec<Operation>, StoreError> {
        let rows = query.build().fetch_all(&self.read).await?;
        let mut operations: Vec<Operation> =
            rows.iter().map(operation).collect::<Result<_, _>>()?;
        let redrives = operations
            .iter()
            .filter(|o| o.kind == OperationKind::Redrive);
        let redrives: Vec<Uuid> = redrives.map(|o| o.id).collect();
        if redrives.is_empty() {
            return Ok(operations);
        }
        let rows: Vec<(Id, String, Option<String>, i64)> = sqlx::query_as(sql(
            "SELECT operation_id, state, outcome, count(*) FROM operation_item
             WHERE operation_id IN (SELECT {id 0} FROM {rows 1}) GROUP BY 1, 2, 3",
        ))
        .bind(list(&redrives)?)
        .fetch_all(&self.read)
        .await?;
        let mut counts: HashMap<Uuid, Counts> = HashMap::new();
        for (id, state, outcome, n) in rows {
            add_items(
                counts.entry(uuid(id)?).or_default(),
                &state,
                outcome.as_deref(),
                codec::count(n),
            );
        }
        for operation in operations
            .iter_mut()
            .filter(|o| o.kind == OperationKind::Redrive)
        {
            operation.counts = counts.remove(&operation.id).unwrap_or_default();
        }
        Ok(operations)
    }

    pub(in crate::store) async fn set_operation_state(
        &self,
        id: Uuid,
        state: OperationState,
        note: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let mut query = QueryBuilder::<Driver>::new("UPDATE operation SET state = ");
        query.push_bind(state.name());
        query.push(", note = coalesce(").push_bind(note.map(text));
        query
            .push(", note), ended_at = ")
            .push_bind(state.is_over().then(|| at(now)));
        query
            .push(" WHERE id = ")
            .push_bind(codec::id(id))
            .push(" AND ")
            .push(UNFINISHED);
        let moved = query.build().execute(&mut *tx).await?.rows_affected() > 0;
        if moved && state.is_over() {
            locks::queued_letters(&mut tx, id).await?;
            let mut query = QueryBuilder::<Driver>::new("UPDATE dead_letter SET status = ");
            query.push(items::BACK).push(
                " WHERE status = 'queued' AND id IN
                    (SELECT letter_id FROM operation_item WHERE state = 'queued' AND operation_id = ",
            );
            query.push_bind(codec::id(id)).push(")");
            query.build().execute(&mut *tx).await?;
            sqlx::query(
                "UPDATE operation_item SET state = 'planned' WHERE state = 'queued' AND operation_id = $1",
            )
            .bind(codec::id(id))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(moved)
    }

    pub(in crate::store) async fn bump_operation(
        &self,
        id: Uuid,
        by: &Counts,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        bump(&mut tx, id, by).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(in crate::store) async fn request_cancel(&self, id: Uuid) -> Result<bool, StoreError> {
        let mut query =
            QueryBuilder::<Driver>::new("UPDATE operation SET cancel = true WHERE id = ");
        query
            .push_bind(codec::id(id))
            .push(" AND ")
            .push(UNFINISHED);
        Ok(query.build().execute(&self.write).await?.rows_affected() > 0)
    }

    pub(in crate::store) async fn pause_operation(
        &self,
        id: Uuid,
        paused: bool,
    ) -> Result<bool, StoreError> {
        let mut query = QueryBuilder::<Driver>::new("UPDATE operation SET paused = ");
        query.push_bind(paused).push(" WHERE id = ");
        query
            .push_bind(codec::id(id))
            .push(" AND ")
            .push(UNFINISHED);
        Ok(query.build().execute(&self.write).await?.rows_affected() > 0)
    }

    pub(in crate::store) async fn pause_requested(&self, id: Uuid) -> Result<bool, StoreError> {
        let paused: Option<bool> = sqlx::query_scalar("SELECT paused FROM operation WHERE id = $1")
            .bind(codec::id(id))
            .fetch_optional(&self.read)
            .await?;
        Ok(paused.unwrap_or_default())
    }

    pub(in crate::store) async fn cancel_requested(&self, id: Uuid) -> Result<bool, StoreError> {
        let cancel: Option<bool> = sqlx::query_scalar("SELECT cancel FROM operation WHERE id = $1")
            .bind(codec::id(id))
            .fetch_optional(&self.read)
            .await?;
        Ok(cancel.unwrap_or_default())
    }
}

/// At most one unfinished redrive works on a dead-letter topic, or two would race for the same keys.
async fn refuse_second(connection: &mut Connection, items: &str) -> Result<(), StoreError> {
    // The order matters: few operations are unfinished, while items are many.
    let busy: Option<(String, String, String)> =
        sqlx::query_as(sql("SELECT o.what, d.topic, d.consumer
         FROM operation o {then} operation_item i ON i.operation_id = o.id
             {then} dead_letter d ON d.id = i.letter_id
         WHERE o.kind = 'redrive' AND o.state IN ('planned', 'running', 'draining')
             AND (d.topic, d.consumer) IN (SELECT DISTINCT topic, consumer FROM dead_letter
                                           WHERE id IN (SELECT {id 1} FROM {rows 1}))
         LIMIT 1"))
        .bind(items)
        .fetch_optional(connection)
        .await?;
    match busy {
        None => Ok(()),
        Some((what, topic, group)) => Err(StoreError::Busy(format!(
            "the redrive of {what} still works on {topic} for {group}; wait for it or cancel it"
        ))),
    }
}

/// Adds to an operation's counters.
pub(super) async fn bump(
    connection: &mut Connection,
    id: Uuid,
    by: &Counts,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE operation SET total = total + $1, sent = sent + $2, ok = ok + $3,
             failed_again = failed_again + $4, duplicate = duplicate + $5, unknown = unknown + $6,
             refused = refused + $7 WHERE id = $8",
    )
    .bind(signed(by.total))
    .bind(signed(by.sent))
    .bind(signed(by.ok))
    .bind(signed(by.failed_again))
    .bind(signed(by.duplicate))
    .bind(signed(by.unknown))
    .bind(signed(by.refused))
    .bind(codec::id(id))
    .execute(connection)
    .await?;
    Ok(())
}

fn add_items(counts: &mut Counts, state: &str, outcome: Option<&str>, n: u64) {
    counts.total += n;
    match state {
        "in_flight" | "settled" => counts.sent += n,
        "refused" => counts.refused += n,
        _ => {}
    }
    match outcome {
        Some("ok") => counts.ok += n,
        Some("failed_again") => counts.failed_again += n,
        Some("duplicate") => counts.duplicate += n,
        Some("unknown") => counts.unknown += n,
        _ => {}
    }
}

fn operation(row: &Row) -> Result<Operation, StoreError> {
    let mut c = Columns::of(row);
    Ok(Operation {
        id: c.uuid()?,
        kind: c.word("kind of operation", OperationKind::parse)?,
        state: c.word("operation's state", OperationState::parse)?,
        what: c.get()?,
        target: c.get()?,
        counts: Counts {
            total: c.count()?,
            sent: c.count()?,
            ok: c.count()?,
            failed_again: c.count()?,
            duplicate: c.count()?,
            unknown: c.count()?,
            refused: c.count()?,
        },
        rate_limit: c.narrow()?,
        by: c.get()?,
        created_at: c.time()?,
        ended_at: c.time_or_null()?,
        note: c.get()?,
        plan: c.get()?,
        paused: c.get()?,
    })
}
