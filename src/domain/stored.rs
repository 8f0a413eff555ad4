//! Rows of the event store and the outbox, as plain data.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::position::Position;
use super::record::Record;

/// An event as it stands in the event store; `payload` is the whole envelope, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    pub position: Position,
    pub event_id: Uuid,
    pub stream: String,
    /// 1 for a stream's first event.
    pub version: i64,
    pub event_type: String,
    pub event_version: u32,
    pub correlation_id: Uuid,
    pub causation_id: Option<Uuid>,
    pub source_service: String,
    /// When it happened, by its envelope.
    pub timestamp: DateTime<Utc>,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
    pub payload: String,
}

impl StoredEvent {
    /// The record that it was on this topic, as far as its envelope says: a reader reads one like the other.
    #[must_use]
    pub fn as_record(&self, topic: &str) -> Record {
        Record {
            topic: topic.to_owned(),
            partition: 0,
            offset: 0,
            timestamp: Some(self.timestamp),
            key: None,
            value: Some(self.payload.clone().into_bytes()),
            headers: Vec::new(),
        }
    }
}

/// Which events a page or a replay is about; empty fields do not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    pub stream: Option<String>,
    /// From this version of its stream on.
    pub from_version: Option<i64>,
    pub event_type: Option<String>,
    pub correlation_id: Option<Uuid>,
    pub event_id: Option<Uuid>,
    /// Inclusive, by the envelope's timestamp.
    pub from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub to: Option<DateTime<Utc>>,
    /// Only events of these types; none is any.
    #[serde(default)]
    pub types: Vec<String>,
    /// Only events up to this place: those that were there when somebody counted.
    #[serde(default)]
    pub up_to: Option<Position>,
}

impl EventFilter {
    /// Whether it is about this event: what the store's conditions say, for rows that are here already.
    #[must_use]
    pub fn matches(&self, event: &StoredEvent) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        same(&self.stream, &event.stream)
            && self.from_version.is_none_or(|from| event.version >= from)
            && same(&self.event_type, &event.event_type)
            && self
                .correlation_id
                .is_none_or(|id| id == event.correlation_id)
            && self.event_id.is_none_or(|id| id == event.event_id)
            && self.from.is_none_or(|from| event.timestamp >= from)
            && self.to.is_none_or(|to| event.timestamp < to)
            && (self.types.is_empty() || self.types.contains(&event.event_type))
            && self.up_to.is_none_or(|last| event.position <= last)
    }
}

/// In words, as operations and the audit log say it.
impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            self.stream.as_ref().map(|v| format!("stream {v}")),
            self.from_version.map(|v| format!("from v{v} on")),
            self.event_type.as_ref().map(|v| format!("type {v}")),
            self.correlation_id.map(|v| format!("correlation {v}")),
            self.event_id.map(|v| format!("event {v}")),
            self.from.map(|v| format!("from {}", v.to_rfc3339())),
            self.to.map(|v| format!("to {}", v.to_rfc3339())),
            self.up_to.map(|v| format!("up to position {v}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            return f.write_str("every event");
        }
        f.write_str(&parts.join(", "))
    }
}

/// A row waiting to be published. The first five columns are Debezium's outbox contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    pub seq: i64,
    pub id: Uuid,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub event_type: String,
    pub topic: String,
    pub payload: String,
    pub headers: super::record::Headers,
    pub created_at: DateTime<Utc>,
}

/// A row that the broker has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentRow {
    pub seq: i64,
    pub id: Uuid,
    pub aggregate_id: String,
    pub event_type: String,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub created_at: DateTime<Utc>,
    pub sent_at: DateTime<Utc>,
}

/// A key whose head could not be sent. Back-off sits here, never on the row, so no later row of the
/// key can overtake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedKey {
    pub aggregate_id: String,
    pub head_seq: i64,
    pub attempts: u32,
    /// When it is tried again; `None` is parked: only a person takes it out.
    pub until: Option<DateTime<Utc>>,
    pub error: String,
}
