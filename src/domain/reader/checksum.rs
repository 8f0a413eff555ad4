//! The checksum of camelCase events: SHA-256 over the event without it, written as Python's
//! `json.dumps(event, sort_keys=True)` writes it, since that is what its producers hash.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::reject::{Reject, RejectCode};

/// Takes the checksum out of the body and compares; null or absent is fine.
pub(super) fn verify(body: &mut Map<String, Value>) -> Result<(), Reject> {
    let told = match body.shift_remove("checksum") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(told)) => told,
        Some(_) => return Err(mismatch("the checksum is no text".to_owned())),
    };
    let found = of(body);
    if told.eq_ignore_ascii_case(&found) {
        Ok(())
    } else {
        let told: String = told.chars().take(64).collect();
        Err(mismatch(format!(
            "the event says checksum {told} but its content has {found}"
        )))
    }
}

fn mismatch(reason: String) -> Reject {
    Reject::new(RejectCode::Checksum, reason)
}

/// The checksum of an event, in lower-case hex.
pub(super) fn of(body: &Map<String, Value>) -> String {
    let mut out = String::new();
    write_object(body, &mut out);
    Sha256::digest(out.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Recurses as deep as the parser allowed.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(number.as_str()),
        Value::String(text) => write_text(text, out),
        Value::Array(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write(value, out);
            }
            out.push(']');
        }
        Value::Object(map) => write_object(map, out),
    }
}

fn write_object(map: &Map<String, Value>, out: &mut String) {
    // The order of UTF-8 bytes is the order of code points.
    let mut fields: Vec<_> = map.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    out.push('{');
    for (i, (name, value)) in fields.into_iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        write_text(name, out);
        out.push_str(": ");
        write(value, out);
    }
    out.push('}');
}

/// Everything but printable ASCII is escaped, in UTF-16 units.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}
