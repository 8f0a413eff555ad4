//! An order's state as fields of text, and what an event changed in it.

use super::{Fact, Order};
use crate::domain::event::Item;
use crate::domain::time;

/// A field whose text an event changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub field: &'static str,
    /// Empty where there was nothing.
    pub before: String,
    pub after: String,
}

impl Order {
    /// All fields, always the same ones in the same order; what is unknown is empty.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let created = self.created.as_ref().map(|fact| &fact.what);
        let items: Vec<String> = self.items().iter().map(line).collect();
        vec![
            ("order_id", self.id.clone()),
            ("status", self.status().name().to_owned()),
            (
                "customer_id",
                self.customer_id().unwrap_or_default().to_owned(),
            ),
            (
                "customer_email",
                created
                    .and_then(|c| c.customer_email.clone())
                    .unwrap_or_default(),
            ),
            ("items", items.join(", ")),
            (
                "total",
                created.map_or_else(String::new, |c| format!("{} {}", self.total(), c.currency)),
            ),
            (
                "reservation",
                self.reservation().unwrap_or_default().to_owned(),
            ),
            (
                "reservation_failed",
                show(self.reservation_failed.as_ref(), String::clone),
            ),
            ("confirmed_at", when(self.confirmed.as_ref())),
            (
                "payment",
                show(self.payment.as_ref(), |(id, amount)| {
                    format!("{id} {amount}")
                }),
            ),
            (
                "payment_failed",
                show(self.payment_failed.as_ref(), String::clone),
            ),
            (
                "shipment",
                show(self.shipped.as_ref(), |(carrier, number)| {
                    format!("{carrier} {number}")
                }),
            ),
            ("shipped_at", when(self.shipped.as_ref())),
            (
                "cancelled",
                show(self.cancelled.as_ref(), |(reason, _)| reason.clone()),
            ),
            ("refund", self.refund_text()),
        ]
    }

    fn refund_text(&self) -> String {
        let promised = self
            .cancelled
            .as_ref()
            .map(|fact| fact.what.1)
            .filter(|m| m.cents() > 0);
        match (&self.refunded, promised) {
            (Some(fact), _) => format!("{} paid back", fact.what),
            (None, Some(amount)) => format!("{amount} to be paid back"),
            (None, None) => String::new(),
        }
    }
}

/// What differs between two states of an order.
#[must_use]
pub fn diff(before: &Order, after: &Order) -> Vec<Change> {
    before
        .fields()
        .into_iter()
        .zip(after.fields())
        .filter(|((_, before), (_, after))| before != after)
        .map(|((field, before), (_, after))| Change {
            field,
            before,
            after,
        })
        .collect()
}

fn line(item: &Item) -> String {
    let name = item.product_name.as_deref().unwrap_or(&item.product_id);
    match item.told_price() {
        Some(price) => format!("{} × {name} at {price}", item.quantity),
        None => format!("{} × {name}", item.quantity),
    }
}

fn show<T>(fact: Option<&Fact<T>>, text: impl Fn(&T) -> String) -> String {
    fact.map_or_else(String::new, |fact| text(&fact.what))
}

fn when<T>(fact: Option<&Fact<T>>) -> String {
    fact.map_or_else(String::new, |fact| time::format(fact.at))
}
