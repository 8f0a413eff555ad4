//! Bytes to a JSON object, with the depth bounded before anything recurses.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::describe;
use crate::domain::edit::Place;
use crate::domain::reject::{Reject, RejectCode};

/// Lists and objects may be nested this deep. Parsing, printing and dropping all recurse, so this bound
/// is what keeps them off the stack's end.
pub(super) const MAX_DEPTH: usize = 128;

/// The bytes as text, without a byte order mark.
pub(super) fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, Reject> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Reject::new(
            RejectCode::NotUtf8,
            format!(
                "{what} is no valid Unicode text from byte {} on",
                error.valid_up_to()
            ),
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Parses JSON (RFC 8259) whose outermost value is an object. Of a key that comes twice the last
/// counts; numbers keep all their digits. The one valid JSON that is not read as it stands has
/// `$serde_json::private::Number` as a key: serde_json marks numbers by it.
pub(super) fn object(text: &str, what: &str) -> Result<Map<String, Value>, Reject> {
    let malformed = |problem: String| {
        Reject::new(
            RejectCode::MalformedJson,
            format!("{what} is no JSON: {problem}"),
        )
    };
    if too_deep(text) {
        return Err(malformed(format!("nested deeper than {MAX_DEPTH} levels")));
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    // Its own limit is one level short of ours.
    parser.disable_recursion_limit();
    let value = Value::deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value))
        .map_err(|error| malformed(error.to_string()))?;
    match value {
        Value::Object(map) => Ok(map),
        Value::Array(_) => Err(Reject::envelope(format!(
            "{what} is a list: a batch is not read, send one event a record"
        ))),
        other => Err(Reject::envelope(format!(
            "{what} is {}, not an object",
            describe::kind(&other)
        ))),
    }
}

/// Why a text is no JSON, and where; deeper than the reader goes counts as that.
pub(super) fn syntax(text: &str) -> Result<(), (String, Option<Place>)> {
    if too_deep(text) {
        return Err((format!("nested deeper than {MAX_DEPTH} levels"), None));
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.disable_recursion_limit();
    let read = Value::deserialize(&mut parser).and_then(|_| parser.end());
    read.map_err(|error| {
        let place = match (error.line(), error.column()) {
            // Before the first character of a line: behind the last one of the line above.
            (line @ 2.., 0) => Place {
                line: line - 1,
                column: 1 + text.lines().nth(line - 2).map_or(0, str::len),
            },
            (line, column) => Place { line, column },
        };
        let why = error.to_string();
        // Its place is told beside it.
        let why = why.split(" at line ").next().unwrap_or_default().to_owned();
        (why, Some(place))
    })
}

/// Counts brackets outside of texts. In what is no JSON the count may be off, but never too low for
/// what the parser would get to.
fn too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => {
                while let Some(byte) = rest.next() {
                    match byte {
                        b'\\' => {
                            rest.next();
                        }
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!(
            "{{\"a\":{}{}}}",
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    }

    #[test]
    fn depth_is_bounded() {
        assert!(object(&nested(128), "it").is_ok());
        let reject = object(&nested(129), "it").unwrap_err();
        assert_eq!(reject.code, RejectCode::MalformedJson);
        assert!(object(&"[".repeat(1 << 20), "it").is_err());
        let text = format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(500), "{".repeat(500));
        assert!(object(&text, "it").is_ok());
    }

    #[test]
    fn the_last_of_two_keys_counts() {
        let map = object(r#"{"a":1,"b":2,"a":3}"#, "it").unwrap();
        assert_eq!(map["a"].to_string(), "3");
    }

    #[test]
    fn numbers_keep_every_digit() {
        // Exponents get their sign and a small e: the value is the same, the text may not be.
        let map = object(
            r#"{"a":1.10,"b":1E5,"c":-0,"d":12345678901234567890.5}"#,
            "it",
        )
        .unwrap();
        let text = r#"{"a":1.10,"b":1e+5,"c":-0,"d":12345678901234567890.5}"#;
        assert_eq!(Value::Object(map).to_string(), text);
    }
}
