//! What the envelope needs, what is filled in, and what no envelope can be made of.

use super::*;

#[test]
fn absent_fields_are_filled() {
    let body = r#"{"event_type":"OrderConfirmed","data":{"order_id":"ORD-1","total_amount":1}}"#;
    let envelope = ok(body).envelope;
    assert_eq!(envelope.event_id, ids::of_record("order-events", 2, 41));
    assert_eq!(envelope.event_version, 1);
    assert_eq!(envelope.timestamp, at("2026-02-01T00:00:00Z"));
    assert_eq!(envelope.source_service, "unknown");
    assert_eq!(envelope.correlation_id, envelope.event_id);
    assert_eq!(envelope.aggregate_id, "ORD-1");
    // Null is absent.
    let nulls = body.replacen(
        '{',
        r#"{"event_id":null,"event_version":null,"timestamp":null,"source_service":null,"correlation_id":null,"aggregate_id":null,"metadata":null,"#,
        1,
    );
    let again = ok(&nulls).envelope;
    assert_eq!(again, envelope);
    // Without an order the key names the aggregate, though no payload is valid then.
    let mut keyed = record(r#"{"event_type":"OrderConfirmed","data":{}}"#);
    keyed.key = Some(b"ORD-7".to_vec());
    let (envelope, _) = read_envelope(&keyed, &Limits::default()).unwrap();
    assert_eq!(envelope.aggregate_id, "ORD-7");
    assert_eq!(
        go(&keyed).unwrap_err().to_string(),
        "validation: order_id is missing"
    );
}

#[test]
fn headers_count_where_the_body_is_silent() {
    let headers = [
        ("event_type", "OrderConfirmed"),
        ("event_id", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ("source_service", "billing"),
    ];
    let silent = go(&with_headers(
        r#"{"order_id":"ORD-1","total_amount":1}"#,
        &headers,
    ))
    .unwrap();
    assert_eq!(silent.envelope.event_type, EventType::OrderConfirmed);
    assert_eq!(
        silent.envelope.event_id,
        Uuid::parse_str(headers[1].1).unwrap()
    );
    assert_eq!(silent.envelope.source_service, "billing");
    let told = go(&with_headers(
        SNAKE,
        &[("event_type", "OrderShipped"), ("event_id", "x")],
    ))
    .unwrap();
    assert_eq!(told.envelope.event_type, EventType::OrderConfirmed);
    assert_eq!(told.envelope.event_id, ids::of_text("req-1"));
}

#[test]
fn aliases_and_unknown_fields() {
    let mixed = ok(
        r#"{"eventId":"a","event_id":"b","event_type":"OrderConfirmed","event_version":1,
            "colour":"red","data":{"orderId":"X","order_id":"ORD-1","total_amount":1,"gift":true}}"#,
    );
    assert_eq!(mixed.envelope.event_id, ids::of_text("b"));
    assert_eq!(mixed.envelope.extra["eventId"], "a");
    assert_eq!(mixed.envelope.extra["colour"], "red");
    assert_eq!(mixed.envelope.data["orderId"], "X");
    assert_eq!(mixed.envelope.data["gift"], true);
    // A null under the canonical name says nothing.
    let read = ok(
        r#"{"eventType":"OrderConfirmed","data":{"order_id":null,"orderId":"ORD-1","totalAmount":1}}"#,
    );
    assert_eq!(read.event.order_id(), "ORD-1");
}

#[test]
fn the_aggregate_is_the_order_and_the_key_is_noted() {
    assert_eq!(
        refused(&set(CANONICAL, "/aggregate_id", "\"ORD-2\"")),
        "validation: aggregate_id is \"ORD-2\" but data.order_id is \"ORD-1\""
    );
    let mut other = record(CANONICAL);
    other.key = Some(b"k-\xff".to_vec());
    assert_eq!(
        go(&other).unwrap().envelope.metadata["original_key"],
        "k-\u{fffd}"
    );
    other.key = Some(b"ORD-1".to_vec());
    assert!(go(&other).unwrap().envelope.metadata.is_empty());
}

#[test]
fn types_and_versions() {
    for (event_type, version, expected) in [
        ("OrderCreatedEvent", "1", 1),
        ("order_created", "\"1\"", 1),
        ("order-created", "\"1.0.0\"", 1),
        ("order.created.v2", "null", 2),
        ("order.created.v2", "1.0", 1),
        ("OrderCreated", "\"2.1\"", 2),
        ("OrderCreated", "\"v1\"", 1),
    ] {
        let body = change(
            CANONICAL,
            &[
                ("/event_type", Some(event_type.into())),
                (
                    "/event_version",
                    Some(serde_json::from_str(version).unwrap()),
                ),
            ],
        );
        assert_eq!(
            ok(&body).envelope.event_version,
            expected,
            "{event_type} {version}"
        );
    }
    for (pointer, json, reason) in [
        (
            "/event_type",
            "\"OrderPlaced\"",
            "unknown_type: the event type \"OrderPlaced\" (version 2) is unknown",
        ),
        (
            "/event_type",
            "\"com.example.order.created\"",
            "unknown_type: the event type \"com.example.order.created\" (version 2) is unknown",
        ),
        (
            "/event_type",
            "7",
            "malformed_envelope: event_type must be text, not a number",
        ),
        (
            "/event_type",
            "null",
            "malformed_envelope: there is no event type, neither in the value nor in the headers",
        ),
        (
            "/event_version",
            "3",
            "unknown_version: OrderCreated version 3 is unknown: versions 1 to 2 are known",
        ),
        (
            "/event_version",
            "99999999999",
            "unknown_version: event_version 99999999999 is newer than any",
        ),
        (
            "/event_version",
            "0",
            "malformed_envelope: event_version is 0, which is no version",
        ),
        (
            "/event_version",
            "1.5",
            "malformed_envelope: event_version is 1.5, which is no version",
        ),
        (
            "/event_version",
            "\"latest\"",
            "malformed_envelope: event_version is \"latest\", which is no version",
        ),
        (
            "/event_version",
            "\"01\"",
            "malformed_envelope: event_version is \"01\", which is no version",
        ),
    ] {
        assert_eq!(refused(&set(CANONICAL, pointer, json)), reason);
    }
}

#[test]
fn envelope_fields_are_checked() {
    let long = format!("\"{}\"", "é".repeat(101));
    for (pointer, json, reason) in [
        ("/event_id", "\"\"", "event_id is empty"),
        ("/event_id", "\" \"", "event_id is blank"),
        (
            "/event_id",
            "\"a\\u0000\"",
            "event_id has control characters",
        ),
        (
            "/event_id",
            &long,
            "event_id has 101 characters, more than 100",
        ),
        (
            "/event_id",
            "true",
            "event_id must be text or an integer, not a boolean",
        ),
        (
            "/correlation_id",
            &long,
            "correlation_id has 101 characters, more than 100",
        ),
        (
            "/causation_id",
            "{}",
            "causation_id must be text or an integer, not an object",
        ),
        (
            "/timestamp",
            "\"yesterday\"",
            "timestamp is \"yesterday\", which is no RFC 3339 time between 1970 and 9999",
        ),
        (
            "/timestamp",
            "\"1969-12-31T23:59:59Z\"",
            "timestamp is \"1969-12-31T23:59:59Z\", which is no RFC 3339 time between 1970 and 9999",
        ),
        (
            "/source_service",
            "[]",
            "source_service must be text, not a list",
        ),
        ("/data", "[]", "data must be an object, not a list"),
        ("/data", "\"x\"", "data must be an object, not text"),
    ] {
        assert_eq!(
            refused(&set(CANONICAL, pointer, json)),
            format!("malformed_envelope: {reason}")
        );
    }
    assert_eq!(
        refused(r#"{"event_type":"OrderShipped"}"#),
        "malformed_envelope: there is no data"
    );
    for (json, expected) in [
        ("\"2026-01-31 10:00:00\"", "2026-01-31T10:00:00Z"),
        ("\"2016-12-31T23:59:60Z\"", "2016-12-31T23:59:59.999999Z"),
        ("1769853600", "2026-01-31T10:00:00Z"),
        ("1769853600250", "2026-01-31T10:00:00.250Z"),
    ] {
        let read = ok(&set(CANONICAL, "/timestamp", json));
        assert_eq!(read.envelope.timestamp, at(expected), "{json}");
    }
    assert_eq!(
        ok(&set(CANONICAL, "/event_id", "17")).envelope.event_id,
        ids::of_text("17")
    );
}

#[test]
fn json_is_read_by_its_standard() {
    assert!(go(&record([b"\xef\xbb\xbf", CANONICAL.as_bytes()].concat())).is_ok());
    let twice = CANONICAL.replacen(
        "\"event_version\": 2",
        "\"event_version\": 9, \"event_version\": 2",
        1,
    );
    assert_eq!(ok(&twice).envelope.event_version, 2);
    let deep = |levels: usize| {
        let lists = levels - 2;
        set(
            CANONICAL,
            "/data/deep",
            &format!("{}{}", "[".repeat(lists), "]".repeat(lists)),
        )
    };
    ok(&deep(100));
    let nested = |lists: usize| {
        CANONICAL.replacen(
            "\"data\": {",
            &format!(
                "\"data\": {{\"deep\": {}{},",
                "[".repeat(lists),
                "]".repeat(lists)
            ),
            1,
        )
    };
    ok(&nested(126));
    assert_eq!(
        refused(&nested(127)),
        "malformed_json: the value is no JSON: nested deeper than 128 levels"
    );
    for (bytes, code) in [
        (&b""[..], RejectCode::MalformedJson),
        (b"{", RejectCode::MalformedJson),
        (b"{} {}", RejectCode::MalformedJson),
        (b"{'a':1}", RejectCode::MalformedJson),
        (br#"{"a":"\ud800"}"#, RejectCode::MalformedJson),
        (br#"{"a":"\udc00\ud800"}"#, RejectCode::MalformedJson),
        (br#"{"a":NaN}"#, RejectCode::MalformedJson),
        (b"{\"a\":\"\xff\"}", RejectCode::NotUtf8),
        (b"\xff\xfe{\0}\0", RejectCode::NotUtf8),
        (b"[]", RejectCode::MalformedEnvelope),
        (b"null", RejectCode::MalformedEnvelope),
        (b"\"text\"", RejectCode::MalformedEnvelope),
        (b"{}", RejectCode::MalformedEnvelope),
    ] {
        assert_eq!(
            go(&record(bytes)).unwrap_err().code,
            code,
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn sizes_and_tombstones() {
    let mut tombstone = record("");
    tombstone.value = None;
    assert_eq!(
        go(&tombstone).unwrap_err().to_string(),
        "malformed_envelope: the record has no value"
    );
    let mut large = record(CANONICAL);
    large.key = Some(vec![b'k'; 5000]);
    let limits = |max_value_bytes| Limits { max_value_bytes };
    assert!(read(&large, &limits(CANONICAL.len())).is_ok());
    let reject = read(&large, &limits(100)).unwrap_err();
    assert_eq!(reject.code, RejectCode::TooLarge);
    assert_eq!(
        reject.reason,
        format!("the value has {} bytes, more than 100", CANONICAL.len())
    );
    assert_eq!(Limits::default().max_value_bytes, 1 << 20);
}

#[test]
fn traces_are_taken_along() {
    let outer = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let read = go(&with_headers(CANONICAL, &[("traceparent", outer)])).unwrap();
    assert_eq!(read.envelope.metadata["traceparent"], outer);
    assert_eq!(
        read.envelope.traceparent().as_deref(),
        Some("00-4bf92f3577b34da6a3ce929d0e0e4736-bcceb302099a8057-01")
    );
    let body = change(
        SNAKE,
        &[
            ("/trace_id", Some("4BF92F3577B34DA6A3CE929D0E0E4736".into())),
            ("/span_id", Some("00f067aa0ba902b7".into())),
        ],
    );
    assert_eq!(ok(&body).envelope.metadata["traceparent"], outer);
    let header = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01";
    let read = go(&with_headers(&body, &[("traceparent", header)])).unwrap();
    assert_eq!(read.envelope.metadata["traceparent"], header);
    let camel = change(
        CAMEL,
        &[
            ("/checksum", None),
            (
                "/metadata/traceId",
                Some("4bf92f35-77b3-4da6-a3ce-929d0e0e4736".into()),
            ),
        ],
    );
    let trace = ok(&camel).envelope.metadata["traceparent"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    // What is no trace id stays where it is.
    let read = ok(&change(
        CAMEL,
        &[
            ("/checksum", None),
            ("/metadata/traceId", Some("trace_555".into())),
        ],
    ));
    assert_eq!(read.envelope.metadata["traceId"], "trace_555");
    assert!(!read.envelope.metadata.contains_key("traceparent"));
}

#[test]
fn a_reject_is_a_permanent_fault() {
    for code in RejectCode::ALL {
        let fault = Fault::from(Reject::new(code, "why"));
        assert_eq!(
            (fault.kind, fault.code.as_str()),
            (FaultKind::Permanent, code.code())
        );
        assert_eq!(fault.message, "why");
        assert_eq!(
            fault.stage == Stage::Validate,
            matches!(code, RejectCode::Validation | RejectCode::UnknownVersion)
        );
    }
}
