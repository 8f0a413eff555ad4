//! Inputs by chance, near enough to real ones to get past the first check.

use super::*;

pub fn record(value: Vec<u8>, key: Option<Vec<u8>>, headers: Headers) -> Record {
    Record {
        topic: "order-events".into(),
        partition: 0,
        offset: 7,
        timestamp: None,
        key,
        value: Some(value),
        headers,
    }
}

/// Names that mean something to the reader, so that chance gets past the first check.
pub fn name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "event_id",
        "eventId",
        "event_type",
        "eventType",
        "type",
        "event_version",
        "version",
        "timestamp",
        "time",
        "source",
        "correlation_id",
        "causation_id",
        "aggregate_id",
        "data",
        "metadata",
        "checksum",
        "trace_id",
        "traceparent",
        "specversion",
        "id",
        "data_base64",
        "dataschema",
        "order_id",
        "orderId",
        "items",
        "total_amount",
        "product_id",
        "quantity",
        "price",
        "customer_id",
        "user_id",
        "$serde_json::private::Number",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => ".{0,8}"]
}

pub fn word() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "OrderCreated",
        "order.created.v1",
        "PaymentProcessed",
        "com.example.OrderShipped",
        "1.0",
        "v2",
        "2026-01-31T10:00:00Z",
        "29.99",
        "jane@example.com",
        "USD",
        "https://x/v1",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ]);
    prop_oneof![2 => known.prop_map(str::to_owned), 1 => ".{0,12}"]
}

pub fn json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (any::<i32>(), any::<i16>())
            .prop_map(|(m, e)| serde_json::from_str(&format!("{m}e{e}")).unwrap()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..6).prop_map(Value::from),
            4 => object(inner),
        ]
    })
}

pub fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec((name(), inner), 0..12).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

pub fn headers() -> impl Strategy<Value = Headers> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "ce_specversion",
            "CE_type",
            "ce_id",
            "ce_data",
            "event_type",
            "event_id",
            "event_version",
            "traceparent",
            "content-type",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    let value = prop_oneof![
        word().prop_map(String::into_bytes),
        Just(b"1.0".to_vec()),
        vec(any::<u8>(), 0..8),
    ];
    vec((name, prop::option::weighted(0.9, value)), 0..6)
}

pub fn item() -> impl Strategy<Value = Item> {
    ("[A-Z]{1,4}", "\\PC{1,20}", 1..=1000_u32, 1..100_000_i64).prop_map(
        |(product_id, product_name, quantity, cents)| Item {
            product_id,
            product_name: Some(product_name),
            quantity,
            price: Money::from_cents(cents),
        },
    )
}

pub fn created() -> impl Strategy<Value = Event> {
    (
        vec(item(), 1..5),
        prop::option::of(".{0,9}"),
        "[A-Z]{3}",
        prop::option::of(json()),
    )
        .prop_map(|(items, customer_phone, currency, address)| {
            let total = items
                .iter()
                .map(|i| i.price.cents() * i64::from(i.quantity))
                .sum();
            Event::OrderCreated(OrderCreated {
                order_id: "ORD-1".into(),
                customer_id: "CUST-1".into(),
                customer_email: Some("jane@example.com".into()),
                customer_phone,
                currency,
                shipping_address: address
                    .filter(|a| a.is_object() || a.is_string())
                    .filter(|a| !a.to_string().contains("$serde_json")),
                items,
                total_amount: Money::from_cents(total),
            })
        })
}

pub fn envelope(event: &Event, ids: (u128, u128, Option<u128>), micros: i64) -> Envelope {
    Envelope {
        event_id: Uuid::from_u128(ids.0),
        event_type: event.event_type(),
        event_version: event.event_type().newest_version(),
        timestamp: DateTime::from_timestamp_micros(micros).unwrap(),
        source_service: "order-service".into(),
        correlation_id: Uuid::from_u128(ids.1),
        causation_id: ids.2.map(Uuid::from_u128),
        aggregate_id: event.order_id().to_owned(),
        data: event.data(),
        metadata: Map::new(),
        extra: Map::new(),
    }
}

/// One fact of each kind; a refund and a cancellation only sometimes.
pub fn facts() -> impl Strategy<Value = Vec<Event>> {
    let id = || "ORD-1".to_owned();
    let amount = Money::from_cents(500);
    let others = vec![
        Event::InventoryReserved(InventoryReserved {
            order_id: id(),
            reservation_id: "R".into(),
            items: vec![ReservedItem {
                product_id: "P".into(),
                quantity: 1,
            }],
        }),
        Event::OrderConfirmed(OrderConfirmed {
            order_id: id(),
            total_amount: amount,
        }),
        Event::PaymentProcessed(PaymentProcessed {
            order_id: id(),
            payment_id: "PAY".into(),
            amount,
            payment_method: PaymentMethod::Paypal,
            status: PaymentStatus::Approved,
        }),
        Event::OrderShipped(OrderShipped {
            order_id: id(),
            tracking_number: "T".into(),
            carrier: "DHL".into(),
            shipped_at: DateTime::UNIX_EPOCH,
        }),
        Event::PaymentFailed(PaymentFailed {
            order_id: id(),
            amount,
            reason: "declined".into(),
        }),
        Event::OrderCancelled(OrderCancelled {
            order_id: id(),
            reason: "no".into(),
            refund_amount: Money::ZERO,
        }),
        Event::PaymentRefunded(PaymentRefunded {
            order_id: id(),
            payment_id: "PAY".into(),
            amount,
        }),
    ];
    (created(), prop::sample::subsequence(others, 0..=7)).prop_map(|(created, mut others)| {
        others.insert(0, created);
        others
    })
}

pub fn at(second: usize) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second as i64)
}
