//! What the services know: stock, reservations, mails and windows. Loaded
//! before a batch is decided and written after it, each kind in one statement.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::codec::{Columns, Time, at, each, json, list, signed, sql, time, unreadable};
use super::{Connection, Db, locks};
use crate::domain::event::ReservedItem;
use crate::domain::money::Money;
use crate::domain::service::analytics::{Tally, Window};
use crate::domain::service::inventory::{self, Reservation, ReservationStatus, Stock};
use crate::domain::service::{Needs, Service, State, Write};
use crate::store::{EmailRow, StockRow, StoreError};

/// Loads what a batch needs.
pub(super) async fn load(
    connection: &mut Connection,
    service: Service,
    mut needs: Needs,
) -> Result<State, StoreError> {
    let mut state = State::default();
    locks::decisions(connection, service, &needs).await?;
    match service {
        Service::Email => load_addresses(connection, &needs, &mut state).await?,
        Service::Analytics => load_windows(connection, &needs, &mut state).await?,
        Service::Inventory => {
            load_reservations(connection, &needs, &mut state).await?;
            inventory::needs_of_reservations(&state, &mut needs);
            locks::stock(connection, &needs.products).await?;
            load_stock(connection, &needs, &mut state).await?;
        }
    }
    Ok(state)
}

async fn load_addresses(
    connection: &mut Connection,
    needs: &Needs,
    state: &mut State,
) -> Result<(), StoreError> {
    if needs.addresses.is_empty() {
        return Ok(());
    }
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(sql(
        "SELECT {text 0}, (SELECT recipient FROM email_log WHERE order_id = {text 0} AND recipient IS NOT NULL
                           ORDER BY id LIMIT 1)
         FROM {rows 1}",
    ))
    .bind(list(&needs.addresses)?)
    .fetch_all(connection)
    .await?;
    state.addresses.extend(rows);
    Ok(())
}

async fn load_windows(
    connection: &mut Connection,
    needs: &Needs,
    state: &mut State,
) -> Result<(), StoreError> {
    let rows = sqlx::query(sql(
        "SELECT start, orders, {money revenue}, payments, late, newest, closed_at FROM analytics_window
         WHERE closed_at IS NULL
         UNION SELECT start, orders, {money revenue}, payments, late, newest, closed_at FROM analytics_window
         WHERE start IN (SELECT {time 0} FROM {rows 1})",
    ))
    .bind(list(needs.windows.iter().copied().map(at))?)
    .fetch_all(&mut *connection)
    .await?;
    for window in each(&rows, window)? {
        state.windows.insert(window.start, window);
    }
    let newest: Option<Time> = sqlx::query_scalar("SELECT max(newest) FROM analytics_window")
        .fetch_one(connection)
        .await?;
    state.watermark = newest.map(time).transpose()?;
    Ok(())
}

async fn load_reservations(
    connection: &mut Connection,
    needs: &Needs,
    state: &mut State,
) -> Result<(), StoreError> {
    let rows = sqlx::query(sql(
        "SELECT order_id, reservation_id, items, status FROM reservation
         WHERE order_id IN (SELECT {text 0} FROM {rows 1})",
    ))
    .bind(list(&needs.reservations)?)
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let order_id: String = c.get()?;
        let reservation_id = c.get()?;
        let text: &str = c.get()?;
        let items: Vec<(String, u32)> =
            serde_json::from_str(text).map_err(|_| unreadable("list of items", text))?;
        let items = items
            .into_iter()
            .map(|(product_id, quantity)| ReservedItem {
                product_id,
                quantity,
            });
        let reservation = Reservation {
            order_id: order_id.clone(),
            reservation_id,
            items: items.collect(),
            status: c.word("reservation's status", ReservationStatus::parse)?,
        };
        state.reservations.insert(order_id, reservation);
    }
    Ok(())
}

async fn load_stock(
    connection: &mut Connection,
    needs: &Needs,
    state: &mut State,
) -> Result<(), StoreError> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as(sql("SELECT product_id, available, reserved FROM stock
         WHERE product_id IN (SELECT {text 0} FROM {rows 1})"))
        .bind(list(&needs.products)?)
        .fetch_all(connection)
        .await?;
    for (product, available, reserved) in rows {
        let stock = Stock {
            available,
            reserved,
        };
        state.stock.insert(product, stock);
    }
    Ok(())
}

/// Writes what decisions ask for; of rows with the same key the last one counts.
pub(super) async fn write(
    connection: &mut Connection,
    writes: Vec<Write>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut emails = Vec::new();
    let mut stock = BTreeMap::new();
    let mut reservations = BTreeMap::new();
    let mut windows = BTreeMap::new();
    for write in writes {
        match write {
            Write::Email(e) => {
                emails.push((e.message_id, e.order_id, e.recipient, e.subject, at(e.at)))
            }
            Write::Stock(product, level) => {
                let row = (product.clone(), level.available, level.reserved);
                stock.insert(product, row);
            }
            Write::Reservation(r) => {
                let items: Vec<_> = r
                    .items
                    .iter()
                    .map(|i| (&i.product_id, i.quantity))
                    .collect();
                let row = (
                    r.order_id.clone(),
                    r.reservation_id,
                    json(&items)?,
                    r.status.name(),
                    at(now),
                );
                reservations.insert(r.order_id, row);
            }
            Write::Window(window) => {
                windows.insert(window.start, window_row(&window)?);
            }
        }
    }
    let statements = [
        (!emails.is_empty()).then(|| (INSERT_EMAILS, json(&emails))),
        (!stock.is_empty()).then(|| (UPSERT_STOCK, rows(stock))),
        (!reservations.is_empty()).then(|| (UPSERT_RESERVATIONS, rows(reservations))),
        (!windows.is_empty()).then(|| (UPSERT_WINDOWS, rows(windows))),
    ];
    for (statement, rows) in statements.into_iter().flatten() {
        sqlx::query(sql(statement))
            .bind(rows?)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Rows without their keys, in the keys' order.
fn rows<K, R: Serialize>(rows: BTreeMap<K, R>) -> Result<String, StoreError> {
    json(&rows.into_values().collect::<Vec<_>>())
}

const INSERT_EMAILS: &str = "INSERT INTO email_log (message_id, order_id, recipient, subject, at)
    SELECT {text 0}, {text 1}, {text 2}, {text 3}, {time 4} FROM {rows 1} {in_order}";

const UPSERT_STOCK: &str = "INSERT INTO stock (product_id, available, reserved)
    SELECT {text 0}, {int 1}, {int 2} FROM {rows 1} {in_order}
    ON CONFLICT (product_id) DO UPDATE SET available = excluded.available, reserved = excluded.reserved";

const UPSERT_RESERVATIONS: &str =
    "INSERT INTO reservation (order_id, reservation_id, items, status, at)
    SELECT {text 0}, {text 1}, {text 2}, {text 3}, {time 4} FROM {rows 1} {in_order}
    ON CONFLICT (order_id) DO UPDATE SET reservation_id = excluded.reservation_id,
        items = excluded.items, status = excluded.status, at = excluded.at";

const UPSERT_WINDOWS: &str = "INSERT INTO analytics_window
        (start, orders, revenue, payments, late, newest, closed_at)
    SELECT {time 0}, {int 1}, {cents 2}, {text 3}, {int 4}, {time 5}, {time 6} FROM {rows 1} {in_order}
    ON CONFLICT (start) DO UPDATE SET orders = excluded.orders, revenue = excluded.revenue,
        payments = excluded.payments, late = excluded.late, newest = excluded.newest,
        closed_at = excluded.closed_at";

type WindowRow = (Time, i64, i64, String, i64, Time, Option<Time>);

fn window_row(window: &Window) -> Result<WindowRow, StoreError> {
    let payments: BTreeMap<_, _> = window
        .payments
        .iter()
        .map(|(method, tally)| (method, (tally.approved, tally.declined)))
        .collect();
    Ok((
        at(window.start),
        signed(window.orders),
        window.revenue.cents(),
        json(&payments)?,
        signed(window.late),
        at(window.newest),
        window.closed_at.map(at),
    ))
}

fn window(c: &mut Columns<'_>) -> Result<Window, StoreError> {
    let (start, orders, revenue) = (c.time()?, c.count()?, Money::from_cents(c.get()?));
    let text: &str = c.get()?;
    let payments: BTreeMap<String, (u64, u64)> =
        serde_json::from_str(text).map_err(|_| unreadable("count of payments", text))?;
    let tally = |(approved, declined)| Tally { approved, declined };
    Ok(Window {
        start,
        orders,
        revenue,
        payments: payments
            .into_iter()
            .map(|(method, t)| (method, tally(t)))
            .collect(),
        late: c.count()?,
        newest: c.time()?,
        closed_at: c.time_or_null()?,
    })
}

impl Db {
    pub(in crate::store) async fn seed_stock(
        &self,
        stock: &[(String, i64)],
    ) -> Result<(), StoreError> {
        sqlx::query(sql(
            "INSERT INTO stock (product_id, available, reserved)
             SELECT {text 0}, {int 1}, 0 FROM {rows 1} {in_order} ON CONFLICT DO NOTHING",
        ))
        .bind(json(stock)?)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn stock(&self) -> Result<Vec<StockRow>, StoreError> {
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as("SELECT product_id, available, reserved FROM stock ORDER BY product_id")
                .fetch_all(&self.read)
                .await?;
        let row = |(product_id, available, reserved)| StockRow {
            product_id,
            available,
            reserved,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    pub(in crate::store) async fn emails_newest(
        &self,
        limit: u32,
    ) -> Result<Vec<EmailRow>, StoreError> {
        self.first(
            "SELECT id, message_id, order_id, recipient, subject, at FROM email_log ORDER BY id DESC LIMIT $1",
            limit,
            |c| {
                Ok(EmailRow {
                    id: c.get()?,
                    message_id: c.get()?,
                    order_id: c.get()?,
                    recipient: c.get()?,
                    subject: c.get()?,
                    at: c.time()?,
                })
            },
        )
        .await
    }

    pub(in crate::store) async fn windows_newest(
        &self,
        limit: u32,
    ) -> Result<Vec<Window>, StoreError> {
        self.first(
            sql("SELECT start, orders, {money revenue}, payments, late, newest, closed_at FROM analytics_window
             ORDER BY start DESC LIMIT $1"),
            limit,
            window,
        )
        .await
    }
}

/// A window's message is about no order.
pub(super) fn message_headers(event_type: &str) -> String {
    Value::Array(vec![
        Value::from(vec!["event_type", event_type]),
        Value::from(vec!["content-type", "application/json"]),
    ])
    .to_string()
}
