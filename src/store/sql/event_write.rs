//! Appending to the event store under the stream's version.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::codec::{Id, Time, at, headers_text, json, signed, sql, uuid};
use super::outbox::{self, NewOutboxRow};
use super::{Connection, Db, orders, streams};
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
    Time,
    &'a str,
);

impl Db {
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
        let events: Vec<_> = events.iter().map(|e| (stream.to_owned(), e)).collect();
        let more = BTreeMap::from([(stream, signed(events.len() as u64))]);
        let versions = streams::versions(&mut tx, &more).await?;
        let actual = versions.get(stream).copied().unwrap_or(0);
        if let Some(expected) = expected
            && actual != expected
        {
            return Err(StoreError::Conflict {
                stream: stream.to_owned(),
                expected,
                actual,
            });
        }
        let stored = write_after(&mut tx, versions, events, publish, now).await?;
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

/// Appends events, each to the stream beside it, wherever that stands: a handful of statements for
/// any number of them.
pub(super) async fn write(
    connection: &mut Connection,
    events: Vec<(String, &Envelope)>,
    publish: bool,
    now: DateTime<Utc>,
) -> Result<Vec<StoredEvent>, StoreError> {
    let mut more = BTreeMap::new();
    for (stream, _) in &events {
        *more.entry(stream.as_str()).or_insert(0) += 1;
    }
    if more.is_empty() {
        return Ok(Vec::new());
    }
    let versions = streams::versions(connection, &more).await?;
    write_after(connection, versions, events, publish, now).await
}

/// The same where it is known how far the streams are. What is numbered from here on stands in the order
/// in which the writers of a stream commit: whoever asked for a version keeps the stream until then.
async fn write_after(
    connection: &mut Connection,
    mut versions: HashMap<String, i64>,
    events: Vec<(String, &Envelope)>,
    publish: bool,
    now: DateTime<Utc>,
) -> Result<Vec<StoredEvent>, StoreError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let known = versions.len();
    let mut stored = Vec::with_capacity(events.len());
    for (stream, envelope) in &events {
        let version = versions.entry(stream.clone()).or_insert(0);
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
    let new_streams = versions.len() - known;
    insert(connection, &mut stored, now).await?;
    if publish {
        let rows: Vec<_> = stored
            .iter()
            .zip(&events)
            .map(|(s, (_, e))| outbox_row(s, e))
            .collect();
        outbox::insert(connection, &rows, now).await?;
    }
    orders::write(connection, events.iter().map(|(_, e)| *e), now).await?;
    streams::counted(connection, stored.len(), new_streams).await?;
    Ok(stored)
}

/// Inserts, and notes where each event stands.
async fn insert(
    connection: &mut Connection,
    events: &mut [StoredEvent],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
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
                at(e.timestamp),
                &e.payload,
            )
        })
        .collect();
    let inserted: Vec<(Id, i64, i64)> = sqlx::query_as(sql(
        "INSERT INTO event_store (event_id, stream, version, event_type, event_version, correlation_id,
             causation_id, source_service, timestamp, recorded_at, data)
         SELECT {id 0}, {text 1}, {int 2}, {text 3}, {int 4}, {id 5}, {id 6}, {text 7}, {time 8}, $1, {text 9}
         FROM {rows 2} {in_order}
         ON CONFLICT (event_id) DO NOTHING RETURNING event_id, tx, pos",
    ))
    .bind(at(now))
    .bind(json(&rows)?)
    .fetch_all(connection)
    .await?;
    let mut positions = HashMap::with_capacity(inserted.len());
    for (id, tx, pos) in inserted {
        positions.insert(uuid(id)?, Position { tx, pos });
    }
    // An id that was there already got no row, nor did its second copy in the list.
    for event in events {
        event.position = positions
            .remove(&event.event_id)
            .ok_or(StoreError::DuplicateEvent(event.event_id))?;
    }
    Ok(())
}

fn outbox_row<'a>(stored: &'a StoredEvent, envelope: &'a Envelope) -> NewOutboxRow<'a> {
    NewOutboxRow(
        stored.event_id,
        "order",
        &envelope.aggregate_id,
        envelope.event_type.name(),
        &stored.payload,
        envelope.event_type.topic(),
        headers_text(&envelope.headers()),
    )
}
