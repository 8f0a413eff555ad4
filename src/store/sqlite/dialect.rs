//! How SQLite says what databases say differently. Times are microseconds since 1970, ids are text,
//! money is cents; lists are taken apart by `json_each`.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::sql::codec::{sql, unreadable};
use super::{Db, Driver};
use crate::domain::position::Position;
use crate::store::{Part, StoreError};

/// A time in a column, a bound value or a JSON list.
pub(in crate::store) type Time = i64;
/// An id in the same places.
pub(in crate::store) type Id = String;

pub(in crate::store) fn at(at: DateTime<Utc>) -> Time {
    at.timestamp_micros()
}

pub(in crate::store) fn time(micros: Time) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| unreadable("time", &micros.to_string()))
}

pub(in crate::store) fn id(id: Uuid) -> Id {
    id.to_string()
}

pub(in crate::store) fn uuid(text: Id) -> Result<Uuid, StoreError> {
    Uuid::try_parse(&text).map_err(|_| unreadable("id", &text))
}

/// The events' order of reading: there is one writer, so nothing comes in between later.
pub(super) const OLDEST_FIRST: &str = " ORDER BY pos";
pub(super) const NEWEST_FIRST: &str = " ORDER BY pos DESC";
/// Whether a reader may see an event: what is committed is.
pub(super) const SETTLED: &str = "";

/// Adds the condition that an event stands on this side of a position.
pub(super) fn beyond(query: &mut QueryBuilder<Driver>, side: &'static str, position: Position) {
    query.push(" AND pos ").push(side).push_bind(position.pos);
}

/// Adds the condition that an outbox row `o` is in this part: there is one.
pub(super) fn within(_query: &mut QueryBuilder<Driver>, _part: Part) {}

/// Takes acknowledged rows out of the outbox: a list of number, partition and offset. A row that is
/// acknowledged twice was sent twice: the first time is kept.
pub(super) async fn ack(db: &Db, acks: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    sqlx::query(sql(
        "INSERT INTO outbox_sent (seq, id, aggregateid, type, topic, partition, \"offset\", created_at, sent_at)
         SELECT o.seq, o.id, o.aggregateid, o.type, o.topic, {int 1}, {int 2}, o.created_at, $1
         FROM {rows 2} JOIN outbox o ON o.seq = {int 0}
         ON CONFLICT DO NOTHING",
    ))
    .bind(at(now))
    .bind(acks)
    .execute(&mut *tx)
    .await?;
    for statement in [
        "DELETE FROM outbox WHERE seq IN (SELECT {int 0} FROM {rows 1})",
        "DELETE FROM outbox_blocked WHERE head_seq IN (SELECT {int 0} FROM {rows 1})",
    ] {
        sqlx::query(sql(statement))
            .bind(acks)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

pub(super) fn word(name: &str, argument: &str) -> Option<String> {
    Some(match name {
        "rows" => format!("json_each(${argument}) AS r"),
        "in_order" => "WHERE true".to_owned(),
        "nth" => "r.key".to_owned(),
        "text" | "int" | "id" | "time" | "cents" => format!("r.value->>{argument}"),
        "bytes" => format!("unhex(r.value->>{argument})"),
        "whole_bytes" => format!("unhex(r.value->>{argument})"),
        "money" | "whole" => argument.to_owned(),
        // The database's own clock, so many microseconds before it, and how many have passed since a time.
        "now" => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)".to_owned(),
        "ago" => format!("CAST(unixepoch('subsec') * 1000000 AS INTEGER) - ${argument}"),
        "since" => format!("CAST(unixepoch('subsec') * 1000000 AS INTEGER) - {argument}"),
        // Rows that another transaction is at are left to it.
        "skip" => String::new(),
        "greatest" => "max".to_owned(),
        "least" => "min".to_owned(),
        "find" => "instr".to_owned(),
        "then" => "CROSS JOIN".to_owned(),
        "readable" => format!("CAST({argument} AS TEXT)"),
        // The start of a minute belongs to the one before.
        "minute" => {
            let (since, at) = argument.split_once(' ')?;
            format!("({at} - {since} - 1) / 60000000")
        }
        _ => return None,
    })
}
