//! Appending to the event store under the stream's version.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use super::codec::{headers_text, json, json_ids, micros, uuid};
use super::outbox::{self, NewOutboxRow};
use super::{Sqlite, orders};
use crate::domain::envelope::Envelope;
use crate::domain::position::Position;
use crate::domain::stored::StoredEvent;
use crate::store::{Expected, StoreError};

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
    orders::write(connection, events.iter().map(|(_, e)| *e), now).await?;
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
        return uuid(&id).map(Some);
    }
    let mut seen = HashSet::new();
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
