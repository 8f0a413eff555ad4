//! Burying what failed. The rule: the dead-letter topic has acknowledged the record, then the index row
//! and the key's block are written in one transaction, and only then may the offset move. A crash in
//! between writes the record twice and the letter once, since its id is made of its origin.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Shared;
use super::batch::message_id;
use crate::domain::envelope::Envelope;
use crate::domain::fault::{Fault, Stage};
use crate::domain::fingerprint::fingerprint;
use crate::domain::foreign::{Family, TEXT_BYTES, cut};
use crate::domain::letter::{DlqPlace, Letter, LetterBody, LetterStatus};
use crate::domain::reader::{Limits, read_envelope};
use crate::domain::record::{NewRecord, Record, header_text};
use crate::domain::retry::MAX_REDRIVES;
use crate::domain::service::Service;
use crate::failpoint;
use crate::kafka::headers::{self, Directions};
use crate::store::{RedriveRef, StoreError};

/// What is known of a failed event beside its record.
pub struct Failure<'a> {
    pub fault: &'a Fault,
    /// Attempts of this round.
    pub attempts: u32,
    pub first_failed_at: DateTime<Utc>,
    pub now: DateTime<Utc>,
    pub envelope: Option<&'a Envelope>,
}

/// Why a letter could not be buried: something is down, so the partition holds.
#[derive(Debug)]
pub struct Held(pub String);

/// The topic's name for dead letters of `group` from `topic`.
#[must_use]
pub fn dlq_topic(template: &str, topic: &str, group: &str) -> String {
    template.replace("{topic}", topic).replace("{group}", group)
}

/// The letter for a record that failed, or that waits behind one (`blocked_by`).
#[must_use]
pub fn letter_of(
    group: &str,
    record: &Record,
    failure: &Failure<'_>,
    blocked_by: Option<Uuid>,
) -> (Letter, LetterBody) {
    let asked = headers::directions(&record.headers);
    // One that was sent again for nobody in particular is no group's letter yet.
    let again = asked.letter.filter(|_| asked.target_group.is_some());
    let redrives = again.map_or(0, |_| asked.redrives);
    let (topic, partition, offset) = headers::origin(record);
    let (attempts_before, first_before) = headers::history(&record.headers);
    let facts = facts(record, failure.envelope);
    let fault = failure.fault;
    let parked = asked.redrive.is_some() && redrives >= MAX_REDRIVES;
    let letter = Letter {
        id: again.unwrap_or_else(|| headers::letter_id(group, &topic, partition, offset)),
        status: match blocked_by {
            Some(_) => LetterStatus::Blocked,
            None if parked => LetterStatus::Parked,
            None => LetterStatus::Unresolved,
        },
        family: Family::Evtop,
        group: Some(group.to_owned()),
        topic: Some(topic),
        partition: Some(partition),
        offset: Some(offset),
        key: record.key.clone(),
        event_id: facts.event_id,
        event_type: facts.event_type,
        correlation_id: facts.correlation_id,
        stage: Some(fault.stage),
        code: fault.code.clone(),
        message: cut(&fault.message, TEXT_BYTES),
        fingerprint: fingerprint(group, fault.stage.name(), &fault.code, &fault.message),
        attempts: Some(attempts_before + failure.attempts),
        first_failed_at: first_before.unwrap_or(failure.first_failed_at),
        last_failed_at: failure.now,
        redrives,
        outcome: None,
        blocked_by,
        dlq: None,
        note: None,
        reason: None,
    };
    (letter, headers::body(record))
}

/// What is known of a letter's event.
pub struct Facts {
    pub event_id: Option<Uuid>,
    pub event_type: Option<String>,
    pub correlation_id: Option<Uuid>,
}

/// What the envelope says, as far as it can be read, else what the headers say: the same whether the
/// record comes from its own topic, again by a redrive, or from the dead-letter topic.
#[must_use]
pub fn facts(record: &Record, envelope: Option<&Envelope>) -> Facts {
    let read = match envelope {
        Some(_) => None,
        None => {
            let original = headers::original(record);
            let record = original.as_ref().unwrap_or(record);
            read_envelope(record, &Limits::default()).ok()
        }
    };
    if let Some(envelope) = envelope.or(read.as_ref().map(|(envelope, _)| envelope)) {
        return Facts {
            event_id: Some(envelope.event_id),
            event_type: Some(envelope.event_type.name().to_owned()),
            correlation_id: Some(envelope.correlation_id),
        };
    }
    let id = |name| header_text(&record.headers, name).and_then(|t| Uuid::try_parse(t).ok());
    Facts {
        event_id: id("event_id"),
        event_type: header_text(&record.headers, "event_type").map(str::to_owned),
        correlation_id: id("correlation_id"),
    }
}

/// Writes the letter to its topic, waits for the acknowledgement, then writes the index row. Returns
/// the letter's id.
pub async fn bury(
    shared: &Shared,
    service: Service,
    record: &Record,
    failure: &Failure<'_>,
) -> Result<Uuid, Held> {
    let group = service.row().group;
    let (mut letter, body) = letter_of(group, record, failure, None);
    let (source, partition, _) = headers::origin(record);
    let topic = dlq_topic(&shared.settings.dlq_topic, &source, group);
    let mut out = headers::dead_letter(topic.clone(), partition, &letter, &body);
    let sent = match shared.producer.send(&out).await {
        // A dead-letter topic made by somebody else may have fewer partitions than its source.
        Err(error) if !error.is_unavailable() => {
            out.partition = None;
            tracing::warn!(%error, topic, "sending the letter to a partition of the broker's choice");
            shared.producer.send(&out).await
        }
        other => other,
    };
    let place = sent.map_err(|e| Held(format!("dead letters can't be written: {e}")))?;
    failpoint::pass("dlq.acked");
    shared.delivered(&out, place);
    letter.dlq = Some(DlqPlace {
        topic,
        partition: place.partition,
        offset: place.offset,
    });
    let asked = headers::directions(&record.headers);
    let redrive = redrive_ref(&asked);
    let message = failure.envelope.map(|e| message_id(e.event_id, &asked));
    let replay = message.as_deref().zip(counted_replay(&asked));
    match shared.store.bury(&letter, &body, redrive, replay).await {
        Ok(()) => {
            tracing::info!(group, code = letter.code, id = %letter.id, "dead letter");
            Ok(letter.id)
        }
        Err(StoreError::Unavailable(why)) => Err(Held(why)),
        // The topic has the letter, and the indexer reads it from there; only the block is missing.
        Err(error) => {
            tracing::error!(%error, id = %letter.id, "a letter's index row could not be written");
            Ok(letter.id)
        }
    }
}

/// The replay whose counts hear of a record. On the topic every service would report; only a replay for one of
/// them can be counted, and a letter of it that is redriven was counted when it failed.
#[must_use]
pub fn counted_replay(asked: &Directions) -> Option<Uuid> {
    let alone = asked.target_group.is_some() && asked.redrive.is_none();
    asked.replay.filter(|_| alone)
}

/// The letter and attempt that a redriven record belongs to.
#[must_use]
pub fn redrive_ref(asked: &Directions) -> Option<RedriveRef> {
    Some(RedriveRef {
        letter: asked.letter?,
        redrive: asked.redrive?,
    })
}

/// The fault of an event that did nothing wrong but stands behind one that did.
#[must_use]
pub fn behind(head: Uuid) -> Fault {
    Fault {
        kind: crate::domain::fault::FaultKind::Permanent,
        stage: Stage::Handle,
        code: "blocked".into(),
        message: format!("waits behind letter {head} of the same key"),
    }
}

/// Approximate bytes that a record takes in the broker.
#[must_use]
pub fn weight(record: &NewRecord) -> u64 {
    let headers: usize = record
        .headers
        .iter()
        .map(|(n, v)| n.len() + v.as_ref().map_or(0, Vec::len))
        .sum();
    let body = record.value.as_ref().map_or(0, Vec::len) + record.key.as_ref().map_or(0, Vec::len);
    (headers + body + 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::FaultKind;

    /// The letter of a record of orders/0 @ 9 that carries a letter's id and two redrives.
    fn failed_again(target: Option<&str>) -> Letter {
        let mut headers = vec![
            (headers::DLQ_ID, Uuid::nil().to_string()),
            (headers::REDRIVE_COUNT, "2".to_owned()),
        ];
        headers.extend(target.map(|group| (headers::TARGET_GROUP, group.to_owned())));
        let header = |(name, value): (&str, String)| (name.to_owned(), Some(value.into_bytes()));
        let record = Record {
            topic: "orders".into(),
            partition: 0,
            offset: 9,
            timestamp: None,
            key: None,
            value: None,
            headers: headers.into_iter().map(header).collect(),
        };
        let fault = Fault {
            kind: FaultKind::Permanent,
            stage: Stage::Handle,
            code: "rejected".into(),
            message: String::new(),
        };
        let failure = Failure {
            fault: &fault,
            attempts: 1,
            first_failed_at: DateTime::default(),
            now: DateTime::default(),
            envelope: None,
        };
        letter_of("email-service", &record, &failure, None).0
    }

    #[test]
    fn what_was_sent_to_nobody_in_particular_is_no_letter_of_another() {
        let ours = failed_again(Some("email-service"));
        assert_eq!((ours.id, ours.redrives), (Uuid::nil(), 2));
        let new = failed_again(None);
        let id = headers::letter_id("email-service", "orders", 0, 9);
        assert_eq!((new.id, new.redrives), (id, 0));
    }
}
