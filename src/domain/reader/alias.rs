//! The spellings of fields. The canonical one counts first; null counts as absent; a second spelling
//! of the same field is an unknown field and kept.

use serde_json::{Map, Value};

use super::convert;
use crate::domain::describe;
use crate::domain::event_type::EventType;
use crate::domain::reject::Reject;

/// A field of the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    EventId,
    Type,
    Version,
    Timestamp,
    Source,
    CorrelationId,
    CausationId,
    AggregateId,
    TraceId,
    SpanId,
    Traceparent,
}

impl Name {
    /// All spellings in a plain body, the canonical one first.
    pub(super) const fn spellings(self) -> &'static [&'static str] {
        match self {
            Self::EventId => &["event_id", "eventId"],
            Self::Type => &["event_type", "eventType", "type"],
            Self::Version => &["event_version", "eventVersion", "version"],
            Self::Timestamp => &["timestamp"],
            Self::Source => &["source_service", "sourceService", "source"],
            Self::CorrelationId => &["correlation_id", "correlationId"],
            Self::CausationId => &["causation_id", "causationId"],
            Self::AggregateId => &["aggregate_id", "aggregateId"],
            Self::TraceId => &["trace_id", "traceId"],
            Self::SpanId => &["span_id", "spanId"],
            Self::Traceparent => &["traceparent"],
        }
    }

    /// The spelling that CloudEvents adds: its attributes are lower-case letters and digits only.
    const fn cloud(self) -> Option<&'static str> {
        match self {
            Self::EventId => Some("id"),
            Self::Timestamp => Some("time"),
            Self::CorrelationId => Some("correlationid"),
            Self::CausationId => Some("causationid"),
            Self::Type
            | Self::Version
            | Self::Source
            | Self::AggregateId
            | Self::TraceId
            | Self::SpanId
            | Self::Traceparent => None,
        }
    }

    pub(super) const fn canonical(self) -> &'static str {
        self.spellings()[0]
    }
}

/// What is left when the envelope's fields are taken.
pub(super) struct Rest {
    pub(super) data: Map<String, Value>,
    /// Unknown fields beside the payload.
    pub(super) extra: Map<String, Value>,
    /// There was no `data`: the fields themselves are the payload.
    pub(super) flat: bool,
}

/// A body from which the envelope's fields are taken; what stays is payload or unknown.
pub(super) struct Fields {
    map: Map<String, Value>,
    cloud: bool,
    /// Every field so far was taken by its canonical name.
    canonical: bool,
}

impl Fields {
    pub(super) fn new(map: Map<String, Value>, cloud: bool) -> Self {
        Self {
            map,
            cloud,
            canonical: true,
        }
    }

    pub(super) fn is_canonical(&self) -> bool {
        self.canonical
    }

    pub(super) fn peek(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    /// Takes the field by the first of its spellings that has a value.
    pub(super) fn take(&mut self, name: Name) -> Option<Value> {
        for (i, spelling) in name.spellings().iter().enumerate() {
            let found = take(&mut self.map, &[*spelling]);
            if found.is_some() {
                self.canonical &= i == 0;
                return found;
            }
        }
        take(&mut self.map, &[name.cloud().filter(|_| self.cloud)?])
    }

    /// Takes `metadata`; one that is no object is kept inside one.
    pub(super) fn metadata(&mut self) -> Map<String, Value> {
        match self.map.shift_remove("metadata") {
            Some(Value::Object(map)) => map,
            None | Some(Value::Null) => Map::new(),
            Some(other) => Map::from_iter([("original_metadata".to_owned(), other)]),
        }
    }

    /// Splits what is left into payload and unknown fields.
    pub(super) fn into_rest(mut self) -> Result<Rest, Reject> {
        match self.map.shift_remove("data") {
            Some(Value::Object(data)) => Ok(Rest {
                data,
                extra: self.map,
                flat: false,
            }),
            None | Some(Value::Null) if !self.cloud && !self.map.is_empty() => Ok(Rest {
                data: self.map,
                extra: Map::new(),
                flat: true,
            }),
            None | Some(Value::Null) => Err(Reject::envelope("there is no data")),
            Some(other) => Err(Reject::envelope(format!(
                "data must be an object, not {}",
                describe::kind(&other)
            ))),
        }
    }
}

/// Takes the first of these that has a value. A null on the way is dropped: it says nothing.
pub(super) fn take(map: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
    names
        .iter()
        .find_map(|name| map.shift_remove(*name).filter(|value| !value.is_null()))
}

/// The first of these that has a value.
pub(super) fn peek<'a>(map: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names
        .iter()
        .find_map(|name| map.get(*name).filter(|value| !value.is_null()))
}

/// Foreign spellings of the payload's fields, in order of preference.
const PAYLOAD: [(&str, &str); 18] = [
    ("orderId", "order_id"),
    ("customerId", "customer_id"),
    ("user_id", "customer_id"),
    ("userId", "customer_id"),
    ("customerEmail", "customer_email"),
    ("customerPhone", "customer_phone"),
    ("shippingAddress", "shipping_address"),
    ("totalAmount", "total_amount"),
    ("productId", "product_id"),
    ("productName", "product_name"),
    ("unit_price", "price"),
    ("unitPrice", "price"),
    ("paymentId", "payment_id"),
    ("paymentMethod", "payment_method"),
    ("trackingNumber", "tracking_number"),
    ("shippedAt", "shipped_at"),
    ("refundAmount", "refund_amount"),
    ("reservationId", "reservation_id"),
];

/// Ids that may come as integers.
const IDS: [&str; 5] = [
    "order_id",
    "customer_id",
    "product_id",
    "payment_id",
    "reservation_id",
];

/// Gives the payload its canonical names, down to its items.
pub(super) fn payload(data: &mut Map<String, Value>, event_type: EventType) {
    rename(data);
    if matches!(
        event_type,
        EventType::PaymentFailed | EventType::InventoryReservationFailed
    ) {
        rename_one(data, "error", "reason");
    }
    if let Some(Value::Array(items)) = data.get_mut("items") {
        for item in items {
            if let Value::Object(item) = item {
                rename(item);
            }
        }
    }
}

fn rename(map: &mut Map<String, Value>) {
    // Most payloads are canonical: a look at the letters spares them the table.
    let foreign = |name: &String| {
        matches!(name.as_str(), "user_id" | "unit_price")
            || name.bytes().any(|b| b.is_ascii_uppercase())
    };
    if map.keys().any(foreign) {
        for (alias, canonical) in PAYLOAD {
            rename_one(map, alias, canonical);
        }
    }
    for name in IDS {
        if let Some(value @ Value::Number(_)) = map.get_mut(name)
            && let Some(text) = convert::integer_text(value)
        {
            *value = Value::String(text);
        }
    }
}

fn rename_one(map: &mut Map<String, Value>, alias: &str, canonical: &str) {
    let told = |name: &str| map.get(name).is_some_and(|value| !value.is_null());
    if told(alias)
        && !told(canonical)
        && let Some(value) = map.shift_remove(alias)
    {
        map.insert(canonical.to_owned(), value);
    }
}
