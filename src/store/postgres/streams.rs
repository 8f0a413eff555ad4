//! Where streams stand, and how many there are. A stream's row is locked from the moment its version is
//! asked for until the transaction ends, before any number of an event or outbox row is drawn: so within
//! a stream the order of numbers is the order of commits.

use std::collections::{BTreeMap, HashMap};

use super::sql::codec::{count, json, signed, sql};
use super::{Connection, Db};
use crate::store::StoreError;

/// Takes so many more versions of each stream; returns where they stood before, without those that had
/// no event.
pub(super) async fn versions(
    connection: &mut Connection,
    more: &BTreeMap<&str, i64>,
) -> Result<HashMap<String, i64>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(sql(
        "INSERT INTO stream (stream, version) SELECT {text 0}, {int 1} FROM {rows 1} {in_order}
         ON CONFLICT (stream) DO UPDATE SET version = stream.version + excluded.version
         RETURNING stream, version",
    ))
    .bind(json(&more.iter().collect::<Vec<_>>())?)
    .fetch_all(connection)
    .await?;
    let before = rows.into_iter().map(|(stream, version)| {
        let before = version - more.get(stream.as_str()).copied().unwrap_or(0);
        (stream, before)
    });
    Ok(before.filter(|(_, version)| *version > 0).collect())
}

/// Counts what was appended, in one row of many, so that writers seldom meet. It is the last lock of an
/// append.
pub(super) async fn counted(
    connection: &mut Connection,
    events: usize,
    streams: usize,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE event_count SET events = events + $1, streams = streams + $2
         WHERE part = pg_backend_pid() % (SELECT count(*) FROM event_count)",
    )
    .bind(signed(events as u64))
    .bind(signed(streams as u64))
    .execute(connection)
    .await?;
    Ok(())
}

/// How many events and streams there are.
pub(super) async fn totals(db: &Db) -> Result<(u64, Option<u64>), StoreError> {
    let (events, streams): (i64, i64) = sqlx::query_as(
        "SELECT CAST(sum(events) AS bigint), CAST(sum(streams) AS bigint) FROM event_count",
    )
    .fetch_one(&db.read)
    .await?;
    Ok((count(events), Some(count(streams))))
}
