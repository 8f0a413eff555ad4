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
//! What is not known of a row (its key, type, group, partition or time, or a value that is not JSON) holds
//! for no term that asks for it, inverted or not. A header that is not there and a path that is not in a JSON
//! value are known to be absent, so an inverted term holds for them. A list without such a field refuses
//! the term ([`List`]).
//!
//! A [`Filter`] is what was typed. It judges nothing: what is counted from now is a moment only once that
//! now is said ([`Filter::at`]), and [`Resolved`] judges.

mod fields;
mod parse;
mod plain;
mod times;

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::Value;

pub use self::fields::List;
pub use self::plain::{Plain, PlainTest};
pub use self::times::Other;
use times::Bound;

use super::when::When;

/// What was typed to narrow a list, and could be read.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    terms: Vec<Term<When>>,
}

/// Filters are the same when they are typed alike.
impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A filter of which every time is a moment.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    text: String,
    terms: Vec<Term<DateTime<Utc>>>,
}

/// They are the same when they are typed alike and mean the same moments.
impl PartialEq for Resolved {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.moments().eq(other.moments())
    }
}

/// `T` is a time: as it was typed, or the moment.
#[derive(Clone, Debug)]
struct Term<T> {
    inverse: bool,
    test: Test<T>,
    /// The term without its `!` and its quotes, in lower case.
    typed: String,
}

#[derive(Clone, Debug)]
enum Test<T> {
    /// `typed` stands in one of the texts.
    Word,
    Regex(Regex),
    Field(Field, String),
    Partition(i32),
    Time(Bound<T>),
}

#[derive(Clone, Debug)]
enum Field {
    Key,
    Type,
    Group,
    Value(Vec<String>),
    /// In lower case.
    Header(String),
    /// One that no list has: it is told, and holds for nothing.
    Other(String),
}

/// A row's fields; `None` is unknown.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    /// What words and expressions are looked for in.
    pub texts: Vec<Cow<'a, str>>,
    pub key: Option<Cow<'a, str>>,
    pub kind: Option<&'a str>,
    pub group: Option<&'a str>,
    pub partition: Option<i32>,
    pub at: Option<DateTime<Utc>>,
    /// The value, where it is JSON; only [`Resolved::reads_value`] needs it.
    pub value: Option<Value>,
    pub headers: Vec<(&'a str, Cow<'a, str>)>,
}

impl Filter {
    /// Reads what was typed.
    ///
    /// # Errors
    /// What is wrong, with the remedy.
    pub fn parse(text: &str) -> Result<Self, String> {
        let terms = parse::terms(text)?;
        Ok(Self {
            text: text.to_owned(),
            terms,
        })
    }

    /// The same where this list has every field that it asks for.
    ///
    /// # Errors
    /// Which field the list has not, and which ones it has.
    pub fn only(self, list: List) -> Result<Self, String> {
        list.has_all(&self.terms).map(|()| self)
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

impl Resolved {
    /// Lets everything through.
    pub const NONE: Self = Self {
        text: String::new(),
        terms: Vec::new(),
    };

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
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
        let into = |t: &Term<_>| matches!(t.test, Test::Field(Field::Value(_), _));
        self.terms.iter().any(into)
    }

    /// Whether it looks at a record's value or headers.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        let into =
            |t: &Term<_>| matches!(t.test, Test::Field(Field::Value(_) | Field::Header(_), _));
        self.terms.iter().any(into)
    }

    /// Whether it lets a row through.
    #[must_use]
    pub fn holds(&self, fields: &Fields<'_>) -> bool {
        self.terms.iter().all(|term| term.holds(fields))
    }

    /// The same for a row that is texts alone.
    #[must_use]
    pub fn passes<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        self.terms.is_empty()
            || self.holds(&Fields {
                texts: texts.into_iter().map(Cow::Borrowed).collect(),
                ..Fields::default()
            })
    }
}

impl Term<DateTime<Utc>> {
    /// What is unknown holds for nothing, inverted or not.
    fn holds(&self, fields: &Fields<'_>) -> bool {
        let anywhere = |test: &dyn Fn(&str) -> bool| fields.texts.iter().any(|text| test(text));
        let found = match &self.test {
            Test::Word => Some(anywhere(&|text| text.to_lowercase().contains(&self.typed))),
            Test::Regex(regex) => Some(anywhere(&|text| regex.is_match(text))),
            Test::Field(field, wanted) => field.judge(fields, wanted),
            Test::Partition(wanted) => fields.partition.map(|partition| partition == *wanted),
            Test::Time(bound) => fields.at.map(|at| bound.holds(at)),
        };
        found.is_some_and(|found| found != self.inverse)
    }
}

impl Field {
    /// `None`: the row's field is unknown.
    fn judge(&self, fields: &Fields<'_>, wanted: &str) -> Option<bool> {
        match self {
            Self::Key => fields.key.as_deref().map(|key| like(key, wanted)),
            Self::Type => fields.kind.map(|kind| like(kind, wanted)),
            Self::Group => fields.group.map(|group| like(group, wanted)),
            Self::Value(path) => fields.value.as_ref().map(|value| at(value, path, wanted)),
            Self::Other(_) => None,
            Self::Header(name) => {
                let named = |n: &str| n.to_lowercase() == *name;
                let mut headers = fields.headers.iter();
                Some(headers.any(|(n, value)| named(n) && like(value, wanted)))
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

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
