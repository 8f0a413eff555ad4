//! How PostgreSQL says what databases say differently. Columns have native types for whoever else reads
//! them: `uuid`, `timestamptz`, `bytea`, `numeric` for money; lists are taken apart as `jsonb`.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::sql::codec::sql;
use super::{Db, Driver};
use crate::domain::position::Position;
use crate::store::{Part, StoreError};

/// A time in a column, a bound value or a JSON list: to the microsecond, as the column keeps it.
pub(in crate::store) type Time = DateTime<Utc>;
/// An id in the same places.
pub(in crate::store) type Id = Uuid;

pub(in crate::store) fn at(at: DateTime<Utc>) -> Time {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

pub(in crate::store) fn time(time: Time) -> Result<DateTime<Utc>, StoreError> {
    Ok(time)
}

pub(in crate::store) fn id(id: Uuid) -> Id {
    id
}

pub(in crate::store) fn uuid(id: Id) -> Result<Uuid, StoreError> {
    Ok(id)
}

/// The events' order of reading. Numbers are drawn before the commit, so a row may become visible after
/// one with a higher number: the transaction comes first, and readers stay behind the oldest open one.
pub(super) const OLDEST_FIRST: &str = " ORDER BY tx, pos";
pub(super) const NEWEST_FIRST: &str = " ORDER BY tx DESC, pos DESC";
/// Whether a reader may see an event: no transaction before its own is still open.
pub(super) const SETTLED: &str =
    " AND tx < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)";

/// Adds the condition that an event stands on this side of a position.
pub(super) fn beyond(query: &mut QueryBuilder<Driver>, side: &'static str, position: Position) {
    query.push(" AND (tx, pos) ").push(side).push(" (");
    query.push_bind(position.tx).push(", ");
    query.push_bind(position.pos).push(")");
}

/// Adds the condition that an outbox row `o` is in this part.
pub(super) fn within(query: &mut QueryBuilder<Driver>, part: Part) {
    if part.of > 1 {
        // Of a CASE the planner believes that half the rows pass, of an equation one in 200: then it
        // would read and sort everything instead of the oldest rows by their index.
        query.push(" AND CASE mod(hashtextextended(o.aggregateid, 0) & 9223372036854775807, ");
        query.push_bind(i64::from(part.of)).push(") WHEN ");
        query
            .push_bind(i64::from(part.number))
            .push(" THEN true ELSE false END");
    }
}

/// Takes acknowledged rows out of the outbox: a list of number, partition and offset. One statement, since
/// a relay waits for it before it reads again. A row that is acknowledged twice was sent twice: the first
/// time is kept.
pub(super) async fn ack(db: &Db, acks: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(sql(
        "WITH ack AS (
             SELECT {int 0} AS seq, {int 1} AS partition, {int 2} AS \"offset\" FROM {rows 2}),
         sent AS (
             DELETE FROM outbox o USING ack WHERE o.seq = ack.seq
             RETURNING o.seq, o.id, o.aggregateid, o.type, o.topic, ack.partition, ack.\"offset\", o.created_at),
         freed AS (DELETE FROM outbox_blocked WHERE head_seq IN (SELECT seq FROM ack))
         INSERT INTO outbox_sent (seq, id, aggregateid, type, topic, partition, \"offset\", created_at, sent_at)
         SELECT seq, id, aggregateid, type, topic, partition, \"offset\", created_at, $1 FROM sent
         ON CONFLICT DO NOTHING",
    ))
    .bind(at(now))
    .bind(acks)
    .execute(&db.write)
    .await?;
    Ok(())
}

pub(super) fn word(name: &str, argument: &str) -> Option<String> {
    let cast = |to: &str| format!("CAST(r.value->>{argument} AS {to})");
    Some(match name {
        "rows" => format!(
            "jsonb_array_elements(CAST(${argument} AS jsonb)) WITH ORDINALITY AS r(value, nth)"
        ),
        "in_order" => "ORDER BY r.nth".to_owned(),
        "nth" => "r.nth - 1".to_owned(),
        "text" => format!("r.value->>{argument}"),
        "int" => cast("bigint"),
        "id" => cast("uuid"),
        "time" => cast("timestamptz"),
        "cents" => format!("CAST(r.value->>{argument} AS numeric) / 100"),
        "bytes" => format!("decode(r.value->>{argument}, 'hex')"),
        "whole_bytes" => format!("sha256(decode(r.value->>{argument}, 'hex'))"),
        "money" => format!("CAST({argument} * 100 AS bigint)"),
        // The database's own clock, so many microseconds before it, and how many have passed since a time.
        "now" => "clock_timestamp()".to_owned(),
        "ago" => format!("clock_timestamp() - ${argument} * interval '1 microsecond'"),
        "since" => {
            format!("CAST(extract(epoch FROM clock_timestamp() - {argument}) * 1000000 AS bigint)")
        }
        // Rows that another transaction is at are left to it.
        "skip" => "FOR UPDATE SKIP LOCKED".to_owned(),
        "greatest" => "greatest".to_owned(),
        "least" => "least".to_owned(),
        "find" => "strpos".to_owned(),
        "then" => "JOIN".to_owned(),
        // In an index, whatever its length.
        "whole" => format!("sha256({argument})"),
        // A generated column: bytes may be no text.
        "readable" => format!("{argument}_text"),
        // The start of a minute belongs to the one before.
        "minute" => {
            let (since, at) = argument.split_once(' ')?;
            format!(
                "CAST(floor((extract(epoch FROM {at} - {since}) * 1000000 - 1) / 60000000) AS bigint)"
            )
        }
        _ => return None,
    })
}
