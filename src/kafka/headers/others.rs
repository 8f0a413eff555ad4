//! A record of a dead-letter topic that another program wrote, as a letter.

use uuid::Uuid;

use super::directions::directions;
use super::family::foreign;
use super::letter::letter_id;
use crate::domain::fingerprint::fingerprint;
use crate::domain::letter::{DlqPlace, Letter, LetterBody, LetterStatus, RedriveOutcome};
use crate::domain::record::Record;
use crate::domain::retry::MAX_REDRIVES;

/// The identity of a letter whose origin is unknown: its place in the dead-letter topic.
#[must_use]
pub fn place_id(place: &DlqPlace) -> Uuid {
    let space = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"evtop dead letter place");
    let text = format!("{}\n{}\n{}", place.topic, place.partition, place.offset);
    Uuid::new_v5(&space, text.as_bytes())
}

pub(super) fn place(record: &Record) -> DlqPlace {
    DlqPlace {
        topic: record.topic.clone(),
        partition: record.partition,
        offset: record.offset,
    }
}

/// Reads a letter of another program. Its body is the record as it stands: what it tells beyond the
/// index is read from there.
pub(super) fn others(record: &Record) -> (Letter, LetterBody) {
    let told = foreign(&record.headers, record.value.as_deref());
    let asked = directions(&record.headers);
    let place = place(record);
    let origin = told.origin;
    let known = || {
        let (group, topic) = (origin.group.as_deref()?, origin.topic.as_deref()?);
        Some(letter_id(group, topic, origin.partition?, origin.offset?))
    };
    let id = asked.letter.or_else(known);
    let code = told.error.cause.or(told.error.class);
    let code = code.unwrap_or_else(|| "unknown".to_owned());
    let message = told.error.message.unwrap_or_default();
    // Without a group, letters of one topic are a cause of their own.
    let who = origin.group.as_deref().unwrap_or(&place.topic);
    let stage = told.stage.unwrap_or_default();
    let failed_at = told.failed_at.or(record.timestamp).unwrap_or_default();
    let letter = Letter {
        id: id.unwrap_or_else(|| place_id(&place)),
        status: if asked.redrives >= MAX_REDRIVES {
            LetterStatus::Parked
        } else {
            LetterStatus::Unresolved
        },
        family: told.family,
        key: record.key.clone(),
        event_id: None,
        event_type: None,
        correlation_id: None,
        stage: None,
        fingerprint: fingerprint(who, &stage, &code, &message),
        code,
        message,
        attempts: told.attempts,
        first_failed_at: failed_at,
        last_failed_at: failed_at,
        redrives: asked.redrives,
        outcome: (asked.redrives > 0).then_some(RedriveOutcome::FailedAgain),
        blocked_by: None,
        note: None,
        reason: None,
        dlq: Some(place),
        group: origin.group,
        topic: origin.topic,
        partition: origin.partition,
        offset: origin.offset,
    };
    let body = LetterBody {
        value: record.value.clone(),
        headers: record.headers.clone(),
    };
    (letter, body)
}

#[cfg(test)]
mod tests {
    use super::super::{REDRIVE_ID, TARGET_GROUP, letter, redrive};
    use super::*;
    use crate::domain::foreign::Family;
    use crate::domain::record::{Headers, NewRecord, header, header_text};

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        let one = |(name, value): &(&str, &str)| ((*name).to_owned(), Some((*value).into()));
        pairs.iter().map(one).collect()
    }

    fn dead(offset: i64, headers: Headers) -> Record {
        Record {
            topic: "orders-dlq".into(),
            partition: 0,
            offset,
            timestamp: None,
            key: Some(b"K".to_vec()),
            value: Some(b"{}".to_vec()),
            headers,
        }
    }

    const CONNECT: [(&str, &str); 6] = [
        ("ce_id", "1"),
        ("__connect.errors.topic", "orders"),
        ("__connect.errors.partition", "2"),
        ("__connect.errors.offset", "77"),
        ("__connect.errors.connector.name", "s3"),
        ("__connect.errors.exception.class.name", "DataException"),
    ];
    const SMALLRYE: [(&str, &str); 5] = [
        ("ce_id", "1"),
        ("dead-letter-topic", "orders"),
        ("dead-letter-partition", "2"),
        ("dead-letter-offset", "77"),
        ("dead-letter-reason", "no"),
    ];

    #[test]
    fn a_known_origin_is_the_identity_and_else_the_place() {
        let (known, body) = letter(&dead(3, headers(&CONNECT)));
        assert_eq!(known.id, letter_id("connect-s3", "orders", 2, 77));
        assert_eq!(known.from(), "orders/2 @ 77");
        assert_eq!(known.family, Family::Connect);
        assert_eq!(known.code, "DataException");
        assert_eq!(body.headers, headers(&CONNECT), "nothing of it is lost");
        assert_eq!(letter(&dead(4, headers(&CONNECT))).0.id, known.id);

        let (one, _) = letter(&dead(3, headers(&SMALLRYE)));
        let (other, _) = letter(&dead(4, headers(&SMALLRYE)));
        assert_eq!((one.group.as_deref(), one.attempts), (None, None));
        assert_eq!(Some(one.id), one.dlq.as_ref().map(place_id));
        assert_ne!(one.id, other.id);
        assert_eq!(one.fingerprint, other.fingerprint);

        let (nobodys, _) = letter(&dead(3, Vec::new()));
        assert_eq!(nobodys.from(), "unknown");
        assert_eq!(redrive(&nobodys, &LetterBody::default(), Uuid::nil()), None);
    }

    fn sent(pairs: &[(&str, &str)]) -> (Letter, NewRecord) {
        let (mut it, body) = letter(&dead(3, headers(pairs)));
        it.redrives = 1;
        let sent = redrive(&it, &body, Uuid::nil()).unwrap();
        (it, sent)
    }

    #[test]
    fn a_redrive_takes_off_what_the_framework_added() {
        let (_, record) = sent(&CONNECT);
        assert_eq!(
            (record.topic.as_str(), record.partition),
            ("orders", Some(2))
        );
        assert_eq!(header_text(&record.headers, "ce_id"), Some("1"));
        assert_eq!(
            header_text(&record.headers, TARGET_GROUP),
            Some("connect-s3")
        );
        assert!(
            !record
                .headers
                .iter()
                .any(|(n, _)| n.starts_with("__connect"))
        );
        let (_, record) = sent(&SMALLRYE);
        for name in [TARGET_GROUP, REDRIVE_ID] {
            assert_eq!(
                header(&record.headers, name),
                None,
                "nobody is asked to report"
            );
        }
    }

    #[test]
    fn one_that_fails_again_elsewhere_is_the_same_letter() {
        for pairs in [&CONNECT[..], &SMALLRYE] {
            let (it, record) = sent(pairs);
            let mut again = record.headers;
            again.extend(headers(&[
                ("dead-letter-topic", "orders"),
                ("dead-letter-partition", "2"),
                ("dead-letter-offset", "9000"),
                ("dead-letter-reason", "still no"),
            ]));
            let (back, _) = letter(&dead(12, again));
            assert_eq!((back.id, back.redrives), (it.id, 1));
            assert_eq!(
                back.family,
                Family::SmallRye,
                "not Spring's: those names are ours"
            );
            assert_eq!(back.message, "still no");
            assert_eq!((back.topic, back.offset), (it.topic, Some(77)));
            assert_eq!(back.outcome, Some(RedriveOutcome::FailedAgain));
        }
    }
}
