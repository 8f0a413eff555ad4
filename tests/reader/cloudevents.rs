//! CloudEvents 1.0 in Kafka's two modes.

use super::*;

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
