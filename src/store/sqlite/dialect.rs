//! How SQLite says what databases say differently. Times are microseconds since 1970, ids are text,
//! money is cents; lists are taken apart by `json_each`.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::Driver;
use super::sql::codec::unreadable;
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

pub(super) fn word(name: &str, argument: &str) -> Option<String> {
    Some(match name {
        "rows" => format!("json_each(${argument}) AS r"),
        "in_order" => "WHERE true".to_owned(),
        "nth" => "r.key".to_owned(),
        "text" | "int" | "id" | "time" | "cents" => format!("r.value->>{argument}"),
        "bytes" => format!("unhex(r.value->>{argument})"),
        "money" | "whole" => argument.to_owned(),
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
