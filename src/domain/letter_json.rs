//! A letter as JSON, for whoever writes one out. Lines are exact, and no terminal acts on them: what could
//! steer one is written as a JSON escape (four hex digits), which a parser reads back as the same text.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::fault::Stage;
use super::letter::{Letter, LetterBody};
use super::record::{Headers, name_shown};

/// What the index has of a letter.
#[must_use]
pub fn facts(l: &Letter) -> Map<String, Value> {
    let mut facts = object(json!({
        "id": l.id,
        "status": l.status.name(),
        "family": l.family.name(),
        "group": l.group,
        "topic": l.topic,
        "partition": l.partition,
        "offset": l.offset,
    }));
    bytes(&mut facts, "key", l.key.as_deref());
    facts.extend(object(json!({
        "event_id": l.event_id,
        "event_type": l.event_type,
        "correlation_id": l.correlation_id,
        "stage": l.stage.map(Stage::name),
        "code": l.code,
        "message": l.message,
        "fingerprint": l.fingerprint,
        "attempts": l.attempts,
        "first_failed_at": time(Some(l.first_failed_at)),
        "last_failed_at": time(Some(l.last_failed_at)),
        "redrives": l.redrives,
        "outcome": l.outcome.map(|o| o.name()),
        "blocked_by": l.blocked_by,
        "note": l.note,
        "archived_because": l.archived_because(),
        "dlq_topic": l.dlq.as_ref().map(|d| &d.topic),
        "dlq_partition": l.dlq.as_ref().map(|d| d.partition),
        "dlq_offset": l.dlq.as_ref().map(|d| d.offset),
    })));
    facts
}

/// The same with headers and value.
#[must_use]
pub fn full(l: &Letter, body: &LetterBody) -> Map<String, Value> {
    let mut object = facts(l);
    object.insert("headers".to_owned(), headers(&body.headers));
    bytes(&mut object, "value", body.value.as_deref());
    object
}

/// A record's headers, in their order: a name may stand more than once.
#[must_use]
pub fn headers(headers: &Headers) -> Value {
    let header = |(name, value): &(String, Option<Vec<u8>>)| {
        let mut header = Map::from_iter([("name".to_owned(), name_shown(name).into())]);
        bytes(&mut header, "value", value.as_deref());
        Value::Object(header)
    };
    headers.iter().map(header).collect()
}

/// One object on one line, its end included.
#[must_use]
pub fn line(value: &Value) -> String {
    let text = value.to_string();
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if steers(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    safe
}

/// DEL, C1, bidi and other format characters, line separators, tags. C0 is escaped by JSON itself.
fn steers(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// RFC 3339 in UTC; `null` when unknown.
pub fn time(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| {
        at.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    })
}

/// Bytes under `name` as text where they are UTF-8, else under `name_base64`; the other is `null`.
pub fn bytes(object: &mut Map<String, Value>, name: &str, value: Option<&[u8]>) {
    let (text, encoded) = match value {
        None => (Value::Null, Value::Null),
        Some(value) => match std::str::from_utf8(value) {
            Ok(text) => (text.into(), Value::Null),
            Err(_) => (Value::Null, STANDARD.encode(value).into()),
        },
    };
    object.insert(name.to_owned(), text);
    object.insert(format!("{name}_base64"), encoded);
}

/// The fields of an object made by `json!`.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back_and_none_steers(text in any::<String>()) {
            let written = line(&json!({ "text": text }));
            let body = written.strip_suffix('\n').expect("one line");
            prop_assert!(!body.contains(|c: char| c.is_control() || steers(c)));
            let back: Value = serde_json::from_str(body).expect("JSON");
            prop_assert_eq!(&back["text"], &Value::from(text));
        }

        #[test]
        fn any_bytes_come_back(value in any::<Vec<u8>>()) {
            let mut object = Map::new();
            bytes(&mut object, "value", Some(&value));
            let back = match (&object["value"], &object["value_base64"]) {
                (Value::String(text), Value::Null) => text.clone().into_bytes(),
                (Value::Null, Value::String(text)) => STANDARD.decode(text).expect("base64"),
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(back, value);
        }
    }
}
