//! The reader, shape by shape and rule by rule: what is read, and with which reason the rest is refused.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod cloudevents;
mod envelope;
mod payload;
mod shapes;

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
const CAMEL: &str = include_str!("../fixtures/camel.json");

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
