//! The order: what a set of events means, and which commands are allowed in it.
//!
//! Topics have no order among each other, so an order records facts and derives its state from the set
//! of them: an early event is no error, a second copy changes nothing.

mod command;
mod show;

use chrono::{DateTime, Utc};

pub use command::OrderError;
pub use show::{Change, diff};

use super::event::{Event, Item, OrderCreated, PaymentStatus};
use super::money::Money;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    Draft,
    Confirmed,
    Paid,
    Shipped,
    /// No event of this system says so yet; a carrier's would.
    Delivered,
    Cancelled,
    Refunded,
}

impl Status {
    pub const ALL: [Self; 7] = [
        Self::Draft,
        Self::Confirmed,
        Self::Paid,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
        Self::Refunded,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Confirmed => "confirmed",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Something that is told once and carries a time. Of two that differ the earlier stays.
#[derive(Clone, Debug, PartialEq)]
struct Fact<T> {
    at: DateTime<Utc>,
    what: T,
}

/// A change of the lines after the order was placed.
#[derive(Clone, Debug, PartialEq)]
enum Line {
    Added(Item),
    Removed(String),
}

/// An order as the facts so far tell it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Order {
    id: String,
    created: Option<Fact<OrderCreated>>,
    /// By time, each once.
    lines: Vec<Fact<Line>>,
    reserved: Option<Fact<String>>,
    reservation_failed: Option<Fact<String>>,
    released: Option<Fact<String>>,
    confirmed: Option<Fact<Money>>,
    payment: Option<Fact<(String, Money)>>,
    payment_failed: Option<Fact<String>>,
    shipped: Option<Fact<(String, String)>>,
    cancelled: Option<Fact<(String, Money)>>,
    refunded: Option<Fact<Money>>,
}

impl Order {
    /// An order of which nothing is known yet.
    #[must_use]
    pub fn empty(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            ..Self::default()
        }
    }

    /// The state after these events, such as the first `n` of a stream. The id is the first event's.
    #[must_use]
    pub fn fold<'a>(events: impl IntoIterator<Item = (&'a Event, DateTime<Utc>)>) -> Self {
        let mut order = Self::default();
        for (event, at) in events {
            if order.id.is_empty() {
                event.order_id().clone_into(&mut order.id);
            }
            order.apply(event, at);
        }
        order
    }

    /// Records what an event tells. Any event at any time is fine; one of another order is not looked at.
    pub fn apply(&mut self, event: &Event, at: DateTime<Utc>) {
        if event.order_id() != self.id {
            return;
        }
        match event {
            Event::OrderCreated(e) => told(&mut self.created, at, e.clone()),
            Event::ItemAdded(e) => self.line(at, Line::Added(e.item.clone())),
            Event::ItemRemoved(e) => self.line(at, Line::Removed(e.product_id.clone())),
            Event::InventoryReserved(e) => told(&mut self.reserved, at, e.reservation_id.clone()),
            Event::InventoryReservationFailed(e) => {
                told(&mut self.reservation_failed, at, e.reason.clone());
            }
            Event::InventoryReleased(e) => told(&mut self.released, at, e.reservation_id.clone()),
            Event::OrderConfirmed(e) => told(&mut self.confirmed, at, e.total_amount),
            Event::PaymentProcessed(e) => match e.status {
                PaymentStatus::Approved => {
                    told(&mut self.payment, at, (e.payment_id.clone(), e.amount));
                }
                PaymentStatus::Refunded => told(&mut self.refunded, at, e.amount),
                PaymentStatus::Declined => {
                    told(&mut self.payment_failed, at, e.status.name().to_owned());
                }
                PaymentStatus::Pending => {}
            },
            Event::PaymentFailed(e) => told(&mut self.payment_failed, at, e.reason.clone()),
            Event::PaymentRefunded(e) => told(&mut self.refunded, at, e.amount),
            Event::OrderShipped(e) => {
                told(
                    &mut self.shipped,
                    at,
                    (e.carrier.clone(), e.tracking_number.clone()),
                );
            }
            Event::OrderCancelled(e) => {
                told(&mut self.cancelled, at, (e.reason.clone(), e.refund_amount));
            }
        }
    }

    /// Keeps the lines' changes in the order of their times, whatever order they come in.
    fn line(&mut self, at: DateTime<Utc>, what: Line) {
        let fact = Fact { at, what };
        if self.lines.contains(&fact) {
            return;
        }
        let place = self.lines.partition_point(|known| {
            known.at < at || (known.at == at && known.what.rank() <= fact.what.rank())
        });
        self.lines.insert(place, fact);
    }

    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether its `OrderCreated` was seen.
    #[must_use]
    pub fn is_created(&self) -> bool {
        self.created.is_some()
    }

    /// Derived from the set of facts, the last station first. A refund ends a cancelled order, and a
    /// cancellation after shipping is a compensation, so both outrank it.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.refunded.is_some() {
            Status::Refunded
        } else if self.cancelled.is_some() {
            Status::Cancelled
        } else if self.shipped.is_some() {
            Status::Shipped
        } else if self.payment.is_some() {
            Status::Paid
        } else if self.confirmed.is_some() {
            Status::Confirmed
        } else {
            Status::Draft
        }
    }

    #[must_use]
    pub fn customer_id(&self) -> Option<&str> {
        self.created
            .as_ref()
            .map(|fact| fact.what.customer_id.as_str())
    }

    /// The lines as they stand: a product that is added again gets more, one that is removed is gone.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        let mut items = self
            .created
            .as_ref()
            .map_or_else(Vec::new, |fact| fact.what.items.clone());
        for line in &self.lines {
            match &line.what {
                Line::Removed(product) => items.retain(|item| item.product_id != *product),
                Line::Added(new) => {
                    let same = |item: &&mut Item| {
                        item.product_id == new.product_id && item.price == new.price
                    };
                    match items.iter_mut().find(same) {
                        Some(item) => item.quantity = item.quantity.saturating_add(new.quantity),
                        None => items.push(new.clone()),
                    }
                }
            }
        }
        items
    }

    /// What the lines add up to; the total that was told where they did not change or tell no prices.
    #[must_use]
    pub fn total(&self) -> Money {
        let told = self.created.as_ref().map(|fact| fact.what.total_amount);
        let told = told
            .or(self.confirmed.as_ref().map(|fact| fact.what))
            .unwrap_or_default();
        if self.lines.is_empty() {
            return told;
        }
        self.items()
            .iter()
            .try_fold(Money::ZERO, |sum, item| {
                item.told_price()?;
                sum.checked_add(item.amount()?)
            })
            .unwrap_or(told)
    }

    /// The approved payment: its id and amount.
    #[must_use]
    pub fn payment(&self) -> Option<(&str, Money)> {
        self.payment
            .as_ref()
            .map(|fact| (fact.what.0.as_str(), fact.what.1))
    }

    /// The reservation that holds its stock; none once it was released.
    #[must_use]
    pub fn reservation(&self) -> Option<&str> {
        let reserved = self.reserved.as_ref().map(|fact| fact.what.as_str());
        let released = self.released.as_ref().map(|fact| fact.what.as_str());
        reserved.filter(|reservation| released != Some(reservation))
    }
}

impl Line {
    /// Which of two changes at the same moment counts first, so that the result does not depend on
    /// which came first.
    fn rank(&self) -> (u8, &str, Money, u32) {
        match self {
            Self::Removed(product) => (0, product, Money::ZERO, 0),
            Self::Added(item) => (1, &item.product_id, item.price, item.quantity),
        }
    }
}

fn told<T>(slot: &mut Option<Fact<T>>, at: DateTime<Utc>, what: T) {
    if slot.as_ref().is_none_or(|known| at < known.at) {
        *slot = Some(Fact { at, what });
    }
}
