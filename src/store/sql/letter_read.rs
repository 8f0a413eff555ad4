//! Reading dead letters: one, counts, and what waits behind which.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SubsecRound as _, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::codec::{self, Columns, Id, at, count, headers, hex, list, part, sql};
use super::{Connection, Db, Driver, Row};
use crate::domain::fault::Stage;
use crate::domain::foreign::Family;
use crate::domain::letter::{DlqPlace, Letter, LetterBody, LetterStatus, RedriveOutcome};
use crate::store::StoreError;

/// A letter's columns, as [`letter`] reads them.
macro_rules! columns {
    () => {
        "SELECT id, status, consumer, topic, partition, \"offset\", key, event_id, event_type, correlation_id,
            stage, code, message, fingerprint, attempts, first_failed_at, last_failed_at, redrives, outcome,
            blocked_by, dlq_topic, dlq_partition, dlq_offset, family, note, reason, seq"
    };
}

pub(super) const NAMES: &str = columns!();
pub(super) const COLUMNS: &str = concat!(columns!(), " FROM dead_letter");

impl Db {
    pub(in crate::store) async fn letter(
        &self,
        id: Uuid,
    ) -> Result<Option<(Letter, LetterBody)>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE id = ").push_bind(codec::id(id));
        let mut tx = self.look().await?;
        let Some(row) = query.build().fetch_optional(&mut *tx).await? else {
            return Ok(None);
        };
        let body = sqlx::query("SELECT value, headers FROM dead_letter_body WHERE id = $1")
            .bind(codec::id(id))
            .fetch_optional(&mut *tx)
            .await?;
        let body = match &body {
            None => LetterBody::default(),
            Some(row) => {
                let mut c = Columns::of(row);
                LetterBody {
                    value: c.get()?,
                    headers: headers(c.get()?)?,
                }
            }
        };
        Ok(Some((letter(&row)?, body)))
    }

    pub(in crate::store) async fn behind(&self, id: Uuid) -> Result<u64, StoreError> {
        let rows: i64 = sqlx::query_scalar(
            sql("SELECT count(*) FROM dead_letter head JOIN dead_letter d
                 ON d.consumer = head.consumer AND {whole d.key} = {whole head.key} AND d.status = 'blocked'
                     AND d.status NOT IN ('resolved', 'archived') AND d.family = 'evtop' AND d.seq > head.seq
             WHERE head.id = $1 AND head.family = 'evtop'"),
        )
        .bind(codec::id(id))
        .fetch_one(&self.read)
        .await?;
        Ok(count(rows))
    }

    pub(in crate::store) async fn letters_indexed(&self) -> Result<Vec<DlqPlace>, StoreError> {
        let rows = sqlx::query(
            // From one partition to the next by the index, since there are few among many letters.
            "WITH RECURSIVE place (seq) AS (
                 SELECT (SELECT seq FROM dead_letter WHERE dlq_topic IS NOT NULL AND dlq_partition IS NOT NULL
                         ORDER BY dlq_topic, dlq_partition LIMIT 1)
                 UNION ALL
                 SELECT coalesce(
                     (SELECT n.seq FROM dead_letter n WHERE n.dlq_topic = c.dlq_topic
                          AND n.dlq_partition > c.dlq_partition ORDER BY n.dlq_partition LIMIT 1),
                     (SELECT n.seq FROM dead_letter n WHERE n.dlq_topic > c.dlq_topic
                          AND n.dlq_partition IS NOT NULL ORDER BY n.dlq_topic, n.dlq_partition LIMIT 1))
                 FROM place p JOIN dead_letter c ON c.seq = p.seq)
             SELECT c.dlq_topic, c.dlq_partition, (SELECT max(m.dlq_offset) FROM dead_letter m
                 WHERE m.dlq_topic = c.dlq_topic AND m.dlq_partition = c.dlq_partition)
             FROM place p JOIN dead_letter c ON c.seq = p.seq WHERE c.dlq_offset IS NOT NULL",
        )
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(DlqPlace {
                    topic: c.get()?,
                    partition: c.get()?,
                    offset: c.get()?,
                })
            })
            .collect()
    }

    pub(in crate::store) async fn newest_letter(&self) -> Result<i64, StoreError> {
        let seq: Option<i64> = sqlx::query_scalar("SELECT max(seq) FROM dead_letter")
            .fetch_one(&self.read)
            .await?;
        Ok(seq.unwrap_or_default())
    }

    pub(in crate::store) async fn letter_counts(
        &self,
    ) -> Result<Vec<(LetterStatus, u64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT status, CAST(sum(n) AS bigint) FROM letter_tally GROUP BY status HAVING sum(n) <> 0",
        )
        .fetch_all(&self.read)
        .await?;
        let mut counts: Vec<(LetterStatus, u64)> = rows
            .iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok((c.word("letter's status", LetterStatus::parse)?, c.count()?))
            })
            .collect::<Result<_, StoreError>>()?;
        counts.sort_unstable();
        Ok(counts)
    }

    pub(in crate::store) async fn letters_since(
        &self,
        since: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let n: i64 = sqlx::query_scalar(
            "SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM letter_second WHERE second >= $1",
        )
        .bind(at(since.trunc_subsecs(0)))
        .fetch_one(&self.read)
        .await?;
        Ok(count(n))
    }

    pub(in crate::store) async fn blocked_keys(&self, group: &str) -> Result<u64, StoreError> {
        let n: i64 = sqlx::query_scalar(
            "SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM block_tally WHERE consumer = $1",
        )
        .bind(group)
        .fetch_one(&self.read)
        .await?;
        Ok(count(n))
    }

    pub(in crate::store) async fn blocked_heads(
        &self,
        group: &str,
        keys: &[&[u8]],
    ) -> Result<HashMap<Vec<u8>, Uuid>, StoreError> {
        let keys: BTreeSet<String> = keys
            .iter()
            .filter(|k| !k.is_empty())
            .map(|k| hex(k))
            .collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        heads_of(&mut *self.read.acquire().await?, group, &list(keys)?).await
    }

    pub(in crate::store) async fn next_behind(
        &self,
        group: &str,
        key: &[u8],
    ) -> Result<Option<Letter>, StoreError> {
        // Only the head itself: a row behind one that failed again must not overtake it.
        let statement = format!(
            "{COLUMNS} WHERE status = 'blocked' AND id = (SELECT head_id FROM key_block
                 WHERE consumer = $1 AND {{whole key}} = {{whole $2}})"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(part(&statement)))
            .bind(group)
            .bind(key)
            .fetch_optional(&self.read)
            .await?;
        row.as_ref().map(letter).transpose()
    }

    pub(in crate::store) async fn ready_letters(
        &self,
        limit: u32,
    ) -> Result<Vec<Letter>, StoreError> {
        // From the blocks on: many more letters wait than have their turn.
        let statement = format!(
            "{COLUMNS} WHERE seq IN (
                 SELECT d.seq FROM (SELECT head_id FROM key_block WHERE ready = true ORDER BY since LIMIT $1) b
                     {{then}} dead_letter d ON d.id = b.head_id
                 WHERE d.status = 'blocked') ORDER BY seq"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(part(&statement)))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(letter).collect()
    }
}

/// Which of these keys, a list of bytes in hex, are blocked for a group, and by which letter each.
pub(super) async fn heads_of(
    connection: &mut Connection,
    group: &str,
    keys: &str,
) -> Result<HashMap<Vec<u8>, Uuid>, StoreError> {
    let rows: Vec<(Vec<u8>, Id)> = sqlx::query_as(sql(
        // Key by key, whatever the database believes of how many are blocked.
        "SELECT key, head FROM (
             SELECT {bytes 0} AS key, (SELECT b.head_id FROM key_block b
                                       WHERE b.consumer = $1 AND {whole b.key} = {whole_bytes 0}) AS head
             FROM {rows 2}) AS asked
         WHERE head IS NOT NULL",
    ))
    .bind(group)
    .bind(keys)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|(key, head)| Ok((key, codec::uuid(head)?)))
        .collect()
}

pub(super) fn stage(c: &mut Columns<'_>) -> Result<Option<Stage>, StoreError> {
    let parse = |name: &str| Stage::ALL.into_iter().find(|s| s.name() == name);
    match c.get()? {
        "" => Ok(None),
        name => Ok(Some(
            parse(name).ok_or_else(|| codec::unreadable("stage", name))?,
        )),
    }
}

pub(super) fn letter(row: &Row) -> Result<Letter, StoreError> {
    let mut c = Columns::of(row);
    Ok(Letter {
        id: c.uuid()?,
        status: c.word("letter's status", LetterStatus::parse)?,
        group: c.text_or_none()?,
        topic: c.text_or_none()?,
        partition: c.get().map(|n: i32| (n >= 0).then_some(n))?,
        offset: c.get().map(|n: i64| (n >= 0).then_some(n))?,
        key: c.get()?,
        event_id: c.uuid_or_null()?,
        event_type: c.get()?,
        correlation_id: c.uuid_or_null()?,
        stage: stage(&mut c)?,
        code: c.get()?,
        message: c.get()?,
        fingerprint: c.get()?,
        attempts: c.get().map(|n: i64| u32::try_from(n).ok())?,
        first_failed_at: c.time()?,
        last_failed_at: c.time()?,
        redrives: c.narrow()?,
        outcome: match c.get::<Option<&str>>()? {
            None => None,
            Some(word) => Some(
                RedriveOutcome::parse(word)
                    .ok_or_else(|| codec::unreadable("redrive's outcome", word))?,
            ),
        },
        blocked_by: c.uuid_or_null()?,
        dlq: match (c.get()?, c.get()?, c.get()?) {
            (Some(topic), Some(partition), Some(offset)) => Some(DlqPlace {
                topic,
                partition,
                offset,
            }),
            _ => None,
        },
        family: c.word("family", Family::parse)?,
        note: c.get()?,
        reason: c.get()?,
    })
}
