//! Each shape of plain JSON, and how it becomes the canonical one.

use super::*;

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
