//! The summary of an order, written in the transaction that accepts it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;

use super::Sqlite;
use super::codec::{Columns, count, json, micros};
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
    connection: &mut SqliteConnection,
    events: impl Iterator<Item = &Envelope>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let orders: Vec<_> = events.filter_map(facts).collect();
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO orders (order_id, customer_id, total, currency, item_count, status, created_at)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, 'draft', ?1 FROM json_each(?2) WHERE true
         ON CONFLICT DO NOTHING",
    )
    .bind(micros(now))
    .bind(json(&orders)?)
    .execute(connection)
    .await?;
    Ok(())
}

impl Sqlite {
    pub(in crate::store) async fn order(
        &self,
        order_id: &str,
    ) -> Result<Option<OrderRow>, StoreError> {
        let row = sqlx::query(
            "SELECT order_id, customer_id, total, currency, item_count, status, created_at
             FROM orders WHERE order_id = ?",
        )
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
