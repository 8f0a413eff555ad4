//! Bounds of time in a filter. What is counted from now is counted once, when that now is said: a list that
//! follows keeps its beginning.

use chrono::{DateTime, Utc};

use super::{Field, Filter, Resolved, Term, Test};
use crate::domain::when::When;

/// A bound of time; the bound itself is after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound<T> {
    after: bool,
    at: T,
}

/// A term that is no time, as one that looks rows up by a key of theirs needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other<'a> {
    /// In lower case.
    Word(&'a str),
    /// `type=`, in lower case.
    Type(&'a str),
    Else,
}

impl Filter {
    /// The filter that judges, with what is counted from now counted from this moment.
    #[must_use]
    pub fn at(&self, now: DateTime<Utc>) -> Resolved {
        let resolved = |term: &Term<When>| Term {
            inverse: term.inverse,
            test: match &term.test {
                Test::Word => Test::Word,
                Test::Regex(regex) => Test::Regex(regex.clone()),
                Test::Field(field, wanted) => Test::Field(field.clone(), wanted.clone()),
                Test::Partition(wanted) => Test::Partition(*wanted),
                Test::Time(bound) => Test::Time(Bound {
                    after: bound.after,
                    at: bound.at.at(now),
                }),
            },
            typed: term.typed.clone(),
        };
        Resolved {
            text: self.text.clone(),
            terms: self.terms.iter().map(resolved).collect(),
        }
    }
}

impl Resolved {
    /// The moments that it names, as they are typed.
    pub(super) fn moments(&self) -> impl Iterator<Item = DateTime<Utc>> {
        self.terms.iter().filter_map(|term| match term.test {
            Test::Time(bound) => Some(bound.at),
            _ => None,
        })
    }

    /// The times that every row is within: from the first on, and before the second.
    #[must_use]
    pub fn between(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let bounds = |from: bool| {
            let of = move |term: &Term<_>| match term.test {
                Test::Time(bound) if (bound.after != term.inverse) == from => Some(bound.at),
                _ => None,
            };
            self.terms.iter().filter_map(of)
        };
        (bounds(true).max(), bounds(false).min())
    }

    /// The terms that are no times.
    #[must_use]
    pub fn others(&self) -> Vec<Other<'_>> {
        let rest = self
            .terms
            .iter()
            .filter(|t| !matches!(t.test, Test::Time(_)));
        rest.map(|term| match &term.test {
            _ if term.inverse => Other::Else,
            Test::Word => Other::Word(&term.typed),
            Test::Field(Field::Type, wanted) => Other::Type(wanted),
            _ => Other::Else,
        })
        .collect()
    }
}

impl Bound<DateTime<Utc>> {
    /// Whether this time is on the right side.
    pub(super) fn holds(self, time: DateTime<Utc>) -> bool {
        (time >= self.at) == self.after
    }
}

impl<T> Bound<T> {
    /// As it is typed.
    pub(super) fn name(&self) -> &'static str {
        if self.after { "after" } else { "before" }
    }
}

/// The bound that is typed.
pub(super) fn read(name: &str, wanted: &str) -> Result<Bound<When>, String> {
    let at = When::parse(wanted).map_err(|_| {
        format!("{name}= wants a time: 15m (ago), 12:04 (today, UTC), 2026-05-01T12:00:00Z")
    })?;
    Ok(Bound {
        after: name == "after",
        at,
    })
}
