//! Events for the tests of decisions.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Map;
use uuid::Uuid;

use super::Stamp;
use crate::domain::envelope::Envelope;
use crate::domain::event::{
    Event, Item, OrderCancelled, OrderCreated, OrderShipped, PaymentFailed, PaymentMethod,
    PaymentProcessed, PaymentStatus,
};
use crate::domain::money::Money;

/// Noon, and so many seconds.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_860_800, 0).unwrap() + TimeDelta::seconds(seconds)
}

pub fn stamp(seconds: i64) -> Stamp {
    Stamp {
        at: at(seconds),
        id: Uuid::from_u128(0xffff),
    }
}

pub fn envelope(event: &Event, seconds: i64) -> Envelope {
    Envelope {
        event_id: Uuid::new_v5(
            &Uuid::NAMESPACE_OID,
            format!("{event:?}{seconds}").as_bytes(),
        ),
        event_type: event.event_type(),
        event_version: event.event_type().newest_version(),
        timestamp: at(seconds),
        source_service: "shop".into(),
        correlation_id: Uuid::from_u128(7),
        causation_id: None,
        aggregate_id: event.order_id().into(),
        data: event.data(),
        metadata: Map::new(),
        extra: Map::new(),
    }
}

pub fn created(order: &str, items: &[(&str, u32)]) -> Event {
    let items: Vec<Item> = items
        .iter()
        .map(|(product, quantity)| Item {
            product_id: (*product).into(),
            product_name: Some((*product).into()),
            quantity: *quantity,
            price: Money::from_cents(1_000),
        })
        .collect();
    let cents = items.iter().map(|i| i64::from(i.quantity) * 1_000).sum();
    Event::OrderCreated(OrderCreated {
        order_id: order.into(),
        customer_id: "C-1".into(),
        customer_email: Some("ada@example.com".into()),
        customer_phone: None,
        currency: "USD".into(),
        shipping_address: None,
        items,
        total_amount: Money::from_cents(cents),
    })
}

pub fn cancelled(order: &str) -> Event {
    Event::OrderCancelled(OrderCancelled {
        order_id: order.into(),
        reason: "changed my mind".into(),
        refund_amount: Money::ZERO,
    })
}

pub fn shipped(order: &str) -> Event {
    Event::OrderShipped(OrderShipped {
        order_id: order.into(),
        tracking_number: "T-1".into(),
        carrier: "Post".into(),
        shipped_at: at(0),
    })
}

pub fn declined(order: &str) -> Event {
    Event::PaymentFailed(PaymentFailed {
        order_id: order.into(),
        amount: Money::from_cents(1_000),
        reason: "declined".into(),
    })
}

pub fn paid(order: &str, payment_method: PaymentMethod, status: PaymentStatus) -> Event {
    Event::PaymentProcessed(PaymentProcessed {
        order_id: order.into(),
        payment_id: "P-1".into(),
        amount: Money::from_cents(1_000),
        payment_method,
        status,
    })
}
