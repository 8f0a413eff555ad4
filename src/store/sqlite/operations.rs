//! Operations. A redrive's counts are its items' states at this moment; an injection's and a replay's
//! are counters that its runner and the consumers add to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Sqlite as Driver};
use uuid::Uuid;

use super::codec::{Columns, json, micros, signed};
use super::{Sqlite, items};
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};
use crate::store::StoreError;

const COLUMNS: &str =
    "SELECT id, kind, state, what, target, total, sent, ok, failed_again, duplicate, unknown,
    refused, rate_limit, asked_by, created_at, ended_at, note, plan FROM operation";

const UNFINISHED: &str = "state IN ('planned', 'running', 'draining')";

impl Sqlite {
    pub(in crate::store) async fn create_operation(
        &self,
        operation: &Operation,
        items: &[(Uuid, Uuid)],
    ) -> Result<(), StoreError> {
        let id = operation.id.to_string();
        let rows = json(items)?;
        let mut tx = self.begin().await?;
        if operation.kind == OperationKind::Redrive {
            refuse_second(&mut tx, &rows).await?;
        }
        let c = &operation.counts;
        sqlx::query(
            "INSERT INTO operation (id, kind, state, what, target, total, sent, ok, failed_again, duplicate,
                 unknown, refused, rate_limit, asked_by, created_at, ended_at, note, plan)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&id)
        .bind(operation.kind.name())
        .bind(operation.state.name())
        .bind(&operation.what)
        .bind(&operation.target)
        .bind(signed(c.total))
        .bind(signed(c.sent))
        .bind(signed(c.ok))
        .bind(signed(c.failed_again))
        .bind(signed(c.duplicate))
        .bind(signed(c.unknown))
        .bind(signed(c.refused))
        .bind(operation.rate_limit)
        .bind(&operation.by)
        .bind(micros(operation.created_at))
        .bind(operation.ended_at.map(micros))
        .bind(&operation.note)
        .bind(&operation.plan)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO operation_item (redrive_id, operation_id, letter_id, seq, state)
             SELECT value->>0, ?1, value->>1, key, 'planned' FROM json_each(?2)",
        )
        .bind(&id)
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
        query.push(" WHERE id = ").push_bind(id.to_string());
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
            .push_bind(limit);
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
        query
            .push_bind(micros(since))
            .push(" ORDER BY created_at, id");
        self.read_operations(query).await
    }

    pub(in crate::store) async fn beat(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE operation SET beat_at = ? WHERE id = ?")
            .bind(micros(now))
            .bind(id.to_string())
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
        let rows: Vec<(String, String, Option<String>, i64)> = sqlx::query_as(
            "SELECT operation_id, state, outcome, count(*) FROM operation_item
             WHERE operation_id IN (SELECT value FROM json_each(?)) GROUP BY 1, 2, 3",
        )
        .bind(json(&redrives)?)
        .fetch_all(&self.read)
        .await?;
        let mut counts: HashMap<String, Counts> = HashMap::new();
        for (id, state, outcome, n) in rows {
            add_items(
                counts.entry(id).or_default(),
                &state,
                outcome.as_deref(),
                super::codec::count(n),
            );
        }
        for operation in operations
            .iter_mut()
            .filter(|o| o.kind == OperationKind::Redrive)
        {
            operation.counts = counts.remove(&operation.id.to_string()).unwrap_or_default();
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
        let id = id.to_string();
        let mut tx = self.begin().await?;
        let mut query = QueryBuilder::<Driver>::new("UPDATE operation SET state = ");
        query.push_bind(state.name());
        query.push(", note = coalesce(").push_bind(note);
        query
            .push(", note), ended_at = ")
            .push_bind(state.is_over().then(|| micros(now)));
        query
            .push(" WHERE id = ")
            .push_bind(id.as_str())
            .push(" AND ")
            .push(UNFINISHED);
        let moved = query.build().execute(&mut *tx).await?.rows_affected() > 0;
        if moved && state.is_over() {
            let mut query = QueryBuilder::<Driver>::new("UPDATE dead_letter SET status = ");
            query.push(items::BACK).push(
                " WHERE status = 'queued' AND id IN
                    (SELECT letter_id FROM operation_item WHERE state = 'queued' AND operation_id = ",
            );
            query.push_bind(id.as_str()).push(")");
            query.build().execute(&mut *tx).await?;
            sqlx::query(
                "UPDATE operation_item SET state = 'planned' WHERE state = 'queued' AND operation_id = ?",
            )
            .bind(&id)
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
        let mut query = QueryBuilder::<Driver>::new("UPDATE operation SET cancel = 1 WHERE id = ");
        query
            .push_bind(id.to_string())
            .push(" AND ")
            .push(UNFINISHED);
        Ok(query.build().execute(&self.write).await?.rows_affected() > 0)
    }

    pub(in crate::store) async fn cancel_requested(&self, id: Uuid) -> Result<bool, StoreError> {
        let cancel: Option<bool> = sqlx::query_scalar("SELECT cancel FROM operation WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.read)
            .await?;
        Ok(cancel.unwrap_or_default())
    }
}

/// At most one unfinished redrive works on a dead-letter topic, or two would race for the same keys.
async fn refuse_second(connection: &mut SqliteConnection, items: &str) -> Result<(), StoreError> {
    // CROSS JOIN keeps this order: few operations are unfinished, while items are many.
    let busy: Option<(String, String, String)> = sqlx::query_as(
        "SELECT o.what, d.topic, d.consumer
         FROM operation o CROSS JOIN operation_item i ON i.operation_id = o.id
             CROSS JOIN dead_letter d ON d.id = i.letter_id
         WHERE o.kind = 'redrive' AND o.state IN ('planned', 'running', 'draining')
             AND (d.topic, d.consumer) IN (SELECT DISTINCT topic, consumer FROM dead_letter
                                           WHERE id IN (SELECT value->>1 FROM json_each(?)))
         LIMIT 1",
    )
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
    connection: &mut SqliteConnection,
    id: Uuid,
    by: &Counts,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE operation SET total = total + ?, sent = sent + ?, ok = ok + ?, failed_again = failed_again + ?,
             duplicate = duplicate + ?, unknown = unknown + ?, refused = refused + ? WHERE id = ?",
    )
    .bind(signed(by.total))
    .bind(signed(by.sent))
    .bind(signed(by.ok))
    .bind(signed(by.failed_again))
    .bind(signed(by.duplicate))
    .bind(signed(by.unknown))
    .bind(signed(by.refused))
    .bind(id.to_string())
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

fn operation(row: &SqliteRow) -> Result<Operation, StoreError> {
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
        rate_limit: c.get()?,
        by: c.get()?,
        created_at: c.time()?,
        ended_at: c.time_or_null()?,
        note: c.get()?,
        plan: c.get()?,
    })
}
