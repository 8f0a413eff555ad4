//! The outbox. Rows are inserted and deleted only; what is known of their sending stands beside.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::codec::{Columns, at, each, headers, json, sql, text};
use super::{Connection, Db, Driver, PRUNE_ROWS, dialect};
use crate::domain::stored::{BlockedKey, OutboxRow, SentRow};
use crate::store::{Ack, OutboxSummary, Part, StoreError};

/// A row to be published, in the order of the INSERT below.
#[derive(Serialize)]
pub(super) struct NewOutboxRow<'a>(
    pub(super) Uuid,
    pub(super) &'static str,
    pub(super) &'a str,
    pub(super) &'a str,
    pub(super) &'a str,
    pub(super) &'a str,
    pub(super) String,
);

/// Adds rows in the order given.
pub(super) async fn insert(
    connection: &mut Connection,
    rows: &[NewOutboxRow<'_>],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(sql(
        "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, topic, headers, created_at)
         SELECT {id 0}, {text 1}, {text 2}, {text 3}, {text 4}, {text 5}, {text 6}, $1
         FROM {rows 2} {in_order}",
    ))
    .bind(at(now))
    .bind(json(rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

impl Db {
    pub(in crate::store) async fn outbox_batch(
        &self,
        part: Part,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(
            "SELECT seq, id, aggregatetype, aggregateid, type, topic, payload, headers, created_at
             FROM outbox o
             WHERE NOT EXISTS (SELECT 1 FROM outbox_blocked b WHERE b.aggregateid = o.aggregateid
                               AND (b.until IS NULL OR b.until > ",
        );
        query.push_bind(at(now)).push("))");
        dialect::within(&mut query, part);
        query
            .push(" ORDER BY seq LIMIT ")
            .push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.read).await?;
        each(&rows, outbox_row)
    }

    pub(in crate::store) async fn outbox_ack(
        &self,
        acks: &[Ack],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if acks.is_empty() {
            return Ok(());
        }
        let acks: Vec<_> = acks
            .iter()
            .map(|a| (a.seq, a.partition, a.offset))
            .collect();
        dialect::ack(self, &json(&acks)?, now).await
    }

    pub(in crate::store) async fn outbox_block(&self, key: &BlockedKey) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO outbox_blocked (aggregateid, head_seq, attempts, until, error) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (aggregateid) DO UPDATE SET head_seq = excluded.head_seq,
                 attempts = excluded.attempts, until = excluded.until, error = excluded.error",
        )
        .bind(&key.aggregate_id)
        .bind(key.head_seq)
        .bind(i64::from(key.attempts))
        .bind(key.until.map(at))
        .bind(text(&key.error))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn outbox_unblock(
        &self,
        aggregate_id: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM outbox_blocked WHERE aggregateid = $1")
            .bind(aggregate_id)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    pub(in crate::store) async fn outbox_blocked(&self) -> Result<Vec<BlockedKey>, StoreError> {
        let rows = sqlx::query(
            "SELECT aggregateid, head_seq, attempts, until, error FROM outbox_blocked ORDER BY head_seq",
        )
        .fetch_all(&self.read)
        .await?;
        each(&rows, |c| {
            Ok(BlockedKey {
                aggregate_id: c.get()?,
                head_seq: c.get()?,
                attempts: c.narrow()?,
                until: c.time_or_null()?,
                error: c.get()?,
            })
        })
    }

    pub(in crate::store) async fn outbox_summary(&self) -> Result<OutboxSummary, StoreError> {
        let row = sqlx::query(
            "SELECT count(*), (SELECT created_at FROM outbox ORDER BY seq LIMIT 1) FROM outbox",
        )
        .fetch_one(&self.read)
        .await?;
        let mut c = Columns::of(&row);
        Ok(OutboxSummary {
            pending: c.count()?,
            oldest: c.time_or_null()?,
        })
    }

    pub(in crate::store) async fn outbox_head(
        &self,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.first(
            "SELECT seq, id, aggregatetype, aggregateid, type, topic, payload, headers, created_at
             FROM outbox ORDER BY seq LIMIT $1",
            limit,
            outbox_row,
        )
        .await
    }

    pub(in crate::store) async fn outbox_sent_newest(
        &self,
        limit: u32,
    ) -> Result<Vec<SentRow>, StoreError> {
        self.first(
            "SELECT seq, id, aggregateid, type, topic, partition, \"offset\", created_at, sent_at
             FROM outbox_sent ORDER BY sent_at DESC, seq DESC LIMIT $1",
            limit,
            |c| {
                Ok(SentRow {
                    seq: c.get()?,
                    id: c.uuid()?,
                    aggregate_id: c.get()?,
                    event_type: c.get()?,
                    topic: c.get()?,
                    partition: c.get()?,
                    offset: c.get()?,
                    created_at: c.time()?,
                    sent_at: c.time()?,
                })
            },
        )
        .await
    }

    pub(in crate::store) async fn prune_sent(
        &self,
        before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.prune(
            "DELETE FROM outbox_sent WHERE seq IN
                 (SELECT seq FROM outbox_sent WHERE sent_at < $1 LIMIT $2 {skip locked})",
            before,
        )
        .await
    }

    /// Runs a DELETE with a time and a LIMIT until it finds nothing: what another pruning is at is that one's, and
    /// a short page says nothing of what is left.
    pub(super) async fn prune(
        &self,
        statement: &'static str,
        before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut pruned = 0;
        loop {
            let rows = sqlx::query(sql(statement))
                .bind(at(before))
                .bind(PRUNE_ROWS)
                .execute(&self.write)
                .await?
                .rows_affected();
            if rows == 0 {
                return Ok(pruned);
            }
            pruned += rows;
        }
    }
}

fn outbox_row(c: &mut Columns<'_>) -> Result<OutboxRow, StoreError> {
    Ok(OutboxRow {
        seq: c.get()?,
        id: c.uuid()?,
        aggregate_type: c.get()?,
        aggregate_id: c.get()?,
        event_type: c.get()?,
        topic: c.get()?,
        payload: c.get()?,
        headers: headers(c.get()?)?,
        created_at: c.time()?,
    })
}
