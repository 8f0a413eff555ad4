//! The trace that an event came in (W3C Trace Context): the `traceparent` header, else what the body says.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::alias::{self, Fields, Name};
use crate::domain::envelope::{TRACEPARENT, trace_id};
use crate::domain::record::Headers;

/// Notes the trace in the metadata, unless it is the one that the correlation id makes anyway.
pub(super) fn note(
    fields: &mut Fields,
    metadata: &mut Map<String, Value>,
    headers: &Headers,
    correlation_id: Uuid,
    event_id: Uuid,
) {
    for name in [Name::TraceId, Name::SpanId] {
        if let Some(value) = fields.take(name) {
            metadata.entry(name.canonical()).or_insert(value);
        }
    }
    let body = fields.take(Name::Traceparent);
    let header = super::header(headers, TRACEPARENT).filter(|text| trace_id(text).is_some());
    let known = metadata
        .get(TRACEPARENT)
        .and_then(Value::as_str)
        .and_then(trace_id);
    let found = match header {
        Some(header) if trace_id(header) == known => return,
        Some(header) => header.to_owned(),
        None if known.is_some() => return,
        None => match body
            .as_ref()
            .and_then(Value::as_str)
            .filter(|text| trace_id(text).is_some())
        {
            Some(body) => body.to_owned(),
            None => match from_ids(metadata, event_id) {
                Some(made) => made,
                None => return,
            },
        },
    };
    if trace_id(&found) != Some(correlation_id.simple().to_string().as_str()) {
        metadata.insert(TRACEPARENT.to_owned(), found.into());
    }
}

/// A `traceparent` of the body's trace and span ids, where the trace id is one by W3C's rule.
fn from_ids(metadata: &Map<String, Value>, event_id: Uuid) -> Option<String> {
    let hex = |name: Name| {
        let value = alias::peek(metadata, name.spellings())?;
        Some(value.as_str()?.replace('-', "").to_ascii_lowercase())
    };
    let trace = hex(Name::TraceId)?;
    let whole = |span: &str| {
        let traceparent = format!("00-{trace}-{span}-01");
        trace_id(&traceparent).is_some().then_some(traceparent)
    };
    hex(Name::SpanId)
        .and_then(|span| whole(&span))
        .or_else(|| whole(event_id.simple().to_string().get(16..)?))
}
