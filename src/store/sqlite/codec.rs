//! How values stand in columns: times as microseconds since 1970, ids as text, bytes as they are. A
//! list of rows goes into a statement as one JSON text and is taken apart by `json_each`, so that a
//! batch is one statement with a fixed text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::domain::record::Headers;
use crate::store::StoreError;

pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

pub(super) fn time(micros: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| unreadable("time", &micros.to_string()))
}

pub(super) fn uuid(text: &str) -> Result<Uuid, StoreError> {
    Uuid::try_parse(text).map_err(|_| unreadable("id", text))
}

/// A count as the database has it; it never is below zero.
pub(super) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

/// A count into the database.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn unreadable(what: &str, text: &str) -> StoreError {
    StoreError::Other(format!(
        "the database holds \"{text}\" where a {what} belongs"
    ))
}

/// Rows as the one JSON text that `json_each` takes apart.
pub(super) fn json<T: Serialize + ?Sized>(rows: &T) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|e| StoreError::Other(e.to_string()))
}

/// Ids as a JSON list.
pub(super) fn json_ids(ids: impl IntoIterator<Item = Uuid>) -> Result<String, StoreError> {
    json(&ids.into_iter().collect::<Vec<_>>())
}

/// Bytes in hex, for `unhex`.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(nibble)]));
        }
    }
    text
}

/// Headers as JSON: `[[name, text or null or {"base64": …}], …]`.
pub(super) fn headers_text(headers: &Headers) -> String {
    let list = headers.iter().map(|(name, value)| {
        let value = match value.as_deref().map(|v| (v, std::str::from_utf8(v))) {
            None => Value::Null,
            Some((_, Ok(text))) => Value::from(text),
            Some((bytes, Err(_))) => serde_json::json!({ "base64": STANDARD.encode(bytes) }),
        };
        Value::Array(vec![Value::from(name.as_str()), value])
    });
    Value::Array(list.collect()).to_string()
}

pub(super) fn headers(text: &str) -> Result<Headers, StoreError> {
    let bad = || unreadable("list of headers", text);
    let list: Vec<(String, Value)> = serde_json::from_str(text).map_err(|_| bad())?;
    list.into_iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Null => None,
                Value::String(text) => Some(text.into_bytes()),
                other => {
                    let encoded = other
                        .get("base64")
                        .and_then(Value::as_str)
                        .ok_or_else(bad)?;
                    Some(STANDARD.decode(encoded).map_err(|_| bad())?)
                }
            };
            Ok((name, value))
        })
        .collect()
}

/// Reads a row's columns one after the other, in the order of the SELECT.
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn get<T>(&mut self) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let column = self.next;
        self.next += 1;
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn time(&mut self) -> Result<DateTime<Utc>, StoreError> {
        time(self.get()?)
    }

    pub(super) fn time_or_null(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.get::<Option<i64>>()?.map(time).transpose()
    }

    pub(super) fn uuid(&mut self) -> Result<Uuid, StoreError> {
        uuid(self.get()?)
    }

    pub(super) fn uuid_or_null(&mut self) -> Result<Option<Uuid>, StoreError> {
        self.get::<Option<&str>>()?.map(uuid).transpose()
    }

    /// Text of a column where nothing is written as an empty one.
    pub(super) fn text_or_none(&mut self) -> Result<Option<String>, StoreError> {
        Ok(Some(self.get()?).filter(|text: &String| !text.is_empty()))
    }

    pub(super) fn count(&mut self) -> Result<u64, StoreError> {
        Ok(count(self.get()?))
    }

    /// A word of a closed set.
    pub(super) fn word<T>(
        &mut self,
        what: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text: &str = self.get()?;
        parse(text).ok_or_else(|| unreadable(what, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_byte_for_byte() {
        let all: Headers = vec![
            ("text".into(), Some("grüße\0\u{2028}".into())),
            ("text".into(), Some(Vec::new())),
            ("null".into(), None),
            ("bytes".into(), Some(vec![0xff, 0, 0xfe])),
        ];
        assert_eq!(headers(&headers_text(&all)).unwrap(), all);
        assert!(headers("{}").is_err());
        assert!(headers("[[\"a\",{\"base64\":\"!\"}]]").is_err());
    }

    #[test]
    fn hex_is_hex() {
        assert_eq!(hex(&[0, 0x0f, 0xff, b'a']), "000fff61");
    }
}
