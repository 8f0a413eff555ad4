//! The event store: appending under the stream's version, and reading in pages by position.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Sqlite as Driver};
use uuid::Uuid;

use super::codec::{Columns, headers_text, json, json_ids, micros};
use super::outbox::{self, NewOutboxRow};
use super::{Sqlite, services};
use crate::domain::envelope::Envelope;
use crate::domain::event_type::EventType;
use crate::domain::position::Position;
use crate::domain::stored::{EventFilter, StoredEvent};
use crate::store::{EventCount, EventPage, Expected, Page, StoreError};

const COLUMNS: &str =
    "SELECT tx, pos, event_id, stream, version, event_type, event_version, correlation_id,
    causation_id, source_service, timestamp, recorded_at, data FROM event_store";

/// A row in the order of the INSERT below.
#[derive(Serialize)]
struct NewEvent<'a>(
    Uuid,
    &'a str,
    i64,
    &'a str,
    u32,
    Uuid,
    Option<Uuid>,
    &'a str,
    i64,
    &'a str,
);

impl Sqlite {
    pub(in crate::store) async fn append(
        &self,
        stream: &str,
        expected: Expected,
        events: &[Envelope],
        publish: bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut tx = self.begin().await?;
        let expected = match expected {
            Expected::Any => None,
            Expected::NoStream => Some(0),
            Expected::Exact(version) => Some(version),
        };
        if let Some(expected) = expected {
            let actual = versions(&mut tx, [stream])
                .await?
                .remove(stream)
                .unwrap_or(0);
            if actual != expected {
                return Err(StoreError::Conflict {
                    stream: stream.to_owned(),
                    expected,
                    actual,
                });
            }
        }
        let events: Vec<_> = events.iter().map(|e| (stream.to_owned(), e)).collect();
        let stored = write(&mut tx, events, publish, now).await?;
        tx.commit().await?;
        Ok(stored)
    }

    pub(in crate::store) async fn append_many(
        &self,
        events: &[Envelope],
        publish: bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut tx = self.begin().await?;
        let events = events.iter().map(|e| (e.stream(), e)).collect();
        let stored = write(&mut tx, events, publish, now).await?;
        tx.commit().await?;
        Ok(stored)
    }

    pub(in crate::store) async fn events(
        &self,
        filter: &EventFilter,
        page: Page,
        limit: u32,
    ) -> Result<EventPage, StoreError> {
        let mut query = select(COLUMNS, filter);
        let backwards = match page {
            Page::Newest => true,
            Page::Before(position) => {
                query.push(" AND pos < ").push_bind(position.pos);
                true
            }
            Page::After(position) => {
                query.push(" AND pos > ").push_bind(position.pos);
                false
            }
        };
        query.push(if backwards {
            " ORDER BY pos DESC LIMIT "
        } else {
            " ORDER BY pos LIMIT "
        });
        // One more than asked tells whether there are more.
        query.push_bind(i64::from(limit) + 1);
        let rows = query.build().fetch_all(&self.read).await?;
        let more = rows.len() > limit as usize;
        let mut rows: Vec<StoredEvent> = rows
            .iter()
            .take(limit as usize)
            .map(stored)
            .collect::<Result<_, _>>()?;
        if backwards {
            rows.reverse();
        }
        let (at_start, at_end) = match page {
            Page::Newest => (!more, true),
            Page::Before(position) => (!more, !self.any(filter, " AND pos >= ", position).await?),
            Page::After(position) => (!self.any(filter, " AND pos <= ", position).await?, !more),
        };
        Ok(EventPage {
            rows,
            at_start,
            at_end,
        })
    }

    async fn any(
        &self,
        filter: &EventFilter,
        side: &'static str,
        position: Position,
    ) -> Result<bool, StoreError> {
        let mut query = select("SELECT pos FROM event_store", filter);
        query.push(side).push_bind(position.pos).push(" LIMIT 1");
        Ok(query.build().fetch_optional(&self.read).await?.is_some())
    }

    pub(in crate::store) async fn event(
        &self,
        position: Position,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE pos = ").push_bind(position.pos);
        query.push(" AND tx = ").push_bind(position.tx);
        let row = query.build().fetch_optional(&self.read).await?;
        row.as_ref().map(stored).transpose()
    }

    pub(in crate::store) async fn previous_in_stream(
        &self,
        stream: &str,
        version: i64,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE stream = ").push_bind(stream);
        query.push(" AND version < ").push_bind(version);
        query.push(" ORDER BY version DESC LIMIT 1");
        let row = query.build().fetch_optional(&self.read).await?;
        row.as_ref().map(self::stored).transpose()
    }

    pub(in crate::store) async fn stream_until(
        &self,
        stream: &str,
        version: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE stream = ").push_bind(stream);
        query.push(" AND version <= ").push_bind(version);
        query.push(" ORDER BY version");
        let rows = query.build().fetch_all(&self.read).await?;
        rows.iter().map(stored).collect()
    }

    pub(in crate::store) async fn count_events(
        &self,
        filter: &EventFilter,
    ) -> Result<EventCount, StoreError> {
        let columns =
            "SELECT count(*), min(pos), max(pos), min(timestamp), max(timestamp) FROM event_store";
        let row = select(columns, filter)
            .build()
            .fetch_one(&self.read)
            .await?;
        let mut c = Columns::of(&row);
        let position = |pos: Option<i64>| pos.map(|pos| Position { tx: 0, pos });
        Ok(EventCount {
            count: c.count()?,
            first: position(c.get()?),
            last: position(c.get()?),
            first_at: c.time_or_null()?,
            last_at: c.time_or_null()?,
        })
    }

    pub(in crate::store) async fn totals(&self) -> Result<(u64, Option<u64>), StoreError> {
        // Nothing is deleted and a rollback burns no number, so the newest position is the count.
        let row = sqlx::query(
            "SELECT coalesce((SELECT max(pos) FROM event_store), 0), streams FROM stream_count",
        )
        .fetch_one(&self.read)
        .await?;
        let mut c = Columns::of(&row);
        Ok((c.count()?, Some(c.count()?)))
    }
}

/// A SELECT with the filter's conditions.
fn select(columns: &'static str, filter: &EventFilter) -> QueryBuilder<Driver> {
    let mut query = QueryBuilder::<Driver>::new(columns);
    query.push(" WHERE 1");
    if let Some(stream) = &filter.stream {
        query.push(" AND stream = ").push_bind(stream.clone());
    }
    if let Some(event_type) = &filter.event_type {
        query
            .push(" AND event_type = ")
            .push_bind(event_type.clone());
    }
    if let Some(id) = filter.correlation_id {
        query
            .push(" AND correlation_id = ")
            .push_bind(id.to_string());
    }
    if let Some(id) = filter.event_id {
        query.push(" AND event_id = ").push_bind(id.to_string());
    }
    if let Some(from) = filter.from {
        query.push(" AND timestamp >= ").push_bind(micros(from));
    }
    if let Some(to) = filter.to {
        query.push(" AND timestamp < ").push_bind(micros(to));
    }
    query
}

fn stored(row: &SqliteRow) -> Result<StoredEvent, StoreError> {
    let mut c = Columns::of(row);
    Ok(StoredEvent {
        position: Position {
            tx: c.get()?,
            pos: c.get()?,
        },
        event_id: c.uuid()?,
        stream: c.get()?,
        version: c.get()?,
        event_type: c.get()?,
        event_version: c.get()?,
        correlation_id: c.uuid()?,
        causation_id: c.uuid_or_null()?,
        source_service: c.get()?,
        timestamp: c.time()?,
        recorded_at: c.time()?,
        payload: c.get()?,
    })
}

/// Where streams stand; those that do not exist are left out.
async fn versions<'a>(
    connection: &mut SqliteConnection,
    streams: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, i64>, StoreError> {
    let streams: Vec<&str> = streams.into_iter().collect();
    let rows: Vec<(String, Option<i64>)> = sqlx::query_as(
        "SELECT s.value, (SELECT max(version) FROM event_store WHERE stream = s.value) FROM json_each(?) s",
    )
    .bind(json(&streams)?)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(s, v)| Some((s, v?)))
        .collect())
}

/// Appends events, each to the stream beside it, wherever that stands: a handful of statements for
/// any number of them.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    events: Vec<(String, &Envelope)>,
    publish: bool,
    now: DateTime<Utc>,
) -> Result<Vec<StoredEvent>, StoreError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut at = versions(connection, events.iter().map(|(s, _)| s.as_str())).await?;
    let known = at.len();
    let mut stored = Vec::with_capacity(events.len());
    for (stream, envelope) in &events {
        let version = at.entry(stream.clone()).or_insert(0);
        *version += 1;
        let payload = String::from_utf8(envelope.to_bytes())
            .map_err(|_| StoreError::Other("an envelope is no UTF-8".into()))?;
        stored.push(StoredEvent {
            position: Position::START,
            event_id: envelope.event_id,
            stream: stream.clone(),
            version: *version,
            event_type: envelope.event_type.name().to_owned(),
            event_version: envelope.event_version,
            correlation_id: envelope.correlation_id,
            causation_id: envelope.causation_id,
            source_service: envelope.source_service.clone(),
            timestamp: envelope.timestamp,
            recorded_at: now,
            payload,
        });
    }
    let newest = insert(connection, &stored, now).await?;
    // One writer and AUTOINCREMENT: the rows of one INSERT stand without gaps, in its order.
    let first = newest - i64::try_from(stored.len()).unwrap_or_default();
    for (event, pos) in stored.iter_mut().zip(first + 1..) {
        event.position = Position { tx: 0, pos };
    }
    let new_streams = at.len() - known;
    if new_streams > 0 {
        sqlx::query("UPDATE stream_count SET streams = streams + ?")
            .bind(i64::try_from(new_streams).unwrap_or_default())
            .execute(&mut *connection)
            .await?;
    }
    if publish {
        let rows: Vec<_> = stored
            .iter()
            .zip(&events)
            .map(|(s, (_, e))| outbox_row(s, e))
            .collect();
        outbox::insert(connection, &rows, now).await?;
    }
    services::write_orders(connection, events.iter().map(|(_, e)| *e), now).await?;
    Ok(stored)
}

/// Inserts and returns the last row's position.
async fn insert(
    connection: &mut SqliteConnection,
    events: &[StoredEvent],
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let rows: Vec<NewEvent<'_>> = events
        .iter()
        .map(|e| {
            NewEvent(
                e.event_id,
                &e.stream,
                e.version,
                &e.event_type,
                e.event_version,
                e.correlation_id,
                e.causation_id,
                &e.source_service,
                micros(e.timestamp),
                &e.payload,
            )
        })
        .collect();
    let inserted = sqlx::query(
        "INSERT INTO event_store (event_id, stream, version, event_type, event_version, correlation_id,
             causation_id, source_service, timestamp, recorded_at, data)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7,
             value->>8, ?1, value->>9
         FROM json_each(?2)",
    )
    .bind(micros(now))
    .bind(json(&rows)?)
    .execute(&mut *connection)
    .await;
    match inserted {
        Ok(done) => Ok(done.last_insert_rowid()),
        Err(error) => Err(match duplicate(connection, events, &error).await? {
            Some(id) => StoreError::DuplicateEvent(id),
            None => error.into(),
        }),
    }
}

/// The event whose id was there before, where that is what went wrong.
async fn duplicate(
    connection: &mut SqliteConnection,
    events: &[StoredEvent],
    error: &sqlx::Error,
) -> Result<Option<Uuid>, StoreError> {
    if !error
        .as_database_error()
        .is_some_and(|e| e.is_unique_violation())
    {
        return Ok(None);
    }
    let stored: Option<String> = sqlx::query_scalar(
        "SELECT event_id FROM event_store WHERE event_id IN (SELECT value FROM json_each(?)) LIMIT 1",
    )
    .bind(json_ids(events.iter().map(|e| e.event_id))?)
    .fetch_optional(connection)
    .await?;
    if let Some(id) = stored {
        return super::codec::uuid(&id).map(Some);
    }
    let mut seen = std::collections::HashSet::new();
    Ok(events
        .iter()
        .map(|e| e.event_id)
        .find(|id| !seen.insert(*id)))
}

fn outbox_row<'a>(stored: &'a StoredEvent, envelope: &'a Envelope) -> NewOutboxRow<'a> {
    NewOutboxRow(
        stored.event_id.to_string(),
        "order",
        &envelope.aggregate_id,
        envelope.event_type.name(),
        &stored.payload,
        envelope.event_type.topic(),
        headers_text(&envelope.headers()),
    )
}

/// The facts of an order's summary, where the event tells them.
pub(super) fn order_facts(envelope: &Envelope) -> Option<(&str, &str, i64, &str, u64)> {
    if envelope.event_type != EventType::OrderCreated {
        return None;
    }
    let text = |name: &str| envelope.data.get(name).and_then(Value::as_str);
    let total = crate::domain::money::Money::from_json(envelope.data.get("total_amount")?).ok()?;
    let items = envelope.data.get("items").and_then(Value::as_array)?;
    let quantities = items
        .iter()
        .filter_map(|i| i.get("quantity").and_then(Value::as_u64));
    Some((
        &envelope.aggregate_id,
        text("customer_id")?,
        total.cents(),
        text("currency").unwrap_or(crate::domain::upcast::DEFAULT_CURRENCY),
        quantities.sum(),
    ))
}
