//! The payloads at their newest versions, as plain data.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::money::Money;

/// An order was placed (version 2).
#[derive(Clone, Debug, PartialEq)]
pub struct OrderCreated {
    pub order_id: String,
    pub customer_id: String,
    /// Always there in the canonical shape; who sends e-mail refuses where it is not.
    pub customer_email: Option<String>,
    pub customer_phone: Option<String>,
    /// Three capitals, `USD` where none was given (ISO 4217 by form, not by list).
    pub currency: String,
    /// An object or a text.
    pub shipping_address: Option<Value>,
    /// At least one.
    pub items: Vec<Item>,
    pub total_amount: Money,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub product_id: String,
    pub product_name: Option<String>,
    /// 1 to 1000.
    pub quantity: u32,
    /// Of one piece. Zero where a foreign producer told none: a told price is above zero.
    pub price: Money,
}

impl Item {
    /// The price where one was told.
    #[must_use]
    pub fn told_price(&self) -> Option<Money> {
        (self.price > Money::ZERO).then_some(self.price)
    }

    /// Price times quantity; `None` past what an amount can hold.
    #[must_use]
    pub fn amount(&self) -> Option<Money> {
        self.price.checked_mul(self.quantity)
    }
}

/// Stock is reserved and the order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderConfirmed {
    pub order_id: String,
    pub total_amount: Money,
}

/// The order is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderShipped {
    pub order_id: String,
    pub tracking_number: String,
    pub carrier: String,
    /// The event's own time where none was given.
    pub shipped_at: DateTime<Utc>,
}

/// The order is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderCancelled {
    pub order_id: String,
    pub reason: String,
    /// Zero where nothing is paid back.
    pub refund_amount: Money,
}

/// A line joined the order before it was confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemAdded {
    pub order_id: String,
    pub item: Item,
}

/// A product left the order before it was confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRemoved {
    pub order_id: String,
    pub product_id: String,
}

/// How a payment is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaymentMethod {
    CreditCard,
    DebitCard,
    Paypal,
    BankTransfer,
}

impl PaymentMethod {
    pub const ALL: [Self; 4] = [
        Self::CreditCard,
        Self::DebitCard,
        Self::Paypal,
        Self::BankTransfer,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreditCard => "credit_card",
            Self::DebitCard => "debit_card",
            Self::Paypal => "paypal",
            Self::BankTransfer => "bank_transfer",
        }
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaymentStatus {
    Pending,
    Approved,
    Declined,
    Refunded,
}

impl PaymentStatus {
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::Approved,
        Self::Declined,
        Self::Refunded,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Refunded => "refunded",
        }
    }
}

/// A payment was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentProcessed {
    pub order_id: String,
    pub payment_id: String,
    pub amount: Money,
    pub payment_method: PaymentMethod,
    pub status: PaymentStatus,
}

/// A payment was declined: an outcome, not a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentFailed {
    pub order_id: String,
    pub amount: Money,
    pub reason: String,
}

/// Money went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRefunded {
    pub order_id: String,
    pub payment_id: String,
    pub amount: Money,
}

/// Stock was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryReserved {
    pub order_id: String,
    pub reservation_id: String,
    /// At least one.
    pub items: Vec<ReservedItem>,
}

/// One line of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedItem {
    pub product_id: String,
    /// 1 to 1000.
    pub quantity: u32,
}

/// There was not enough stock: an outcome, not a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryReservationFailed {
    pub order_id: String,
    pub reason: String,
}

/// Reserved stock is free again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryReleased {
    pub order_id: String,
    pub reservation_id: String,
    pub reason: Option<String>,
}
