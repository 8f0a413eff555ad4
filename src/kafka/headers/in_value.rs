//! Dead letters without a header family, whose failure stands in the JSON value: a wrapper with
//! `original_event` and `error`, or a field `_deadLetter`, `_dlq` or `_retry` beside the event's own.
//! Such letters may count retries in a header.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::family::decimal;
use crate::domain::foreign::{
    Failed, Family, Foreign, Hop, Origin, TEXT_BYTES, address, cut, topic_name,
};
use crate::domain::record::Headers;
use crate::domain::time;

/// Headers that count retries.
pub(super) const COUNTERS: [&str; 2] = ["retry-count", "x-retry-count"];

/// Fields that were added to the event, the latest failure first.
const ADDED: [&str; 3] = ["_deadLetter", "_dlq", "_retry"];

const WRAPPED: &str = "original_event";

/// `None` where neither value nor headers speak of a failure.
pub(super) fn read(headers: &Headers, value: Option<&[u8]>) -> Option<Foreign> {
    let object = value.and_then(object);
    let notes = object.as_ref().map(notes).unwrap_or_default();
    let counted = headers.iter().rfind(|(n, _)| COUNTERS.contains(&&**n));
    if notes.is_empty() && counted.is_none() {
        return None;
    }
    let origin = notes.iter().find_map(|note| origin(note));
    let text = |names: &[&str]| {
        notes.iter().find_map(|note| {
            let found = names.iter().find_map(|n| note.get(*n)?.as_str())?;
            Some(cut(found, TEXT_BYTES))
        })
    };
    let counted = counted.and_then(|(_, v)| decimal(std::str::from_utf8(v.as_deref()?).ok()?));
    let retries = notes
        .iter()
        .find_map(|note| {
            let names = ["finalRetryCount", "count", "retry_count", "retryCount"];
            names.iter().find_map(|n| number(note.get(*n)?))
        })
        .or(counted);
    Some(Foreign {
        family: Family::InValue,
        error: Failed {
            class: text(&["error_type", "errorType"]),
            message: text(&["reason", "error", "error_message"]),
            ..Failed::default()
        },
        attempts: retries
            .and_then(|n| n.checked_add(1))
            .and_then(|n| n.try_into().ok()),
        failed_at: notes.iter().find_map(|note| failed_at(note)),
        hops: origin
            .iter()
            .map(|o| Hop {
                topic: o.topic.clone(),
                partition: o.partition,
                offset: o.offset,
                ..Hop::default()
            })
            .collect(),
        origin: origin.unwrap_or_default(),
        ..Foreign::default()
    })
}

/// The event as it was: out of its wrapper, without the fields that were added. `None` where the value
/// is no such letter's.
#[must_use]
pub(super) fn event(value: &[u8]) -> Option<Vec<u8>> {
    let mut object = object(value)?;
    if notes(&object).is_empty() {
        return None;
    }
    if wrapped(&object) {
        return serde_json::to_vec(&object[WRAPPED]).ok();
    }
    for field in ADDED {
        object.shift_remove(field);
    }
    serde_json::to_vec(&object).ok()
}

fn object(value: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(value).ok()
}

fn wrapped(object: &Map<String, Value>) -> bool {
    object.get(WRAPPED).is_some_and(Value::is_object) && object.contains_key("error")
}

/// The objects that tell of the failure, the latest first.
fn notes(object: &Map<String, Value>) -> Vec<&Map<String, Value>> {
    let added = ADDED
        .iter()
        .filter_map(|field| object.get(*field)?.as_object());
    wrapped(object)
        .then_some(object)
        .into_iter()
        .chain(added)
        .collect()
}

/// One note's own words: partition and offset count for its topic alone.
fn origin(note: &Map<String, Value>) -> Option<Origin> {
    let text = |name: &str| note.get(name)?.as_str();
    let topic = text("originalTopic")
        .or_else(|| text("original_topic"))
        .and_then(topic_name)
        .or_else(|| text("originalQueue").and_then(address))?;
    let of = |names: [&str; 2]| names.iter().find_map(|n| number(note.get(*n)?));
    Some(Origin {
        topic: Some(topic),
        partition: of(["originalPartition", "original_partition"]).and_then(|n| n.try_into().ok()),
        offset: of(["originalOffset", "original_offset"]),
        ..Origin::default()
    })
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().filter(|n| *n >= 0)
}

fn failed_at(note: &Map<String, Value>) -> Option<DateTime<Utc>> {
    ["failedAt", "failed_at", "timestamp"]
        .iter()
        .find_map(|name| time::from_json(note.get(*name)?))
}
