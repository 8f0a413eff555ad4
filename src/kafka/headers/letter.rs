//! A letter and the record that carries it: into the dead-letter topic, out of it, and on its way again.

use uuid::Uuid;

use super::codec::{be_i32, be_i64, id, number, rfc3339, time};
use super::directions::{directions, forced};
use super::family::{foreign, unwrapped};
use super::others::{others, place};
use super::{
    ATTEMPTS, DLQ_ID, EXCEPTION_CLASS, EXCEPTION_MESSAGE, FINGERPRINT, FIRST_FAILED_AT,
    LAST_FAILED_AT, ORIGINAL_GROUP, ORIGINAL_OFFSET, ORIGINAL_PARTITION, ORIGINAL_TIMESTAMP,
    ORIGINAL_TIMESTAMP_TYPE, ORIGINAL_TOPIC, REDRIVE_COUNT, REDRIVE_ID, STAGE, TARGET_GROUP,
};
use crate::domain::fault::Stage;
use crate::domain::foreign::Family;
use crate::domain::letter::{Letter, LetterBody, LetterStatus, RedriveOutcome};
use crate::domain::record::{Headers, NewRecord, Record, header, header_text};
use crate::domain::retry::MAX_REDRIVES;

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
    let mut headers = lineage(letter, body);
    let mut add = |name: &str, value: &[u8]| headers.push((name.to_owned(), Some(value.to_vec())));
    if header(&body.headers, ORIGINAL_TIMESTAMP).is_some() {
        add(ORIGINAL_TIMESTAMP_TYPE, b"CreateTime");
    }
    if let Some(group) = &letter.group {
        add(ORIGINAL_GROUP, group.as_bytes());
    }
    add(EXCEPTION_CLASS, letter.code.as_bytes());
    add(EXCEPTION_MESSAGE, letter.message.as_bytes());
    add(FINGERPRINT, letter.fingerprint.as_bytes());
    if let Some(stage) = letter.stage {
        add(STAGE, stage.name().as_bytes());
    }
    add(LAST_FAILED_AT, &rfc3339(letter.last_failed_at));
    NewRecord {
        topic,
        partition: Some(partition),
        key: letter.key.clone(),
        value: body.value.clone(),
        headers,
    }
}

/// The letter again on its way: to its original partition, for the group that failed alone. Where that
/// group is unknown it is an event like any other: nobody can report what became of it, and our own
/// groups take it as they would any second delivery. `None` where its topic is unknown.
#[must_use]
pub fn redrive(letter: &Letter, body: &LetterBody, redrive: Uuid) -> Option<NewRecord> {
    let mut headers = lineage(letter, body);
    let mut add = |name: &str, value: &[u8]| headers.push((name.to_owned(), Some(value.to_vec())));
    if let Some(group) = &letter.group {
        add(REDRIVE_ID, redrive.to_string().as_bytes());
        add(TARGET_GROUP, group.as_bytes());
    }
    Some(NewRecord {
        topic: letter.topic.clone()?,
        partition: letter.partition,
        key: letter.key.clone(),
        value: unwrapped(letter.family, body).value,
        headers,
    })
}

/// What a letter's record carries on every way: its own headers, where it came from and how often it
/// was tried, so that a redrive that fails is the same letter again.
fn lineage(letter: &Letter, body: &LetterBody) -> Headers {
    let mut headers = unwrapped(letter.family, body).headers;
    headers.extend(forced(&body.headers));
    let mut add = |name: &str, value: &[u8]| headers.push((name.to_owned(), Some(value.to_vec())));
    if let Some(topic) = &letter.topic {
        add(ORIGINAL_TOPIC, topic.as_bytes());
    }
    if let Some(partition) = letter.partition {
        add(ORIGINAL_PARTITION, &partition.to_be_bytes());
    }
    if let Some(offset) = letter.offset {
        add(ORIGINAL_OFFSET, &offset.to_be_bytes());
    }
    let told = letter.family.is_foreign();
    let told = told.then(|| foreign(&body.headers, body.value.as_deref()));
    match told.map(|told| told.origin.timestamp) {
        Some(Some(at)) => add(ORIGINAL_TIMESTAMP, &at.timestamp_millis().to_be_bytes()),
        Some(None) => {}
        None => {
            if let Some(at) = header(&body.headers, ORIGINAL_TIMESTAMP) {
                add(ORIGINAL_TIMESTAMP, at);
            }
        }
    }
    add(DLQ_ID, letter.id.to_string().as_bytes());
    // What another group tried is no history of ours.
    if letter.group.is_some() {
        if let Some(attempts) = letter.attempts {
            add(ATTEMPTS, attempts.to_string().as_bytes());
        }
        add(FIRST_FAILED_AT, &rfc3339(letter.first_failed_at));
    }
    add(REDRIVE_COUNT, letter.redrives.to_string().as_bytes());
    headers
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

/// Reads a record of a dead-letter topic, whoever wrote it.
#[must_use]
pub fn letter(record: &Record) -> (Letter, LetterBody) {
    own(record).unwrap_or_else(|| others(record))
}

/// Reads a letter of our own. `None` where another program wrote it, even if it wrote a record down
/// that we had redriven: such a one has our identity, and not our cause.
fn own(record: &Record) -> Option<(Letter, LetterBody)> {
    let headers = &record.headers;
    header(headers, DLQ_ID)?;
    header(headers, FINGERPRINT)?;
    let group = header_text(headers, ORIGINAL_GROUP)?.to_owned();
    let topic = header_text(headers, ORIGINAL_TOPIC)?.to_owned();
    let partition = header(headers, ORIGINAL_PARTITION).and_then(be_i32)?;
    let offset = header(headers, ORIGINAL_OFFSET).and_then(be_i64)?;
    let asked = directions(headers);
    let written = record.timestamp.unwrap_or_default();
    let last = time(headers, LAST_FAILED_AT).unwrap_or(written);
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
        event_id: id(headers, "event_id"),
        event_type: header_text(headers, "event_type").map(str::to_owned),
        correlation_id: id(headers, "correlation_id"),
        family: Family::Evtop,
        stage: header_text(headers, STAGE)
            .and_then(|name| Stage::ALL.into_iter().find(|s| s.name() == name)),
        code: header_text(headers, EXCEPTION_CLASS)
            .unwrap_or("unknown")
            .to_owned(),
        message: header_text(headers, EXCEPTION_MESSAGE)
            .unwrap_or_default()
            .to_owned(),
        fingerprint: header_text(headers, FINGERPRINT)
            .unwrap_or_default()
            .to_owned(),
        attempts: number(headers, ATTEMPTS),
        first_failed_at: time(headers, FIRST_FAILED_AT).unwrap_or(last),
        last_failed_at: last,
        redrives: asked.redrives,
        // It would not be here again if a redrive had worked.
        outcome: (asked.redrives > 0).then_some(RedriveOutcome::FailedAgain),
        blocked_by: None,
        note: None,
        reason: None,
        dlq: Some(place(record)),
        group: Some(group),
        topic: Some(topic),
        partition: Some(partition),
        offset: Some(offset),
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

/// The record's own headers: without what a failure, a redrive or a replay added.
#[must_use]
pub fn restored(headers: &Headers) -> Headers {
    headers
        .iter()
        .filter(|(name, _)| !name.starts_with("kafka_dlt-") && !name.starts_with("evtop-"))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::{history, origin};
    use super::*;
    use crate::domain::letter::{DlqPlace, fixture};

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
        Letter {
            id: letter_id("email-service", "order-events", 2, 4812),
            partition: Some(2),
            offset: Some(4812),
            event_id: None,
            event_type: Some("OrderCreated".into()),
            stage: Some(Stage::Decode),
            code: "malformed_json".into(),
            message: "expected value at line 1 column 1".into(),
            fingerprint: "abc".into(),
            ..fixture::letter("email-service")
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
        let read = letter(&arrive(dead_letter("d".into(), 2, &sample(), &body), 7));
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
        let sent = redrive(&sample(), &body(&record()), Uuid::nil()).unwrap();
        let back = arrive(sent, 9000);
        let asked = directions(&back.headers);
        assert_eq!(asked.letter, Some(sample().id));
        assert_eq!(asked.target_group.as_deref(), Some("email-service"));
        assert_eq!(origin(&back), ("order-events".into(), 2, 4812));
        assert_eq!(history(&back.headers), (1, Some(sample().first_failed_at)));
        assert_eq!(back.value, record().value);
    }
}
