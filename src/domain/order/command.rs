//! What may be done to an order, and the event that says it was done.

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{Order, Status};
use crate::domain::event::{
    Event, Item, ItemAdded, ItemRemoved, OrderCancelled, OrderConfirmed, OrderShipped,
    PaymentMethod, PaymentProcessed, PaymentRefunded, PaymentStatus,
};
use crate::domain::money::Money;

/// Why an order refuses a command.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OrderError {
    #[error("order {0} does not exist")]
    NotCreated(String),
    #[error("an order that is {} cannot be {action}", status.name())]
    WrongStatus {
        action: &'static str,
        status: Status,
    },
    #[error("an order without items cannot be confirmed")]
    Empty,
    #[error("product {0} is not in the order")]
    NoSuchProduct(String),
    #[error("a quantity must be from 1 to 1000 and a price above 0")]
    BadItem,
    #[error("the payment of {paid} does not match the order's total of {total}")]
    WrongAmount { paid: Money, total: Money },
    #[error("nothing was paid, so nothing can be refunded")]
    NothingPaid,
}

impl Order {
    /// Adds a line while the order is a draft.
    pub fn add_item(&self, item: Item) -> Result<Event, OrderError> {
        self.must_be(Status::Draft, "changed")?;
        if !(1..=1000).contains(&item.quantity) || item.price <= Money::ZERO {
            return Err(OrderError::BadItem);
        }
        Ok(Event::ItemAdded(ItemAdded {
            order_id: self.id.clone(),
            item,
        }))
    }

    /// Removes a product while the order is a draft.
    pub fn remove_item(&self, product_id: &str) -> Result<Event, OrderError> {
        self.must_be(Status::Draft, "changed")?;
        if self
            .items()
            .iter()
            .all(|item| item.product_id != product_id)
        {
            return Err(OrderError::NoSuchProduct(product_id.to_owned()));
        }
        Ok(Event::ItemRemoved(ItemRemoved {
            order_id: self.id.clone(),
            product_id: product_id.to_owned(),
        }))
    }

    /// Confirms a draft that has items.
    pub fn confirm(&self) -> Result<Event, OrderError> {
        self.must_be(Status::Draft, "confirmed")?;
        let total_amount = self.total();
        if self.items().is_empty() || total_amount <= Money::ZERO {
            return Err(OrderError::Empty);
        }
        Ok(Event::OrderConfirmed(OrderConfirmed {
            order_id: self.id.clone(),
            total_amount,
        }))
    }

    /// Pays a confirmed order: the amount is its total, within a cent.
    pub fn pay(
        &self,
        payment_id: impl Into<String>,
        amount: Money,
        payment_method: PaymentMethod,
    ) -> Result<Event, OrderError> {
        self.must_be(Status::Confirmed, "paid")?;
        let total = self.total();
        if !amount.is_close_to(total) {
            return Err(OrderError::WrongAmount {
                paid: amount,
                total,
            });
        }
        Ok(Event::PaymentProcessed(PaymentProcessed {
            order_id: self.id.clone(),
            payment_id: payment_id.into(),
            amount,
            payment_method,
            status: PaymentStatus::Approved,
        }))
    }

    /// Ships a paid order.
    pub fn ship(
        &self,
        carrier: impl Into<String>,
        tracking_number: impl Into<String>,
        shipped_at: DateTime<Utc>,
    ) -> Result<Event, OrderError> {
        self.must_be(Status::Paid, "shipped")?;
        Ok(Event::OrderShipped(OrderShipped {
            order_id: self.id.clone(),
            tracking_number: tracking_number.into(),
            carrier: carrier.into(),
            shipped_at,
        }))
    }

    /// Cancels an order that is not on its way; what was paid is to be paid back.
    pub fn cancel(&self, reason: impl Into<String>) -> Result<Event, OrderError> {
        match self.status() {
            Status::Draft | Status::Confirmed | Status::Paid => Ok(self.cancelled(reason.into())),
            Status::Shipped | Status::Delivered | Status::Cancelled | Status::Refunded => {
                Err(self.wrong("cancelled"))
            }
        }
    }

    /// Takes a shipment back: the compensation for an order that went out and must not have.
    pub fn cancel_shipment(&self, reason: impl Into<String>) -> Result<Event, OrderError> {
        self.must_be(Status::Shipped, "called back")?;
        Ok(self.cancelled(reason.into()))
    }

    /// Pays back what was paid, once.
    pub fn refund(&self) -> Result<Event, OrderError> {
        if self.status() == Status::Refunded {
            return Err(self.wrong("refunded"));
        }
        let (payment_id, amount) = self.payment().ok_or(OrderError::NothingPaid)?;
        Ok(Event::PaymentRefunded(PaymentRefunded {
            order_id: self.id.clone(),
            payment_id: payment_id.to_owned(),
            amount,
        }))
    }

    fn cancelled(&self, reason: String) -> Event {
        Event::OrderCancelled(OrderCancelled {
            order_id: self.id.clone(),
            reason,
            refund_amount: self.payment().map_or(Money::ZERO, |(_, amount)| amount),
        })
    }

    fn must_be(&self, status: Status, action: &'static str) -> Result<(), OrderError> {
        if !self.is_created() {
            return Err(OrderError::NotCreated(self.id.clone()));
        }
        if self.status() == status {
            Ok(())
        } else {
            Err(self.wrong(action))
        }
    }

    fn wrong(&self, action: &'static str) -> OrderError {
        OrderError::WrongStatus {
            action,
            status: self.status(),
        }
    }
}
