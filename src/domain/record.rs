//! A Kafka record as plain data, so that everything above the driver can speak of one.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

/// Header names and values in wire order. Kafka allows repeated names, null values and, in a name, any bytes: one
/// that is not UTF-8 is kept as [`name_of`] says.
pub type Headers = Vec<(String, Option<Vec<u8>>)>;

/// Stands before a name that is not UTF-8. No name has it of its own: the wire's names end with it in C.
const RAW: char = '\0';

/// A header's name as text. One that is not UTF-8 is a zero character and then a character for each byte, so that
/// it goes on as it came: through the index, the dead-letter topic and a redrive.
#[must_use]
pub fn name_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => std::iter::once(RAW)
            .chain(bytes.iter().map(|b| char::from(*b)))
            .collect(),
    }
}

/// The bytes of a header's name on the wire.
#[must_use]
pub fn name_bytes(name: &str) -> Cow<'_, [u8]> {
    match name.strip_prefix(RAW) {
        None => Cow::Borrowed(name.as_bytes()),
        Some(raw) => raw
            .chars()
            .map(|c| u8::try_from(c).unwrap_or(b'?'))
            .collect(),
    }
}

/// A header's name for people: of one that is not UTF-8, what is no printable ASCII is `\xff`.
#[must_use]
pub fn name_shown(name: &str) -> Cow<'_, str> {
    match name.strip_prefix(RAW) {
        None => Cow::Borrowed(name),
        Some(_) => Cow::Owned(name_bytes(name).escape_ascii().to_string()),
    }
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// Kafka's record timestamp; `None` where the broker gave none.
    pub timestamp: Option<DateTime<Utc>>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Headers,
}

/// A record to be sent. Without a partition the key decides (murmur2, as Java's clients).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord {
    pub topic: String,
    pub partition: Option<i32>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Headers,
}

/// The value of the first header of that name, where it has one.
#[must_use]
pub fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    headers
        .iter()
        .find(|(n, _)| n == name)
        .and_then(|(_, v)| v.as_deref())
}

/// The same as UTF-8 text; a value that is no UTF-8 counts as absent.
#[must_use]
pub fn header_text<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    header(headers, name).and_then(|v| std::str::from_utf8(v).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_bytes_comes_back_and_is_shown_escaped() {
        for (bytes, shown) in [
            (&b"trace"[..], "trace"),
            ("grüße".as_bytes(), "grüße"),
            (b"", ""),
            (b"a\xff\x1b[2Jb", "a\\xff\\x1b[2Jb"),
            (b"\x80", "\\x80"),
        ] {
            let name = name_of(bytes);
            assert_eq!(name_bytes(&name), bytes);
            assert_eq!(name_shown(&name), shown);
        }
    }
}
