//! Where a record was before it failed.

use chrono::{DateTime, Utc};

use super::codec::{be_i32, be_i64, number, time};
use super::letter::restored;
use super::{
    ATTEMPTS, FIRST_FAILED_AT, ORIGINAL_OFFSET, ORIGINAL_PARTITION, ORIGINAL_TIMESTAMP,
    ORIGINAL_TOPIC,
};
use crate::domain::record::{Headers, Record, header, header_text};
use crate::domain::time::from_millis;

/// Where a record came from first: its own place, or, for one that was redriven, what its headers keep.
#[must_use]
pub fn origin(record: &Record) -> (String, i32, i64) {
    let headers = &record.headers;
    match (
        header_text(headers, ORIGINAL_TOPIC),
        header(headers, ORIGINAL_PARTITION).and_then(be_i32),
        header(headers, ORIGINAL_OFFSET).and_then(be_i64),
    ) {
        (Some(topic), Some(partition), Some(offset)) => (topic.to_owned(), partition, offset),
        _ => (record.topic.clone(), record.partition, record.offset),
    }
}

/// A redriven or dead-lettered record as read first: its place gives an event without id one.
#[must_use]
pub fn original(record: &Record) -> Option<Record> {
    header(&record.headers, ORIGINAL_OFFSET)?;
    let (topic, partition, offset) = origin(record);
    let at = header(&record.headers, ORIGINAL_TIMESTAMP).and_then(be_i64);
    Some(Record {
        topic,
        partition,
        offset,
        timestamp: at.map_or(record.timestamp, from_millis),
        key: record.key.clone(),
        value: record.value.clone(),
        headers: restored(&record.headers),
    })
}

/// Attempts of earlier rounds and the first failure, where the record was redriven.
#[must_use]
pub fn history(headers: &Headers) -> (u32, Option<DateTime<Utc>>) {
    (
        number(headers, ATTEMPTS).unwrap_or(0),
        time(headers, FIRST_FAILED_AT),
    )
}
