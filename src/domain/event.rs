//! The typed payloads, and the step from an envelope to one of them: upcast, parse, check.

mod decode;
mod encode;
mod fields;
mod payload;

use serde_json::{Map, Value};

pub use payload::{
    InventoryReleased, InventoryReservationFailed, InventoryReserved, Item, ItemAdded, ItemRemoved,
    OrderCancelled, OrderConfirmed, OrderCreated, OrderShipped, PaymentFailed, PaymentMethod,
    PaymentProcessed, PaymentRefunded, PaymentStatus, ReservedItem,
};

use super::envelope::Envelope;
use super::event_type::EventType;
use super::reader::Shape;
use super::reject::Reject;

/// A valid event at its newest version.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    OrderCreated(OrderCreated),
    OrderConfirmed(OrderConfirmed),
    OrderShipped(OrderShipped),
    OrderCancelled(OrderCancelled),
    ItemAdded(ItemAdded),
    ItemRemoved(ItemRemoved),
    PaymentProcessed(PaymentProcessed),
    PaymentFailed(PaymentFailed),
    PaymentRefunded(PaymentRefunded),
    InventoryReserved(InventoryReserved),
    InventoryReservationFailed(InventoryReservationFailed),
    InventoryReleased(InventoryReleased),
}

impl Event {
    /// Upcasts `data` to the newest version and checks it by the rules of its type. The canonical
    /// shape is the strict one: it must also tell the customer's e-mail and the products' names and
    /// prices.
    pub fn decode(envelope: &Envelope, shape: Shape) -> Result<Self, Reject> {
        decode::decode(envelope, shape)
    }

    /// The wire form of the payload at its newest version; money is text.
    #[must_use]
    pub fn data(&self) -> Map<String, Value> {
        encode::data(self)
    }

    #[must_use]
    pub fn event_type(&self) -> EventType {
        self.facts().0
    }

    /// The order that it is about.
    #[must_use]
    pub fn order_id(&self) -> &str {
        self.facts().1
    }

    fn facts(&self) -> (EventType, &str) {
        match self {
            Self::OrderCreated(e) => (EventType::OrderCreated, &e.order_id),
            Self::OrderConfirmed(e) => (EventType::OrderConfirmed, &e.order_id),
            Self::OrderShipped(e) => (EventType::OrderShipped, &e.order_id),
            Self::OrderCancelled(e) => (EventType::OrderCancelled, &e.order_id),
            Self::ItemAdded(e) => (EventType::ItemAdded, &e.order_id),
            Self::ItemRemoved(e) => (EventType::ItemRemoved, &e.order_id),
            Self::PaymentProcessed(e) => (EventType::PaymentProcessed, &e.order_id),
            Self::PaymentFailed(e) => (EventType::PaymentFailed, &e.order_id),
            Self::PaymentRefunded(e) => (EventType::PaymentRefunded, &e.order_id),
            Self::InventoryReserved(e) => (EventType::InventoryReserved, &e.order_id),
            Self::InventoryReservationFailed(e) => {
                (EventType::InventoryReservationFailed, &e.order_id)
            }
            Self::InventoryReleased(e) => (EventType::InventoryReleased, &e.order_id),
        }
    }
}
