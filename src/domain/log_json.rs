//! An event of the store and a record of a topic as JSON, for whoever writes them out.

use serde_json::{Value, json};

use super::letter_json::{bytes, headers, object, time};
use super::message::Message;
use super::stored::StoredEvent;

/// An event with all that the store has of it; its payload as it was written.
#[must_use]
pub fn event(it: &StoredEvent) -> Value {
    json!({
        "position": it.position.exact(),
        "event_id": it.event_id,
        "stream": it.stream,
        "version": it.version,
        "event_type": it.event_type,
        "event_version": it.event_version,
        "correlation_id": it.correlation_id,
        "causation_id": it.causation_id,
        "source_service": it.source_service,
        "timestamp": time(Some(it.timestamp)),
        "recorded_at": time(Some(it.recorded_at)),
        "value": it.payload,
    })
}

/// A record with key, value and headers, whatever bytes they are.
#[must_use]
pub fn record(it: &Message) -> Value {
    let mut all = object(json!({
        "topic": it.record.topic,
        "partition": it.record.partition,
        "offset": it.record.offset,
        "timestamp": time(it.record.timestamp),
        "type": it.kind,
    }));
    bytes(&mut all, "key", it.record.key.as_deref());
    bytes(&mut all, "value", it.record.value.as_deref());
    all.insert("headers".to_owned(), headers(&it.record.headers));
    Value::Object(all)
}
