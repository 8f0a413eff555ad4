//! The summary of an order, written in the transaction that accepts it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::codec::{Columns, at, count, json, sql};
use super::{Connection, Db};
use crate::domain::envelope::Envelope;
use crate::domain::event_type::EventType;
use crate::domain::money::Money;
use crate::domain::upcast::DEFAULT_CURRENCY;
use crate::store::{OrderRow, StoreError};

/// The facts of an order's summary, where the event tells them.
fn facts(envelope: &Envelope) -> Option<(&str, &str, i64, &str, u64)> {
    if envelope.event_type != EventType::OrderCreated {
        return None;
    }
    let text = |name: &str| envelope.data.get(name).and_then(Value::as_str);
    let total = Money::from_json(envelope.data.get("total_amount")?).ok()?;
    let items = envelope.data.get("items").and_then(Value::as_array)?;
    let quantities = items
        .iter()
        .filter_map(|i| i.get("quantity").and_then(Value::as_u64));
    Some((
        &envelope.aggregate_id,
        text("customer_id")?,
        total.cents(),
        text("currency").unwrap_or(DEFAULT_CURRENCY),
        quantities.sum(),
    ))
}

/// Writes the summary of each order that is created; the first one of an order stays.
pub(super) async fn write(
    connection: &mut Connection,
    events: impl Iterator<Item = &Envelope>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let orders: Vec<_> = events.filter_map(facts).collect();
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(sql(
        "INSERT INTO orders (order_id, customer_id, total, currency, item_count, status, created_at)
         SELECT {text 0}, {text 1}, {cents 2}, {text 3}, {int 4}, 'draft', $1 FROM {rows 2} {in_order}
         ON CONFLICT DO NOTHING",
    ))
    .bind(at(now))
    .bind(json(&orders)?)
    .execute(connection)
    .await?;
    Ok(())
}

impl Db {
    pub(in crate::store) async fn order(
        &self,
        order_id: &str,
    ) -> Result<Option<OrderRow>, StoreError> {
        let row = sqlx::query(sql(
            "SELECT order_id, customer_id, {money total}, currency, item_count, status, created_at
             FROM orders WHERE order_id = $1",
        ))
        .bind(order_id)
        .fetch_optional(&self.read)
        .await?;
        row.as_ref()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(OrderRow {
                    order_id: c.get()?,
                    customer_id: c.get()?,
                    total: Money::from_cents(c.get()?),
                    currency: c.get()?,
                    item_count: u32::try_from(count(c.get()?)).unwrap_or(u32::MAX),
                    status: c.get()?,
                    created_at: c.time()?,
                })
            })
            .transpose()
    }
}
