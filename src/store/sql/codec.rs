//! How values go into statements and come out of rows. Times and ids have a type of their own in each
//! database (`super::dialect`); a list of rows goes in as one JSON text, so that a batch is one statement.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _, SqlSafeStr};
use uuid::Uuid;

pub(in crate::store) use super::dialect::{Id, Time, at, id, time, uuid};
use super::{Db, Driver, Row, dialect};
use crate::domain::record::Headers;
use crate::store::{StoreError, words};

/// A statement with this database's words in place of the braces.
pub(in crate::store) fn sql(statement: &'static str) -> AssertSqlSafe<String> {
    // Only the house's own text goes in: values are bound.
    AssertSqlSafe(part(statement))
}

/// The same for a part of a statement.
pub(in crate::store) fn part(statement: &str) -> String {
    words::fill(statement, dialect::word)
}

/// A count as the database has it; it never is below zero.
pub(in crate::store) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

/// A count into the database.
pub(in crate::store) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(in crate::store) fn unreadable(what: &str, text: &str) -> StoreError {
    StoreError::Other(format!(
        "the database holds \"{text}\" where a {what} belongs"
    ))
}

/// Rows as the one JSON text that `{rows}` takes apart.
pub(in crate::store) fn json<T: Serialize + ?Sized>(rows: &T) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|e| StoreError::Other(e.to_string()))
}

/// A JSON list whose rows have one part each.
pub(in crate::store) fn list<T: Serialize>(
    parts: impl IntoIterator<Item = T>,
) -> Result<String, StoreError> {
    json(&parts.into_iter().map(|part| (part,)).collect::<Vec<_>>())
}

/// Text that anybody may have written. PostgreSQL's has no NUL; its picture, which screens show anyway,
/// stands in.
pub(in crate::store) fn text(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// Bytes in hex, for `{bytes}`.
pub(in crate::store) fn hex(bytes: &[u8]) -> String {
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
pub(in crate::store) fn headers_text(headers: &Headers) -> String {
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

pub(in crate::store) fn headers(text: &str) -> Result<Headers, StoreError> {
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
pub(in crate::store) struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(in crate::store) fn of(row: &'r Row) -> Self {
        Self { row, next: 0 }
    }

    pub(in crate::store) fn get<T>(&mut self) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'r, Driver> + sqlx::Type<Driver>,
    {
        let column = self.next;
        self.next += 1;
        Ok(self.row.try_get(column)?)
    }

    pub(in crate::store) fn time(&mut self) -> Result<DateTime<Utc>, StoreError> {
        time(self.get()?)
    }

    pub(in crate::store) fn time_or_null(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.get::<Option<Time>>()?.map(time).transpose()
    }

    pub(in crate::store) fn uuid(&mut self) -> Result<Uuid, StoreError> {
        uuid(self.get()?)
    }

    pub(in crate::store) fn uuid_or_null(&mut self) -> Result<Option<Uuid>, StoreError> {
        self.get::<Option<Id>>()?.map(uuid).transpose()
    }

    /// Text of a column where nothing is written as an empty one.
    pub(in crate::store) fn text_or_none(&mut self) -> Result<Option<String>, StoreError> {
        Ok(Some(self.get()?).filter(|text: &String| !text.is_empty()))
    }

    pub(in crate::store) fn count(&mut self) -> Result<u64, StoreError> {
        Ok(count(self.get()?))
    }

    /// A number that is stored wider than it gets.
    pub(in crate::store) fn narrow(&mut self) -> Result<u32, StoreError> {
        let wide: i64 = self.get()?;
        u32::try_from(wide).map_err(|_| unreadable("small number", &wide.to_string()))
    }

    /// A word of a closed set.
    pub(in crate::store) fn word<T>(
        &mut self,
        what: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text: &str = self.get()?;
        parse(text).ok_or_else(|| unreadable(what, text))
    }
}

/// A value for each row, in their order.
pub(in crate::store) fn each<T>(
    rows: &[Row],
    read: impl Fn(&mut Columns<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| read(&mut Columns::of(row))).collect()
}

impl Db {
    /// The rows of a SELECT whose one value is its LIMIT.
    pub(super) async fn first<T>(
        &self,
        statement: impl SqlSafeStr,
        limit: u32,
        read: impl Fn(&mut Columns<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = sqlx::query(statement)
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        each(&rows, read)
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
