//! The one form of an event that the rest of the program knows.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::event_type::EventType;
use super::record::Headers;
use super::time;

/// Prefix of an order's stream in the event store.
pub const STREAM_PREFIX: &str = "order-";

/// Field of `metadata`: the shape that a foreign record had.
pub const ORIGINAL_SHAPE: &str = "original_shape";
/// Field of `metadata`: the record's key where it is not the aggregate's id.
pub const ORIGINAL_KEY: &str = "original_key";
/// Field of `metadata`: the trace that the event came in, as a W3C `traceparent`.
pub const TRACEPARENT: &str = "traceparent";

/// An event in its canonical envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The idempotency key; UUIDv7 where we make it.
    pub event_id: Uuid,
    pub event_type: EventType,
    /// Schema version of `data`, from 1.
    pub event_version: u32,
    /// When it happened, to the microsecond.
    pub timestamp: DateTime<Utc>,
    /// Who said it.
    pub source_service: String,
    /// One for each order's journey.
    pub correlation_id: Uuid,
    /// The event that led to this one.
    pub causation_id: Option<Uuid>,
    /// The partition key: an order's id.
    pub aggregate_id: String,
    /// The payload of `event_type` at `event_version`.
    pub data: Map<String, Value>,
    /// What came with it and what the reader noted: original ids, shape, key mismatch, trace.
    pub metadata: Map<String, Value>,
    /// Fields that nobody here knows, kept.
    pub extra: Map<String, Value>,
}

impl Envelope {
    /// Canonical JSON in UTF-8. Unknown fields stand beside the known ones, as they came.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut map = Map::new();
        let mut put = |name: &str, value: Value| {
            map.insert(name.to_owned(), value);
        };
        put("event_id", self.event_id.to_string().into());
        put("event_type", self.event_type.name().into());
        put("event_version", self.event_version.into());
        put("timestamp", time::format(self.timestamp).into());
        put("source_service", self.source_service.as_str().into());
        put("correlation_id", self.correlation_id.to_string().into());
        put(
            "causation_id",
            self.causation_id
                .map_or(Value::Null, |id| id.to_string().into()),
        );
        put("aggregate_id", self.aggregate_id.as_str().into());
        put("data", Value::Object(self.data.clone()));
        if !self.metadata.is_empty() {
            put("metadata", Value::Object(self.metadata.clone()));
        }
        for (name, value) in &self.extra {
            // A known name is taken: what an unknown field says must not change what the event says.
            map.entry(name.as_str()).or_insert_with(|| value.clone());
        }
        // A value's own text form cannot fail, and needs no writer that could.
        Value::Object(map).to_string().into_bytes()
    }

    /// The headers of its record, with a W3C `traceparent`: the trace it came in, else one made from
    /// the correlation id, so that an order's whole journey is one trace; the span is this event.
    #[must_use]
    pub fn headers(&self) -> Headers {
        let mut headers: Headers = [
            ("event_id", self.event_id.to_string()),
            ("event_type", self.event_type.name().to_owned()),
            ("event_version", self.event_version.to_string()),
            ("source_service", self.source_service.clone()),
            ("correlation_id", self.correlation_id.to_string()),
            ("content-type", "application/json".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), Some(value.into_bytes())))
        .into();
        if let Some(traceparent) = self.traceparent() {
            headers.push((TRACEPARENT.to_owned(), Some(traceparent.into_bytes())));
        }
        headers
    }

    /// `00-{trace}-{span}-01`; `None` where an id is all zeroes, which W3C Trace Context forbids.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        let outer = self.metadata.get(TRACEPARENT).and_then(Value::as_str);
        let trace = match outer.and_then(trace_id) {
            Some(trace) => trace.to_owned(),
            None => self.correlation_id.simple().to_string(),
        };
        let id = self.event_id.simple().to_string();
        let span = &id[16..];
        let zero = |hex: &str| hex.bytes().all(|b| b == b'0');
        (!zero(&trace) && !zero(span)).then(|| format!("00-{trace}-{span}-01"))
    }

    /// The stream that it belongs to in the event store.
    #[must_use]
    pub fn stream(&self) -> String {
        format!("{STREAM_PREFIX}{}", self.aggregate_id)
    }

    /// The record's key: the aggregate's id, which keeps an order's events in order.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        self.aggregate_id.clone().into_bytes()
    }
}

/// The trace id of a valid `traceparent` (W3C Trace Context, version 00).
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<&str> {
    let hex = |text: &str, len: usize| {
        text.len() == len
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            && text.bytes().any(|b| b != b'0')
    };
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let valid = version == "00"
        && hex(trace, 32)
        && hex(span, 16)
        && flags.len() == 2
        && parts.next().is_none();
    valid.then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Envelope {
        Envelope {
            event_id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
            event_type: EventType::OrderConfirmed,
            event_version: 1,
            timestamp: DateTime::UNIX_EPOCH,
            source_service: "order-service".into(),
            correlation_id: Uuid::from_u128(0xabc),
            causation_id: None,
            aggregate_id: "ORD-1".into(),
            data: Map::new(),
            metadata: Map::new(),
            extra: Map::new(),
        }
    }

    #[test]
    fn bytes_are_canonical() {
        assert_eq!(
            String::from_utf8(sample().to_bytes()).unwrap(),
            "{\"event_id\":\"01900000-0000-7000-8000-000000000001\",\"event_type\":\"OrderConfirmed\",\
             \"event_version\":1,\"timestamp\":\"1970-01-01T00:00:00.000000Z\",\
             \"source_service\":\"order-service\",\
             \"correlation_id\":\"00000000-0000-0000-0000-000000000abc\",\"causation_id\":null,\
             \"aggregate_id\":\"ORD-1\",\"data\":{}}"
        );
    }

    #[test]
    fn an_unknown_field_cannot_take_a_known_name() {
        let mut envelope = sample();
        envelope.extra.insert("event_id".into(), "x".into());
        envelope.extra.insert("note".into(), "kept".into());
        let back: Value = serde_json::from_slice(&envelope.to_bytes()).unwrap();
        assert_eq!(back["event_id"], "01900000-0000-7000-8000-000000000001");
        assert_eq!(back["note"], "kept");
    }

    #[test]
    fn the_trace_is_the_journey_unless_one_came_along() {
        let mut envelope = sample();
        assert_eq!(
            envelope.traceparent().as_deref(),
            Some("00-00000000000000000000000000000abc-8000000000000001-01")
        );
        let outer = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        envelope.metadata.insert(TRACEPARENT.into(), outer.into());
        assert_eq!(
            envelope.traceparent().as_deref(),
            Some("00-4bf92f3577b34da6a3ce929d0e0e4736-8000000000000001-01")
        );
        envelope.metadata.clear();
        envelope.correlation_id = Uuid::nil();
        assert_eq!(envelope.traceparent(), None);
        assert_eq!(envelope.headers().len(), 6);
    }
}
