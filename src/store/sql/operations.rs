//! Operations: what was asked, and how it ends. A redrive's counts are its items' states at this moment; of a
//! replay, what was sent is counted with how far it came, and reports are counted by consumers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::codec::{self, Columns, Id, at, json, list, signed, sql, text, uuid};
use super::drivers::held;
use super::{Connection, Db, Driver, Row, Tx, item_ends, locks};
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};
use crate::store::{Granted, StoreError, Wish};

const COLUMNS: &str =
    "SELECT id, kind, state, what, target, total, sent, ok, failed_again, duplicate, unknown,
    refused, rate_limit, asked_by, created_at, ended_at, note, plan, paused, given_up FROM operation";

const UNFINISHED: &str = "state IN ('planned', 'running', 'draining')";

impl Db {
    pub(in crate::store) async fn create_operation(
        &self,
        operation: &Operation,
        items: &[(Uuid, Uuid)],
        owner: Option<&str>,
    ) -> Result<(), StoreError> {
        let rows = json(items)?;
        let mut tx = self.begin().await?;
        if operation.kind == OperationKind::Redrive {
            locks::redrives(&mut tx).await?;
            refuse_second(&mut tx, &rows).await?;
        }
        let c = &operation.counts;
        sqlx::query(sql(
            "INSERT INTO operation (id, kind, state, what, target, total, sent, ok, failed_again, duplicate,
                 unknown, refused, rate_limit, asked_by, created_at, ended_at, note, plan, owner, epoch, beat_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, {now})",
        ))
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
        .bind(owner)
        .bind(i64::from(owner.is_some()))
        .execute(&mut *tx)
        .await?;
        // In the order of arrival, which is a key's order, whatever the order in which they were chosen.
        sqlx::query(sql(
            "INSERT INTO operation_item (redrive_id, operation_id, letter_id, seq, state)
             SELECT redrive, $1, letter, row_number() OVER (ORDER BY arrival, nth) - 1, 'planned' FROM (
                 SELECT {id 0} AS redrive, {id 1} AS letter, {nth} AS nth,
                     (SELECT d.seq FROM dead_letter d WHERE d.id = {id 1}) AS arrival
                 FROM {rows 2}) AS chosen",
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

    pub(in crate::store) async fn unfinished_redrives(&self) -> Result<u64, StoreError> {
        let n: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM operation WHERE kind = 'redrive'
                 AND state IN ('planned', 'running', 'draining')",
        )
        .fetch_one(&self.read)
        .await?;
        Ok(codec::count(n))
    }

    pub(in crate::store) async fn ask_operation(
        &self,
        id: Uuid,
        wish: Wish,
        now: DateTime<Utc>,
    ) -> Result<Granted, StoreError> {
        let mut tx = self.begin().await?;
        locks::operation(&mut tx, id).await?;
        let state: Option<String> = sqlx::query_scalar("SELECT state FROM operation WHERE id = $1")
            .bind(codec::id(id))
            .fetch_optional(&mut *tx)
            .await?;
        let Some(word) = state else {
            return Ok(Granted::Missing);
        };
        let state = OperationState::parse(&word)
            .ok_or_else(|| codec::unreadable("operation's state", &word))?;
        if state.is_over() {
            return Ok(Granted::Over(state));
        }
        match wish {
            Wish::Pause | Wish::Resume => {
                sqlx::query("UPDATE operation SET paused = $1 WHERE id = $2")
                    .bind(wish == Wish::Pause)
                    .bind(codec::id(id))
                    .execute(&mut *tx)
                    .await?;
            }
            Wish::Cancel => {
                item_ends::leave(&mut tx, id).await?;
                end(&mut tx, id, OperationState::Cancelled, None, now).await?;
            }
        }
        tx.commit().await?;
        Ok(Granted::Yes)
    }

    pub(in crate::store) async fn finish_operation(
        &self,
        id: Uuid,
        epoch: i64,
        state: OperationState,
        note: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        held(&mut tx, id, epoch).await?;
        match state {
            OperationState::Completed if !item_ends::all_done(&mut tx, id).await? => {
                return Ok(false);
            }
            OperationState::Completed => {}
            _ => item_ends::leave(&mut tx, id).await?,
        }
        end(&mut tx, id, state, note, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The operations of these rows, each with what its row says beside it, in the rows' order.
    pub(super) async fn operations_of<T>(
        &self,
        rows: Vec<(Id, T)>,
    ) -> Result<Vec<(Operation, T)>, StoreError> {
        let mut found = Vec::with_capacity(rows.len());
        for (id, beside) in rows {
            if let Some(operation) = self.operation(uuid(id)?).await? {
                found.push((operation, beside));
            }
        }
        Ok(found)
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
            operations.iter_mut().for_each(Operation::derive);
            return Ok(operations);
        }
        let rows: Vec<(Id, String, Option<String>, i64)> = sqlx::query_as(sql(
            "SELECT operation_id, state, outcome, CAST(sum(n) AS bigint) FROM item_tally
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
        operations.iter_mut().for_each(Operation::derive);
        Ok(operations)
    }
}

/// Writes the end of an operation down; a note replaces the one before.
async fn end(
    tx: &mut Tx,
    id: Uuid,
    state: OperationState,
    note: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE operation SET state = $1, note = coalesce($2, note), ended_at = $3, owner = NULL WHERE id = $4",
    )
    .bind(state.name())
    .bind(note.map(text))
    .bind(at(now))
    .bind(codec::id(id))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// At most one unfinished redrive works on a dead-letter topic, or two would race for the same keys.
async fn refuse_second(connection: &mut Connection, items: &str) -> Result<(), StoreError> {
    // The order matters: few operations are unfinished, while items are many.
    let busy: Option<(Id, String, String, String)> =
        sqlx::query_as(sql("SELECT o.id, o.what, d.topic, d.consumer
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
        Some((id, what, topic, group)) => Err(StoreError::Busy(format!(
            "the redrive of {what} still works on {topic} for {group}; wait for it or cancel it: `evtop ops --cancel {}`",
            uuid(id)?
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
        "left" => counts.left += n,
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
            left: 0,
        },
        rate_limit: c.narrow()?,
        by: c.get()?,
        created_at: c.time()?,
        ended_at: c.time_or_null()?,
        note: c.get()?,
        plan: c.get()?,
        paused: c.get()?,
        given_up: c.get()?,
    })
}
