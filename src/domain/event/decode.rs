//! An envelope's `data` as a typed payload, with every rule of its type.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::fields::Fields;
use super::{
    Event, InventoryReleased, InventoryReservationFailed, InventoryReserved, Item, ItemAdded,
    ItemRemoved, OrderCancelled, OrderConfirmed, OrderCreated, OrderShipped, PaymentFailed,
    PaymentMethod, PaymentProcessed, PaymentRefunded, PaymentStatus, ReservedItem,
};
use crate::domain::describe;
use crate::domain::envelope::Envelope;
use crate::domain::event_type::EventType;
use crate::domain::ids::MAX_ID_CHARS;
use crate::domain::money::Money;
use crate::domain::reader::Shape;
use crate::domain::reject::Reject;
use crate::domain::upcast;

pub(super) fn decode(envelope: &Envelope, shape: Shape) -> Result<Event, Reject> {
    let data = newest(envelope)?;
    let fields = Fields::new(&data);
    let order_id = fields.id("order_id")?;
    if order_id != envelope.aggregate_id {
        return Err(Reject::validation(format!(
            "aggregate_id is \"{}\" but data.order_id is \"{order_id}\"",
            describe::cut(&envelope.aggregate_id)
        )));
    }
    let strict = shape == Shape::Canonical;
    Ok(match envelope.event_type {
        EventType::OrderCreated => Event::OrderCreated(created(&fields, order_id, strict)?),
        EventType::OrderConfirmed => Event::OrderConfirmed(OrderConfirmed {
            order_id,
            total_amount: fields.amount("total_amount")?,
        }),
        EventType::OrderShipped => Event::OrderShipped(OrderShipped {
            order_id,
            tracking_number: fields.text("tracking_number", MAX_ID_CHARS)?,
            carrier: fields.text("carrier", 50)?,
            shipped_at: fields.time("shipped_at", envelope.timestamp)?,
        }),
        EventType::OrderCancelled => Event::OrderCancelled(OrderCancelled {
            order_id,
            reason: fields.free_text("reason")?,
            refund_amount: fields.refund("refund_amount")?,
        }),
        EventType::ItemAdded => Event::ItemAdded(ItemAdded {
            order_id,
            item: item(&fields, strict)?,
        }),
        EventType::ItemRemoved => Event::ItemRemoved(ItemRemoved {
            order_id,
            product_id: fields.id("product_id")?,
        }),
        EventType::PaymentProcessed => Event::PaymentProcessed(PaymentProcessed {
            order_id,
            payment_id: fields.id("payment_id")?,
            amount: fields.amount("amount")?,
            payment_method: fields.word(
                "payment_method",
                &PaymentMethod::ALL,
                PaymentMethod::name,
            )?,
            status: fields.word("status", &PaymentStatus::ALL, PaymentStatus::name)?,
        }),
        EventType::PaymentFailed => Event::PaymentFailed(PaymentFailed {
            order_id,
            amount: fields.amount("amount")?,
            reason: fields.free_text("reason")?,
        }),
        EventType::PaymentRefunded => Event::PaymentRefunded(PaymentRefunded {
            order_id,
            payment_id: fields.id("payment_id")?,
            amount: fields.amount("amount")?,
        }),
        EventType::InventoryReserved => Event::InventoryReserved(InventoryReserved {
            order_id,
            reservation_id: fields.id("reservation_id")?,
            items: fields.list("items", reserved)?,
        }),
        EventType::InventoryReservationFailed => {
            Event::InventoryReservationFailed(InventoryReservationFailed {
                order_id,
                reason: fields.free_text("reason")?,
            })
        }
        EventType::InventoryReleased => Event::InventoryReleased(InventoryReleased {
            order_id,
            reservation_id: fields.id("reservation_id")?,
            reason: fields.optional_free_text("reason")?,
        }),
    })
}

/// The data at its newest version; what already is there is not copied.
fn newest(envelope: &Envelope) -> Result<Cow<'_, Map<String, Value>>, Reject> {
    let (event_type, version) = (envelope.event_type, envelope.event_version);
    if version == event_type.newest_version() {
        return Ok(Cow::Borrowed(&envelope.data));
    }
    let (_, data) = upcast::upcast(event_type, version, envelope.data.clone())?;
    Ok(Cow::Owned(data))
}

fn created(fields: &Fields<'_>, order_id: String, strict: bool) -> Result<OrderCreated, Reject> {
    let customer_id = fields.id("customer_id")?;
    let customer_email = fields.email("customer_email")?;
    if strict && customer_email.is_none() {
        return Err(fields.error("customer_email", "is missing"));
    }
    let items = fields.list("items", |fields| item(fields, strict))?;
    let total_amount = fields.amount("total_amount")?;
    check_total(&items, total_amount)?;
    Ok(OrderCreated {
        order_id,
        customer_id,
        customer_email,
        customer_phone: fields.optional_free_text("customer_phone")?,
        currency: currency(fields)?,
        shipping_address: address(fields)?,
        items,
        total_amount,
    })
}

/// A price may be absent in a foreign shape only: see [`Item::price`].
fn item(fields: &Fields<'_>, strict: bool) -> Result<Item, Reject> {
    let item = Item {
        product_id: fields.id("product_id")?,
        product_name: fields.optional_text("product_name", 255)?,
        quantity: fields.quantity("quantity")?,
        price: fields.optional_amount("price")?.unwrap_or_default(),
    };
    if strict && item.product_name.is_none() {
        return Err(fields.error("product_name", "is missing"));
    }
    if strict && item.told_price().is_none() {
        return Err(fields.error("price", "is missing"));
    }
    Ok(item)
}

fn reserved(fields: &Fields<'_>) -> Result<ReservedItem, Reject> {
    Ok(ReservedItem {
        product_id: fields.id("product_id")?,
        quantity: fields.quantity("quantity")?,
    })
}

/// The total must be what the items add up to, within a cent, where every price is told.
fn check_total(items: &[Item], total: Money) -> Result<(), Reject> {
    if items.iter().any(|item| item.told_price().is_none()) {
        return Ok(());
    }
    let sum = items
        .iter()
        .try_fold(Money::ZERO, |sum, item| sum.checked_add(item.amount()?));
    match sum {
        Some(sum) if sum.is_close_to(total) => Ok(()),
        Some(sum) => Err(Reject::validation(format!(
            "total_amount is {total} but the items add up to {sum}"
        ))),
        None => Err(Reject::validation(format!(
            "total_amount is {total} but the items add up to more than any amount"
        ))),
    }
}

fn currency(fields: &Fields<'_>) -> Result<String, Reject> {
    let Some(currency) = fields.optional_text("currency", MAX_ID_CHARS)? else {
        return Ok(upcast::DEFAULT_CURRENCY.to_owned());
    };
    if currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(currency)
    } else {
        Err(fields.error(
            "currency",
            format!(
                "is \"{}\" and must be three capital letters",
                describe::cut(&currency)
            ),
        ))
    }
}

fn address(fields: &Fields<'_>) -> Result<Option<Value>, Reject> {
    match fields.get("shipping_address") {
        None => Ok(None),
        Some(address @ (Value::Object(_) | Value::String(_))) => Ok(Some(address.clone())),
        Some(other) => Err(fields.error(
            "shipping_address",
            format!("must be an object or text, not {}", describe::kind(other)),
        )),
    }
}
