//! Headers that say where a record failed and where it is meant to go. Written in Spring's names and
//! encodings (`DeadLetterPublishingRecoverer`: big-endian numbers), which is what people look for, and
//! beside them our own `evtop-*` ones in UTF-8.

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::domain::fault::Stage;
use crate::domain::letter::{DlqPlace, Letter, LetterBody, LetterStatus, RedriveOutcome};
use crate::domain::record::{Headers, NewRecord, Record, header, header_text};
use crate::domain::retry::MAX_REDRIVES;

pub const DLQ_ID: &str = "evtop-dlq-id";
pub const FINGERPRINT: &str = "evtop-fingerprint";
pub const STAGE: &str = "evtop-stage";
pub const ATTEMPTS: &str = "evtop-attempts";
pub const FIRST_FAILED_AT: &str = "evtop-first-failed-at";
pub const LAST_FAILED_AT: &str = "evtop-last-failed-at";
pub const REDRIVE_COUNT: &str = "evtop-redrive-count";
pub const REDRIVE_ID: &str = "evtop-redrive-id";
pub const TARGET_GROUP: &str = "evtop-target-group";
pub const REPLAY_ID: &str = "evtop-replay-id";
pub const REPLAY_FORCE: &str = "evtop-replay-force";

const ORIGINAL_TOPIC: &str = "kafka_dlt-original-topic";
const ORIGINAL_PARTITION: &str = "kafka_dlt-original-partition";
const ORIGINAL_OFFSET: &str = "kafka_dlt-original-offset";
const ORIGINAL_TIMESTAMP: &str = "kafka_dlt-original-timestamp";
const ORIGINAL_TIMESTAMP_TYPE: &str = "kafka_dlt-original-timestamp-type";
const ORIGINAL_GROUP: &str = "kafka_dlt-original-consumer-group";
const EXCEPTION_CLASS: &str = "kafka_dlt-exception-fqcn";
const EXCEPTION_MESSAGE: &str = "kafka_dlt-exception-message";

/// What a redriven or replayed record asks of whoever reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directions {
    /// Only this group acts on it; the others skip it before they decode it.
    pub target_group: Option<String>,
    pub letter: Option<Uuid>,
    pub redrive: Option<Uuid>,
    pub redrives: u32,
    pub replay: Option<Uuid>,
    /// Handle it even if it was handled before: effects double.
    pub force: bool,
}

/// Reads the directions; a header that makes no sense counts as absent.
#[must_use]
pub fn directions(headers: &Headers) -> Directions {
    let id = |name| header_text(headers, name).and_then(|t| Uuid::try_parse(t).ok());
    Directions {
        target_group: header_text(headers, TARGET_GROUP).map(str::to_owned),
        letter: id(DLQ_ID),
        redrive: id(REDRIVE_ID),
        redrives: number(headers, REDRIVE_COUNT).unwrap_or(0),
        replay: id(REPLAY_ID),
        force: header_text(headers, REPLAY_FORCE) == Some("true"),
    }
}

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
        timestamp: at.map_or(record.timestamp, DateTime::from_timestamp_millis),
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

/// A letter's identity, the same however often it is written: UUIDv5 of group, topic, partition, offset.
#[must_use]
pub fn letter_id(group: &str, topic: &str, partition: i32, offset: i64) -> Uuid {
    let space = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"evtop dead letter");
    Uuid::new_v5(
        &space,
        format!("{group}\n{topic}\n{partition}\n{offset}").as_bytes(),
    )
}

/// The record for the dead-letter topic: key, value and headers as they were, and why it is here.
#[must_use]
pub fn dead_letter(topic: String, partition: i32, letter: &Letter, body: &LetterBody) -> NewRecord {
    let mut headers = restored(&body.headers);
    headers.extend(forced(&body.headers));
    let mut add = |name: &str, value: Vec<u8>| headers.push((name.to_owned(), Some(value)));
    add(ORIGINAL_TOPIC, letter.topic.clone().into_bytes());
    add(ORIGINAL_PARTITION, letter.partition.to_be_bytes().to_vec());
    add(ORIGINAL_OFFSET, letter.offset.to_be_bytes().to_vec());
    if let Some(at) = header(&body.headers, ORIGINAL_TIMESTAMP) {
        add(ORIGINAL_TIMESTAMP, at.to_vec());
        add(ORIGINAL_TIMESTAMP_TYPE, b"CreateTime".to_vec());
    }
    add(ORIGINAL_GROUP, letter.group.clone().into_bytes());
    add(EXCEPTION_CLASS, letter.code.clone().into_bytes());
    add(EXCEPTION_MESSAGE, letter.message.clone().into_bytes());
    add(DLQ_ID, letter.id.to_string().into_bytes());
    add(FINGERPRINT, letter.fingerprint.clone().into_bytes());
    add(STAGE, letter.stage.name().as_bytes().to_vec());
    add(ATTEMPTS, letter.attempts.to_string().into_bytes());
    add(FIRST_FAILED_AT, rfc3339(letter.first_failed_at));
    add(LAST_FAILED_AT, rfc3339(letter.last_failed_at));
    add(REDRIVE_COUNT, letter.redrives.to_string().into_bytes());
    NewRecord {
        topic,
        partition: Some(partition),
        key: letter.key.clone(),
        value: body.value.clone(),
        headers,
    }
}

/// The body to keep for a record that failed: its bytes, and its own timestamp among the headers so
/// that it survives the way there and back.
#[must_use]
pub fn body(record: &Record) -> LetterBody {
    let mut headers = record.headers.clone();
    if header(&headers, ORIGINAL_TIMESTAMP).is_none()
        && let Some(at) = record.timestamp
    {
        let millis = at.timestamp_millis().to_be_bytes().to_vec();
        headers.push((ORIGINAL_TIMESTAMP.to_owned(), Some(millis)));
    }
    LetterBody {
        value: record.value.clone(),
        headers,
    }
}

/// The letter again on its way: to its original partition, for the group that failed alone.
#[must_use]
pub fn redrive(letter: &Letter, body: &LetterBody, redrive: Uuid) -> NewRecord {
    let mut headers = restored(&body.headers);
    headers.extend(forced(&body.headers));
    let mut add = |name: &str, value: Vec<u8>| headers.push((name.to_owned(), Some(value)));
    // The origin stays with the record: should it fail again, it is still the same letter.
    add(ORIGINAL_TOPIC, letter.topic.clone().into_bytes());
    add(ORIGINAL_PARTITION, letter.partition.to_be_bytes().to_vec());
    add(ORIGINAL_OFFSET, letter.offset.to_be_bytes().to_vec());
    if let Some(at) = header(&body.headers, ORIGINAL_TIMESTAMP) {
        add(ORIGINAL_TIMESTAMP, at.to_vec());
    }
    add(DLQ_ID, letter.id.to_string().into_bytes());
    add(ATTEMPTS, letter.attempts.to_string().into_bytes());
    add(FIRST_FAILED_AT, rfc3339(letter.first_failed_at));
    add(REDRIVE_COUNT, letter.redrives.to_string().into_bytes());
    add(REDRIVE_ID, redrive.to_string().into_bytes());
    add(TARGET_GROUP, letter.group.clone().into_bytes());
    NewRecord {
        topic: letter.topic.clone(),
        partition: Some(letter.partition),
        key: letter.key.clone(),
        value: body.value.clone(),
        headers,
    }
}

/// Adds what a replayed record asks for: which operation it belongs to, who acts on it, and whether
/// idempotency is bypassed.
pub fn add_replay(headers: &mut Headers, operation: Uuid, group: Option<&str>, force: bool) {
    let mut add = |name: &str, value: &[u8]| headers.push((name.to_owned(), Some(value.to_vec())));
    add(REPLAY_ID, operation.to_string().as_bytes());
    if let Some(group) = group {
        add(TARGET_GROUP, group.as_bytes());
    }
    if force {
        add(REPLAY_FORCE, b"true");
    }
}

/// Reads a record of a dead-letter topic. `None` where it has no origin that we understand.
#[must_use]
pub fn letter(record: &Record) -> Option<(Letter, LetterBody)> {
    let headers = &record.headers;
    let group = header_text(headers, ORIGINAL_GROUP)?.to_owned();
    let topic = header_text(headers, ORIGINAL_TOPIC)?.to_owned();
    let partition = header(headers, ORIGINAL_PARTITION).and_then(be_i32)?;
    let offset = header(headers, ORIGINAL_OFFSET).and_then(be_i64)?;
    let asked = directions(headers);
    let written = record.timestamp.unwrap_or_default();
    let last = time(headers, LAST_FAILED_AT).unwrap_or(written);
    let id = |name| header_text(headers, name).and_then(|t| Uuid::try_parse(t).ok());
    let letter = Letter {
        id: asked
            .letter
            .unwrap_or_else(|| letter_id(&group, &topic, partition, offset)),
        status: if asked.redrives >= MAX_REDRIVES {
            LetterStatus::Parked
        } else {
            LetterStatus::Unresolved
        },
        key: record.key.clone(),
        event_id: id("event_id"),
        event_type: header_text(headers, "event_type").map(str::to_owned),
        correlation_id: id("correlation_id"),
        stage: header_text(headers, STAGE)
            .and_then(|name| Stage::ALL.into_iter().find(|s| s.name() == name))
            .unwrap_or(Stage::Handle),
        code: header_text(headers, EXCEPTION_CLASS)
            .unwrap_or("unknown")
            .to_owned(),
        message: header_text(headers, EXCEPTION_MESSAGE)
            .unwrap_or_default()
            .to_owned(),
        fingerprint: header_text(headers, FINGERPRINT)
            .unwrap_or_default()
            .to_owned(),
        attempts: number(headers, ATTEMPTS).unwrap_or(1),
        first_failed_at: time(headers, FIRST_FAILED_AT).unwrap_or(last),
        last_failed_at: last,
        redrives: asked.redrives,
        // It would not be here again if a redrive had worked.
        outcome: (asked.redrives > 0).then_some(RedriveOutcome::FailedAgain),
        blocked_by: None,
        dlq: Some(DlqPlace {
            topic: record.topic.clone(),
            partition: record.partition,
            offset: record.offset,
        }),
        group,
        topic,
        partition,
        offset,
    };
    let mut body = LetterBody {
        value: record.value.clone(),
        headers: restored(headers),
    };
    body.headers.extend(forced(headers));
    if let Some(at) = header(headers, ORIGINAL_TIMESTAMP) {
        body.headers
            .push((ORIGINAL_TIMESTAMP.to_owned(), Some(at.to_vec())));
    }
    Some((letter, body))
}

/// What made a replay forced: without it, its redrive would be taken for a duplicate.
fn forced(headers: &Headers) -> Headers {
    let asked = directions(headers);
    let keep = |name: &str| asked.force && (name == REPLAY_ID || name == REPLAY_FORCE);
    headers
        .iter()
        .filter(|(name, _)| keep(name))
        .cloned()
        .collect()
}

/// The record's own headers: without what a failure, a redrive or a replay added.
#[must_use]
pub fn restored(headers: &Headers) -> Headers {
    headers
        .iter()
        .filter(|(name, _)| !name.starts_with("kafka_dlt-") && !name.starts_with("evtop-"))
        .cloned()
        .collect()
}

fn rfc3339(at: DateTime<Utc>) -> Vec<u8> {
    at.to_rfc3339_opts(SecondsFormat::Micros, true).into_bytes()
}

fn time(headers: &Headers, name: &str) -> Option<DateTime<Utc>> {
    let text = header_text(headers, name)?;
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|at| at.with_timezone(&Utc))
}

fn number(headers: &Headers, name: &str) -> Option<u32> {
    header_text(headers, name)?.parse().ok()
}

fn be_i32(bytes: &[u8]) -> Option<i32> {
    bytes.try_into().ok().map(i32::from_be_bytes)
}

fn be_i64(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().ok().map(i64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            topic: "order-events".into(),
            partition: 2,
            offset: 4812,
            timestamp: DateTime::from_timestamp_millis(1_700_000_000_123),
            key: Some(b"ORD-1".to_vec()),
            value: Some(vec![0xff, 0x00, 0x1b]),
            headers: vec![
                ("event_type".into(), Some(b"OrderCreated".to_vec())),
                ("nothing".into(), None),
                ("nothing".into(), Some(vec![0x80])),
            ],
        }
    }

    fn sample() -> Letter {
        let at = DateTime::from_timestamp_millis(1_700_000_001_000).unwrap();
        Letter {
            id: letter_id("email-service", "order-events", 2, 4812),
            status: LetterStatus::Unresolved,
            group: "email-service".into(),
            topic: "order-events".into(),
            partition: 2,
            offset: 4812,
            key: Some(b"ORD-1".to_vec()),
            event_id: None,
            event_type: Some("OrderCreated".into()),
            correlation_id: None,
            stage: Stage::Decode,
            code: "malformed_json".into(),
            message: "expected value at line 1 column 1".into(),
            fingerprint: "abc".into(),
            attempts: 1,
            first_failed_at: at,
            last_failed_at: at,
            redrives: 0,
            outcome: None,
            blocked_by: None,
            dlq: None,
        }
    }

    fn arrive(sent: NewRecord, offset: i64) -> Record {
        Record {
            topic: sent.topic,
            partition: sent.partition.unwrap(),
            offset,
            timestamp: DateTime::from_timestamp_millis(1_700_000_002_000),
            key: sent.key,
            value: sent.value,
            headers: sent.headers,
        }
    }

    #[test]
    fn a_letter_survives_the_topic() {
        let body = body(&record());
        let read = letter(&arrive(dead_letter("d".into(), 2, &sample(), &body), 7)).unwrap();
        let expected = Letter {
            dlq: Some(DlqPlace {
                topic: "d".into(),
                partition: 2,
                offset: 7,
            }),
            ..sample()
        };
        assert_eq!(read.0, expected);
        assert_eq!(read.1.value, body.value);
        assert_eq!(restored(&read.1.headers), record().headers);
    }

    #[test]
    fn numbers_are_encoded_as_spring_does() {
        let sent = dead_letter("d".into(), 2, &sample(), &body(&record()));
        assert_eq!(
            header(&sent.headers, ORIGINAL_PARTITION),
            Some(&[0, 0, 0, 2][..])
        );
        assert_eq!(
            header(&sent.headers, ORIGINAL_OFFSET),
            Some(&4812i64.to_be_bytes()[..])
        );
        assert_eq!(
            header(&sent.headers, ORIGINAL_TIMESTAMP),
            Some(&1_700_000_000_123i64.to_be_bytes()[..])
        );
    }

    #[test]
    fn a_redriven_record_that_fails_again_is_the_same_letter() {
        let sent = redrive(&sample(), &body(&record()), Uuid::nil());
        let back = arrive(sent, 9000);
        let asked = directions(&back.headers);
        assert_eq!(asked.letter, Some(sample().id));
        assert_eq!(asked.target_group.as_deref(), Some("email-service"));
        assert_eq!(origin(&back), ("order-events".into(), 2, 4812));
        assert_eq!(history(&back.headers), (1, Some(sample().first_failed_at)));
        assert_eq!(back.value, record().value);
    }
}
