//! CloudEvents 1.0 in Kafka's two modes. Binary is turned into what structured would have said, so that
//! one reading of attributes serves both.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::json;
use super::shape::Shape;
use crate::domain::describe;
use crate::domain::record::Headers;
use crate::domain::reject::Reject;

const PREFIX: &str = "ce_";

/// Some producers leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The body with a CloudEvent's attributes as fields beside `data`, and its mode; any other body as it
/// was. A body with `specversion` is structured whatever the content type says; one that tells an event
/// type of its own is read by itself, since the body wins over headers.
pub(super) fn unwrap(
    mut body: Map<String, Value>,
    headers: &Headers,
) -> Result<(Map<String, Value>, Option<Shape>), Reject> {
    let told = |body: &Map<String, Value>, name: &str| {
        body.get(name).is_some_and(|value| !value.is_null())
    };
    if told(&body, "specversion") {
        check_version(body.shift_remove("specversion"))?;
        decode_data(&mut body)?;
        return Ok((body, Some(Shape::CloudEventsStructured)));
    }
    let mut attributes = attributes(headers);
    if !told(&attributes, "specversion") || told(&body, "event_type") || told(&body, "eventType") {
        return Ok((body, None));
    }
    check_version(attributes.shift_remove("specversion"))?;
    attributes.insert("data".to_owned(), Value::Object(body));
    Ok((attributes, Some(Shape::CloudEventsBinary)))
}

/// The `ce_` headers by their attributes' names, which are compared without case; the first counts.
fn attributes(headers: &Headers) -> Map<String, Value> {
    let mut attributes = Map::new();
    for (name, value) in headers {
        let text = value.as_deref().map(std::str::from_utf8);
        if let (Some((prefix, name)), Some(Ok(text))) = (name.split_at_checked(PREFIX.len()), text)
            && prefix.eq_ignore_ascii_case(PREFIX)
        {
            attributes
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| text.into());
        }
    }
    attributes
}

fn check_version(value: Option<Value>) -> Result<(), Reject> {
    let value = value.unwrap_or_default();
    let text = match &value {
        Value::String(text) => text.as_str(),
        Value::Number(number) => number.as_str(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => "",
    };
    match text.strip_prefix("1.") {
        Some(minor) if !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
        _ => Err(Reject::envelope(format!(
            "CloudEvents specversion is {}, and 1.x is what is read",
            describe::short(&value)
        ))),
    }
}

/// Puts the object of `data_base64` where `data` would be.
fn decode_data(body: &mut Map<String, Value>) -> Result<(), Reject> {
    let data = body.get("data").is_some_and(|value| !value.is_null());
    if data {
        return Ok(());
    }
    let decoded = match body.shift_remove("data_base64") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(text)) => BASE64
            .decode(text)
            .map_err(|error| Reject::envelope(format!("data_base64 is no base64: {error}")))?,
        Some(other) => {
            return Err(Reject::envelope(format!(
                "data_base64 must be text, not {}",
                describe::kind(&other)
            )));
        }
    };
    let object = json::object(json::text(&decoded, "data_base64")?, "data_base64")?;
    body.insert("data".to_owned(), Value::Object(object));
    Ok(())
}

/// The version of a `dataschema` that ends in `/vN`.
pub(super) fn schema_version(schema: &Value) -> Option<u32> {
    let (_, digits) = schema.as_str()?.rsplit_once("/v")?;
    let number = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    // A number beyond any is unknown, as the largest is.
    (number && !digits.is_empty()).then(|| digits.parse().unwrap_or(u32::MAX))
}
