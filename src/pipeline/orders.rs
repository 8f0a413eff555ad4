//! Test orders: believable, and by seed always the same.

use chrono::{DateTime, Utc};
use fastrand::Rng;
use uuid::Uuid;

use crate::domain::envelope::Envelope;
use crate::domain::event::{Event, Item, OrderCreated};
use crate::domain::event_type::EventType;
use crate::domain::money::Money;
use crate::domain::record::NewRecord;
use crate::domain::scenario::Scenario;

/// Product id, name, price in cents.
pub const PRODUCTS: [(&str, &str, i64); 8] = [
    ("P-01", "Espresso machine", 24_900),
    ("P-02", "Coffee grinder", 8_950),
    ("P-03", "Milk jug", 1_999),
    ("P-04", "Filter papers", 499),
    ("P-05", "Single origin beans", 1_450),
    ("P-06", "Cold brew bottle", 3_275),
    ("P-07", "Digital scale", 4_490),
    ("P-08", "Travel mug", 2_210),
];

/// A product that no warehouse has.
pub const SOLD_OUT: &str = "P-SOLD-OUT";

const CUSTOMERS: [&str; 6] = ["ada", "grace", "linus", "margaret", "barbara", "edsger"];

/// What an injected order is made of: events that take the way of every order, and records that go
/// straight to the topic because nothing would let them through.
#[derive(Debug, Default)]
pub struct Made {
    pub order_id: String,
    pub event: Option<Envelope>,
    pub raw: Option<NewRecord>,
}

/// Makes one order. `id` becomes the event's id; the rest is drawn from `rng`.
#[must_use]
pub fn make(scenario: Scenario, rng: &mut Rng, id: Uuid, now: DateTime<Utc>) -> Made {
    let order_id = format!("ORD-{:08X}", rng.u32(..));
    let mut order = order(&order_id, rng);
    if scenario == Scenario::InsufficientStock {
        order.items[0].product_id = SOLD_OUT.into();
    }
    let mut envelope = envelope(order, id, now, rng);
    match scenario {
        Scenario::Happy | Scenario::InsufficientStock => Made {
            order_id,
            event: Some(envelope),
            raw: None,
        },
        Scenario::OldSchema => {
            envelope.event_version = 1;
            for newer in ["customer_phone", "currency", "shipping_address"] {
                envelope.data.shift_remove(newer);
            }
            Made {
                order_id,
                event: Some(envelope),
                raw: None,
            }
        }
        Scenario::Duplicate => {
            let raw = Some(record(&envelope, envelope.to_bytes()));
            Made {
                order_id,
                event: Some(envelope),
                raw,
            }
        }
        Scenario::InvalidTotal => {
            envelope.data.insert("total_amount".into(), "0.01".into());
            Made {
                order_id,
                event: None,
                raw: Some(record(&envelope, envelope.to_bytes())),
            }
        }
        Scenario::PoisonBytes => {
            let mut raw = record(&envelope, poison(rng));
            raw.headers.retain(|(name, _)| name != "event_id");
            Made {
                order_id,
                event: None,
                raw: Some(raw),
            }
        }
    }
}

fn order(order_id: &str, rng: &mut Rng) -> OrderCreated {
    let lines = rng.usize(1..=3);
    let mut picks: Vec<usize> = (0..PRODUCTS.len()).collect();
    rng.shuffle(&mut picks);
    let items: Vec<Item> = picks[..lines]
        .iter()
        .map(|&n| {
            let (id, name, cents) = PRODUCTS[n];
            Item {
                product_id: id.into(),
                product_name: Some(name.into()),
                quantity: rng.u32(1..=4),
                price: Money::from_cents(cents),
            }
        })
        .collect();
    let total = items
        .iter()
        .map(|i| i.price.cents() * i64::from(i.quantity))
        .sum();
    let name = CUSTOMERS[rng.usize(..CUSTOMERS.len())];
    OrderCreated {
        order_id: order_id.into(),
        customer_id: format!("C-{name}"),
        customer_email: Some(format!("{name}@example.com")),
        customer_phone: None,
        currency: "USD".into(),
        shipping_address: None,
        items,
        total_amount: Money::from_cents(total),
    }
}

fn envelope(order: OrderCreated, id: Uuid, now: DateTime<Utc>, rng: &mut Rng) -> Envelope {
    let correlation = uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid();
    let aggregate_id = order.order_id.clone();
    let event_type = EventType::OrderCreated;
    Envelope {
        event_id: id,
        event_type,
        event_version: event_type.newest_version(),
        timestamp: now,
        source_service: "order-api".into(),
        correlation_id: correlation,
        causation_id: None,
        aggregate_id,
        data: Event::OrderCreated(order).data(),
        metadata: serde_json::Map::new(),
        extra: serde_json::Map::new(),
    }
}

/// The record as the relay would send it, with this value.
fn record(envelope: &Envelope, value: Vec<u8>) -> NewRecord {
    NewRecord {
        topic: envelope.event_type.topic().to_owned(),
        partition: None,
        key: Some(envelope.aggregate_id.clone().into_bytes()),
        value: Some(value),
        headers: envelope.headers(),
    }
}

/// Bytes as they are met: cut off JSON, no UTF-8, an escape sequence, the wrong thing altogether.
fn poison(rng: &mut Rng) -> Vec<u8> {
    let samples: [&[u8]; 5] = [
        b"{\"event_type\":\"OrderCreated\",\"data\":{\"order_id\":\"ORD-",
        b"\xff\xfe\x00binary\x80 where JSON belongs",
        b"\x1b[2J\x1b[31mnot json\x07",
        b"<order><id>1</id></order>",
        b"[1,2,3]",
    ];
    samples[rng.usize(..samples.len())].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reader::{Limits, read};
    use crate::domain::record::Record;

    fn arrived(made: &Made) -> Record {
        let record = made.raw.clone().unwrap_or_else(|| {
            let event = made.event.as_ref().unwrap();
            record(event, event.to_bytes())
        });
        Record {
            topic: record.topic,
            partition: 0,
            offset: 0,
            timestamp: None,
            key: record.key,
            value: record.value,
            headers: record.headers,
        }
    }

    #[test]
    fn each_scenario_reads_as_it_is_meant_to() {
        let mut rng = Rng::with_seed(7);
        for scenario in Scenario::ALL {
            for _ in 0..50 {
                let made = make(scenario, &mut rng, Uuid::nil(), DateTime::default());
                let read = read(&arrived(&made), &Limits::default());
                let valid = !matches!(scenario, Scenario::InvalidTotal | Scenario::PoisonBytes);
                assert_eq!(read.is_ok(), valid, "{scenario:?}: {read:?}");
            }
        }
    }
}
