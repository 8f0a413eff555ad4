//! The filter language, the same on every screen and on the command line. Terms stand between blanks
//! and all must hold:
//!
//! ```text
//! word               somewhere in the row, whatever its case; quotes for blanks: "timed out"
//! key=ORD-1*         the key; * is any text
//! type=OrderCreated  the event's type; of other rows their word: a verdict, a state, an action, a level
//! group=email*       the group that failed, of a dead letter
//! partition=2
//! after=15m before=12:04      when it happened: ago, today in UTC, or 2026-05-01T12:00:00Z
//! value.data.order_id=ORD-1   a place in the JSON value; of a list, any of its elements
//! header.traceparent=00-*     a header by its name
//! ~time[ds]? ?out    a regular expression
//! !term              the rows without it
//! ```
//!
//! A row that has no such fields, as a line of a log, is asked for the term as it is typed.

mod parse;
mod plain;
mod times;

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::Value;

pub use self::plain::{Plain, PlainTest};
pub use self::times::Other;
use times::Time;

/// What is typed to narrow a list. One that can't be read holds for every row and says why.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
    error: Option<String>,
}

/// Filters are the same when they are typed alike.
impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Clone, Debug)]
struct Term {
    inverse: bool,
    test: Test,
    /// The term without its `!` and its quotes, in lower case.
    typed: String,
}

#[derive(Clone, Debug)]
enum Test {
    /// `typed` stands in one of the texts.
    Word,
    Regex(Regex),
    Field(Field, String),
    Partition(i32),
    Time(Time),
}

#[derive(Clone, Debug)]
enum Field {
    Key,
    Type,
    Group,
    Value(Vec<String>),
    /// In lower case.
    Header(String),
}

/// What a filter is held against.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// The texts of a row without fields.
    Texts(&'a [&'a str]),
    Record(&'a Fields<'a>),
}

/// A record's fields, as far as it has them.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    /// What words and expressions are looked for in.
    pub texts: Vec<Cow<'a, str>>,
    pub key: Option<Cow<'a, str>>,
    pub kind: Option<&'a str>,
    pub group: Option<&'a str>,
    pub partition: Option<i32>,
    pub at: Option<DateTime<Utc>>,
    /// The value, where it is JSON; only [`Filter::reads_value`] needs it.
    pub value: Option<Value>,
    pub headers: Vec<(&'a str, Cow<'a, str>)>,
}

impl Filter {
    /// Lets everything through.
    pub const NONE: Self = Self {
        text: String::new(),
        terms: Vec::new(),
        error: None,
    };

    /// The filter as far as it can be read.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        match parse::terms(&text) {
            Ok(terms) => Self {
                text,
                terms,
                error: None,
            },
            Err(error) => Self {
                text,
                terms: Vec::new(),
                error: Some(error),
            },
        }
    }

    /// The same, where a mistake ends everything.
    ///
    /// # Errors
    /// What is wrong, with the remedy.
    pub fn parse(text: &str) -> Result<Self, String> {
        let filter = Self::new(text);
        filter.error.clone().map_or(Ok(filter), Err)
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why it can't be read.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The text of a filter that is one inverted term.
    #[must_use]
    pub fn without(&self) -> Option<&str> {
        let [Term { inverse: true, .. }] = self.terms.as_slice() else {
            return None;
        };
        self.text.trim().strip_prefix('!')
    }

    /// Whether it looks into the value's JSON.
    #[must_use]
    pub fn reads_value(&self) -> bool {
        let into = |t: &Term| matches!(t.test, Test::Field(Field::Value(_), _));
        self.terms.iter().any(into)
    }

    /// Whether it looks at a record's value or headers.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        let into = |t: &Term| matches!(t.test, Test::Field(Field::Value(_) | Field::Header(_), _));
        self.terms.iter().any(into)
    }

    #[must_use]
    pub fn holds(&self, row: Row<'_>) -> bool {
        self.terms.iter().all(|term| term.holds(row))
    }

    /// The same for texts alone.
    #[must_use]
    pub fn passes<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        if self.terms.is_empty() {
            return true;
        }
        let texts: Vec<&str> = texts.into_iter().collect();
        self.holds(Row::Texts(&texts))
    }
}

impl Term {
    fn holds(&self, row: Row<'_>) -> bool {
        let found = match (&self.test, row) {
            (Test::Regex(regex), row) => anywhere(row, |text| regex.is_match(text)),
            (Test::Field(field, wanted), Row::Record(fields)) => field.holds(fields, wanted),
            (Test::Partition(wanted), Row::Record(fields)) => fields.partition == Some(*wanted),
            (Test::Time(time), Row::Record(fields)) => match time.at {
                Some(_) => time.holds(fields.at),
                // Not known yet, so it says nothing.
                None => return true,
            },
            (Test::Word | Test::Field(..) | Test::Partition(_) | Test::Time(_), row) => {
                anywhere(row, |text| text.to_lowercase().contains(&self.typed))
            }
        };
        found != self.inverse
    }
}

fn anywhere(row: Row<'_>, test: impl Fn(&str) -> bool) -> bool {
    match row {
        Row::Texts(texts) => texts.iter().any(|text| test(text)),
        Row::Record(fields) => fields.texts.iter().any(|text| test(text)),
    }
}

impl Field {
    fn holds(&self, fields: &Fields<'_>, wanted: &str) -> bool {
        match self {
            Self::Key => fields.key.as_deref().is_some_and(|key| like(key, wanted)),
            Self::Type => fields.kind.is_some_and(|kind| like(kind, wanted)),
            Self::Group => fields.group.is_some_and(|group| like(group, wanted)),
            Self::Value(path) => fields.value.as_ref().is_some_and(|v| at(v, path, wanted)),
            Self::Header(name) => {
                let named = |n: &str| n.to_lowercase() == *name;
                let mut headers = fields.headers.iter();
                headers.any(|(n, value)| named(n) && like(value, wanted))
            }
        }
    }
}

/// Whether what stands at the path is like this. A list's elements are meant where no number names one.
fn at(value: &Value, path: &[String], wanted: &str) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return match value {
            Value::String(text) => like(text, wanted),
            Value::Array(list) if list.iter().any(|v| at(v, path, wanted)) => true,
            other => like(&other.to_string(), wanted),
        };
    };
    match value {
        Value::Object(map) => map.get(first).is_some_and(|v| at(v, rest, wanted)),
        Value::Array(list) => match first.parse::<usize>() {
            Ok(index) => list.get(index).is_some_and(|v| at(v, rest, wanted)),
            Err(_) => list.iter().any(|v| at(v, path, wanted)),
        },
        _ => false,
    }
}

/// Whether a text is like a pattern in lower case, in which `*` is any text.
fn like(text: &str, pattern: &str) -> bool {
    let text = text.to_lowercase();
    let Some((start, rest)) = pattern.split_once('*') else {
        return text == pattern;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(found) => left = &left[found + part.len()..],
            None => return false,
        }
    }
    left.ends_with(end)
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
