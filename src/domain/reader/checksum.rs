//! The checksum of camelCase events: SHA-256 over the event without it, written as Python's
//! `json.dumps(event, sort_keys=True)` writes it, since that is what its producers hash.
//!
//! Numbers count as they are written, which a parser does not keep (`1E5` becomes `1e+5`), so this
//! looks at the text once more.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::reject::{Reject, RejectCode};

const FIELD: &str = "checksum";

/// Takes the checksum out of the body and compares it with the body's text; null or absent is fine.
pub(super) fn verify(body: &mut Map<String, Value>, text: &str) -> Result<(), Reject> {
    let mismatch = |reason: String| Err(Reject::new(RejectCode::Checksum, reason));
    let told = match body.shift_remove(FIELD) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(told)) => told,
        Some(_) => return mismatch("the checksum is no text".to_owned()),
    };
    let found = of(text);
    if told.eq_ignore_ascii_case(&found) {
        return Ok(());
    }
    let told: String = told.chars().take(64).collect();
    mismatch(format!(
        "the event says checksum {told} but its content has {found}"
    ))
}

fn of(text: &str) -> String {
    Sha256::digest(canonical(text))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The body with the checksum that it should have; `None` where it has none.
pub(super) fn stamped(mut body: Map<String, Value>) -> Option<String> {
    body.get(FIELD).filter(|told| !told.is_null())?;
    // Numbers count as they are written, and it is this text that will be sent.
    let written = Value::Object(body.clone()).to_string();
    body.insert(FIELD.to_owned(), of(&written).into());
    Some(Value::Object(body).to_string())
}

/// What is hashed: the event without its checksum, keys sorted by code point at every level.
fn canonical(text: &str) -> String {
    let mut node = Scan { rest: text }.node();
    if let Node::Object(fields) = &mut node {
        fields.remove(FIELD);
    }
    let mut out = String::with_capacity(text.len());
    write(&node, &mut out);
    out
}

/// JSON with its numbers as text. The order of a `String`'s bytes is the order of its code points.
enum Node<'a> {
    /// A number, `true`, `false` or `null`.
    Word(&'a str),
    Text(String),
    List(Vec<Node<'a>>),
    Object(BTreeMap<String, Node<'a>>),
}

/// Walks a text that the parser has accepted: it is JSON and not too deep, so there is nothing to
/// refuse. Whatever else it met, it would come to the text's end and stop.
struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    fn node(&mut self) -> Node<'a> {
        match self.peek() {
            Some(b'{') => {
                let mut fields = BTreeMap::new();
                self.each(b'}', |scan| {
                    let name = scan.text();
                    scan.skip(b':');
                    let node = scan.node();
                    // Of a key that comes twice the last counts, as in the parser.
                    fields.insert(name, node);
                });
                Node::Object(fields)
            }
            Some(b'[') => {
                let mut nodes = Vec::new();
                self.each(b']', |scan| nodes.push(scan.node()));
                Node::List(nodes)
            }
            Some(b'"') => Node::Text(self.text()),
            _ => {
                let stop = |c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace();
                let end = self.rest.find(stop).unwrap_or(self.rest.len());
                Node::Word(self.cut(end))
            }
        }
    }

    /// The elements up to `close`, each read by `read`.
    fn each(&mut self, close: u8, mut read: impl FnMut(&mut Self)) {
        self.cut(1);
        while self.peek().is_some_and(|byte| byte != close) {
            let before = self.rest.len();
            read(self);
            self.skip(b',');
            if self.rest.len() == before {
                return;
            }
        }
        self.skip(close);
    }

    fn text(&mut self) -> String {
        self.peek();
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        let quoted = self.cut(end.map_or(self.rest.len(), |end| end + 2));
        serde_json::from_str(quoted).unwrap_or_default()
    }

    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.bytes().next()
    }

    fn skip(&mut self, byte: u8) {
        if self.peek() == Some(byte) {
            self.cut(1);
        }
    }

    fn cut(&mut self, end: usize) -> &'a str {
        let (head, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        head
    }
}

fn write(node: &Node<'_>, out: &mut String) {
    match node {
        Node::Word(word) => out.push_str(word),
        Node::Text(text) => write_text(text, out),
        Node::List(nodes) => {
            out.push('[');
            for (i, node) in nodes.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write(node, out);
            }
            out.push(']');
        }
        Node::Object(fields) => {
            out.push('{');
            for (i, (name, node)) in fields.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write_text(name, out);
                out.push_str(": ");
                write(node, out);
            }
            out.push('}');
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_rewritten_as_python_does() {
        for (text, expected) in [
            ("{}", "{}"),
            (
                "{ \"b\" : [ 1E5 , -0.50 ,true,null ] , \"a\":{} }",
                r#"{"a": {}, "b": [1E5, -0.50, true, null]}"#,
            ),
            (
                r#"{"a":1,"checksum":"x","a":2,"b":{"checksum":3}}"#,
                r#"{"a": 2, "b": {"checksum": 3}}"#,
            ),
            (
                r#"{"q\"\\":"\u0041\/\ud83d\ude00é\u007f\u0001"}"#,
                r#"{"q\"\\": "A/\ud83d\ude00\u00e9\u007f\u0001"}"#,
            ),
            (
                "{\"\u{ff5e}\":1,\"\u{1f600}\":2,\"Z\":3,\"a\":4}",
                r#"{"Z": 3, "a": 4, "\uff5e": 1, "\ud83d\ude00": 2}"#,
            ),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_json_comes_to_an_end() {
        for text in [
            "", "{", "[1", "{\"a\"", "{:}", "[,,]", "{\"a\\", "]", "[}", "{]",
        ] {
            canonical(text);
        }
    }
}
