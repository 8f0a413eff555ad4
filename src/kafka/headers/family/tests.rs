//! One real-looking record of each family, and what may be wrong with one.

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::domain::foreign::TEXT_BYTES;

mod each;

type Header = (String, Option<Vec<u8>>);

fn h(name: &str, value: impl AsRef<[u8]>) -> Header {
    (name.to_owned(), Some(value.as_ref().to_vec()))
}

fn millis(millis: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis)
}

fn read(headers: &[Header]) -> Foreign {
    foreign(&headers.to_vec(), None)
}

#[test]
fn repeated_headers_are_the_way_the_record_took() {
    let mut headers = Vec::new();
    for (topic, partition, offset, class) in [
        ("orders", 2i32, 77i64, "First"),
        ("orders-retry", 0, 5, "Second"),
        ("orders-retry-2", 1, 9, "Third"),
    ] {
        headers.push(h("kafka_dlt-original-topic", topic));
        headers.push(h("kafka_dlt-original-partition", partition.to_be_bytes()));
        headers.push(h("kafka_dlt-original-offset", offset.to_be_bytes()));
        headers.push(h("kafka_dlt-original-consumer-group", class));
        headers.push(h("kafka_dlt-exception-fqcn", class));
    }
    // One message only: nobody can tell whose.
    headers.push(h("kafka_dlt-exception-message", "late"));
    let it = read(&headers);
    assert_eq!(it.origin.topic.as_deref(), Some("orders"));
    assert_eq!((it.origin.partition, it.origin.offset), (Some(2), Some(77)));
    assert_eq!(it.origin.group.as_deref(), Some("Third"));
    assert_eq!(it.error.class.as_deref(), Some("Third"));
    let way: Vec<_> = it
        .hops
        .iter()
        .map(|hop| (hop.topic.as_deref(), hop.offset, hop.class.as_deref()))
        .collect();
    assert_eq!(
        way,
        [
            (Some("orders"), Some(77), Some("First")),
            (Some("orders-retry"), Some(5), Some("Second")),
            (Some("orders-retry-2"), Some(9), Some("Third")),
        ]
    );
    // A series of another length belongs to no hop.
    headers.pop();
    headers.pop();
    let it = read(&headers);
    assert_eq!(it.hops.len(), 3);
    assert!(it.hops.iter().all(|hop| hop.class.is_none()));
    assert_eq!(it.error.class.as_deref(), Some("Second"));
}

#[test]
fn an_older_counter_does_not_stand() {
    let it = read(&[
        h("retry_topic-attempts", 1i32.to_be_bytes()),
        h("retry_topic-attempts", [3u8]),
    ]);
    assert_eq!(it.attempts, Some(3));
}

#[test]
fn what_makes_no_sense_is_unknown() {
    let name = "kafka_dlt-original-partition";
    for bytes in [&b"2"[..], &[0, 0, 2], &[0; 8], &[], &(-1i32).to_be_bytes()] {
        assert_eq!(read(&[h(name, bytes)]).origin.partition, None, "{bytes:?}");
    }
    assert_eq!(read(&[(name.into(), None)]).family, Family::Spring);
    // Eight bytes are a number in one family and text in another.
    assert_eq!(
        read(&[h("__connect.errors.offset", "12345678")])
            .origin
            .offset,
        Some(12_345_678)
    );
    for text in ["", "-1", "+1", " 1", "1.0", "99999999999999999999", "x"] {
        let it = read(&[h("__connect.errors.offset", text)]);
        assert_eq!(
            (it.family, it.origin.offset),
            (Family::Connect, None),
            "{text}"
        );
    }
    let too_large = read(&[h("__connect.errors.partition", "2147483648")]);
    assert_eq!(too_large.origin.partition, None);
    for topic in [&b"a b"[..], b"../x", b"\xff", b""] {
        assert_eq!(read(&[h("dead-letter-topic", topic)]).origin.topic, None);
    }
    // An unreadable first original is not replaced by a later one.
    let it = read(&[
        h("kafka_dlt-original-topic", [0xff]),
        h("kafka_dlt-original-topic", "later"),
    ]);
    assert_eq!(it.origin.topic, None);
    for text in [
        "yesterday",
        "2023-11-14 22:13:20:12 Q",
        "2023",
        "é2023-11-14 22:13:20:",
    ] {
        let it = read(&[h("NServiceBus.TimeOfFailure", text)]);
        assert_eq!(it.failed_at, None, "{text}");
    }
}

#[test]
fn a_big_integer_has_any_length() {
    let stamp = |bytes: &[u8]| {
        read(&[h("retry_topic-original-timestamp", bytes)])
            .origin
            .timestamp
    };
    assert_eq!(stamp(&[0]), millis(0));
    assert_eq!(stamp(&[0x00, 0xff]), millis(255));
    assert_eq!(stamp(&[0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0xff]), millis(255));
    assert_eq!(stamp(&[0xff]), None, "negative");
    assert_eq!(stamp(&[]), None);
    assert_eq!(stamp(&[0x7f; 9]), None, "past the year 9999");
    assert_eq!(stamp(&[0x00; 17]), None);
}

#[test]
fn with_two_families_the_first_speaks() {
    let it = read(&[
        h("dead-letter-topic", "later"),
        h("dead-letter-offset", "9"),
        h("__connect.errors.topic", "orders"),
    ]);
    assert_eq!(it.family, Family::Connect);
    assert_eq!(it.origin.topic.as_deref(), Some("orders"));
    assert_eq!(it.origin.offset, None, "no fact comes from the second");
}

#[test]
fn some_names_prove_nothing() {
    for headers in [
        vec![],
        vec![h("x-original-forwarded-for", "10.0.0.1")],
        vec![h("attempts", "3")],
        vec![h("attempts", "3"), h("attempts", "4")],
        vec![h("kafka_dlt-", "x"), h("NServiceBus.MessageId", "x")],
        vec![h("traceparent", "00-…"), h("ce_id", "1")],
    ] {
        let it = read(&headers);
        assert_eq!(it.family, Family::Unknown, "{headers:?}");
        assert_eq!(it.origin, Origin::default());
    }
    // The group's name is lent to retry topics, and is Spring's.
    let it = read(&[h("kafka_dlt-original-consumer-group", "billing")]);
    assert_eq!(it.family, Family::Spring);
}

#[test]
fn a_stack_is_cut() {
    let it = read(&[h("x-exception-stacktrace", "é".repeat(9_000))]);
    let stack = it.error.stack.unwrap();
    assert!(stack.ends_with("… (truncated)"));
    assert!(stack.len() <= TEXT_BYTES + 20);
}

#[test]
fn a_failure_in_the_value_is_read() {
    let none = Vec::new();
    let said_by = |value: &str| foreign(&none, Some(value.as_bytes()));
    let it = said_by(
        r#"{"original_event":{"event_type":"OrderCreated"},"error":"no stock","retry_count":3,
            "timestamp":"2023-11-14T22:13:20.123"}"#,
    );
    assert_eq!(it.family, Family::InValue);
    assert_eq!(it.error.message.as_deref(), Some("no stock"));
    assert_eq!(it.attempts, Some(4));
    assert_eq!(it.failed_at, millis(1_700_000_000_123));
    assert_eq!(it.origin, Origin::default());

    let it = said_by(
        r#"{"eventId":"1","_deadLetter":{"reason":"late","finalRetryCount":3,"originalTopic":"orders",
            "failedAt":"2023-11-14T22:13:20.123"}}"#,
    );
    assert_eq!(it.origin.topic.as_deref(), Some("orders"));
    assert_eq!((it.origin.partition, it.attempts), (None, Some(4)));
    assert_eq!(it.error.message.as_deref(), Some("late"));

    let it = said_by(r#"{"eventId":"1","_dlq":{"reason":"late","originalQueue":"orders@host"}}"#);
    assert_eq!(it.origin.topic.as_deref(), Some("orders"));

    let it = said_by(
        r#"{"_retry":{"count":2,"error":"late","original_topic":"orders","original_partition":2,"original_offset":77}}"#,
    );
    assert_eq!((it.origin.partition, it.origin.offset), (Some(2), Some(77)));
    assert_eq!((it.attempts, it.hops.len()), (Some(3), 1));

    for value in [
        "",
        "[]",
        "{}",
        r#"{"original_event":{}}"#,
        r#"{"error":"x"}"#,
        r#"{"original_event":"text","error":"x"}"#,
        r#"{"_dlq":"x"}"#,
    ] {
        assert_eq!(said_by(value).family, Family::Unknown, "{value}");
    }
    // Odd values inside are unknown and no reason to give up.
    let it = said_by(r#"{"_dlq":{"reason":7,"originalQueue":null,"failedAt":"never","count":-1}}"#);
    assert_eq!(
        (it.family, it.attempts, it.failed_at),
        (Family::InValue, None, None)
    );
}

#[test]
fn the_event_comes_out_of_its_wrapper_as_it_was_written() {
    let text =
        |value: &str| in_value::event(value.as_bytes()).map(|v| String::from_utf8(v).unwrap());
    assert_eq!(
        text(r#"{"error":"x","original_event":{"b":1.10,"a":"é"}}"#).as_deref(),
        Some(r#"{"b":1.10,"a":"é"}"#)
    );
    assert_eq!(
        text(r#"{"z":1,"_dlq":{"reason":"x"},"a":2,"_retry":{}}"#).as_deref(),
        Some(r#"{"z":1,"a":2}"#)
    );
    assert_eq!(text(r#"{"z":1}"#), None);
}

#[test]
fn only_what_the_family_added_is_taken_off() {
    let own = [
        h("ce_id", "1"),
        h("traceparent", "00-1"),
        h("attempts", "own"),
    ];
    let mut headers = own.to_vec();
    headers.extend([
        h("dead-letter-topic", "orders"),
        h("dead-letter-cause", "x"),
        h("evtop-redrive-count", "1"),
        h("x-original-forwarded-for", "10.0.0.1"),
    ]);
    let body = LetterBody {
        value: Some(b"{\"_dlq\":{}}".to_vec()),
        headers,
    };
    let it = unwrapped(Family::SmallRye, &body);
    assert_eq!(it.value, body.value);
    assert_eq!(it.headers[..3], own);
    assert_eq!(it.headers[3..], [h("x-original-forwarded-for", "10.0.0.1")]);
    let it = unwrapped(Family::InValue, &body);
    assert_eq!(it.value.as_deref(), Some(&b"{}"[..]));
}

/// Names of every family, and some of none.
fn any_name() -> impl Strategy<Value = String> {
    let known: Vec<String> = TABLE
        .iter()
        .flat_map(|row| row.all().map(|(name, _, _)| (*name).to_owned()))
        .chain(in_value::COUNTERS.map(str::to_owned))
        .collect();
    prop_oneof![4 => prop::sample::select(known), 1 => ".{0,12}"]
}

fn any_value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        1 => Just(None),
        3 => prop::collection::vec(any::<u8>(), 0..20).prop_map(Some),
        2 => "[-+0-9:/@a-z. é]{0,30}".prop_map(|t| Some(t.into_bytes())),
        1 => any::<i64>().prop_map(|n| Some(n.to_be_bytes().to_vec())),
    ]
}

proptest! {
    #[test]
    fn any_headers_are_read(
        headers in prop::collection::vec((any_name(), any_value()), 0..24),
        value in prop::option::of(prop::collection::vec(any::<u8>(), 0..64)),
    ) {
        let it = foreign(&headers, value.as_deref());
        prop_assert!(it.family.is_foreign());
        prop_assert!(it.origin.partition.is_none_or(|p| p >= 0));
        prop_assert!(it.origin.offset.is_none_or(|o| o >= 0));
        prop_assert!(it.attempts.is_none_or(|n| n > 0));
        prop_assert!(it.hops.len() <= headers.len());
        if it.family == Family::Unknown {
            prop_assert_eq!(it.origin, Origin::default());
        }
    }

    #[test]
    fn any_json_is_read(field in "_deadLetter|_dlq|_retry|original_event", inner in "\\PC{0,40}") {
        let value = serde_json::json!({ field: { "reason": inner, "originalTopic": inner, "count": inner } });
        let bytes = serde_json::to_vec(&value).unwrap();
        let _ = foreign(&Vec::new(), Some(&bytes));
        let _ = in_value::event(&bytes);
    }
}
