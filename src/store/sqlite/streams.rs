//! Where streams stand, and how many there are. Under the write lock nobody moves them meanwhile.

use std::collections::{BTreeMap, HashMap};

use super::sql::codec::{count, list, sql};
use super::{Connection, Db};
use crate::store::StoreError;

/// Where these streams stand before so many more events; those that do not exist are left out.
pub(super) async fn versions(
    connection: &mut Connection,
    more: &BTreeMap<&str, i64>,
) -> Result<HashMap<String, i64>, StoreError> {
    let rows: Vec<(String, Option<i64>)> = sqlx::query_as(sql(
        "SELECT {text 0}, (SELECT max(version) FROM event_store WHERE stream = {text 0}) FROM {rows 1}",
    ))
    .bind(list(more.keys())?)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(s, v)| Some((s, v?)))
        .collect())
}

/// Counts what was appended.
pub(super) async fn counted(
    connection: &mut Connection,
    _events: usize,
    streams: usize,
) -> Result<(), StoreError> {
    if streams > 0 {
        sqlx::query("UPDATE stream_count SET streams = streams + $1")
            .bind(i64::try_from(streams).unwrap_or_default())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// How many events and streams there are.
pub(super) async fn totals(db: &Db) -> Result<(u64, Option<u64>), StoreError> {
    // Nothing is deleted and a rollback burns no number, so the newest position is the count.
    let (events, streams): (i64, i64) = sqlx::query_as(
        "SELECT coalesce((SELECT max(pos) FROM event_store), 0), streams FROM stream_count",
    )
    .fetch_one(&db.read)
    .await?;
    Ok((count(events), Some(count(streams))))
}
