//! Values from the wire, put into a sentence: short, and by kind where they are large.

use serde_json::Value;

/// Characters by which a text is still recognised.
const ENOUGH: usize = 60;

/// What a value is: `a list`.
#[must_use]
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Small values as they are written, others by kind.
#[must_use]
pub fn short(value: &Value) -> String {
    match value {
        Value::Number(number) => cut(number.as_str()),
        Value::String(text) => format!("\"{}\"", cut(text)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
    }
}

/// Enough of a text to recognise it by.
#[must_use]
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
