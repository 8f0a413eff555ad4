//! JSON lines that are exact and that no terminal acts on: what could steer one is written as a JSON
//! escape (four hex digits), which a parser reads back as the same text.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

/// Writes one object on one line.
pub(super) fn line(value: &Value, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let text = value.to_string();
    let mut safe = String::with_capacity(text.len());
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
    out.write_all(safe.as_bytes())
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
pub(super) fn time(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| {
        at.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    })
}

/// Whole milliseconds; `null` when unknown.
pub(super) fn millis(duration: Option<Duration>) -> Value {
    duration
        .and_then(|d| u64::try_from(d.as_millis()).ok())
        .into()
}

/// Whole microseconds; `null` when unknown.
pub(super) fn micros(duration: Option<Duration>) -> Value {
    duration
        .and_then(|d| u64::try_from(d.as_micros()).ok())
        .into()
}

/// Bytes under `name` as text where they are UTF-8, else under `name_base64`; the other is `null`.
pub(super) fn bytes(object: &mut Map<String, Value>, name: &str, value: Option<&[u8]>) {
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
pub(super) fn object(value: Value) -> Map<String, Value> {
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
            let mut out = Vec::new();
            line(&serde_json::json!({ "text": text }), &mut out).expect("written");
            let written = String::from_utf8(out).expect("UTF-8");
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
