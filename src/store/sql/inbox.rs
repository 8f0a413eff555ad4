//! The inbox: which messages a consumer has handled. Its row and the effect are one transaction, which
//! is what makes an effect happen once.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::codec::{Time, at, list, sql, time};
use super::{Connection, Db};
use crate::store::StoreError;

/// How far the clocks of those who write events and those who handle them may differ: what was handled so long
/// after a horizon counts as forgotten too.
const CLOCKS: TimeDelta = TimeDelta::hours(1);

/// Claims messages; returns those that nobody had handled.
pub(super) async fn claim(
    connection: &mut Connection,
    consumer: &str,
    ids: &[&str],
    now: DateTime<Utc>,
) -> Result<HashSet<String>, StoreError> {
    let fresh: Vec<String> = sqlx::query_scalar(sql(
        "INSERT INTO inbox (consumer, message_id, at) SELECT $1, {text 0}, $2 FROM {rows 3} {in_order}
         ON CONFLICT DO NOTHING RETURNING message_id",
    ))
    .bind(consumer)
    .bind(at(now))
    // In one order for all, or two consumers of the same messages would wait for each other.
    .bind(list(ids.iter().collect::<BTreeSet<_>>())?)
    .fetch_all(connection)
    .await?;
    Ok(fresh.into_iter().collect())
}

/// Gives claims back: these messages were not handled after all.
pub(super) async fn unclaim(
    connection: &mut Connection,
    consumer: &str,
    ids: &[&str],
) -> Result<(), StoreError> {
    sqlx::query(sql(
        "DELETE FROM inbox WHERE consumer = $1 AND message_id IN (SELECT {text 0} FROM {rows 2})",
    ))
    .bind(consumer)
    .bind(list(ids)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Which of these messages were handled.
pub(super) async fn handled(
    connection: &mut Connection,
    consumer: &str,
    ids: &[&str],
) -> Result<HashSet<String>, StoreError> {
    let handled: Vec<String> = sqlx::query_scalar(sql("SELECT message_id FROM inbox
         WHERE consumer = $1 AND message_id IN (SELECT {text 0} FROM {rows 2})"))
    .bind(consumer)
    .bind(list(ids)?)
    .fetch_all(connection)
    .await?;
    Ok(handled.into_iter().collect())
}

impl Db {
    pub(in crate::store) async fn handled(
        &self,
        group: &str,
        ids: &[&str],
    ) -> Result<HashSet<String>, StoreError> {
        handled(&mut *self.read.acquire().await?, group, ids).await
    }

    pub(in crate::store) async fn prune_inbox(
        &self,
        before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        // First what will be forgotten, lest a crash in between leave it unsaid.
        sqlx::query(sql(
            "INSERT INTO forgotten (what, before) SELECT 'inbox', $1
             WHERE EXISTS (SELECT 1 FROM inbox WHERE at < $2)
             ON CONFLICT (what) DO UPDATE SET before = {greatest}(forgotten.before, excluded.before)",
        ))
        .bind(at(before + CLOCKS))
        .bind(at(before))
        .execute(&self.write)
        .await?;
        self.prune(
            "DELETE FROM inbox WHERE (consumer, message_id) IN
                 (SELECT consumer, message_id FROM inbox WHERE at < $1 LIMIT $2 {skip locked})",
            before,
        )
        .await
    }

    pub(in crate::store) async fn inbox_forgotten(
        &self,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let before: Option<Time> =
            sqlx::query_scalar("SELECT before FROM forgotten WHERE what = 'inbox'")
                .fetch_optional(&self.read)
                .await?;
        before.map(time).transpose()
    }
}
