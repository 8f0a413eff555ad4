//! Reading dead letters: lists, causes, counts.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::codec::{self, Columns, Id, at, count, headers, list, part, sql, text};
use super::{Db, Driver, Row};
use crate::domain::fault::Stage;
use crate::domain::fingerprint;
use crate::domain::foreign::Family;
use crate::domain::letter::{
    Cause, DlqPlace, Letter, LetterBody, LetterFilter, LetterStatus, RedriveOutcome,
};
use crate::store::StoreError;

const COLUMNS: &str = "SELECT id, status, consumer, topic, partition, \"offset\", key, event_id, event_type,
    correlation_id, stage, code, message, fingerprint, attempts, first_failed_at, last_failed_at, redrives,
    outcome, blocked_by, dlq_topic, dlq_partition, dlq_offset, family, note, reason FROM dead_letter";

/// Open letters, in the very words of the partial indexes.
const OPEN: &str = "status NOT IN ('resolved', 'archived')";
/// Open letters that failed themselves.
const FAILED: &str = "status NOT IN ('resolved', 'archived') AND status != 'blocked'";
/// Letters that were put away.
const ARCHIVED: &str = "status = 'archived'";

impl Db {
    pub(in crate::store) async fn letters(
        &self,
        filter: &LetterFilter,
        from: u64,
        limit: u32,
    ) -> Result<(Vec<Letter>, u64), StoreError> {
        let mut tx = self.look().await?;
        let mut query = select("SELECT count(*) FROM dead_letter", filter);
        let total: i64 = query.build_query_scalar().fetch_one(&mut *tx).await?;
        let mut query = select(COLUMNS, filter);
        query
            .push(" ORDER BY last_failed_at DESC, seq DESC LIMIT ")
            .push_bind(i64::from(limit));
        query
            .push(" OFFSET ")
            .push_bind(i64::try_from(from).unwrap_or(i64::MAX));
        let rows = query.build().fetch_all(&mut *tx).await?;
        let letters = rows.iter().map(letter).collect::<Result<_, _>>()?;
        Ok((letters, count(total)))
    }

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
            "SELECT count(*) FROM dead_letter head JOIN dead_letter d
                 ON d.consumer = head.consumer AND d.key = head.key AND d.status = 'blocked' AND d.seq > head.seq
             WHERE head.id = $1 AND head.family = 'evtop'",
        )
        .bind(codec::id(id))
        .fetch_one(&self.read)
        .await?;
        Ok(count(rows))
    }

    pub(in crate::store) async fn causes(
        &self,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Cause>, u64), StoreError> {
        self.causes_of(FAILED, limit, now).await
    }

    pub(in crate::store) async fn archived_causes(
        &self,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Cause>, u64), StoreError> {
        self.causes_of(ARCHIVED, limit, now).await
    }

    async fn causes_of(
        &self,
        which: &'static str,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Cause>, u64), StoreError> {
        let mut query = QueryBuilder::<Driver>::new(
            "WITH cause AS (
                 SELECT fingerprint, count(*) AS n, count(*) FILTER (WHERE status = 'parked') AS parked,
                     count(*) FILTER (WHERE status IN ('queued', 'in_flight')) AS redriving,
                     min(first_failed_at) AS first, max(last_failed_at) AS last
                 FROM dead_letter WHERE ",
        );
        query.push(which).push(
            " GROUP BY fingerprint)
             SELECT c.fingerprint, d.consumer, d.stage, d.code, d.message, c.n, c.parked, c.redriving, c.first, c.last,
                 (SELECT count(*) FROM cause)
             FROM (SELECT * FROM cause ORDER BY n DESC, last DESC, fingerprint LIMIT ",
        );
        query.push_bind(i64::from(limit)).push(
            ") c JOIN dead_letter d ON d.seq = (
                 SELECT seq FROM dead_letter WHERE fingerprint = c.fingerprint AND last_failed_at = c.last AND ",
        );
        query.push(which).push(
            " ORDER BY seq DESC LIMIT 1)
             ORDER BY c.n DESC, c.last DESC, c.fingerprint",
        );
        let rows = query.build().fetch_all(&self.read).await?;
        let mut total = 0;
        let mut causes = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut c = Columns::of(row);
            causes.push(Cause {
                fingerprint: c.get()?,
                group: c.text_or_none()?,
                stage: stage(&mut c)?,
                code: c.get()?,
                title: fingerprint::normalise(c.get()?),
                count: c.count()?,
                parked: c.count()?,
                redriving: c.count()?,
                first: c.time()?,
                last: c.time()?,
                per_minute: [0; 10],
            });
            total = c.count()?;
        }
        self.trends(&mut causes, now).await?;
        Ok((causes, total))
    }

    /// Fills in how many letters of each cause were new in each of the last ten minutes.
    async fn trends(&self, causes: &mut [Cause], now: DateTime<Utc>) -> Result<(), StoreError> {
        let Some(from) = now.checked_sub_signed(TimeDelta::minutes(10)) else {
            return Ok(());
        };
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(sql(
            "SELECT fingerprint, {minute $1 first_failed_at}, count(*) FROM dead_letter
             WHERE first_failed_at > $1 AND first_failed_at <= $2 AND status != 'blocked'
                 AND fingerprint IN (SELECT {text 0} FROM {rows 3})
             GROUP BY 1, 2",
        ))
        .bind(at(from))
        .bind(at(now))
        .bind(list(causes.iter().map(|c| c.fingerprint.as_str()))?)
        .fetch_all(&self.read)
        .await?;
        for (fingerprint, minute, new) in rows {
            let cause = causes.iter_mut().find(|c| c.fingerprint == fingerprint);
            let slot = usize::try_from(minute).ok();
            if let (Some(cause), Some(slot)) = (cause, slot)
                && let Some(slot) = cause.per_minute.get_mut(slot)
            {
                *slot = u32::try_from(new).unwrap_or(u32::MAX);
            }
        }
        Ok(())
    }

    pub(in crate::store) async fn letters_indexed(&self) -> Result<Vec<DlqPlace>, StoreError> {
        let rows = sqlx::query(
            "SELECT dlq_topic, dlq_partition, max(dlq_offset) FROM dead_letter
             WHERE dlq_topic IS NOT NULL AND dlq_partition IS NOT NULL AND dlq_offset IS NOT NULL
             GROUP BY dlq_topic, dlq_partition",
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

    pub(in crate::store) async fn letter_counts(
        &self,
    ) -> Result<Vec<(LetterStatus, u64)>, StoreError> {
        let rows = sqlx::query("SELECT status, count(*) FROM dead_letter GROUP BY status")
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
            "SELECT count(*) FROM dead_letter WHERE first_failed_at >= $1 AND status != 'blocked'",
        )
        .bind(at(since))
        .fetch_one(&self.read)
        .await?;
        Ok(count(n))
    }

    pub(in crate::store) async fn blocked_keys(&self, group: &str) -> Result<u64, StoreError> {
        let n: i64 = sqlx::query_scalar("SELECT count(*) FROM key_block WHERE consumer = $1")
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
        // Mostly no key is blocked: one look at the group's blocks is cheaper than a long list of keys.
        let rows: Vec<(Vec<u8>, Id)> =
            sqlx::query_as("SELECT key, head_id FROM key_block WHERE consumer = $1")
                .bind(group)
                .fetch_all(&self.read)
                .await?;
        let wanted: HashSet<&[u8]> = keys.iter().copied().collect();
        let mut heads = HashMap::new();
        for (key, head) in rows {
            if wanted.contains(key.as_slice()) {
                heads.insert(key, codec::uuid(head)?);
            }
        }
        Ok(heads)
    }

    pub(in crate::store) async fn next_behind(
        &self,
        group: &str,
        key: &[u8],
    ) -> Result<Option<Letter>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        // Only the head itself: a row behind one that failed again must not overtake it.
        query.push(
            " WHERE status = 'blocked' AND id = (SELECT head_id FROM key_block WHERE consumer = ",
        );
        query.push_bind(group);
        query.push(" AND key = ").push_bind(key).push(")");
        let row = query.build().fetch_optional(&self.read).await?;
        row.as_ref().map(letter).transpose()
    }

    pub(in crate::store) async fn ready_letters(
        &self,
        limit: u32,
    ) -> Result<Vec<Letter>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE status = 'blocked' AND id IN (SELECT head_id FROM key_block) ORDER BY seq LIMIT ");
        query.push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.read).await?;
        rows.iter().map(letter).collect()
    }
}

/// A SELECT with the filter's conditions.
fn select(columns: &'static str, filter: &LetterFilter) -> QueryBuilder<Driver> {
    let mut query = QueryBuilder::<Driver>::new(columns);
    if filter.statuses.is_empty() {
        query.push(" WHERE ").push(OPEN);
    } else {
        query.push(" WHERE status IN (");
        let mut words = query.separated(", ");
        for status in &filter.statuses {
            words.push_bind(status.name());
        }
        query.push(")");
    }
    if let Some(fingerprint) = &filter.fingerprint {
        query
            .push(" AND fingerprint = ")
            .push_bind(fingerprint.clone());
    }
    if let Some(group) = &filter.group {
        query.push(" AND consumer = ").push_bind(group.clone());
    }
    if let Some(key) = &filter.key {
        query.push(" AND key = ").push_bind(key.clone());
    }
    if let Some(wanted) = filter.text.as_ref().filter(|t| !t.is_empty()) {
        // Found as it stands: no wildcard of the searcher's has a meaning.
        query.push(part(
            " AND {find}(lower(CAST(id AS text) || '\n' || replace(CAST(id AS text), '-', '') || '\n'
                || coalesce({readable key}, '') || '\n' || coalesce(event_type, '') || '\n'
                || code || '\n' || message), lower(",
        ));
        query.push_bind(text(wanted)).push(")) > 0");
    }
    query
}

fn stage(c: &mut Columns<'_>) -> Result<Option<Stage>, StoreError> {
    let parse = |name: &str| Stage::ALL.into_iter().find(|s| s.name() == name);
    match c.get()? {
        "" => Ok(None),
        name => Ok(Some(
            parse(name).ok_or_else(|| codec::unreadable("stage", name))?,
        )),
    }
}

fn letter(row: &Row) -> Result<Letter, StoreError> {
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
