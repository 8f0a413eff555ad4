//! What scenarios send. The JSON is written here by hand, not by the program's own encoder.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evtop::domain::event_type::EventType;
use evtop::domain::fault_plan::{Fate, FaultPlan};
use evtop::domain::record::NewRecord;
use fastrand::Rng;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::scenario::{Raw, Send};

/// The id of an order that a scenario calls by a letter.
pub fn order_id(name: &str) -> String {
    format!("ORD-{name}")
}

/// A canonical event as its record.
pub fn event(send: &Send, nth: u32, rng: &mut Rng, now: &str) -> NewRecord {
    let order = match send.count {
        Some(_) => order_id(&format!("{}{nth}", send.order)),
        None => order_id(&send.order),
    };
    let id = event_id(send.unlucky, rng);
    let mut data = data(send, &order);
    data.extend(send.data.clone());
    if send.padding > 0 {
        data.insert("padding".into(), "x".repeat(send.padding).into());
    }
    let version = EventType::parse(&send.event).map_or(1, |(t, _)| t.newest_version());
    let correlation = Uuid::from_u128(rng.u128(..)).to_string();
    let mut envelope = Map::new();
    for (name, value) in [
        ("event_id", json!(id)),
        ("event_type", json!(send.event)),
        ("event_version", json!(version)),
        ("timestamp", json!(now)),
        ("source_service", json!("scenario")),
        ("correlation_id", json!(correlation)),
        ("causation_id", Value::Null),
        ("aggregate_id", json!(order)),
        ("data", Value::Object(data)),
    ] {
        envelope.insert(name.into(), value);
    }
    envelope.extend(send.envelope.clone());
    let topic = EventType::parse(&send.event).map_or("order-events", |(t, _)| t.topic());
    let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let mut headers: Vec<_> = ["event_id", "event_type", "correlation_id"]
        .map(|name| (name.to_owned(), Some(text(&envelope[name]).into_bytes())))
        .into();
    let more = send.headers.iter();
    headers.extend(more.map(|(n, v)| (n.clone(), Some(v.clone().into_bytes()))));
    NewRecord {
        topic: topic.into(),
        partition: send.partition,
        key: (!send.no_key).then(|| order.into_bytes()),
        value: Some(Value::Object(envelope).to_string().into_bytes()),
        headers,
    }
}

fn data(send: &Send, order: &str) -> Map<String, Value> {
    let value = match send.event.as_str() {
        "OrderShipped" => json!({
            "order_id": order, "tracking_number": "T-1", "carrier": "Post", "shipped_at": "2026-01-31T10:00:00Z",
        }),
        "OrderCancelled" => json!({"order_id": order, "reason": "changed my mind"}),
        "PaymentProcessed" => json!({
            "order_id": order, "payment_id": "PAY-1", "amount": "10.00", "payment_method": "paypal",
            "status": "approved",
        }),
        "PaymentFailed" => json!({"order_id": order, "amount": "10.00", "reason": "declined"}),
        _ => {
            let mut items = send.items.clone();
            if items.is_empty() {
                items.insert("P-01".into(), 1);
            }
            let total: u32 = items.values().map(|quantity| quantity * 10).sum();
            let items: Vec<Value> = items
                .iter()
                .map(|(id, quantity)| json!({"product_id": id, "product_name": id, "quantity": quantity, "price": "10.00"}))
                .collect();
            json!({
                "order_id": order, "customer_id": "C-1", "customer_email": "ada@example.com",
                "customer_phone": null, "currency": "EUR", "shipping_address": null,
                "items": items, "total_amount": format!("{total}.00"),
            })
        }
    };
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// An id that a plan with shares of a half hits in every way, or in none.
fn event_id(unlucky: bool, rng: &mut Rng) -> Uuid {
    let plans = [
        FaultPlan {
            transient: 0.5,
            ..FaultPlan::default()
        },
        FaultPlan {
            permanent: 0.5,
            ..FaultPlan::default()
        },
        FaultPlan {
            slow: 0.5,
            ..FaultPlan::default()
        },
        FaultPlan {
            panic: 0.5,
            ..FaultPlan::default()
        },
    ];
    loop {
        let id = Uuid::from_u128(rng.u128(..));
        let hit = |plan: &FaultPlan| plan.fate(id, 1, 0, std::time::Duration::ZERO) != Fate::Works;
        if plans.iter().all(|plan| hit(plan) == unlucky) {
            return id;
        }
    }
}

/// A record of any bytes.
pub fn raw(raw: &Raw) -> NewRecord {
    let value = match (&raw.text, &raw.base64, raw.size) {
        (Some(text), ..) => Some(text.clone().into_bytes()),
        (_, Some(coded), _) => Some(STANDARD.decode(coded).expect("base64 in the scenario")),
        (.., Some(size)) => Some(vec![b'x'; size]),
        _ => None,
    };
    NewRecord {
        topic: raw.topic.clone().unwrap_or_else(|| "order-events".into()),
        partition: raw.partition,
        key: raw.key.clone().map(String::into_bytes),
        value,
        headers: raw
            .headers
            .iter()
            .map(|(n, v)| (n.clone(), Some(v.clone().into_bytes())))
            .collect(),
    }
}
