//! How values are written: Spring's numbers as bytes, ours as text. What makes no sense counts as absent.

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::domain::record::{Headers, header_text};
use crate::domain::time::in_range;

pub(super) fn rfc3339(at: DateTime<Utc>) -> Vec<u8> {
    at.to_rfc3339_opts(SecondsFormat::Micros, true).into_bytes()
}

pub(super) fn time(headers: &Headers, name: &str) -> Option<DateTime<Utc>> {
    let text = header_text(headers, name)?;
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    in_range(at.with_timezone(&Utc))
}

pub(super) fn number(headers: &Headers, name: &str) -> Option<u32> {
    header_text(headers, name)?.parse().ok()
}

pub(super) fn be_i32(bytes: &[u8]) -> Option<i32> {
    bytes.try_into().ok().map(i32::from_be_bytes)
}

pub(super) fn be_i64(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().ok().map(i64::from_be_bytes)
}

pub(super) fn id(headers: &Headers, name: &str) -> Option<Uuid> {
    Uuid::try_parse(header_text(headers, name)?).ok()
}
