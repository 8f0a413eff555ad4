//! The reader, shape by shape and rule by rule: what is read, and with which reason the rest is refused.

#![allow(clippy::unwrap_used, reason = "a test may")]

use chrono::{DateTime, Utc};
use evtop::domain::event::{Event, OrderCreated};
use evtop::domain::event_type::EventType;
use evtop::domain::fault::{Fault, FaultKind, Stage};
use evtop::domain::money::Money;
use evtop::domain::reader::{Limits, Read, Shape, read, read_envelope};
use evtop::domain::record::Record;
use evtop::domain::reject::{Reject, RejectCode};
use evtop::domain::{ids, time};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const CANONICAL: &str = r#"{
    "event_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "event_type": "OrderCreated",
    "event_version": 2,
    "timestamp": "2026-01-31T10:00:00.123456Z",
    "source_service": "order-service",
    "correlation_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "causation_id": null,
    "aggregate_id": "ORD-1",
    "data": {
        "order_id": "ORD-1",
        "customer_id": "CUST-1",
        "customer_email": "jane@example.com",
        "customer_phone": null,
        "currency": "EUR",
        "shipping_address": {"city": "Köln"},
        "items": [
            {"product_id": "P-1", "product_name": "Lamp", "quantity": 2, "price": "29.99"},
            {"product_id": "P-2", "product_name": "Desk", "quantity": 1, "price": "69.99"}
        ],
        "total_amount": "129.97"
    }
}"#;

const FLAT: &str = r#"{
    "event_id": "123e4567-e89b-12d3-a456-426614174000",
    "event_type": "OrderShipped",
    "timestamp": "2025-10-20T12:00:00",
    "version": 1,
    "order_id": "ORD-1",
    "tracking_number": "T-1",
    "carrier": "DHL",
    "shipped_at": "2025-10-20T11:59:59"
}"#;

const SNAKE: &str = r#"{
    "event_id": "req-1",
    "event_type": "OrderConfirmed",
    "event_version": "1.0",
    "timestamp": "2025-10-26T10:00:00Z",
    "source": "order-service",
    "correlation_id": "request-123",
    "data": {"order_id": 12345, "total_amount": 59.98}
}"#;

const DOTTED: &str = r#"{
    "event_id": "0b9cf2a3-4f5e-4d1c-8d0e-2a3b4c5d6e7f",
    "event_type": "order.created",
    "event_version": "1.0",
    "timestamp": "2025-10-26T10:00:00Z",
    "source": "order-service",
    "data": {
        "order_id": 12345,
        "user_id": 789,
        "items": [{"product_id": 1, "quantity": 2, "price": 29.99}],
        "total_amount": 59.98,
        "status": "pending"
    }
}"#;

/// Written and hashed by Python: `json.dumps(event, sort_keys=True)`, then SHA-256.
const CAMEL: &str = include_str!("fixtures/camel.json");

fn record(value: impl Into<Vec<u8>>) -> Record {
    Record {
        topic: "order-events".into(),
        partition: 2,
        offset: 41,
        timestamp: Some(at("2026-02-01T00:00:00Z")),
        key: None,
        value: Some(value.into()),
        headers: vec![],
    }
}

fn with_headers(value: &str, headers: &[(&str, &str)]) -> Record {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())))
        .collect();
    Record {
        headers,
        ..record(value)
    }
}

fn at(text: &str) -> DateTime<Utc> {
    time::parse(text).unwrap()
}

fn go(record: &Record) -> Result<Read, Reject> {
    read(record, &Limits::default())
}

fn ok(value: &str) -> Read {
    go(&record(value)).unwrap()
}

fn created(read: &Read) -> &OrderCreated {
    match &read.event {
        Event::OrderCreated(created) => created,
        other => panic!("{other:?}"),
    }
}

/// A sample with values put in at JSON pointers; `None` takes the field away.
fn change(sample: &str, changes: &[(&str, Option<Value>)]) -> String {
    let mut value: Value = serde_json::from_str(sample).unwrap();
    for (pointer, new) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = value.pointer_mut(parent).unwrap();
        match (parent, new) {
            (Value::Object(map), Some(new)) => {
                map.insert(name.to_owned(), new.clone());
            }
            (Value::Object(map), None) => {
                map.remove(name);
            }
            (Value::Array(list), Some(new)) => list[name.parse::<usize>().unwrap()] = new.clone(),
            other => panic!("{other:?}"),
        }
    }
    value.to_string()
}

fn set(sample: &str, pointer: &str, json: &str) -> String {
    change(
        sample,
        &[(pointer, Some(serde_json::from_str(json).unwrap()))],
    )
}

fn without(sample: &str, pointer: &str) -> String {
    change(sample, &[(pointer, None)])
}

fn refused(value: &str) -> String {
    go(&record(value)).unwrap_err().to_string()
}

/// A canonical envelope around a payload.
fn canonical(event_type: &str, data: &str) -> String {
    format!(
        r#"{{"event_type":"{event_type}","event_version":1,"aggregate_id":"ORD-1","data":{data}}}"#
    )
}

#[test]
fn canonical_is_read() {
    let read = ok(CANONICAL);
    assert_eq!(read.shape, Shape::Canonical);
    assert_eq!(read.envelope.event_type, EventType::OrderCreated);
    assert_eq!(read.envelope.event_version, 2);
    assert_eq!(read.envelope.timestamp, at("2026-01-31T10:00:00.123456Z"));
    assert_eq!(read.envelope.causation_id, None);
    assert!(read.envelope.metadata.is_empty());
    assert!(read.envelope.extra.is_empty());
    let created = created(&read);
    assert_eq!(created.total_amount, Money::from_cents(12997));
    assert_eq!(created.currency, "EUR");
    assert_eq!(created.shipping_address, Some(json!({"city": "Köln"})));
    assert_eq!(created.items[1].product_name.as_deref(), Some("Desk"));
    assert_eq!(read.envelope.stream(), "order-ORD-1");
}

#[test]
fn canonical_goes_round() {
    let read = ok(CANONICAL);
    let mut again = record(read.envelope.to_bytes());
    again.headers = read.envelope.headers();
    again.key = Some(read.envelope.key());
    assert_eq!(go(&again).unwrap(), read);
}

#[test]
fn version_1_is_upcast() {
    let v1 = change(
        CANONICAL,
        &[
            ("/event_version", Some(json!(1))),
            ("/data/currency", None),
            ("/data/customer_phone", None),
            ("/data/shipping_address", None),
        ],
    );
    let read = ok(&v1);
    assert_eq!(read.envelope.event_version, 1);
    assert!(!read.envelope.data.contains_key("currency"));
    assert_eq!(created(&read).currency, "USD");
}

#[test]
fn flat_is_read() {
    let read = ok(FLAT);
    assert_eq!(read.shape, Shape::Flat);
    assert_eq!(read.envelope.event_version, 1);
    assert_eq!(read.envelope.source_service, "unknown");
    assert_eq!(read.envelope.correlation_id, read.envelope.event_id);
    assert_eq!(read.envelope.aggregate_id, "ORD-1");
    assert_eq!(read.envelope.data["carrier"], "DHL");
    assert!(!read.envelope.data.contains_key("version"));
    match read.event {
        Event::OrderShipped(e) => assert_eq!(e.shipped_at, at("2025-10-20T11:59:59Z")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn snake_is_read() {
    let read = ok(SNAKE);
    assert_eq!(read.shape, Shape::Snake);
    assert_eq!(read.envelope.event_id, ids::of_text("req-1"));
    assert_eq!(read.envelope.metadata["original_event_id"], "req-1");
    assert_eq!(read.envelope.correlation_id, ids::of_text("request-123"));
    assert_eq!(
        read.envelope.metadata["original_correlation_id"],
        "request-123"
    );
    assert_eq!(read.envelope.metadata["original_shape"], "snake");
    assert_eq!(read.envelope.aggregate_id, "12345");
    assert_eq!(read.envelope.source_service, "order-service");
}

#[test]
fn dotted_is_read() {
    let read = ok(DOTTED);
    assert_eq!(read.shape, Shape::Dotted);
    let created = created(&read);
    assert_eq!(created.order_id, "12345");
    assert_eq!(created.customer_id, "789");
    assert_eq!(created.customer_email, None);
    assert_eq!(created.items[0].product_id, "1");
    assert_eq!(created.items[0].price, Money::from_cents(2999));
    assert_eq!(read.envelope.data["status"], "pending");
}

#[test]
fn camel_is_read_and_its_checksum_checked() {
    let read = ok(CAMEL);
    assert_eq!(read.shape, Shape::Camel);
    assert_eq!(read.envelope.event_id, ids::of_text("evt-1"));
    assert_eq!(read.envelope.correlation_id, ids::of_text("corr-1"));
    assert_eq!(read.envelope.timestamp, at("2024-01-15T10:30:00Z"));
    assert_eq!(created(&read).total_amount, Money::from_cents(5998));
    // Numbers stay as they were written.
    assert_eq!(
        read.envelope.data["big"].to_string(),
        "12345678901234567890"
    );
    assert_eq!(read.envelope.data["f"].to_string(), "1e-07");

    let checksum = &CAMEL[CAMEL.rfind("7c81").unwrap()..][..64];
    assert!(go(&record(CAMEL.replace(checksum, &checksum.to_uppercase()))).is_ok());
    ok(&set(CAMEL, "/checksum", "null"));
    ok(&without(CAMEL, "/checksum"));
    for changed in [
        CAMEL.replace("59.98", "59.980"),
        CAMEL.replace("CUST-1", "CUST-2"),
        set(CAMEL, "/checksum", "\"00\""),
        set(CAMEL, "/checksum", "17"),
    ] {
        assert_eq!(go(&record(changed)).unwrap_err().code, RejectCode::Checksum);
    }
    // Elsewhere it is a field like any other.
    let read = ok(&set(CANONICAL, "/checksum", "\"00\""));
    assert_eq!(read.envelope.extra["checksum"], "00");
}

#[test]
fn the_checksum_is_over_the_sorted_event() {
    // Already as `json.dumps(event, sort_keys=True)` writes it; é is escaped, Z sorts before a.
    let sorted = concat!(
        r#"{"data": {"Z": [1E5, 2.50, {}], "a": "\u00e9", "orderId": "ORD-1", "totalAmount": 5.0}, "#,
        r#""eventId": "evt-2", "eventType": "OrderConfirmed"}"#
    );
    let checksum: String = Sha256::digest(sorted)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let event = format!(
        r#"{{"eventType":"OrderConfirmed","checksum":"{checksum}","eventId":"evt-2",
            "data":{{"orderId":"ORD-1","a":"é","totalAmount":5.0,"Z":[1E5,2.50,{{}}]}}}}"#
    );
    assert_eq!(ok(&event).shape, Shape::Camel);
    let other = event.replace("2.50", "2.5");
    assert_eq!(go(&record(other)).unwrap_err().code, RejectCode::Checksum);
}

#[test]
fn what_a_foreign_record_became_can_be_read_again() {
    for sample in [FLAT, SNAKE, DOTTED, CAMEL] {
        let read = ok(sample);
        let mut again = record(read.envelope.to_bytes());
        again.headers = read.envelope.headers();
        assert_eq!(go(&again).unwrap(), read);
    }
}

const CE_HEADERS: [(&str, &str); 6] = [
    ("ce_specversion", "1.0"),
    ("CE_Id", "evt-9"),
    ("ce_source", "/shop/orders"),
    ("ce_type", "com.example.order.confirmed.v1"),
    ("ce_time", "2026-01-31T10:00:00Z"),
    ("ce_subject", "ORD-1"),
];

#[test]
fn cloudevents_binary_is_read() {
    let body = r#"{"order_id":"ORD-1","total_amount":"1.50"}"#;
    let read = go(&with_headers(body, &CE_HEADERS)).unwrap();
    assert_eq!(read.shape, Shape::CloudEventsBinary);
    assert_eq!(read.envelope.event_type, EventType::OrderConfirmed);
    assert_eq!(read.envelope.event_id, ids::of_text("evt-9"));
    assert_eq!(read.envelope.source_service, "/shop/orders");
    assert_eq!(read.envelope.timestamp, at("2026-01-31T10:00:00Z"));
    assert_eq!(read.envelope.extra["subject"], "ORD-1");
    assert_eq!(read.envelope.aggregate_id, "ORD-1");
    let mut again = record(read.envelope.to_bytes());
    again.headers = read.envelope.headers();
    assert_eq!(go(&again).unwrap(), read);

    let mut old = CE_HEADERS;
    old[0].1 = "0.3";
    assert_eq!(
        go(&with_headers(body, &old)).unwrap_err().to_string(),
        "malformed_envelope: CloudEvents specversion is \"0.3\", and 1.x is what is read"
    );
    assert!(go(&with_headers("", &CE_HEADERS)).is_err());
    // The body's own word wins over headers.
    assert_eq!(
        go(&with_headers(CANONICAL, &CE_HEADERS)).unwrap().shape,
        Shape::Canonical
    );
}

#[test]
fn cloudevents_structured_is_read() {
    let event = |more: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"9","source":"shop","type":"order.confirmed",{more}}}"#
        )
    };
    let data = r#""data":{"order_id":"ORD-1","total_amount":"1.50"}"#;
    // eyJ… is the same object.
    let base64 = r#""data_base64":"eyJvcmRlcl9pZCI6Ik9SRC0xIiwidG90YWxfYW1vdW50IjoiMS41MCJ9""#;
    for body in [
        event(data),
        event(base64),
        event(&format!(r#""data":null,{base64}"#)),
        event(&format!(r#""datacontenttype":"text/plain",{data}"#)),
    ] {
        let read = ok(&body);
        assert_eq!(read.shape, Shape::CloudEventsStructured);
        assert_eq!(read.envelope.event_version, 1);
        assert_eq!(read.envelope.data["order_id"], "ORD-1");
    }
    // Whatever the content type and the headers say.
    let both = with_headers(
        &event(data),
        &[
            ("content-type", "text/html"),
            ("ce_specversion", "1.0"),
            ("ce_type", "x"),
        ],
    );
    assert_eq!(go(&both).unwrap().shape, Shape::CloudEventsStructured);

    for (more, version) in [
        (r#""dataschema":"https://example.com/order/v2""#, 2),
        (r#""dataschema":"https://example.com/order""#, 1),
        (r#""dataschema":"https://example.com/v3/order""#, 1),
        (r#""eventversion":"7""#, 1),
    ] {
        let body = event(&format!("{more},{data}"));
        let (envelope, _) = read_envelope(&record(body), &Limits::default()).unwrap();
        assert_eq!(envelope.event_version, version, "{more}");
    }
    for (body, reason) in [
        (
            event(r#""subject":"x""#),
            "malformed_envelope: there is no data",
        ),
        (
            event(r#""data":"x""#),
            "malformed_envelope: data must be an object, not text",
        ),
        (
            event(r#""data_base64":5"#),
            "malformed_envelope: data_base64 must be text, not a number",
        ),
        (
            event(r#""data_base64":"W10=""#),
            "malformed_envelope: data_base64 is a list: a batch is not read, send one event a record",
        ),
        (
            event(data).replace("1.0", "2.0"),
            "malformed_envelope: CloudEvents specversion is \"2.0\", and 1.x is what is read",
        ),
        (
            format!("[{}]", event(data)),
            "malformed_envelope: the value is a list: a batch is not read, send one event a record",
        ),
    ] {
        assert_eq!(refused(&body), reason);
    }
    assert!(
        refused(&event(r#""data_base64":"?""#))
            .starts_with("malformed_envelope: data_base64 is no base64")
    );
    assert!(
        refused(&event(r#""data_base64":"e30x""#))
            .starts_with("malformed_json: data_base64 is no JSON")
    );
}

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
fn canonical_orders_are_checked() {
    let long = |n: usize| format!("\"{}\"", "é".repeat(n));
    for (pointer, json, reason) in [
        ("/data/order_id", "\"\"", "order_id is empty"),
        (
            "/data/order_id",
            "true",
            "order_id must be text, not a boolean",
        ),
        (
            "/data/customer_id",
            &long(101),
            "customer_id has 101 characters, more than 100",
        ),
        ("/data/customer_id", "\"\\t\"", "customer_id is blank"),
        ("/data/customer_email", "null", "customer_email is missing"),
        (
            "/data/customer_email",
            "\"jane@localhost\"",
            "customer_email is no e-mail address: Too few parts in the domain",
        ),
        ("/data/items", "[]", "items must have at least one"),
        ("/data/items", "{}", "items must be a list, not an object"),
        (
            "/data/items/0",
            "7",
            "items[0] must be an object, not a number",
        ),
        (
            "/data/items/1/product_id",
            "null",
            "items[1].product_id is missing",
        ),
        (
            "/data/items/1/product_name",
            "null",
            "items[1].product_name is missing",
        ),
        (
            "/data/items/0/product_name",
            "\"\"",
            "items[0].product_name is empty",
        ),
        (
            "/data/items/0/product_name",
            &long(256),
            "items[0].product_name has 256 characters, more than 255",
        ),
        (
            "/data/items/0/quantity",
            "0",
            "items[0].quantity is 0 and must be from 1 to 1000",
        ),
        (
            "/data/items/0/quantity",
            "1001",
            "items[0].quantity is 1001 and must be from 1 to 1000",
        ),
        (
            "/data/items/0/quantity",
            "1.5",
            "items[0].quantity is 1.5 and must be a whole number",
        ),
        (
            "/data/items/0/quantity",
            "\"2\"",
            "items[0].quantity must be a number, not text",
        ),
        ("/data/items/0/price", "null", "items[0].price is missing"),
        (
            "/data/items/0/price",
            "0",
            "items[0].price is 0.00 and must be above 0",
        ),
        (
            "/data/items/0/price",
            "\"29.999\"",
            "items[0].price is no amount of money: 29.999 has more than two decimals",
        ),
        (
            "/data/items/0/price",
            "\"1e2\"",
            "items[0].price is no amount of money: \"1e2\" is not a decimal number",
        ),
        (
            "/data/items/0/price",
            "[]",
            "items[0].price must be a number or a decimal text, not a list",
        ),
        (
            "/data/total_amount",
            "\"129.99\"",
            "total_amount is 129.99 but the items add up to 129.97",
        ),
        (
            "/data/total_amount",
            "10000000000",
            "total_amount is no amount of money: 10000000000 is more than 9999999999.99",
        ),
        ("/data/total_amount", "null", "total_amount is missing"),
        (
            "/data/currency",
            "\"eur\"",
            "currency is \"eur\" and must be three capital letters",
        ),
        (
            "/data/shipping_address",
            "5",
            "shipping_address must be an object or text, not a number",
        ),
    ] {
        assert_eq!(
            refused(&set(CANONICAL, pointer, json)),
            format!("validation: {reason}")
        );
    }
    for (pointer, json) in [
        ("/data/total_amount", "\"129.98\""),
        ("/data/total_amount", "129.96"),
        ("/data/total_amount", "1.2997e2"),
        ("/data/items/0/quantity", "2.0"),
        ("/data/items/0/price", "29.990"),
        ("/data/currency", "null"),
        ("/data/shipping_address", "\"Hauptstr. 1\""),
        ("/data/customer_phone", "\"+49 221 1\""),
        ("/data/items/0/product_name", &long(255)),
    ] {
        ok(&set(CANONICAL, pointer, json));
    }
}

#[test]
fn email_addresses_are_real_ones() {
    for (email, good) in [
        ("jane.doe+tag@mail.example.com", true),
        ("jürgen@bücher.de", true),
        ("a@b.co", true),
        ("jane", false),
        ("jane@", false),
        ("@example.com", false),
        ("jane@localhost", false),
        ("jane@[127.0.0.1]", false),
        ("Jane <jane@example.com>", false),
        ("<jane@example.com>", false),
        ("jane@exa mple.com", false),
        ("", false),
    ] {
        let body = change(CANONICAL, &[("/data/customer_email", Some(email.into()))]);
        assert_eq!(go(&record(body)).is_ok(), good, "{email}");
    }
}

#[test]
fn foreign_orders_may_leave_things_out() {
    // Neither e-mail nor product name nor price; then the total cannot be checked.
    let read = ok(&without(DOTTED, "/data/items/0/price"));
    assert_eq!(created(&read).items[0].told_price(), None);
    assert!(
        !read.event.data()["items"][0]
            .as_object()
            .unwrap()
            .contains_key("price")
    );
    for pointer in ["order_id", "user_id", "items", "total_amount"] {
        let body = without(DOTTED, &format!("/data/{pointer}"));
        assert_eq!(
            go(&record(body)).unwrap_err().code,
            RejectCode::Validation,
            "{pointer}"
        );
    }
    assert_eq!(
        refused(&set(DOTTED, "/data/customer_email", "\"nobody\""))
            .split(':')
            .next(),
        Some("validation")
    );
    assert_eq!(
        refused(&without(DOTTED, "/data/items/0/quantity")),
        "validation: items[0].quantity is missing"
    );
}

#[test]
fn every_payload_has_its_required_fields() {
    let samples: [(&str, &str, &[&str]); 11] = [
        (
            "OrderConfirmed",
            r#"{"order_id":"ORD-1","total_amount":"5.00"}"#,
            &[],
        ),
        (
            "OrderShipped",
            r#"{"order_id":"ORD-1","tracking_number":"T","carrier":"DHL","shipped_at":null}"#,
            &["shipped_at"],
        ),
        (
            "OrderCancelled",
            r#"{"order_id":"ORD-1","reason":"","refund_amount":0}"#,
            &["refund_amount"],
        ),
        (
            "ItemAdded",
            r#"{"order_id":"ORD-1","product_id":"P","product_name":"N","quantity":1,"price":"1.00"}"#,
            &[],
        ),
        (
            "ItemRemoved",
            r#"{"order_id":"ORD-1","product_id":"P"}"#,
            &[],
        ),
        (
            "PaymentProcessed",
            r#"{"order_id":"ORD-1","payment_id":"PAY","amount":1,"payment_method":"paypal","status":"approved"}"#,
            &[],
        ),
        (
            "PaymentFailed",
            r#"{"order_id":"ORD-1","amount":1,"reason":"declined"}"#,
            &[],
        ),
        (
            "PaymentRefunded",
            r#"{"order_id":"ORD-1","payment_id":"PAY","amount":1}"#,
            &[],
        ),
        (
            "InventoryReserved",
            r#"{"order_id":"ORD-1","reservation_id":"R","items":[{"product_id":"P","quantity":1}]}"#,
            &[],
        ),
        (
            "InventoryReservationFailed",
            r#"{"order_id":"ORD-1","reason":"none left"}"#,
            &[],
        ),
        (
            "InventoryReleased",
            r#"{"order_id":"ORD-1","reservation_id":"R","reason":"x"}"#,
            &["reason"],
        ),
    ];
    for (event_type, data, optional) in samples {
        let body = canonical(event_type, data);
        let read = ok(&body);
        assert_eq!(read.shape, Shape::Canonical);
        assert_eq!(read.event.event_type().name(), event_type);
        // The wire form of the event is the same event.
        let mut again = read.envelope.clone();
        again.data = read.event.data();
        assert_eq!(Event::decode(&again, Shape::Canonical).unwrap(), read.event);
        let fields: serde_json::Map<String, Value> = serde_json::from_str(data).unwrap();
        for name in fields.keys() {
            let result = go(&record(without(&body, &format!("/data/{name}"))));
            assert_eq!(
                result.is_ok(),
                optional.contains(&name.as_str()),
                "{event_type}.{name}"
            );
        }
    }
    for (event_type, data, reason) in [
        (
            "OrderShipped",
            r#"{"order_id":"ORD-1","tracking_number":"T","carrier":""}"#,
            "carrier is empty",
        ),
        (
            "OrderShipped",
            r#"{"order_id":"ORD-1","tracking_number":"T","carrier":"D","shipped_at":"now"}"#,
            "shipped_at is no RFC 3339 time between 1970 and 9999",
        ),
        (
            "OrderCancelled",
            r#"{"order_id":"ORD-1","reason":"x","refund_amount":-1}"#,
            "refund_amount is -1.00 and must not be below 0",
        ),
        (
            "PaymentRefunded",
            r#"{"order_id":"ORD-1","payment_id":"P","amount":0}"#,
            "amount is 0.00 and must be above 0",
        ),
        (
            "PaymentProcessed",
            r#"{"order_id":"ORD-1","payment_id":"P","amount":1,"payment_method":"cash","status":"approved"}"#,
            "payment_method is \"cash\" and must be one of credit_card, debit_card, paypal, bank_transfer",
        ),
        (
            "PaymentProcessed",
            r#"{"order_id":"ORD-1","payment_id":"P","amount":1,"payment_method":"paypal","status":"ok"}"#,
            "status is \"ok\" and must be one of pending, approved, declined, refunded",
        ),
        (
            "InventoryReserved",
            r#"{"order_id":"ORD-1","reservation_id":"R","items":[]}"#,
            "items must have at least one",
        ),
    ] {
        assert_eq!(
            refused(&canonical(event_type, data)),
            format!("validation: {reason}")
        );
    }
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
