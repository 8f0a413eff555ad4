//! A Kafka record as plain data, so that everything above the driver can speak of one.

use chrono::{DateTime, Utc};

/// Header names and values in wire order. Kafka allows repeated names and null values.
pub type Headers = Vec<(String, Option<Vec<u8>>)>;

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
