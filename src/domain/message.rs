//! A topic's record as it is looked at: with the type it says it has, and as fields for a filter.

use std::borrow::Cow;

use serde_json::Value;

use super::filter::{Fields, Resolved};
use super::record::{Record, header_text};

/// Where the type stands: in a header, as Debezium's router, CloudEvents and Spring write it, else in the
/// body.
const HEADERS: [&str; 6] = [
    "event_type",
    "eventType",
    "ce_type",
    "ce-type",
    "type",
    "__TypeId__",
];
const BODY: [&str; 3] = ["event_type", "eventType", "type"];

/// A record and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub record: Record,
    /// The type by its own words, whether anybody knows it or not.
    pub kind: Option<String>,
}

impl Message {
    /// The record, if it passes the filter.
    #[must_use]
    pub fn passing(record: Record, filter: &Resolved) -> Option<Self> {
        let mut kind = kind_in_headers(&record).map(str::to_owned);
        let mut value = None;
        // Reading JSON costs more than all the rest.
        if kind.is_none() || filter.reads_value() {
            value = record.value.as_deref().and_then(json);
            kind = kind.or_else(|| kind_in_body(value.as_ref()?).map(str::to_owned));
        }
        if !filter.is_empty() {
            let fields = fields(&record, kind.as_deref(), value);
            if !filter.holds(&fields) {
                return None;
            }
        }
        Some(Self { record, kind })
    }

    /// What tells it from every other of its topic.
    #[must_use]
    pub fn place(&self) -> (i32, i64) {
        (self.record.partition, self.record.offset)
    }

    /// Bytes of the value; `None` where there is none.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        self.record.value.as_ref().map(Vec::len)
    }

    /// Bytes that it holds in memory, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        let headers = &self.record.headers;
        let headers = headers
            .iter()
            .map(|(name, value)| 64 + name.len() + value.as_ref().map_or(0, Vec::len));
        let key = self.record.key.as_ref().map_or(0, Vec::len);
        256 + key + self.size().unwrap_or(0) + headers.sum::<usize>()
    }
}

fn json(bytes: &[u8]) -> Option<Value> {
    let starts = bytes.iter().find(|b| !b.is_ascii_whitespace());
    matches!(starts, Some(b'{' | b'[')).then_some(())?;
    serde_json::from_slice(bytes).ok()
}

fn kind_in_headers(record: &Record) -> Option<&str> {
    let mut names = HEADERS.iter();
    names.find_map(|name| header_text(&record.headers, name))
}

fn kind_in_body(value: &Value) -> Option<&str> {
    let map = value.as_object()?;
    let mut names = BODY.iter();
    names.find_map(|name| map.get(*name)?.as_str())
}

fn fields<'a>(record: &'a Record, kind: Option<&'a str>, value: Option<Value>) -> Fields<'a> {
    let text = |bytes: &'a [u8]| String::from_utf8_lossy(bytes);
    let key: Option<Cow<'a, str>> = record.key.as_deref().map(text);
    let headers: Vec<(&str, Cow<'a, str>)> = record
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), text(value.as_deref()?))))
        .collect();
    let mut texts: Vec<Cow<'a, str>> = key.iter().cloned().collect();
    texts.extend(record.value.as_deref().map(text));
    texts.extend(headers.iter().map(|(_, value)| value.clone()));
    Fields {
        texts,
        key,
        kind,
        group: None,
        partition: Some(record.partition),
        at: record.timestamp,
        value,
        headers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::Filter;

    fn record(value: &[u8], headers: &[(&str, &str)]) -> Record {
        Record {
            topic: "t".into(),
            partition: 1,
            offset: 7,
            timestamp: None,
            key: Some(b"k\xff".to_vec()),
            value: Some(value.to_vec()),
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), Some(v.as_bytes().to_vec())))
                .collect(),
        }
    }

    #[test]
    fn the_type_is_what_header_or_body_say() {
        let all = Resolved::NONE;
        for (value, headers, wanted) in [
            (r#"{"eventType":"A"}"#, &[][..], Some("A")),
            (r#"{"type":"A"}"#, &[("ce_type", "B")][..], Some("B")),
            ("[1]", &[][..], None),
            ("\u{0}", &[][..], None),
        ] {
            let message =
                Message::passing(record(value.as_bytes(), headers), &all).expect("passes");
            assert_eq!(message.kind.as_deref(), wanted, "{value}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_filtered_too() {
        let passes = |filter: &str| {
            let filter = Filter::parse(filter).expect("a filter");
            let filter = filter.at(chrono::DateTime::default());
            Message::passing(record(b"\xfe\xffbody", &[("h", "x")]), &filter).is_some()
        };
        assert!(
            passes("body") && passes("key=k*") && passes("header.h=x") && passes("partition=1")
        );
        assert!(!passes("value.a=*") && !passes("!body"));
    }
}
