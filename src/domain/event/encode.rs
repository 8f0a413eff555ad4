//! A payload as wire data at its newest version.

use serde_json::{Map, Value};

use super::{Event, Item, ReservedItem};
use crate::domain::time;

pub(super) fn data(event: &Event) -> Map<String, Value> {
    let text = |value: &str| Value::from(value);
    let optional = |value: &Option<String>| value.as_deref().map_or(Value::Null, Value::from);
    let fields: Vec<(&str, Value)> = match event {
        Event::OrderCreated(e) => vec![
            ("order_id", text(&e.order_id)),
            ("customer_id", text(&e.customer_id)),
            ("customer_email", optional(&e.customer_email)),
            ("customer_phone", optional(&e.customer_phone)),
            ("currency", text(&e.currency)),
            (
                "shipping_address",
                e.shipping_address.clone().unwrap_or_default(),
            ),
            (
                "items",
                e.items.iter().map(|i| Value::Object(item(i))).collect(),
            ),
            ("total_amount", e.total_amount.to_json()),
        ],
        Event::OrderConfirmed(e) => vec![
            ("order_id", text(&e.order_id)),
            ("total_amount", e.total_amount.to_json()),
        ],
        Event::OrderShipped(e) => vec![
            ("order_id", text(&e.order_id)),
            ("tracking_number", text(&e.tracking_number)),
            ("carrier", text(&e.carrier)),
            ("shipped_at", time::format(e.shipped_at).into()),
        ],
        Event::OrderCancelled(e) => vec![
            ("order_id", text(&e.order_id)),
            ("reason", text(&e.reason)),
            ("refund_amount", e.refund_amount.to_json()),
        ],
        Event::ItemAdded(e) => {
            let mut map = Map::from_iter([("order_id".to_owned(), text(&e.order_id))]);
            map.extend(item(&e.item));
            return map;
        }
        Event::ItemRemoved(e) => vec![
            ("order_id", text(&e.order_id)),
            ("product_id", text(&e.product_id)),
        ],
        Event::PaymentProcessed(e) => vec![
            ("order_id", text(&e.order_id)),
            ("payment_id", text(&e.payment_id)),
            ("amount", e.amount.to_json()),
            ("payment_method", text(e.payment_method.name())),
            ("status", text(e.status.name())),
        ],
        Event::PaymentFailed(e) => vec![
            ("order_id", text(&e.order_id)),
            ("amount", e.amount.to_json()),
            ("reason", text(&e.reason)),
        ],
        Event::PaymentRefunded(e) => vec![
            ("order_id", text(&e.order_id)),
            ("payment_id", text(&e.payment_id)),
            ("amount", e.amount.to_json()),
        ],
        Event::InventoryReserved(e) => vec![
            ("order_id", text(&e.order_id)),
            ("reservation_id", text(&e.reservation_id)),
            ("items", e.items.iter().map(reserved).collect()),
        ],
        Event::InventoryReservationFailed(e) => {
            vec![("order_id", text(&e.order_id)), ("reason", text(&e.reason))]
        }
        Event::InventoryReleased(e) => vec![
            ("order_id", text(&e.order_id)),
            ("reservation_id", text(&e.reservation_id)),
            ("reason", optional(&e.reason)),
        ],
    };
    owned(fields)
}

fn item(item: &Item) -> Map<String, Value> {
    let mut fields = vec![("product_id", Value::from(item.product_id.as_str()))];
    if let Some(name) = &item.product_name {
        fields.push(("product_name", name.as_str().into()));
    }
    fields.push(("quantity", item.quantity.into()));
    if let Some(price) = item.told_price() {
        fields.push(("price", price.to_json()));
    }
    owned(fields)
}

fn reserved(item: &ReservedItem) -> Value {
    Value::Object(owned(vec![
        ("product_id", item.product_id.as_str().into()),
        ("quantity", item.quantity.into()),
    ]))
}

fn owned(fields: Vec<(&str, Value)>) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
