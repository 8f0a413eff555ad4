//! Causes of dead letters: how many letters each has, since when, and how many are new.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::QueryBuilder;

use super::codec::{Columns, at, list};
use super::letter_read::stage;
use super::letter_where::{conditions, narrow, newest, with_bound};
use super::{Db, Driver};
use crate::domain::fingerprint;
use crate::domain::letter::{Cause, LetterFilter};
use crate::store::StoreError;

/// Causes of which everything is looked up, those with most letters: more are left out.
const MOST: i64 = 1_000;

/// What only waits behind another did not fail.
const FAILED: &str = " AND status != 'blocked'";

impl Db {
    pub(in crate::store) async fn causes(
        &self,
        filter: &LetterFilter,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Cause>, u64), StoreError> {
        let mut query = QueryBuilder::<Driver>::new("WITH cause AS (");
        if tallied(filter) {
            tally(&mut query, filter)?;
        } else {
            query.push(
                "SELECT fingerprint, count(*) AS n, count(*) FILTER (WHERE status = 'parked') AS parked,
                     count(*) FILTER (WHERE status IN ('queued', 'in_flight')) AS redriving,
                     min(first_failed_at) AS first, max(last_failed_at) AS last FROM ",
            );
            newest(&mut query, filter);
            query.push(" WHERE ");
            conditions(&mut query, filter)?;
            query.push(FAILED).push(" GROUP BY fingerprint");
        }
        query.push(
            ")
             SELECT c.fingerprint, d.consumer, d.stage, d.code, d.message, c.n, c.parked, c.redriving, c.first, c.last,
                 (SELECT count(*) FROM cause)
             FROM (SELECT * FROM cause ORDER BY n DESC, last DESC, fingerprint LIMIT ",
        );
        query.push_bind(i64::from(limit)).push(
            ") c JOIN dead_letter d ON d.seq = (
                 SELECT max(seq) FROM dead_letter WHERE fingerprint = c.fingerprint AND last_failed_at = c.last AND ",
        );
        conditions(&mut query, filter)?;
        query
            .push(FAILED)
            .push(") ORDER BY c.n DESC, c.last DESC, c.fingerprint");
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
        self.trends(&mut causes, filter, now).await?;
        Ok((causes, total))
    }

    /// Fills in how many letters of each cause were new in each of the last ten minutes.
    async fn trends(
        &self,
        causes: &mut [Cause],
        filter: &LetterFilter,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(from) = now.checked_sub_signed(TimeDelta::minutes(10)) else {
            return Ok(());
        };
        let fingerprints = list(causes.iter().map(|c| c.fingerprint.as_str()))?;
        let mut query = QueryBuilder::<Driver>::new("SELECT fingerprint, ");
        if tallied(filter) {
            with_bound(&mut query, "{minute $0 second}", at(from));
            query.push(", CAST(sum(n) AS bigint) FROM letter_second WHERE second > ");
            query.push_bind(at(from)).push(" AND second <= ");
            query.push_bind(at(now));
        } else {
            with_bound(&mut query, "{minute $0 first_failed_at}", at(from));
            query.push(", count(*) FROM ");
            newest(&mut query, filter);
            query.push(" WHERE first_failed_at > ").push_bind(at(from));
            query.push(" AND first_failed_at <= ").push_bind(at(now));
            query.push(FAILED);
            narrow(&mut query, filter)?;
        }
        query.push(" AND fingerprint IN ");
        with_bound(&mut query, "(SELECT {text 0} FROM {rows 0})", fingerprints);
        query.push(" GROUP BY 1, 2");
        let rows: Vec<(String, i64, i64)> = query.build_query_as().fetch_all(&self.read).await?;
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
}

/// Whether the filter is about all letters of some statuses: those are counted as they change.
fn tallied(filter: &LetterFilter) -> bool {
    let all = LetterFilter {
        statuses: filter.statuses.clone(),
        ..LetterFilter::default()
    };
    *filter == all
}

/// The causes that have most letters, by the tally; the rest of what is known of each is an index's first entry.
fn tally(query: &mut QueryBuilder<Driver>, filter: &LetterFilter) -> Result<(), StoreError> {
    query.push(
        "SELECT t.fingerprint, t.n, t.parked, t.redriving, (
             SELECT min(first_failed_at) FROM dead_letter WHERE fingerprint = t.fingerprint AND ",
    );
    conditions(query, filter)?;
    query.push(FAILED).push(
        ") AS first, (
             SELECT max(last_failed_at) FROM dead_letter WHERE fingerprint = t.fingerprint AND ",
    );
    conditions(query, filter)?;
    query.push(FAILED).push(
        ") AS last FROM (
             SELECT fingerprint, CAST(sum(n) AS bigint) AS n,
                 CAST(coalesce(sum(n) FILTER (WHERE status = 'parked'), 0) AS bigint) AS parked,
                 CAST(coalesce(sum(n) FILTER (WHERE status IN ('queued', 'in_flight')), 0) AS bigint) AS redriving
             FROM letter_tally WHERE ",
    );
    conditions(query, filter)?;
    query
        .push(FAILED)
        .push(" GROUP BY fingerprint HAVING sum(n) > 0 ORDER BY 2 DESC, fingerprint LIMIT ");
    query.push_bind(MOST).push(") t");
    Ok(())
}
