//! Bounds of time in a filter. What is counted from now is counted once, when it was typed: a list that
//! follows keeps its beginning.

use chrono::{DateTime, Utc};

use super::{Field, Filter, Term, Test};
use crate::domain::when::When;

/// A bound of time; at it is after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    after: bool,
    when: When,
    /// The moment meant; unknown until [`Filter::at`] for what is counted from now.
    pub(super) at: Option<DateTime<Utc>>,
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
    /// The same, with what is counted from now counted from this moment.
    #[must_use]
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        for term in &mut self.terms {
            if let Test::Time(time) = &mut term.test {
                time.at = Some(time.when.at(now));
            }
        }
        self
    }

    /// The times that every row is within: from the first on, and before the second.
    #[must_use]
    pub fn between(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let bounds = |from: bool| {
            let of = move |term: &Term| match term.test {
                Test::Time(time) if (time.after != term.inverse) == from => time.at,
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

impl Time {
    /// Whether a row of this time is on the right side; one without a time is on none.
    pub(super) fn holds(self, of: Option<DateTime<Utc>>) -> bool {
        match of.zip(self.at) {
            Some((of, at)) => (of >= at) == self.after,
            None => false,
        }
    }
}

/// The bound that is typed.
pub(super) fn read(name: &str, wanted: &str) -> Result<Time, String> {
    let when = When::parse(wanted).map_err(|_| {
        format!("{name}= wants a time: 15m (ago), 12:04 (today, UTC), 2026-05-01T12:00:00Z")
    })?;
    Ok(Time {
        after: name == "after",
        when,
        at: match when {
            When::At(at) => Some(at),
            When::Today(_) | When::Ago(_) => None,
        },
    })
}
