//! Letters in lists and in pages: what a screen shows of them, and what goes through all of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, Row as _};
use uuid::Uuid;

use super::codec::{Columns, count, headers, id, list, signed, sql};
use super::letter_read::{COLUMNS, NAMES, letter};
use super::letter_where::{conditions, newest, select, select_newest};
use super::{Db, Driver, Row, Tx};
use crate::domain::letter::{Letter, LetterBody, LetterColumn, LetterFilter, LetterOrder};
use crate::store::{LetterPage, StoreError};

impl Db {
    pub(in crate::store) async fn letters(
        &self,
        filter: &LetterFilter,
        from: u64,
        limit: u32,
    ) -> Result<(Vec<Letter>, u64), StoreError> {
        let mut tx = self.look().await?;
        let total = total(&mut tx, filter).await?;
        let mut query = select_newest(NAMES, filter)?;
        query.push(" ORDER BY ");
        if let Some(order) = filter.order {
            for (column, turns) in columns(order) {
                query.push(column);
                query.push(if order.down && *turns {
                    " DESC, "
                } else {
                    ", "
                });
            }
        }
        query.push("last_failed_at DESC, seq DESC LIMIT ");
        query.push_bind(i64::from(limit)).push(" OFFSET ");
        query.push_bind(signed(from));
        let rows = query.build().fetch_all(&mut *tx).await?;
        let letters = rows.iter().map(letter).collect::<Result<_, _>>()?;
        Ok((letters, total))
    }

    pub(in crate::store) async fn letters_looked_through(
        &self,
        filter: &LetterFilter,
    ) -> Result<u64, StoreError> {
        let mut query = QueryBuilder::<Driver>::new("SELECT count(*) FROM ");
        newest(&mut query, filter);
        let n: i64 = query.build_query_scalar().fetch_one(&self.read).await?;
        Ok(count(n))
    }

    pub(in crate::store) async fn letter_page(
        &self,
        filter: &LetterFilter,
        after: i64,
        limit: u32,
        bodies: bool,
    ) -> Result<LetterPage, StoreError> {
        let mut query = select(COLUMNS, filter)?;
        query.push(" AND seq > ").push_bind(after);
        query
            .push(" ORDER BY seq LIMIT ")
            .push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.read).await?;
        let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = match rows.last() {
            Some(row) if full => Some(row.try_get("seq")?),
            _ => None,
        };
        let letters: Vec<Letter> = rows.iter().map(letter).collect::<Result<_, _>>()?;
        let mut found = match bodies {
            true => self.bodies(&letters).await?,
            false => HashMap::new(),
        };
        let with_body = |letter: Letter| {
            let body = found.remove(&letter.id).unwrap_or_default();
            (letter, body)
        };
        Ok(LetterPage {
            rows: letters.into_iter().map(with_body).collect(),
            next,
        })
    }

    async fn bodies(&self, letters: &[Letter]) -> Result<HashMap<Uuid, LetterBody>, StoreError> {
        let ids = list(letters.iter().map(|letter| letter.id))?;
        let rows = sqlx::query(sql(
            "SELECT id, value, headers FROM dead_letter_body WHERE id IN (SELECT {id 0} FROM {rows 1})",
        ))
        .bind(ids)
        .fetch_all(&self.read)
        .await?;
        let read = |row: &Row| {
            let mut c = Columns::of(row);
            let id = c.uuid()?;
            let (value, headers) = (c.get()?, headers(c.get()?)?);
            Ok((id, LetterBody { value, headers }))
        };
        rows.iter().map(read).collect()
    }

    pub(in crate::store) async fn letters_by_failure(
        &self,
        filter: &LetterFilter,
        limit: u32,
    ) -> Result<Vec<(Uuid, DateTime<Utc>)>, StoreError> {
        let mut query = select_newest("SELECT id, last_failed_at", filter)?;
        query.push(" ORDER BY last_failed_at DESC, seq DESC LIMIT ");
        query.push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.read).await?;
        let read = |row: &Row| {
            let mut c = Columns::of(row);
            Ok((c.uuid()?, c.time()?))
        };
        rows.iter().map(read).collect()
    }

    pub(in crate::store) async fn letters_behind(
        &self,
        head: Uuid,
        limit: u32,
    ) -> Result<Vec<Letter>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        // Rows of a key that are open stand behind the one of them that came first.
        query.push(" WHERE status = 'blocked' AND (consumer, key) IN (SELECT consumer, key FROM dead_letter WHERE id = ");
        query.push_bind(id(head)).push(" AND family = 'evtop')");
        query.push(" AND seq > (SELECT seq FROM dead_letter WHERE id = ");
        query.push_bind(id(head)).push(") ORDER BY seq LIMIT ");
        query.push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.read).await?;
        rows.iter().map(letter).collect()
    }

    pub(in crate::store) async fn gone_on(&self, ids: &[Uuid]) -> Result<u64, StoreError> {
        let n: i64 = sqlx::query_scalar(sql(
            "SELECT count(DISTINCT d.id) FROM dead_letter h JOIN dead_letter d ON d.consumer = h.consumer
                 AND d.key = h.key AND d.seq > h.seq AND d.family = 'evtop'
                 AND d.status IN ('queued', 'in_flight', 'resolved')
             WHERE h.id IN (SELECT {id 0} FROM {rows 1}) AND h.family = 'evtop' AND h.status = 'archived'",
        ))
        .bind(list(ids.iter().copied())?)
        .fetch_one(&self.read)
        .await?;
        Ok(count(n))
    }
}

/// How many letters pass. Where nothing is typed, they are counted already.
async fn total(tx: &mut Tx, filter: &LetterFilter) -> Result<u64, StoreError> {
    let named = filter.among.is_some() || filter.key.is_some() || filter.group.is_some();
    let n: i64 = if named || !filter.typed.is_empty() || filter.up_to.is_some() {
        let mut query = select_newest("SELECT count(*)", filter)?;
        query.build_query_scalar().fetch_one(&mut **tx).await?
    } else {
        let mut query = QueryBuilder::<Driver>::new(
            "SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM letter_tally WHERE ",
        );
        conditions(&mut query, filter)?;
        query.build_query_scalar().fetch_one(&mut **tx).await?
    };
    Ok(count(n))
}

/// What a list is sorted by, the unknown last whichever way: first whether it is unknown.
fn columns(order: LetterOrder) -> &'static [(&'static str, bool)] {
    match order.by {
        LetterColumn::Key => &[("(key IS NULL)", false), ("key", true)],
        LetterColumn::Type => &[("(event_type IS NULL)", false), ("lower(event_type)", true)],
        LetterColumn::From => &[
            ("(topic = '')", false),
            ("topic", true),
            ("partition", true),
            ("\"offset\"", true),
        ],
        LetterColumn::Failed => &[("last_failed_at", true), ("seq", true)],
        LetterColumn::Attempts => &[("(attempts < 0)", false), ("attempts", true)],
        LetterColumn::Status => &[("status", true)],
    }
}
