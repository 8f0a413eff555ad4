//! The tolerant reader: any of the shapes that producers use becomes one canonical envelope.
//!
//! What fits none is refused with a reason and its bytes stay as they are. Reading is a pure function
//! of the record: read twice, it gives the same event with the same ids.

mod alias;
mod checksum;
mod cloudevents;
mod convert;
mod json;
mod shape;
mod trace;

use serde_json::{Map, Value};
use uuid::Uuid;

pub use shape::Shape;

use super::envelope::{Envelope, ORIGINAL_KEY, ORIGINAL_SHAPE};
use super::event::Event;
use super::event_type::EventType;
use super::record::{Headers, Record};
use super::reject::{Reject, RejectCode};
use super::{describe, ids};
use alias::{Fields, Name, Rest};

/// The aggregate where neither the event nor its key names one. No payload is valid then.
const UNKNOWN_AGGREGATE: &str = "unknown";

/// What the reader refuses before it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of the value alone, without key and headers.
    pub max_value_bytes: usize,
}

impl Limits {
    /// For what was read once already.
    pub const NONE: Self = Self {
        max_value_bytes: usize::MAX,
    };
}

impl Default for Limits {
    /// 1 MiB.
    fn default() -> Self {
        Self {
            max_value_bytes: 1024 * 1024,
        }
    }
}

/// A record that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub envelope: Envelope,
    pub event: Event,
    pub shape: Shape,
}

/// Reads a record down to its typed, valid event.
pub fn read(record: &Record, limits: &Limits) -> Result<Read, Reject> {
    let (envelope, shape) = read_envelope(record, limits)?;
    let event = Event::decode(&envelope, shape)?;
    Ok(Read {
        envelope,
        event,
        shape,
    })
}

/// Parses a value as the reader does: bounded depth, numbers as they are written.
pub fn parse(text: &str) -> Result<Map<String, Value>, Reject> {
    json::object(text, "the value")
}

/// Why a text is no JSON, and where.
pub fn syntax(text: &str) -> Result<(), (String, Option<super::edit::Place>)> {
    json::syntax(text)
}

/// The text with its checksum made anew, where it is of the shape that has one.
#[must_use]
pub fn stamped(text: &str) -> Option<String> {
    let body = json::object(text, "the value").ok()?;
    shape::is_camel(&body)
        .then(|| checksum::stamped(body))
        .flatten()
}

/// Reads a record as far as its envelope: the payload's own rules are not looked at, and its version
/// may be one that nobody here knows.
pub fn read_envelope(record: &Record, limits: &Limits) -> Result<(Envelope, Shape), Reject> {
    let text = value_text(record, limits)?;
    let body = json::object(text, "the value")?;
    let headers = &record.headers;
    let (mut body, cloud) = cloudevents::unwrap(body, headers)?;
    let camel = cloud.is_none() && shape::is_camel(&body);
    if camel {
        checksum::verify(&mut body, text)?;
    }
    let mut fields = Fields::new(body, cloud.is_some());

    let word = event_type_text(&mut fields, headers)?;
    let given_version = match fields.take(Name::Version) {
        Some(value) => Some(value),
        None => header(headers, "event_version").map(Value::from),
    };
    let (event_type, type_version) = parse_type(&word, cloud.is_some(), given_version.as_ref())?;
    let event_version = match &given_version {
        Some(value) => convert::version(value)?,
        None => fields
            .peek("dataschema")
            .filter(|_| cloud.is_some())
            .and_then(cloudevents::schema_version)
            .or(type_version)
            .unwrap_or(1),
    };

    let mut metadata = fields.metadata();
    let event_id = take_id(&mut fields, &mut metadata, headers, Name::EventId)?
        .unwrap_or_else(|| ids::of_record(&record.topic, record.partition, record.offset));
    let correlation_id =
        take_id(&mut fields, &mut metadata, headers, Name::CorrelationId)?.unwrap_or(event_id);
    let causation_id = take_id(&mut fields, &mut metadata, headers, Name::CausationId)?;
    let timestamp = match fields.take(Name::Timestamp) {
        Some(value) => convert::timestamp(&value)?,
        None => record.timestamp.unwrap_or_default(),
    };
    let source_service =
        convert::source(fields.take(Name::Source), header(headers, "source_service"))?;
    let aggregate_id = fields.take(Name::AggregateId);
    trace::note(
        &mut fields,
        &mut metadata,
        headers,
        correlation_id,
        event_id,
    );

    let version_is_integer = given_version.as_ref().is_some_and(convert::is_integer);
    let canonical_names = fields.is_canonical() && word == event_type.name();
    let Rest {
        mut data,
        extra,
        flat,
    } = fields.into_rest()?;
    alias::payload(&mut data, event_type);
    let shape = match cloud {
        Some(shape) => shape,
        None => shape::of_body(&shape::Signs {
            camel,
            flat,
            canonical_names,
            version_is_integer,
            lower_case: word.starts_with(|c: char| c.is_ascii_lowercase()),
        }),
    };
    let shape = note_shape(shape, &mut metadata);

    let key = record.key.as_deref().map(String::from_utf8_lossy);
    let aggregate_id = match aggregate_id {
        Some(value) => convert::id_text("aggregate_id", &value)?,
        None => data
            .get("order_id")
            .and_then(Value::as_str)
            .or(key.as_deref())
            .unwrap_or(UNKNOWN_AGGREGATE)
            .to_owned(),
    };
    if let Some(key) = key.filter(|key| *key != aggregate_id) {
        metadata.insert(ORIGINAL_KEY.to_owned(), key.into());
    }
    let envelope = Envelope {
        event_id,
        event_type,
        event_version,
        timestamp,
        source_service,
        correlation_id,
        causation_id,
        aggregate_id,
        data,
        metadata,
        extra,
    };
    Ok((envelope, shape))
}

/// The value as text, where there is one and it is not too large.
fn value_text<'a>(record: &'a Record, limits: &Limits) -> Result<&'a str, Reject> {
    let Some(value) = &record.value else {
        return Err(Reject::envelope("the record has no value"));
    };
    if value.len() > limits.max_value_bytes {
        return Err(Reject::new(
            RejectCode::TooLarge,
            format!(
                "the value has {} bytes, more than {}",
                value.len(),
                limits.max_value_bytes
            ),
        ));
    }
    json::text(value, "the value")
}

/// The word for what happened: the body's, else the header's.
fn event_type_text(fields: &mut Fields, headers: &Headers) -> Result<String, Reject> {
    match fields.take(Name::Type) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(Reject::envelope(format!(
            "event_type must be text, not {}",
            describe::kind(&other)
        ))),
        None => header(headers, "event_type")
            .map(str::to_owned)
            .ok_or_else(|| {
                Reject::envelope("there is no event type, neither in the value nor in the headers")
            }),
    }
}

fn parse_type(
    word: &str,
    cloud: bool,
    version: Option<&Value>,
) -> Result<(EventType, Option<u32>), Reject> {
    let parsed = if cloud {
        EventType::parse_prefixed(word)
    } else {
        EventType::parse(word)
    };
    parsed.ok_or_else(|| {
        let version = version.map_or_else(|| "1".to_owned(), describe::short);
        Reject::new(
            RejectCode::UnknownType,
            format!(
                "the event type \"{}\" (version {version}) is unknown",
                describe::cut(word)
            ),
        )
    })
}

/// An id of the envelope: a field, else one of the metadata's, else a header. One that is no UUID
/// becomes one, and its own text is kept in the metadata.
fn take_id(
    fields: &mut Fields,
    metadata: &mut Map<String, Value>,
    headers: &Headers,
    name: Name,
) -> Result<Option<Uuid>, Reject> {
    let canonical = name.canonical();
    let value = match fields.take(name) {
        Some(value) => Some(value),
        None if name == Name::EventId => None,
        None => alias::take(metadata, name.spellings()),
    };
    let text = match value {
        Some(value) => convert::id_text(canonical, &value)?,
        None => match header(headers, canonical) {
            Some(text) => text.to_owned(),
            None => return Ok(None),
        },
    };
    if let Some(problem) = ids::problem(&text) {
        return Err(Reject::envelope(format!("{canonical} {problem}")));
    }
    Ok(Some(Uuid::try_parse(&text).unwrap_or_else(|_| {
        let id = ids::of_text(&text);
        metadata.insert(format!("original_{canonical}"), text.into());
        id
    })))
}

/// A canonical envelope may be one that a reader made of a foreign record: then the foreign shape's
/// rules go on to hold, or it could never be read again.
fn note_shape(shape: Shape, metadata: &mut Map<String, Value>) -> Shape {
    if shape != Shape::Canonical {
        metadata.insert(ORIGINAL_SHAPE.to_owned(), shape.name().into());
        return shape;
    }
    metadata
        .get(ORIGINAL_SHAPE)
        .and_then(Value::as_str)
        .and_then(Shape::from_name)
        .unwrap_or(shape)
}

/// A header's text whatever its name's case; empty or no UTF-8 is absent.
fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .find_map(|(_, value)| std::str::from_utf8(value.as_deref()?).ok())
        .filter(|text| !text.is_empty())
}
